#![allow(unused_variables)]

use surrealism::surrealism;

#[surrealism]
fn text(x: &str) {}

#[surrealism]
fn slice(x: &[Option<i64>]) {}

#[surrealism]
fn within(x: Option<&'static str>, y: &mut Vec<(i64, i64)>) {}

#[surrealism]
fn of_a_trait(x: &dyn Clone) {}

fn main() {}
