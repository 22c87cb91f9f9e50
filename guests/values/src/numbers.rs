//! Numbers at the edges of their types.

use surrealism::{SurrealValue, surrealism};

surrealism::namespace!(numbers);

#[derive(SurrealValue)]
struct Counted {
    label: String,
    count: u64,
}

#[surrealism]
fn byte(x: u8) -> u8 {
    x
}

#[surrealism]
fn single(x: f32) -> f32 {
    x
}

#[surrealism]
fn bytes(x: Vec<u8>) -> Vec<u8> {
    x
}

#[surrealism]
fn floats(x: Vec<f64>) -> Vec<f64> {
    x
}

/// Returns an integer that is out of range.
#[surrealism]
fn largest() -> u64 {
    u64::MAX
}

#[surrealism]
fn counted(count: f64) -> Vec<Counted> {
    vec![Counted { label: "x".to_string(), count: count as u64 }]
}
