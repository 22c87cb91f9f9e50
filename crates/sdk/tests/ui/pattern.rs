#![allow(unused_variables)]

use surrealism::surrealism;

#[surrealism]
fn tuple((a, b): (i64, i64)) {}

#[surrealism]
fn wildcard(_: i64) {}

fn main() {}
