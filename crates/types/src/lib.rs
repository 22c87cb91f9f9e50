//! What the two sides of a Surrealism call share: how arguments are marshalled ([`args`]), how
//! values are encoded between host and guest ([`codec`]), and how a call fails ([`err`]).
//!
//! Values themselves are those of [`surrealdb_types`]. Feature `host` adds the error variants that
//! carry a wasmtime error; a guest never sees wasmtime.

pub mod args;
pub mod codec;
#[cfg(feature = "coerce")]
pub mod coerce;
pub mod err;
#[cfg(feature = "coerce")]
pub mod json;
