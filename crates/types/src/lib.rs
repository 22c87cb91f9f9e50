//! The types that both sides of a Surrealism call share.
//!
//! - [`args`] has a function's arguments as Rust types.
//! - [`convert`] converts Rust types without losing a number.
//! - [`codec`] encodes and decodes the bytes that cross between host and guest.
//! - [`err`] has the errors of a host.
//!
//! Values are those of [`surrealdb_types`]. Plugin authors use this crate through `surrealism`, which
//! re-exports it as `surrealism::types`; embedders use it through `surrealism-runtime`.
//!
//! # Features
//!
//! - `host` (off by default) adds the error variants that carry a `wasmtime::Error`, and `validate`.
//!   `surrealism-runtime` enables it. Guests leave it off: it links wasmtime.
//! - `validate` checks untrusted bytes before they are decoded.
//! - `kv` adds the interface of key-value stores, the one in memory, and the limits that all enforce.

pub mod args;
pub mod codec;
#[cfg(feature = "coerce")]
pub mod coerce;
pub mod convert;
pub mod err;
#[cfg(feature = "kv")]
pub mod guest_error;
#[cfg(feature = "coerce")]
pub mod json;
#[cfg(feature = "kv")]
pub mod kv;
#[cfg(feature = "kv")]
pub mod limits;
#[cfg(feature = "coerce")]
pub mod names;
mod numbers;
#[cfg(feature = "kv")]
pub mod text;
