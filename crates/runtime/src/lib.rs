//! Load Surrealism extensions and call their functions from a pool of isolated WebAssembly
//! instances.
//!
//! An extension is a `.surli` archive ([`package`]). A [`Runtime`] compiles it once; a call borrows
//! one of its instances, lends it a [`context`](host::InvocationContext) and gets a value back:
//!
//! ```no_run
//! use surrealism_runtime::{DetachedContext, Runtime, SurrealismPackage};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let package = SurrealismPackage::from_file("demo.surli".into())?;
//! let runtime = Runtime::builder(package).pool_size(8).build_async().await?;
//!
//! let value = runtime.call("greet", ("Ada".to_string(),), DetachedContext::new()).await?;
//! # Ok(())
//! # }
//! ```
//!
//! [`Runtime::call`] is the door to use: it checks an instance out, bounds the call's time, gives
//! the instance back, and drops it where it must not be used again. What it does can also be done
//! step by step, with [`Runtime::acquire_controller`], [`Controller::invoke_with_timeout`] and
//! [`Runtime::release_controller`].
//!
//! # What a guest may do
//!
//! Compute, within its memory and time; read the files of its own archive; write to its output.
//! Everything else is refused unless the archive's [`capabilities`] ask for it and the host's
//! context provides it. The host's own ceilings are set on the [builder](RuntimeBuilder).
//!
//! # Executors
//!
//! Calls are futures and run on any executor. A guest that sleeps, reads its files or opens a
//! connection needs tokio's reactor around it, since WASI is implemented on tokio.
//!
//! # Features
//!
//! - `http`, on by default: outbound `wasi:http`, held to `allow_net` like the guest's own
//!   connections, with TLS. Without it, an archive that imports `wasi:http` is refused when it is
//!   loaded; `default-features = false` saves an HTTP client and a TLS library.

pub mod epoch;
pub mod host;
pub mod kv;
pub mod limits;
pub mod package;
pub mod runtime;
pub mod usage;

mod bindings;
mod compile;
mod deadline;
mod egress;
mod instance;
mod module;
mod process;
mod store;
mod text;
mod wasi;

pub use compile::cache::CodeCache;
pub use egress::allow_net as net_allow;
pub use egress::allow_net::{ResolvedNetAllow, resolve_allow_net};
pub use host::{DetachedContext, InvocationContext};
pub use kv::{BTreeMapStore, KVStore};
pub use package::capabilities::{FunctionTargets, SurrealismCapabilities};
pub use package::config::SurrealismConfig;
pub use package::exports::{ExportsManifest, FunctionExport};
pub use package::{SurrealismPackage, UnpackOptions};
pub use package::{capabilities, config, exports};
pub use runtime::call::{Call, CallRows};
pub use runtime::{Isolation, Runtime, RuntimeBuilder};
pub use surrealism_types::err::{PrefixErr, SurrealismError, SurrealismResult};
pub use usage::Usage;

/// One instance of a module.
pub mod controller {
    pub use crate::instance::Controller;
}
pub use instance::Controller;

/// The README's Rust, compiled.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;

/// The version of the guest SDK that this runtime was made with. Build tools compare it with the
/// version of the `surrealism` crate that a plugin depends on.
pub const SDK_VERSION: &str = env!("CARGO_PKG_VERSION");
