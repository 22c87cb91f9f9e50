//! Numbers at the edges of their types.

use surrealism::{SurrealValue, anyhow, kv, run, surrealdb_types, surrealism};

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

/// With the derive of `surrealdb_types`, whose conversion to a value cannot fail.
mod published {
    use surrealism::surrealdb_types::SurrealValue;

    #[derive(SurrealValue)]
    #[surreal(crate = "surrealism::surrealdb_types")]
    pub(super) struct Counted {
        pub(super) count: Option<Vec<u64>>,
    }

    #[derive(SurrealValue)]
    #[surreal(crate = "surrealism::surrealdb_types")]
    pub(super) struct Measured {
        pub(super) weights: Vec<Option<f32>>,
    }
}

#[derive(SurrealValue)]
struct Measured {
    weight: f32,
    others: Vec<Option<f32>>,
}

#[surrealism]
fn measured(x: Measured) -> Measured {
    x
}

#[surrealism]
fn published_measured(x: published::Measured) -> published::Measured {
    x
}

#[surrealism]
fn published_counted(count: f64) -> published::Counted {
    published::Counted { count: Some(vec![1, count as u64]) }
}

/// Returns what the store holds after the number, and then an object with it, were written.
#[surrealism]
fn stored(count: f64) -> anyhow::Result<surrealdb_types::Value> {
    let count = count as u64;
    kv::set("count", count)?;
    kv::set_batch([("batch", Some(count))])?;
    kv::compare_and_set("swapped", None, Some(count))?;
    kv::set("object", published::Counted { count: Some(vec![count]) })?;
    Ok(kv::get("object")?.unwrap_or_default())
}

/// Returns the error of `run`, which no capability permits.
#[surrealism]
fn passed(count: f64) -> anyhow::Result<f64> {
    run("math::abs", None, (count as u64, "x".to_string()))
}

/// Reads a number from the store as an `f32`.
#[surrealism]
fn read(x: f64) -> anyhow::Result<Option<f32>> {
    kv::set("float", x)?;
    kv::get("float")
}

#[surrealism]
fn counted(count: f64) -> Vec<Counted> {
    vec![Counted { label: "x".to_string(), count: count as u64 }]
}
