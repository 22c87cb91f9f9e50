//! Write functions for SurrealDB in Rust.
//!
//! A plugin is a library crate with `crate-type = ["cdylib"]` and this one dependency. Every
//! function under [`#[surrealism]`](macro@surrealism) can be called from SurrealQL:
//!
//! ```
//! use surrealism::surrealdb_types::SurrealValue;
//! use surrealism::surrealism;
//!
//! #[derive(SurrealValue)]
//! #[surreal(crate = "surrealism::surrealdb_types")]
//! struct Person {
//!     name: String,
//!     age: i64,
//! }
//!
//! /// Whether someone may drive.
//! #[surrealism]
//! fn can_drive(person: Person) -> bool {
//!     person.age >= 18
//! }
//!
//! /// How many people may.
//! #[surrealism(name = "count::drivers")]
//! fn count_drivers() -> surrealism::anyhow::Result<i64> {
//!     surrealism::sql("RETURN count(SELECT * FROM person WHERE age >= 18)")
//! }
//! ```
//!
//! Arguments and results are whatever implements
//! [`SurrealValue`](surrealdb_types::SurrealValue). What a plugin may ask of its host is in
//! [`imports`]: queries, other functions, and a key-value store that outlives the call.
//!
//! A plugin's own unit tests compile and run natively. Exported functions stay ordinary functions
//! there; those of [`imports`] answer an error, for there is no host.

pub mod imports;

mod answer;
mod arguments;
mod executor;
mod registry;

#[cfg(target_family = "wasm")]
#[path = "component.rs"]
mod host;
#[cfg(not(target_family = "wasm"))]
#[path = "no_host.rs"]
mod host;

pub use imports::{kv, run, sql, sql_with_vars};
pub use surrealism_macros::surrealism;
pub use surrealism_types as types;
pub use {anyhow, inventory, surrealdb_types};

/// What the attribute's output is made of. No part of the interface: it changes with the attribute.
#[doc(hidden)]
pub mod __private {
    pub use crate::answer::{Answer, AnswerNative, AnswerNativeResult, AnswerValue, Returned};
    pub use crate::arguments::{
        Argument, Arguments, Parameter, Parameters, ReadNative, ReadValue, SignatureNative,
        SignatureValue, expect,
    };
    pub use crate::executor::block_on;
    pub use crate::registry::{
        Export, Function, Init, args, find, init, invoke, invoke_rows, names, returns,
    };
}
