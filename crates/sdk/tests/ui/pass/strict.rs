//! A crate with strict lints, under which the output of the attribute gives no warning.

#![deny(warnings, missing_docs, unsafe_op_in_unsafe_fn, unused_qualifications, unreachable_pub)]

use surrealism::{SurrealValue, surrealism};

#[derive(SurrealValue)]
struct Point {
    x: f64,
    y: f64,
}

#[surrealism]
fn mirror(#[name = "point"] Point { x, y }: Point) -> Point {
    Point { x: y, y: x }
}

#[surrealism(writeable)]
async fn later(mut seconds: u64) -> Result<u64, std::fmt::Error> {
    seconds += 1;
    Ok(seconds)
}

#[surrealism(init)]
fn start() {}

#[deprecated]
#[surrealism]
fn old() {}

fn main() {}
