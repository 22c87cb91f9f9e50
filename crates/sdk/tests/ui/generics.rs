#![allow(unused_variables)]

use surrealism::surrealism;

#[surrealism]
fn of_types<T, const N: usize>(x: i64) {}

#[surrealism]
fn of_lifetimes<'a>(x: std::borrow::Cow<'a, String>) {}

#[surrealism]
fn hidden(x: Option<impl Clone>) -> impl Clone {
    1
}

fn main() {}
