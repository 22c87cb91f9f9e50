//! Queries and calls without the capabilities that they need.

use surrealism::surrealdb_types::Value;
use surrealism::{anyhow, kv, surrealism};

/// Runs a query.
#[surrealism]
fn sql(query: String) -> anyhow::Result<Value> {
    surrealism::sql(query)
}

/// Calls a function without arguments.
#[surrealism]
fn run(function: String) -> anyhow::Result<Value> {
    surrealism::run(function, None, ())
}

/// Uses the store, which needs no capability.
#[surrealism]
fn store() -> anyhow::Result<bool> {
    kv::set("key", true)?;
    kv::exists("key")
}
