#![allow(unused_variables)]

use surrealism::surrealism;

#[surrealism(init)]
fn f(x: i64, y: i64) {}

fn main() {}
