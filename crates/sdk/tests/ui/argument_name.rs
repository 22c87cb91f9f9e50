#![allow(unused_variables)]

use surrealism::surrealism;

#[surrealism]
fn twice(a: i64, #[name = "a"] b: i64) {}

#[surrealism]
fn malformed(#[name = "a::b"] a: i64, #[name = ""] b: i64) {}

#[surrealism]
fn wrong_form(#[name("a")] a: i64, #[name] b: i64) {}

#[surrealism]
fn named_twice(#[name = "a"] #[name = "b"] c: i64) {}

fn main() {}
