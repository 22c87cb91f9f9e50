//! The host's side of a call.

use std::fmt;
use std::sync::Arc;

use anyhow::Result;
use async_trait::async_trait;
use surrealdb_types::{Object, Value};

use crate::denied::{Capability, Denied};
use crate::kv::KVStore;
use crate::package::config::SurrealismConfig;
use crate::text::truncate;
use crate::unwind::ignore_panic;

/// Receives a guest's output line by line, without line feeds.
pub type OutputCallback = Arc<dyn Fn(&str) + Send + Sync>;

/// The host's side of one call: queries, other functions, the key-value store and output.
///
/// A context is set when a call begins and dropped when it ends, so that nothing of one caller reaches
/// another.
///
/// The runtime checks the module's capabilities first: [`sql`](Self::sql) is called only with
/// `allow_arbitrary_queries`, and [`run`](Self::run) only for functions that `allow_functions` matches.
/// The context must check what the *caller* may do.
///
/// A future that a context returns is dropped when the call's deadline passes.
///
/// # Errors and panics
///
/// The guest gets the text of a [`GuestError`](crate::GuestError) and of a [`Denied`], also as the cause of
/// another error. Of any other error it learns only that the host failed, since the text may name files,
/// addresses or other callers. The host's caller gets the error itself, as the
/// [source](std::error::Error::source) of the call's, if the call fails with it. So it gets a panic of a
/// method, which ends the call and drops the instance.
///
/// ```
/// use async_trait::async_trait;
/// use surrealdb_types::{Object, Value};
/// use surrealism_runtime::{Capability, Denied, GuestError, InvocationContext, KVStore, SurrealismConfig};
///
/// /// Serves `run` by a function of this program. It has neither a database nor a key-value store.
/// struct Context;
///
/// #[async_trait]
/// impl InvocationContext for Context {
///     async fn sql(&mut self, _: &SurrealismConfig, _: String, _: Object) -> anyhow::Result<Value> {
///         Err(Denied::not_provided(Capability::Queries).into())
///     }
///
///     async fn run(
///         &mut self,
///         _: &SurrealismConfig,
///         fnc: String,
///         _: Option<String>,
///         args: Vec<Value>,
///     ) -> anyhow::Result<Value> {
///         match fnc.as_str() {
///             "fn::first" => Ok(args.into_iter().next().unwrap_or(Value::None)),
///             _ => Err(GuestError::new(format!("this host has no function {fnc:?}")).into()),
///         }
///     }
///
///     fn kv(&mut self) -> anyhow::Result<&dyn KVStore> {
///         Err(Denied::not_provided(Capability::KeyValue).into())
///     }
/// }
/// ```
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

    /// Returns the store behind the guest's `kv` functions; usually
    /// [`Runtime::kv_store`](crate::Runtime::kv_store).
    fn kv(&mut self) -> Result<&dyn KVStore>;

    /// Receives a line that the host itself adds to the guest's output. Prints it by default.
    fn stdout(&mut self, output: &str) -> Result<()> {
        (self.stdout_callback())(output);
        Ok(())
    }

    /// Like [`stdout`](Self::stdout), for the error output.
    fn stderr(&mut self, output: &str) -> Result<()> {
        (self.stderr_callback())(output);
        Ok(())
    }

    /// Returns the receiver of the guest's standard output. Prints lines by default.
    fn stdout_callback(&self) -> OutputCallback {
        Arc::new(|line| println!("{line}"))
    }

    /// Returns the receiver of the guest's error output. Prints lines by default.
    fn stderr_callback(&self) -> OutputCallback {
        Arc::new(|line| eprintln!("{line}"))
    }
}

/// The context of a call, or none. Its drop is the host's code, and a panic in that is ignored.
#[derive(Default)]
pub(crate) struct HostContext(Option<Box<dyn InvocationContext>>);

impl HostContext {
    pub(crate) fn get(&self) -> Option<&dyn InvocationContext> {
        self.0.as_deref()
    }

    pub(crate) fn get_mut(&mut self) -> Option<&mut (dyn InvocationContext + 'static)> {
        self.0.as_deref_mut()
    }
}

impl From<Box<dyn InvocationContext>> for HostContext {
    fn from(context: Box<dyn InvocationContext>) -> Self {
        Self(Some(context))
    }
}

impl Drop for HostContext {
    fn drop(&mut self) {
        if let Some(context) = self.0.take() {
            ignore_panic(|| drop(context));
        }
    }
}

/// A context without a database: `sql` and `run` return errors. Without a [store](Self::kv), so does the
/// key-value store; without an [output](Self::output), what the guest prints is dropped.
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
    /// Creates a context without a store and output.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the key-value store.
    pub fn kv(mut self, store: Arc<dyn KVStore>) -> Self {
        self.kv = Some(store);
        self
    }

    /// Sets the receiver of the guest's standard output and error output.
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
        Err(Denied::not_provided(Capability::Queries).into())
    }

    async fn run(
        &mut self,
        _: &SurrealismConfig,
        fnc: String,
        _: Option<String>,
        _: Vec<Value>,
    ) -> Result<Value> {
        Err(Denied::not_provided(Capability::Function(truncate(&fnc).to_string())).into())
    }

    fn kv(&mut self) -> Result<&dyn KVStore> {
        match &self.kv {
            Some(store) => Ok(store.as_ref()),
            None => Err(Denied::not_provided(Capability::KeyValue).into()),
        }
    }

    fn stdout_callback(&self) -> OutputCallback {
        self.callback()
    }

    fn stderr_callback(&self) -> OutputCallback {
        self.callback()
    }
}
