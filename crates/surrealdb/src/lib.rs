//! What a guest's `sql` and `run` reach: a SurrealDB database, and the other modules of its host.
//!
//! A [`Database`] is a server, or with the feature `embedded` an engine inside this process. A
//! [`ModuleRegistry`] is the registry in which modules find each other. A [`CallContext`] lends both to one
//! call:
//!
//! ```no_run
//! use std::sync::Arc;
//! use surrealism_runtime::{Runtime, SurrealismPackage};
//! use surrealism_surrealdb::{CallContext, Credentials, Database, ModuleRegistry};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let database = Database::connect("ws://127.0.0.1:8000")
//!     .namespace("shop")
//!     .database("main")
//!     .credentials(Credentials::database("app", std::env::var("DB_PASS")?))
//!     .await?;
//!
//! let package = SurrealismPackage::from_file("reports.surli".into())?;
//! let reports = Arc::new(Runtime::builder(package).build_async().await?);
//! let modules = ModuleRegistry::new();
//! modules.add("reports", &reports)?;
//!
//! let context = CallContext::new(&reports).database(&database).modules(&modules);
//! let report = reports.call("monthly", (2026_i64, 3_i64), context).await?;
//! # Ok(())
//! # }
//! ```
//!
//! Everything here needs tokio around it.
//!
//! # Features
//!
//! - `embedded`, off by default: `mem://` and `surrealkv://FOLDER`, a database inside this process. It
//!   brings SurrealDB's whole engine.

pub mod limits;

mod connect;
mod connection;
mod context;
mod credentials;
mod database;
mod endpoint;
mod error;
mod function;
mod modules;
mod tls;

/// The guide's Rust, compiled.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/database.md")]
struct Guide;

pub use connect::ConnectOptions;
pub use context::CallContext;
pub use credentials::Credentials;
pub use database::Database;
pub use error::{DatabaseError, DatabaseResult};
pub use modules::{InvalidModuleName, Module, ModuleRegistry};
