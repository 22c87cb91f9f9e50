//! Loads Surrealism extensions and calls their functions.
//!
//! An extension is a `.surli` archive with a WebAssembly component, its configuration and the signatures
//! of its functions. This crate compiles the component once, keeps a pool of isolated instances, and
//! calls functions in them: with typed values, within limits of memory and time, and with access to
//! nothing but what the archive asks for *and* the host grants.
//!
//! # Example
//!
//! ```no_run
//! use std::time::Duration;
//!
//! use surrealism_runtime::{DetachedContext, Grants, Runtime, SurrealismPackage};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! // Read the archive. Its size is limited; nothing in it runs yet.
//! let package = SurrealismPackage::from_file("demo.surli".into())?;
//!
//! // Compile it, on a thread of its own. Share the runtime with all threads, as `Arc<Runtime>`.
//! let runtime = Runtime::builder(package)
//!     .grants(Grants::none().key_value())
//!     .pool_size(8)
//!     .max_memory_bytes(64 << 20)
//!     .max_execution_time(Duration::from_secs(1))
//!     .build_async()
//!     .await?;
//!
//! // The host's side of the call: the module's key-value store, and no database.
//! let context = DetachedContext::new().kv(runtime.kv_store().clone());
//!
//! // Find a function, and compare its signature with these types.
//! let greet = runtime.function::<(String,), String>("greet")?;
//!
//! // Take an instance from the pool, call `greet("Ada")`, and return the instance.
//! let greeting = greet.call(("Ada".to_string(),), context).await?;
//! println!("{greeting}");
//! # Ok(())
//! # }
//! ```
//!
//! # Concepts
//!
//! **[Package](SurrealismPackage).** An unpacked archive: the component, its
//! [configuration](SurrealismConfig) with the [capabilities](SurrealismCapabilities) that it asks for, the
//! [signatures](ExportsManifest) of its functions, and attached files. Archives are untrusted: reading one
//! is limited and never runs a guest.
//!
//! **[Runtime].** A loaded module: compiled code, the pool of instances, and the module's own key-value
//! store. [`Runtime::builder`] sets the host's limits, and a [`CodeCache`] keeps compiled code between
//! processes. [`Runtime::call`] is the simplest way to call a function: it limits the whole call in time
//! and never reuses an instance that it should not.
//!
//! **[Function].** A function with Rust types, which [`Runtime::function`] compares with its signature once:
//! the way to call what the host knows when it is compiled. [`Function::call_columns`] takes slices and calls
//! it for each row. [`Runtime::call`] takes a name and any values.
//!
//! **[Controller].** One instance, checked out of the pool. Use it where [`Runtime::call`] does not fit:
//! [`Runtime::acquire_controller`], [`Controller::invoke_with_timeout`],
//! [`Runtime::release_controller`]. A trap, a timeout or a dropped future poisons the instance; releasing
//! it is always safe.
//!
//! **[Context](InvocationContext).** The host's side of one call. Implement it to serve the guest's
//! queries (`sql`), calls of other functions (`run`), key-value store and output. The context is dropped
//! with the call, so that nothing of one caller reaches the next. [`DetachedContext`] has no database.
//!
//! **[Store](KVStore).** The key-value store that a guest keeps data in between calls. Every runtime has
//! one in memory ([`BTreeMapStore`]); a context may provide another, such as those of
//! `surrealism-stores`.
//!
//! **[Isolation].** What a call sees of the calls before it: with [`Isolation::Reuse`], the memory that
//! they left in the instance; with [`Isolation::Fresh`], nothing. A
//! [pre-initialized](RuntimeBuilder::preinitialize) module need not run `init` for each instance.
//!
//! # What a guest may do
//!
//! By default a guest may compute, within its memory and time, read its attached files, and write output.
//! Everything else fails unless the archive's [`capabilities`] ask for it, the host [grants](Grants) it and
//! the context provides it. A [refusal](Denied) says which of them is missing.
//!
//! # Async and executors
//!
//! Calls are futures, and any executor can run them, tokio or not: deadlines and a guest's sleep use timers
//! of this crate, files are read on threads of their own, and connections are served by a tokio runtime of
//! this crate, which the first module with `allow_net` starts. Guest code yields to the executor every
//! [10 ms](epoch::EPOCH_TICK_MS). The methods of a [context](InvocationContext) are polled in the caller's
//! runtime.
//!
//! A dropped call is cancelled, whether it runs guest code or waits for the host.
//!
//! # The process
//!
//! - **Threads.** The first load starts one thread, which stops guests at their deadlines; compiling takes
//!   others for a while.
//! - **`fork`.** Threads do not survive it. In a process that was forked after its parent loaded a module,
//!   loading and calling fail with an error that says so. Load modules after the fork.
//! - **Signals.** The first load installs handlers for the faults of guests. A host that installs its own
//!   handlers does so before, or passes signals on, or turns
//!   [`signals_based_traps`](EngineConfig::signals_based_traps) off.
//! - **Address space.** 4 TiB are reserved, without memory behind them. Where `ulimit -v` is under 64 GiB,
//!   and with [`reserve_address_space(false)`](EngineConfig::reserve_address_space), none is.
//! - **Instances.** All modules share a pool of [1,024 places](limits::POOLED_INSTANCES). Each may hold
//!   half of what the others left; further instances are allocated outside of it.
//! - **Temporary files.** Attached files are unpacked into a directory of the system's directory for
//!   temporary files, which only this user can enter. It is removed with the package. If the process was
//!   killed before, the next process that reads an archive removes it.
//!
//! # Features
//!
//! - `http` (default): outbound `wasi:http` with TLS, restricted to `allow_net` like a guest's sockets.
//!   Without it, an archive that imports `wasi:http` is refused when it is loaded.
//! - `metrics`: `observer::MetricsObserver`, which counts for Prometheus.
//! - `tracing`: `observer::TracingObserver`, which makes spans and events for `tracing`.
//! - `testing`: a plugin for tests of hosts, with a function for each outcome of a call.

pub mod epoch;
pub mod host;
pub mod limits;
pub mod observer;
pub mod package;
pub mod private;
pub mod record;
pub mod runtime;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod usage;

mod bindings;
mod compile;
mod config_values;
mod deadline;
mod denied;
mod egress;
mod error;
mod grants;
mod instance;
mod module;
mod process;
mod reactor;
mod secret;
mod stats;
mod store;
mod sync;
mod tape;
mod text;
mod ticker;
mod unwind;
mod wasi;

/// What implementing an [`InvocationContext`] or a [`KVStore`] needs.
pub use async_trait::async_trait;
pub use compile::admission::CompileCost;
pub use compile::cache::CodeCache;
pub use compile::engine_config::EngineConfig;
pub use config_values::ConfigValues;
pub use denied::{Capability, Denied, Missing};
pub use egress::allow_net as net_allow;
pub use egress::allow_net::{ResolvedNetAllow, resolve_allow_net};
pub use error::{Busy, Error, ErrorKind, GuestError, LoadError, TimeoutStage, TrapKind};
pub use grants::Grants;
pub use host::{DetachedContext, InvocationContext};
pub use kv::{BTreeMapStore, KVStore};
pub use observer::Observer;
pub use package::capabilities::{FunctionTargets, SurrealismCapabilities};
pub use package::config::SurrealismConfig;
pub use package::config_key::{ConfigKey, ConfigKeys};
pub use package::exports::{ExportsManifest, FunctionExport};
pub use package::{AttachedFs, SurrealismPackage, UnpackOptions};
pub use package::{capabilities, config, exports};
pub use runtime::call::{Call, CallRows, WithStats};
pub use runtime::call_json::CallJson;
pub use runtime::function::args::FunctionArgs;
pub use runtime::function::batch::{Batch, CallColumns, ColumnInput, ColumnInputs};
pub use runtime::function::{Function, FunctionCall};
pub use runtime::{Isolation, Runtime, RuntimeBuilder};
pub use secret::Secret;
pub use stats::CallStats;
pub use surrealdb_types::{Kind, Object, SurrealValue, Value};
pub use surrealism_types::args::Args;
pub use surrealism_types::coerce::{ArgumentError, CoerceError};
pub use surrealism_types::err::{PrefixErr, SurrealismError, SurrealismResult};
pub use surrealism_types::names::near_names;
pub use surrealism_types::{coerce, json, kv};
pub use usage::Usage;

/// One instance of a module.
pub mod controller {
    pub use crate::instance::Controller;
}
pub use instance::Controller;

/// Compiles the Rust examples of the README.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;

/// Compiles the Rust examples of the guide.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/compiling.md")]
struct CompilingGuide;

/// Compiles the examples of the guide.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/configuration.md")]
struct ConfigurationGuide;

/// Compiles the examples of the guide.
#[cfg(all(doctest, feature = "metrics", feature = "tracing"))]
#[doc = include_str!("../../../docs/hosting.md")]
struct HostingGuide;

/// The version of the guest SDK that belongs to this runtime. Build tools compare it with the version of
/// the `surrealism` crate that a plugin depends on.
pub const SDK_VERSION: &str = env!("CARGO_PKG_VERSION");
