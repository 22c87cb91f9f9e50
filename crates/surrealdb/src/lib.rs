//! Gives the guests of a host a SurrealDB database, and lets its modules call each other.
//!
//! Inside SurrealDB, a guest's `sql` and `run` reach the database that the guest runs in. This crate is for
//! programs that host guests themselves and have their database elsewhere.
//!
//! ```no_run
//! use std::sync::Arc;
//! use surrealism_runtime::{Grants, Runtime, SurrealismPackage};
//! use surrealism_surrealdb::{CallContext, Credentials, Database, ModuleRegistry};
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let database = Database::connect("ws://127.0.0.1:8000")
//!         .namespace("shop")
//!         .database("main")
//!         .credentials(Credentials::database("app", std::env::var("DB_PASS")?))
//!         .await?;
//!
//!     let package = SurrealismPackage::from_file("reports.surli".into())?;
//!     let grants = Grants::none().queries();
//!     let reports = Arc::new(Runtime::builder(package).grants(grants).build_async().await?);
//!     let modules = ModuleRegistry::new();
//!     modules.add("reports", &reports)?;
//!
//!     let context = CallContext::new(&reports).database(&database).modules(&modules);
//!     let report = reports.call("monthly", (2026_i64, 3_i64), context).await?;
//!     println!("{report:?}");
//!     Ok(())
//! }
//! ```
//!
//! - [`Database`] is a pool of connections to one database. [`Database::connect`] returns
//!   [`ConnectOptions`], which connect when they are awaited.
//! - [`Credentials`] are the user or the token that every query of every guest acts as.
//! - [`ModuleRegistry`] holds the loaded modules under the names by which they call each other.
//! - [`CallContext`] is the context of one call: it answers the guest's `sql` and `run` from the two.
//! - [`DatabaseError`] says how a query failed, and whether it may have been executed.
//!
//! Everything here needs a tokio runtime with time and I/O enabled.
//!
//! # Features
//!
//! - `client`, on by default: connects to databases. It compiles SurrealDB's client, which takes minutes.
//!   Without it, [`CallContext`] and [`ModuleRegistry`] work, and connecting is an error.
//! - `embedded`, off by default: `mem://` and `surrealkv://DIRECTORY`, a database inside this process. It
//!   compiles SurrealDB's whole engine, which takes tens of minutes.

pub mod limits;

mod connect_options;
mod connection;
mod context;
mod database;
mod error;
mod function;
mod modules;

/// Compiles the examples of the guide.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/database.md")]
struct Guide;

pub use connect_options::ConnectOptions;
pub use connection::Credentials;
pub use context::CallContext;
pub use database::Database;
pub use error::{DatabaseError, DatabaseResult};
pub use modules::{InvalidModuleName, Module, ModuleRegistry};
