//! What a host lends to a guest for the length of a call.

use std::fmt;
use std::sync::Arc;

use anyhow::{Result, bail};
use async_trait::async_trait;
use surrealdb_types::{Object, Value};

use crate::package::config::SurrealismConfig;
use crate::kv::KVStore;

/// Takes a guest's output, a line at a time, without its line feed.
pub type OutputCallback = Arc<dyn Fn(&str) + Send + Sync>;

/// The host's side of one call: queries, other functions, the key-value store and output.
///
/// A context is installed when a call begins and taken out when it ends, so nothing of one caller
/// reaches another. The runtime asks the module's capabilities before it asks the context:
/// [`sql`](Self::sql) is reached only with `allow_arbitrary_queries`, [`run`](Self::run) only for
/// functions that `allow_functions` admits. What the *caller* may do is for the context to check.
///
/// A future that a context returns is dropped when the call's deadline passes.
#[async_trait]
pub trait InvocationContext: Send + Sync {
    /// Runs a SurrealQL query with bound variables.
    async fn sql(
        &mut self,
        config: &SurrealismConfig,
        query: String,
        vars: Object,
    ) -> Result<Value>;

    /// Calls a function of the database or of another module.
    async fn run(
        &mut self,
        config: &SurrealismConfig,
        fnc: String,
        version: Option<String>,
        args: Vec<Value>,
    ) -> Result<Value>;

    /// The store behind the guest's `kv` functions; usually
    /// [`Runtime::kv_store`](crate::Runtime::kv_store).
    fn kv(&mut self) -> Result<&dyn KVStore>;

    /// Takes a line that the host itself has for the guest's output. Prints it by default.
    fn stdout(&mut self, output: &str) -> Result<()> {
        (self.stdout_callback())(output);
        Ok(())
    }

    /// Like [`stdout`](Self::stdout), for errors.
    fn stderr(&mut self, output: &str) -> Result<()> {
        (self.stderr_callback())(output);
        Ok(())
    }

    /// What takes the lines that the guest prints. Prints them by default.
    fn stdout_callback(&self) -> OutputCallback {
        Arc::new(|line| println!("{line}"))
    }

    /// What takes the lines that the guest prints as errors. Prints them by default.
    fn stderr_callback(&self) -> OutputCallback {
        Arc::new(|line| eprintln!("{line}"))
    }
}

/// A context with no database behind it: `sql` and `run` are refused, and unless it is given a
/// store or an output, so is the key-value store, and what the guest prints is dropped.
///
/// ```
/// # use std::sync::Arc;
/// use surrealism_runtime::{BTreeMapStore, DetachedContext};
///
/// let store = Arc::new(BTreeMapStore::new());
/// let context = DetachedContext::new()
///     .kv(store)
///     .output(|line| println!("guest: {line}"));
/// ```
#[derive(Clone, Default)]
pub struct DetachedContext {
    kv: Option<Arc<dyn KVStore>>,
    output: Option<OutputCallback>,
}

impl DetachedContext {
    /// A context that refuses everything and drops all output.
    pub fn new() -> Self {
        Self::default()
    }

    /// Lends a key-value store.
    pub fn kv(mut self, store: Arc<dyn KVStore>) -> Self {
        self.kv = Some(store);
        self
    }

    /// Hands on what the guest prints, errors included.
    pub fn output(mut self, output: impl Fn(&str) + Send + Sync + 'static) -> Self {
        self.output = Some(Arc::new(output));
        self
    }

    fn callback(&self) -> OutputCallback {
        self.output.clone().unwrap_or_else(|| Arc::new(|_| ()))
    }
}

impl fmt::Debug for DetachedContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DetachedContext")
            .field("kv", &self.kv.is_some())
            .field("output", &self.output.is_some())
            .finish()
    }
}

#[async_trait]
impl InvocationContext for DetachedContext {
    async fn sql(&mut self, _: &SurrealismConfig, _: String, _: Object) -> Result<Value> {
        bail!("this call has no database, so `sql` cannot be answered")
    }

    async fn run(
        &mut self,
        _: &SurrealismConfig,
        fnc: String,
        _: Option<String>,
        _: Vec<Value>,
    ) -> Result<Value> {
        bail!("this call has no database, so `run` cannot reach {fnc:?}")
    }

    fn kv(&mut self) -> Result<&dyn KVStore> {
        match &self.kv {
            Some(store) => Ok(store.as_ref()),
            None => bail!("this call has no key-value store"),
        }
    }

    fn stdout_callback(&self) -> OutputCallback {
        self.callback()
    }

    fn stderr_callback(&self) -> OutputCallback {
        self.callback()
    }
}
