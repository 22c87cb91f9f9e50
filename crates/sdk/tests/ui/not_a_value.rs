#![allow(unused_variables)]

use surrealism::surrealism;

struct Opaque;

#[surrealism]
fn parameter(x: Vec<Opaque>) {}

#[surrealism]
fn returned() -> Option<Opaque> {
    None
}

#[surrealism]
fn fallible() -> Result<Opaque, String> {
    Ok(Opaque)
}

#[surrealism]
fn error() -> Result<i64, Opaque> {
    Ok(1)
}

#[surrealism]
async fn later(x: Opaque) -> Opaque {
    x
}

fn main() {}
