//! Key-value stores that last, for hosts of Surrealism extensions.
//!
//! A runtime keeps the store of a module [in memory](surrealism_runtime::BTreeMapStore), where it is
//! lost with the process. A host that wants it to last lends its calls one of these instead:
//!
//! - [`RedbStore`] (feature `redb`): a file of one host, durable when a call returns.
//! - [`RedisStore`] (feature `redis`): Redis or Valkey, a single server or a cluster, where many hosts
//!   share the state of a module.
//!
//! All three keep the same limits, and answer alike. What is lost when, and how much room each takes,
//! is in `docs/stores.md`.
//!
//! ```no_run
//! # #[cfg(feature = "redb")] {
//! use std::sync::Arc;
//! use surrealism_runtime::{DetachedContext, Runtime};
//! use surrealism_stores::RedbDatabase;
//!
//! # async fn example(runtime: Runtime) -> anyhow::Result<()> {
//! let host = RedbDatabase::open("/var/lib/my-host/kv.redb")?;
//! let meta = &runtime.config().meta;
//! let module = format!("{}/{}", meta.organisation, meta.name);
//! let store = Arc::new(host.module(&module, runtime.kv_limits())?);
//!
//! let context = DetachedContext::new().kv(store);
//! runtime.call("visits", (), context).await?;
//! # Ok(())
//! # }
//! # }
//! ```
//!
//! # Features
//!
//! `redb` and `redis`, both on by default. A host that needs one leaves out the other with
//! `default-features = false`.

pub mod limits;

#[cfg(any(feature = "redb", feature = "redis"))]
mod module;
#[cfg(feature = "redb")]
mod redb_store;
#[cfg(feature = "redis")]
mod redis_store;

#[cfg(feature = "redb")]
pub use redb_store::{RedbDatabase, RedbStore};
#[cfg(feature = "redis")]
pub use redis_store::{RedisClient, RedisStore};

/// The Rust of the operators' page, compiled.
#[cfg(all(doctest, feature = "redb"))]
#[doc = include_str!("../../../docs/stores.md")]
struct Stores;
