//! Persistent key-value stores for hosts of Surrealism extensions.
//!
//! A runtime keeps the store of a module [in memory](surrealism_runtime::BTreeMapStore), and it is lost with
//! the process. This crate has stores that last:
//!
//! - [`RedbStore`] (feature `redb`): a file of one host, durable when a call returns.
//! - [`RedisStore`] (feature `redis`): Redis or Valkey, a single server or a cluster, where many hosts
//!   share the state of a module.
//!
//! A host opens a [`RedbDatabase`] or a [`RedisClient`] once, takes the store of each module from it, and
//! passes the store to each call:
//!
#![cfg_attr(feature = "redb", doc = "```no_run")]
#![cfg_attr(not(feature = "redb"), doc = "```ignore")]
//! use std::sync::Arc;
//! use surrealism_runtime::{DetachedContext, Runtime};
//! use surrealism_stores::RedbDatabase;
//!
//! async fn count_visit(runtime: Runtime) -> anyhow::Result<()> {
//!     let database = RedbDatabase::open("/var/lib/my-host/kv.redb")?;
//!     // The host's choice: any archive can call itself `acme/hello`.
//!     let store = Arc::new(database.module("acme/hello", runtime.kv_limits())?);
//!
//!     let context = DetachedContext::new().kv(store);
//!     runtime.call("visits", (), context).await?;
//!     Ok(())
//! }
//! ```
//!
//! Where a name comes from an archive, [`owned_module`](RedbDatabase::owned_module) gives its store to the
//! first component that used it.
//!
//! All stores keep the same limits and return the same results. `docs/stores.md` in the repository says
//! what each of them loses in a crash, and how much room it takes.
//!
//! # Errors
//!
//! Opening a database, a connection or the store of a module fails with an [`OpenError`]. A call of a
//! store fails with a [`StoreError`]. The methods of [`KVStore`](surrealism_runtime::KVStore) return
//! `anyhow::Error`, as the trait demands; `error.downcast_ref::<StoreError>()` returns the typed error.
//!
//! # Features
//!
//! `redb` and `redis`, both on by default. With `default-features = false` a host compiles only the one
//! that it needs.

pub mod limits;

#[cfg(any(feature = "redb", feature = "redis"))]
mod check;
mod error;
#[cfg(any(feature = "redb", feature = "redis"))]
mod module_name;
#[cfg(feature = "redb")]
mod redb;
#[cfg(feature = "redis")]
mod redis;

pub use error::{OpenError, StoreError};

#[cfg(feature = "redb")]
pub use self::redb::{RedbDatabase, RedbStore};
#[cfg(feature = "redis")]
pub use self::redis::{RedisClient, RedisStore};

/// Compiles the examples of the operators' guide.
#[cfg(all(doctest, feature = "redb"))]
#[doc = include_str!("../../../docs/stores.md")]
struct Guide;
