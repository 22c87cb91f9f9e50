//! The context of one call: a database, the other modules, a store, an output.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use async_trait::async_trait;
use surrealdb_types::{Object, Value};
use surrealism_runtime::host::OutputCallback;
use surrealism_runtime::{
    Capability, Denied, Error, ErrorKind, GuestError, InvocationContext, KVStore, Runtime,
    SurrealismConfig,
};

use crate::database::Database;
use crate::error::DatabaseError;
use crate::limits::{DEFAULT_MAX_INSTANCE_WAIT, MAX_MODULE_DEPTH};
use crate::modules::{Module, ModuleRegistry};

/// The first part of the path of every function of another module.
const MODULE_FAMILY: &str = "mod";

/// The context of one call. It answers `sql` and `run` of the guest.
///
/// - `sql` returns the value of the last statement. If any statement fails, the query fails, with the
///   message of the database.
/// - `run` of `mod::NAME::FUNCTION` calls another module, with the capabilities and limits of that module.
///   `run` of anything else calls a function of the database.
///
/// Without a [database](Self::database), `sql` and the functions of the database are refused. Without
/// [modules](Self::modules), `mod::…` is refused. Without an [output](Self::output), what the guest prints
/// is dropped. `kv` uses the store of the [`Module`].
///
/// When the deadline of the call passes, the runtime drops the pending query or call. A call of another
/// module never has a later deadline than its caller.
#[derive(Clone)]
pub struct CallContext {
    database: Option<Database>,
    modules: ModuleRegistry,
    kv: Arc<dyn KVStore>,
    output: Option<OutputCallback>,
    max_instance_wait: Duration,
    /// The modules of this call, from the one that the host called to the one that has this context.
    call_stack: Vec<Frame>,
}

/// One module of a call stack.
#[derive(Clone)]
struct Frame {
    /// As errors show it: `organisation/name` for the first, `mod::name` for the others.
    name: String,
    runtime: Arc<Runtime>,
}

impl CallContext {
    /// Returns the context of one call of `module`.
    pub fn new(module: impl Into<Module>) -> Self {
        let Module { runtime, kv } = module.into();
        let meta = &runtime.config().meta;
        let name = format!("{}/{}", meta.organisation, meta.name);
        Self {
            database: None,
            modules: ModuleRegistry::new(),
            kv,
            output: None,
            max_instance_wait: DEFAULT_MAX_INSTANCE_WAIT,
            call_stack: vec![Frame { name, runtime }],
        }
    }

    /// Sets the database. Every query acts with the rights of its
    /// [credentials](crate::ConnectOptions::credentials).
    pub fn database(mut self, database: &Database) -> Self {
        self.database = Some(database.clone());
        self
    }

    /// Sets the modules that the guest can call.
    pub fn modules(mut self, modules: &ModuleRegistry) -> Self {
        self.modules = modules.clone();
        self
    }

    /// Sets the function that receives each line that the guest, or a module that it calls, prints to
    /// stdout or stderr.
    pub fn output(mut self, output: impl Fn(&str) + Send + Sync + 'static) -> Self {
        self.output = Some(Arc::new(output));
        self
    }

    /// Sets the time that a call of another module waits for an instance of it. Default:
    /// [`DEFAULT_MAX_INSTANCE_WAIT`].
    pub fn max_instance_wait(mut self, wait: Duration) -> Self {
        self.max_instance_wait = wait;
        self
    }

    async fn call_database(
        &self,
        function: &str,
        version: Option<String>,
        args: Vec<Value>,
    ) -> Result<Value> {
        let capability = || Capability::Function(function.to_string());
        let database = self.database.as_ref();
        let database = database.ok_or_else(|| Denied::not_provided(capability()))?;
        database.call(function, version.as_deref(), args).await.map_err(database_error)
    }

    async fn call_module(
        &self,
        path: &str,
        version: Option<String>,
        args: Vec<Value>,
    ) -> Result<Value> {
        let (name, function) = match path.split_once("::") {
            Some((name, function)) => (name, Some(function)),
            None => (path, None),
        };
        let module = self.modules.get(name).ok_or_else(|| self.no_such_module(name))?;
        check_version(name, &module.runtime, version.as_deref())?;
        let context = self.nested(name, &module)?;
        let call = module.runtime.call(function, args, context).max_wait(self.max_instance_wait);
        call.await.map_err(|error| module_error(error, path))
    }

    /// Returns the context of a call from this module to another one.
    fn nested(&self, name: &str, module: &Module) -> Result<Self> {
        let name = format!("{MODULE_FAMILY}::{name}");
        let is_called = |frame: &Frame| Arc::ptr_eq(&frame.runtime, &module.runtime);
        if self.call_stack.iter().any(is_called) {
            return refuse(format!(
                "recursive module call {}: a module cannot be called while it waits for a call of its own",
                self.format_stack(&name)
            ));
        }
        if self.call_stack.len() >= MAX_MODULE_DEPTH {
            return refuse(format!(
                "the module calls {} are deeper than the limit of {MAX_MODULE_DEPTH} modules",
                self.format_stack(&name)
            ));
        }
        let mut nested = self.clone();
        nested.kv = module.kv.clone();
        nested.call_stack.push(Frame { name, runtime: module.runtime.clone() });
        Ok(nested)
    }

    /// Shows the call stack and one more module: `acme/a → mod::b → mod::c`.
    fn format_stack(&self, callee: &str) -> String {
        let names = self.call_stack.iter().map(|frame| frame.name.as_str());
        names.chain([callee]).collect::<Vec<_>>().join(" → ")
    }

    fn no_such_module(&self, name: &str) -> GuestError {
        GuestError::new(match self.modules.names().as_slice() {
            [] => {
                format!("`run` cannot call mod::{name}: the host gave this call no other modules")
            }
            names => match self.modules.near(name).as_slice() {
                [] => format!("no module {name:?}; available: {}", names.join(", ")),
                near => format!("no module {name:?}; did you mean {}?", near.join(", ")),
            },
        })
    }

    fn callback(&self) -> OutputCallback {
        self.output.clone().unwrap_or_else(|| Arc::new(|_| ()))
    }
}

fn check_version(name: &str, runtime: &Runtime, requested: Option<&str>) -> Result<()> {
    let loaded = runtime.config().meta.version.to_string();
    if let Some(requested) = requested.filter(|requested| *requested != loaded) {
        return refuse(format!(
            "mod::{name} has version {loaded}, and the call requests {requested}"
        ));
    }
    Ok(())
}

/// Fails with a text for the guest.
fn refuse<T>(text: String) -> Result<T> {
    Err(GuestError::new(text).into())
}

/// Makes the answer of a database one for the guest. What happened to its connection stays the host's.
fn database_error(error: DatabaseError) -> anyhow::Error {
    match error {
        DatabaseError::Query(text) | DatabaseError::InvalidFunction(text) => {
            GuestError::new(text).into()
        }
        error => error.into(),
    }
}

/// Makes the error of another module one for the module that called it, unless the host failed.
fn module_error(error: Error, path: &str) -> anyhow::Error {
    let path = format!("{MODULE_FAMILY}::{path}");
    match error.kind() {
        ErrorKind::Host | ErrorKind::Process => {
            let text = error.to_string();
            anyhow::Error::from(error).context(format!("{path}: {text}"))
        }
        _ => GuestError::new(format!("{path}: {error}")).into(),
    }
}

#[async_trait]
impl InvocationContext for CallContext {
    async fn sql(&mut self, _: &SurrealismConfig, query: String, vars: Object) -> Result<Value> {
        match &self.database {
            Some(database) => database.query(&query, vars).await.map_err(database_error),
            None => Err(Denied::not_provided(Capability::Queries).into()),
        }
    }

    async fn run(
        &mut self,
        _: &SurrealismConfig,
        fnc: String,
        version: Option<String>,
        args: Vec<Value>,
    ) -> Result<Value> {
        match fnc.split_once("::") {
            Some((MODULE_FAMILY, path)) => self.call_module(path, version, args).await,
            _ => self.call_database(&fnc, version, args).await,
        }
    }

    fn kv(&mut self) -> Result<&dyn KVStore> {
        Ok(self.kv.as_ref())
    }

    fn stdout_callback(&self) -> OutputCallback {
        self.callback()
    }

    fn stderr_callback(&self) -> OutputCallback {
        self.callback()
    }
}

impl fmt::Debug for CallContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallContext")
            .field("database", &self.database)
            .field("modules", &self.modules)
            .field("output", &self.output.is_some())
            .field(
                "call_stack",
                &self.call_stack.iter().map(|frame| &frame.name).collect::<Vec<_>>(),
            )
            .finish_non_exhaustive()
    }
}
