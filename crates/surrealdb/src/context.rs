//! What one call is lent: a database, the other modules, a store, an output.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail, ensure};
use async_trait::async_trait;
use surrealdb_types::{Object, Value};
use surrealism_runtime::host::OutputCallback;
use surrealism_runtime::{InvocationContext, KVStore, Runtime, SurrealismConfig};

use crate::database::Database;
use crate::limits::{DEFAULT_MAX_INSTANCE_WAIT, MAX_MODULE_DEPTH};
use crate::modules::{Module, ModuleRegistry};

/// The family of functions that are modules.
const MODULE_FAMILY: &str = "mod";

/// What one call is lent. Without a [database](Self::database), `sql` and the database's functions are
/// refused; without [modules](Self::modules), `mod::…` is; without an [output](Self::output), what the
/// guest prints is dropped. The store is the module's own.
///
/// - `sql` gives the value of the last statement. One that fails fails the query, with the database's
///   own words.
/// - `run` of `mod::NAME::FUNCTION` calls another module, with that module's capabilities and limits.
///   Everything else goes to the database.
///
/// The runtime drops what a context is doing when the call's deadline passes: a query is given up, and
/// so is a call of another module, whose own deadline can only be nearer.
#[derive(Clone)]
pub struct CallContext {
    database: Option<Database>,
    modules: ModuleRegistry,
    kv: Arc<dyn KVStore>,
    output: Option<OutputCallback>,
    max_instance_wait: Duration,
    /// The modules at work, from the one that was called first to the one that this is lent to.
    chain: Vec<Link>,
}

#[derive(Clone)]
struct Link {
    name: String,
    runtime: Arc<Runtime>,
}

impl CallContext {
    /// For one call of `module`.
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
            chain: vec![Link { name, runtime }],
        }
    }

    /// Lends a database. Every query acts with the rights of its
    /// [credentials](crate::ConnectOptions::credentials).
    pub fn database(mut self, database: &Database) -> Self {
        self.database = Some(database.clone());
        self
    }

    /// Lends the other modules.
    pub fn modules(mut self, modules: &ModuleRegistry) -> Self {
        self.modules = modules.clone();
        self
    }

    /// Hands on what the guest prints, errors included, and what the modules print that it calls.
    pub fn output(mut self, output: impl Fn(&str) + Send + Sync + 'static) -> Self {
        self.output = Some(Arc::new(output));
        self
    }

    /// How long a call of another module waits for an instance of it. Default:
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
        let database = self.database.as_ref().ok_or_else(|| {
            anyhow!("this call has no database, so `run` cannot reach {function:?}")
        })?;
        Ok(database.call(function, version.as_deref(), args).await?)
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
        let context = self.inside(name, &module)?;
        let call = module.runtime.call(function, args, context).max_wait(self.max_instance_wait);
        call.await.with_context(|| format!("{MODULE_FAMILY}::{path}"))
    }

    /// What a module is lent that this one's calls.
    fn inside(&self, name: &str, module: &Module) -> Result<Self> {
        let name = format!("{MODULE_FAMILY}::{name}");
        let at_work = |link: &Link| Arc::ptr_eq(&link.runtime, &module.runtime);
        ensure!(
            !self.chain.iter().any(at_work),
            "{} is a circle: a module cannot be called while it waits for the answer",
            self.path_to(&name)
        );
        ensure!(
            self.chain.len() < MAX_MODULE_DEPTH,
            "{} are more modules than the {MAX_MODULE_DEPTH} that may be at work in one call",
            self.path_to(&name)
        );
        let mut inside = self.clone();
        inside.kv = module.kv.clone();
        inside.chain.push(Link { name, runtime: module.runtime.clone() });
        Ok(inside)
    }

    /// The modules at work, and one more: `acme/a → mod::b → mod::c`.
    fn path_to(&self, name: &str) -> String {
        let names = self.chain.iter().map(|link| link.name.as_str());
        names.chain([name]).collect::<Vec<_>>().join(" → ")
    }

    fn no_such_module(&self, name: &str) -> anyhow::Error {
        match self.modules.names().as_slice() {
            [] => anyhow!("this call has no other modules, so `run` cannot reach mod::{name}"),
            names => anyhow!("there is no module {name:?}; there is {}", names.join(", ")),
        }
    }

    fn callback(&self) -> OutputCallback {
        self.output.clone().unwrap_or_else(|| Arc::new(|_| ()))
    }
}

fn check_version(name: &str, runtime: &Runtime, asked: Option<&str>) -> Result<()> {
    let loaded = runtime.config().meta.version.to_string();
    match asked {
        Some(asked) if asked != loaded => {
            bail!("mod::{name} is loaded in version {loaded}, and the call asks for {asked}")
        }
        _ => Ok(()),
    }
}

#[async_trait]
impl InvocationContext for CallContext {
    async fn sql(&mut self, _: &SurrealismConfig, query: String, vars: Object) -> Result<Value> {
        match &self.database {
            Some(database) => Ok(database.query(&query, vars).await?),
            None => bail!("this call has no database, so `sql` cannot be answered"),
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
            .field("chain", &self.chain.iter().map(|link| &link.name).collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}
