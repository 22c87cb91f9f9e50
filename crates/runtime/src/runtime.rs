//! A loaded module, and the pool of its instances.

mod builder;
pub(crate) mod call;
pub(crate) mod call_json;
pub(crate) mod function;
mod isolation;
pub(crate) mod replay;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use surrealdb_types::{SurrealValue, Value};
use surrealism_types::args::Args;
use surrealism_types::convert;
use surrealism_types::err::SurrealismResult;

pub use self::builder::RuntimeBuilder;
use self::call::{Call, CallRows};
use self::call_json::CallJson;
use self::function::Function;
use self::function::args::FunctionArgs;
pub use self::isolation::Isolation;
use crate::deadline::{Deadline, TimerQueue, timeout_at};
use crate::egress::NameResolution;
use crate::egress::allow_net::ResolvedNetAllow;
use crate::error::{Busy, Error};
use crate::grants::Grants;
use crate::host::{HostContext, InvocationContext};
use crate::instance::Controller;
use crate::instance::pool::{Permit, Pool, PoolCounts};
use crate::instance::template::Template;
use crate::kv::BTreeMapStore;
use crate::limits::KvLimits;
use crate::module::{HostErrors, Module};
use crate::observer::DropCause;
use crate::package::SurrealismPackage;
use crate::package::capabilities::SurrealismCapabilities;
use crate::package::config::SurrealismConfig;
use crate::package::exports::{ExportsManifest, FunctionExport};
use crate::process::ensure_not_forked;
use crate::record::Recorder;
use crate::tape::CallHost;
use crate::usage::{CodeSource, Gauge, Usage};

/// A loaded module. It is compiled once and shared by any number of threads, usually as `Arc<Runtime>`.
///
/// [`call`](Self::call) is the simplest way to use it. [`builder`](Self::builder) loads a module:
///
/// ```no_run
/// use surrealism_runtime::{DetachedContext, Runtime, SurrealismPackage};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let package = SurrealismPackage::from_file("demo.surli".into())?;
/// let runtime = Runtime::builder(package).build_async().await?;
/// let value = runtime.call("greet", ("Ada".to_string(),), DetachedContext::new()).await?;
/// # Ok(())
/// # }
/// ```
pub struct Runtime {
    template: Arc<Template>,
    pool: Arc<Pool<Controller>>,
    isolation: Isolation,
    wasm_size: usize,
    code_source: CodeSource,
    recorder: Option<Recorder>,
}

/// A permit, and an idle instance if the pool had one.
type CheckedOut = (Permit<Controller>, Option<Controller>);

impl Runtime {
    /// Begins to load a package. [`RuntimeBuilder`] lists the settings and their defaults.
    pub fn builder(package: SurrealismPackage) -> RuntimeBuilder {
        RuntimeBuilder::new(package)
    }

    /// Loads a package with the host's limits as positional arguments; `None` is unlimited.
    ///
    /// The guest has the capabilities that the archive asks for, as [`Grants::as_requested`] grants them.
    ///
    /// [`builder`](Self::builder) has named settings, and differs in two more things, where this function
    /// does as the published runtime: it resolves the names of `allow_net` before it returns, which
    /// **blocks**, and passes the text of every error of a context on to the guest.
    ///
    /// # Errors
    ///
    /// Those of [`RuntimeBuilder::build`] and of [`resolve_allow_net`](crate::resolve_allow_net).
    pub fn new(
        package: SurrealismPackage,
        server_pool_size: usize,
        server_max_memory: Option<usize>,
        server_max_execution_time: Option<Duration>,
        server_max_kv_entries: Option<usize>,
        server_max_kv_value_bytes: Option<usize>,
    ) -> SurrealismResult<Self> {
        let grants = Grants::as_requested();
        let mut builder = Self::builder(package).grants(grants).pool_size(server_pool_size);
        builder.limits.max_memory_bytes = server_max_memory;
        builder.limits.max_execution_time = server_max_execution_time;
        builder.limits.max_kv_entries = server_max_kv_entries;
        builder.limits.max_kv_value_bytes = server_max_kv_value_bytes;
        builder.name_resolution = NameResolution::AtLoad;
        builder.host_errors = HostErrors::ToGuest;
        Ok(builder.build()?)
    }

    /// Returns a function with Rust types, whose signature is compared with them once. This is the way to
    /// call a function that the host knows when it is compiled; [`call`](Self::call) is for any other.
    ///
    /// `A` is a tuple of the types of the arguments, `R` the type of the result. Each is a [`SurrealValue`],
    /// and every value of an argument's type has to be one that the function takes: an `i64` is an `int`, a
    /// `number` or an `option<int>`, and not a `float`. An archive without signatures is not compared.
    ///
    /// ```no_run
    /// # use surrealism_runtime::{DetachedContext, Error, Runtime};
    /// # async fn example(runtime: Runtime) -> Result<(), Error> {
    /// let add = runtime.function::<(i64, i64), i64>("math::add")?;
    /// let sum: i64 = add.call((1, 2), DetachedContext::new()).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// When the function does not exist, and when the types do not fit its signature, both of which
    /// [`ErrorKind::Types`](crate::ErrorKind::Types) has.
    pub fn function<'f, A, R>(
        &self,
        function: impl Into<Option<&'f str>>,
    ) -> Result<Function<A, R>, Error>
    where
        A: FunctionArgs,
        R: SurrealValue + Send + 'static,
    {
        Function::new(self, function.into())
    }

    /// Calls a function and returns its result.
    ///
    /// The call checks an instance out of the pool or creates one, sets `context`, limits the time, and
    /// releases the instance. `function` is a name, or `None` for the default export.
    ///
    /// Dropping the future cancels the call, wherever it is: it leaves the queue, or its instance is
    /// dropped with what it was waiting for.
    ///
    /// ```no_run
    /// # use std::time::Duration;
    /// # use surrealism_runtime::{DetachedContext, Runtime, SurrealismResult};
    /// # async fn example(runtime: Runtime) -> SurrealismResult<()> {
    /// let context = DetachedContext::new().kv(runtime.kv_store().clone());
    /// let sum = runtime
    ///     .call("math::add", (1_i64, 2_i64), context)
    ///     .timeout(Duration::from_millis(50))
    ///     .await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::kind`] has what happened.
    ///
    /// # Panics
    ///
    /// When a conversion of `args` by the caller's own [`Args`] panics. A panic of `context` is an error of
    /// the kind [`Host`](crate::ErrorKind::Host).
    pub fn call<'f, A: Args>(
        &self,
        function: impl Into<Option<&'f str>>,
        args: A,
        context: impl InvocationContext + 'static,
    ) -> Call<'_, A> {
        Call::new(self, owned(function.into()), args, context)
    }

    /// Calls a function once for each row of arguments, and returns one result for each row, in order.
    /// With small arguments this costs a fraction of as many [calls](Self::call).
    ///
    /// All rows are one call: they share an instance, a context and the time, also with
    /// [`Isolation::Fresh`].
    ///
    /// ```no_run
    /// # use surrealism_runtime::{DetachedContext, Runtime, SurrealismResult};
    /// # async fn example(runtime: Runtime) -> SurrealismResult<()> {
    /// let titles = ["Grüße aus Köln", "Hello, world"].map(|title| (title.to_string(),));
    /// for slug in runtime.call_rows("slug", titles, DetachedContext::new()).await? {
    ///     println!("{:?}", slug?);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`call`](Self::call), when the function cannot be called, traps or times out: no row has
    /// a result then. A row whose arguments are not of the kinds of the signature, or for which the function
    /// itself fails, is an error among the results. If several rows fail because of the host, the
    /// [source](std::error::Error::source) of each is the last of its errors.
    ///
    /// # Panics
    ///
    /// As [`call`](Self::call), and when `rows` panics.
    pub fn call_rows<'f, A: Args>(
        &self,
        function: impl Into<Option<&'f str>>,
        rows: impl IntoIterator<Item = A>,
        context: impl InvocationContext + 'static,
    ) -> CallRows<'_> {
        let rows = rows.into_iter().map(convert::into_values).collect();
        CallRows::new(Call::new(self, owned(function.into()), rows, context))
    }

    /// Calls a function with arguments from JSON, and returns its result as JSON.
    ///
    /// The arguments are an array, or an object by the names of the parameters. They are read by the kinds of
    /// the signature: a text is a datetime where the kind is one. [`crate::json`] has the forms of all kinds.
    ///
    /// ```no_run
    /// # use serde_json::json;
    /// # use surrealism_runtime::{DetachedContext, Error, Runtime};
    /// # async fn example(runtime: Runtime) -> Result<(), Error> {
    /// let args = json!({ "net": "12.50", "due": "2026-01-31T12:00:00Z" });
    /// let gross = runtime.call_json("price", args, DetachedContext::new()).await?;
    /// println!("{gross}");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`call`](Self::call).
    pub fn call_json<'f>(
        &self,
        function: impl Into<Option<&'f str>>,
        args: serde_json::Value,
        context: impl InvocationContext + 'static,
    ) -> CallJson<'_> {
        CallJson::new(self, Call::new(self, owned(function.into()), args, context))
    }

    /// Reads the arguments of a call from JSON, as [`call_json`](Self::call_json) does.
    ///
    /// # Errors
    ///
    /// When the function does not exist, or the arguments cannot be read as its signature says.
    pub fn arguments_from_json(
        &self,
        function: Option<&str>,
        args: &serde_json::Value,
    ) -> Result<Vec<Value>, Error> {
        self.module().arguments_from_json(function, args)
    }

    /// Returns the size of the component, in bytes.
    pub fn wasm_size(&self) -> usize {
        self.wasm_size
    }

    /// Returns the module's own key-value store, for use in contexts. All calls share it, and it lives as
    /// long as the runtime.
    pub fn kv_store(&self) -> &Arc<BTreeMapStore> {
        &self.module().kv
    }

    /// Returns the limits of the module's key-value store: of each, the smaller of the module's and the
    /// host's. A host that provides another store should keep them too.
    pub fn kv_limits(&self) -> KvLimits {
        self.module().kv.limits()
    }

    /// Returns the module's configuration.
    pub fn config(&self) -> &SurrealismConfig {
        &self.module().config
    }

    /// Returns the capabilities that the guests have: those that the archive asks for and the host
    /// [grants](RuntimeBuilder::grants). [`config`](Self::config) has those that it asks for.
    pub fn capabilities(&self) -> &SurrealismCapabilities {
        &self.module().capabilities.effective
    }

    /// Returns `allow_net`, as far as it is granted, as it was when the module was loaded: its addresses
    /// and, with [`Runtime::new`], the addresses that its names resolved to. The guest's sockets are
    /// restricted to these, and to what the names resolve to during the call. With
    /// [`builder`](Self::builder) no name was resolved, and none of their addresses is listed.
    pub fn resolved_allow_net(&self) -> Arc<Vec<ResolvedNetAllow>> {
        self.module().egress.snapshot.clone()
    }

    /// Takes an instance from the pool, or creates one and runs its `init`, and sets `context`. Waits, in
    /// order of arrival, while as many instances are checked out as the pool is large.
    ///
    /// The instance keeps its memory and statics from earlier calls. Return it with
    /// [`release_controller`](Self::release_controller).
    ///
    /// # Errors
    ///
    /// When an instance cannot be created, `init` fails or times out, or too many callers wait
    /// ([`is_busy`](crate::SurrealismError::is_busy)).
    pub async fn acquire_controller(
        &self,
        context: Box<dyn InvocationContext>,
    ) -> SurrealismResult<Controller> {
        let context = HostContext::from(context);
        let checked_out = self.checkout().await?;
        Ok(self.prepare(checked_out, context.into(), || self.module().deadline(None)).await?)
    }

    async fn checkout(&self) -> Result<CheckedOut, Error> {
        ensure_not_forked()?;
        self.pool.checkout().await
    }

    /// Like `checkout`, but gives up after `max_wait`.
    async fn checkout_timeout(&self, max_wait: Option<Duration>) -> Result<CheckedOut, Error> {
        let until = max_wait.and_then(|wait| Instant::now().checked_add(wait));
        let checkout = timeout_at(self.timers(), until, self.checkout()).await;
        checkout.unwrap_or_else(|_| {
            let instances = self.module().pool_size;
            let waited = max_wait.unwrap_or_default();
            Err(Error::busy(Busy::WaitTimeout { instances, waited }))
        })
    }

    /// Sets `context` on the idle instance, or creates an instance and runs its `init`.
    async fn prepare(
        &self,
        (permit, idle): CheckedOut,
        host: CallHost,
        deadline: impl FnOnce() -> Deadline,
    ) -> Result<Controller, Error> {
        let mut controller = match idle {
            Some(mut controller) if host.tape.is_none() => {
                controller.set_host_context(host.context);
                controller
            }
            // Boxed so that the instantiation future does not enlarge every call's future.
            _ => Box::pin(self.instantiate(host, deadline())).await?,
        };
        controller.set_permit(permit);
        Ok(controller)
    }

    async fn instantiate(&self, host: CallHost, deadline: Deadline) -> Result<Controller, Error> {
        let mut controller = Controller::new(self.template.clone(), host, deadline).await?;
        controller.init_with_deadline(deadline).await?;
        Ok(controller)
    }

    /// Returns an instance to the pool. Its context is removed; its memory stays.
    ///
    /// An instance that must not serve another caller is dropped instead: a poisoned one, one whose
    /// `init` has not run, one of another runtime, and with [`Isolation::Fresh`] every one. So it is
    /// always safe to call.
    pub fn release_controller(&self, mut controller: Controller) {
        let permit = controller.take_permit();
        let reusable = match self.isolation {
            Isolation::Reuse => controller.check_reusable(&self.template),
            Isolation::Fresh => Err(DropCause::Used),
        };
        match reusable {
            Ok(()) => {
                controller.clear_context();
                self.pool.check_in(controller, permit);
            }
            Err(cause) => {
                controller.drop_because(cause);
                // Dropped last: the next caller must find the instance gone.
                drop(permit);
            }
        }
    }

    /// Waits until no call is under way or in the queue, at most for `patience`. Returns how many are left,
    /// which is 0 unless the time ended.
    ///
    /// Idle instances are dropped at once, and all others when their call ends, so that their memory is given
    /// back. Calls are not refused, and one that begins meanwhile is waited for as well: stop making them
    /// first. A drained runtime still serves calls, each with a new instance.
    ///
    /// ```no_run
    /// # use std::time::Duration;
    /// # async fn example(runtime: surrealism_runtime::Runtime) {
    /// match runtime.drain(Duration::from_secs(10)).await {
    ///     0 => println!("every call has ended"),
    ///     calls => println!("{calls} calls are cancelled"),
    /// }
    /// # }
    /// ```
    pub async fn drain(&self, patience: Duration) -> usize {
        let until = Instant::now().checked_add(patience);
        match timeout_at(self.timers(), until, self.pool.drain()).await {
            Ok(()) => 0,
            Err(_) => {
                let PoolCounts { queued, checked_out, .. } = self.pool.counts();
                queued + checked_out
            }
        }
    }

    /// Creates an instance outside the pool. Its `init` has not run, unless the module is
    /// [pre-initialized](RuntimeBuilder::preinitialize). For hosts that manage instances themselves;
    /// [`call`](Self::call) is simpler.
    ///
    /// # Errors
    ///
    /// [`Instantiation`](crate::SurrealismError::Instantiation) when the instance cannot be created,
    /// [`Timeout`](crate::SurrealismError::Timeout) when that takes longer than a call may.
    pub async fn new_controller(
        &self,
        context: Box<dyn InvocationContext>,
    ) -> SurrealismResult<Controller> {
        let deadline = self.module().deadline(None);
        let host = CallHost::from(HostContext::from(context));
        Ok(Controller::new(self.template.clone(), host, deadline).await?)
    }

    /// Returns the signature of a function, as the archive has it; `None` is the default export.
    ///
    /// # Errors
    ///
    /// When the function does not exist. The message suggests similar names.
    pub fn get_signature(&self, sub: Option<&str>) -> SurrealismResult<&FunctionExport> {
        Ok(self.module().signature(sub)?)
    }

    /// Returns the signatures of all functions, as the archive has them.
    pub fn exports(&self) -> &ExportsManifest {
        &self.module().exports
    }

    /// Returns what the module holds of this process now, and the most that it has held.
    pub fn usage(&self) -> Usage {
        let PoolCounts { queued, checked_out, idle } = self.pool.counts();
        Usage {
            queued,
            calls: checked_out,
            idle,
            lost: self.module().metrics.lost.load(Ordering::Relaxed),
            instances: self.module().metrics.instances.load(),
            memory_bytes: self.module().metrics.memory_bytes.load(),
            kv_bytes: Gauge {
                current: self.kv_store().size().bytes,
                peak: self.kv_store().peak_bytes(),
            },
            pooled: self.template.component.pooled,
            code: self.code_source,
            preinitialized: self.template.component.preinitialized,
        }
    }

    fn module(&self) -> &Module {
        &self.template.module
    }

    /// Returns the same module with the same instances.
    fn share(&self) -> Self {
        let Self { isolation, wasm_size, code_source, .. } = *self;
        let (template, pool) = (self.template.clone(), self.pool.clone());
        Self { template, pool, isolation, wasm_size, code_source, recorder: self.recorder.clone() }
    }

    fn timers(&self) -> &TimerQueue {
        &self.template.globals.timers
    }
}

/// Returns the name of a function for a call that outlives it.
fn owned<'a>(function: Option<&str>) -> Option<Cow<'a, str>> {
    function.map(|name| Cow::Owned(name.to_string()))
}

impl fmt::Debug for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runtime")
            .field("module", &self.module().to_string())
            .field("wasm_size", &self.wasm_size)
            .finish_non_exhaustive()
    }
}
