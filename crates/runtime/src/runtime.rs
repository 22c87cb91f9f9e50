//! A module that is loaded, and the pool of its instances.

use std::fmt;
use std::num::NonZero;
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::{Duration, Instant};

use surrealism_types::args::Args;
use surrealism_types::err::PoolWaitTimeout;

use crate::compile::background::apart;
use crate::runtime::call::{Call, CallRows};
use crate::compile::cache::CodeCache;
use crate::package::config::SurrealismConfig;
use crate::instance::Controller;
use crate::deadline::within;
use crate::package::exports::{ExportsManifest, FunctionExport};
use crate::host::InvocationContext;
use crate::kv::BTreeMapStore;
use crate::limits::{DEFAULT_MAX_KV_BYTES, DEFAULT_MAX_MEMORY_BYTES, KvLimits};
use crate::module::{Deadline, Module};
use crate::egress::allow_net::ResolvedNetAllow;
use crate::package::SurrealismPackage;
use crate::instance::pool::{Place, Pool};
use crate::usage::Usage;
use crate::{SurrealismError, SurrealismResult};

/// A loaded module. Compiled once, shared by any number of threads, usually as `Arc<Runtime>`.
///
/// [`call`](Self::call) is the way to use it.
pub struct Runtime {
    module: Arc<Module>,
    pool: Arc<Pool>,
    isolation: Isolation,
}

/// What one call sees of the calls before it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Isolation {
    /// An instance serves one call after another, and keeps its memory: statics last, and so does
    /// whatever a guest leaves lying about. The contract's default.
    #[default]
    Reuse,
    /// Every call gets an instance of its own, in the state just after `init`. What the key-value
    /// store holds is shared all the same.
    ///
    /// An `init` that asks its host for nothing can only ever come out the same. So it runs once,
    /// while the module is loaded, and instances begin with its outcome, however long it took;
    /// [`Usage::preinitialized`] tells. Loading takes a second compilation then, but for what the
    /// [cache](RuntimeBuilder::code_cache) has.
    ///
    /// In these cases nothing is captured, and `init` runs in every instance, in its caller's context
    /// and time:
    ///
    /// - It calls anything that the component imports, be it a query, a key, the clock, a file, a line
    ///   of output or a random number, which is what seeds a Rust guest's `HashMap` (a `BTreeMap` has
    ///   no seeds). What runs before `init` counts: a wasi-libc of before 2023 opens the folders of a
    ///   guest that uses files.
    /// - It fails or traps, or is refused memory.
    /// - It takes longer than [`MAX_PREINIT_TIME`](crate::limits::MAX_PREINIT_TIME) or than a call
    ///   may. This is tried again by the next load once no runtime of the module is left.
    /// - What it leaves is more than [`MAX_SNAPSHOT_BYTES`](crate::limits::MAX_SNAPSHOT_BYTES) of
    ///   memory, or in more than [`MAX_SNAPSHOT_SEGMENTS`](crate::limits::MAX_SNAPSHOT_SEGMENTS).
    /// - The component keeps state elsewhere than in memories and integers: its code changes tables,
    ///   it has resources of its own, or uses what compilers of plugins do not (exceptions, garbage
    ///   collection, 64-bit memories, several memories).
    Fresh,
}

impl Runtime {
    /// Begins to load a package; see [`RuntimeBuilder`] for what can be set.
    pub fn builder(package: SurrealismPackage) -> RuntimeBuilder {
        RuntimeBuilder {
            package,
            ceilings: Ceilings::default(),
            isolation: Isolation::default(),
            code_cache: None,
            max_queue: usize::MAX,
        }
    }

    /// Loads a package, with the host's ceilings by position. `None` is no ceiling.
    /// [`builder`](Self::builder) does the same with names.
    ///
    /// # Errors
    ///
    /// Those of [`RuntimeBuilder::build`].
    pub fn new(
        package: SurrealismPackage,
        server_pool_size: usize,
        server_max_memory: Option<usize>,
        server_max_execution_time: Option<Duration>,
        server_max_kv_entries: Option<usize>,
        server_max_kv_value_bytes: Option<usize>,
    ) -> SurrealismResult<Self> {
        let mut builder = Self::builder(package).pool_size(server_pool_size);
        builder.ceilings.max_memory_bytes = server_max_memory;
        builder.ceilings.max_execution_time = server_max_execution_time;
        builder.ceilings.max_kv_entries = server_max_kv_entries;
        builder.ceilings.max_kv_value_bytes = server_max_kv_value_bytes;
        builder.build()
    }

    /// Calls a function and gives its value: takes an instance from the pool or makes one, lends it
    /// `context`, bounds its time, and puts it back, or drops it if it must not be used again.
    ///
    /// `function` is a name, or `None` for the default export.
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
    /// Those of [`acquire_controller`](Self::acquire_controller) and
    /// [`Controller::invoke_with_timeout`].
    pub fn call<'f, A: Args>(
        &self,
        function: impl Into<Option<&'f str>>,
        args: A,
        context: impl InvocationContext + 'static,
    ) -> Call<'_, A> {
        Call::new(self, function.into().map(str::to_string), args, Box::new(context))
    }

    /// Calls a function once for each row of arguments, with one instance and one context for all of
    /// them: for small arguments at a fraction of what as many [calls](Self::call) cost. Awaited, it
    /// gives one answer for each row, in order.
    ///
    /// All rows together are one call: they share its time, and with [`Isolation::Fresh`] one fresh
    /// instance.
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
    /// Those of [`call`](Self::call), when the function cannot be called, traps, or runs out of
    /// time: then no row has an answer. A row for which the function itself fails is an error among
    /// the answers.
    pub fn call_rows<'f, A: Args>(
        &self,
        function: impl Into<Option<&'f str>>,
        rows: impl IntoIterator<Item = A>,
        context: impl InvocationContext + 'static,
    ) -> CallRows<'_> {
        let rows = rows.into_iter().map(A::to_values).collect();
        let function = function.into().map(str::to_string);
        CallRows::new(Call::new(self, function, rows, Box::new(context)))
    }

    /// The size of the component, in bytes.
    pub fn wasm_size(&self) -> usize {
        self.module.wasm_size
    }

    /// The module's own key-value store, for contexts to lend to its calls. It is shared by all
    /// calls and lives as long as the runtime.
    pub fn kv_store(&self) -> &Arc<BTreeMapStore> {
        &self.module.kv
    }

    /// What the module's store may hold, whichever store a host lends it: of each bound, the smaller
    /// of the module's and the host's.
    pub fn kv_limits(&self) -> KvLimits {
        self.module.kv.limits()
    }

    /// The module's configuration.
    pub fn config(&self) -> &SurrealismConfig {
        &self.module.config
    }

    /// Where the guest may connect to: `allow_net` as it was resolved when the module was loaded,
    /// which is what its sockets are held to.
    pub fn resolved_allow_net(&self) -> Arc<Vec<ResolvedNetAllow>> {
        self.module.network.snapshot.clone()
    }

    /// Takes an instance from the pool, or makes one and runs its `init`, and installs `context`.
    /// Waits, in order, while as many instances are out as the pool is large.
    ///
    /// The instance keeps its memory and statics from earlier calls. Give it back with
    /// [`release_controller`](Self::release_controller).
    ///
    /// # Errors
    ///
    /// When a new instance cannot be made, its `init` fails or takes longer than a call may, or too
    /// many callers wait already ([`is_busy`](SurrealismError::is_busy)).
    pub async fn acquire_controller(
        &self,
        context: Box<dyn InvocationContext>,
    ) -> SurrealismResult<Controller> {
        let place = self.checkout().await?;
        self.ready(place, context, || Deadline::of(&self.module, None)).await
    }

    /// Waits for the right to have an instance at work, and takes an idle one if there is one.
    pub(crate) async fn checkout(&self) -> SurrealismResult<(Place, Option<Controller>)> {
        Ok(self.pool.checkout().await?)
    }

    /// As [`checkout`](Self::checkout), for who does not wait any longer than `max_wait`.
    pub(crate) async fn checkout_within(
        &self,
        max_wait: Option<Duration>,
    ) -> SurrealismResult<(Place, Option<Controller>)> {
        let until = max_wait.and_then(|wait| Instant::now().checked_add(wait));
        let checkout = within(&self.module.process.alarms, until, self.checkout()).await;
        checkout.unwrap_or_else(|_| {
            let waited = max_wait.unwrap_or_default();
            Err(anyhow::Error::new(PoolWaitTimeout { instances: self.module.pool_size, waited })
                .into())
        })
    }

    /// Lends `context` to the idle instance, or makes one and runs its `init`.
    pub(crate) async fn ready(
        &self,
        (place, idle): (Place, Option<Controller>),
        context: Box<dyn InvocationContext>,
        deadline: impl FnOnce() -> Deadline,
    ) -> SurrealismResult<Controller> {
        let mut controller = match idle {
            Some(mut controller) => {
                controller.set_context(context);
                controller
            }
            // In a box, since most calls find an instance, and would carry all that making one takes.
            None => Box::pin(self.make(context, deadline())).await?,
        };
        controller.hold(place);
        Ok(controller)
    }

    async fn make(
        &self,
        context: Box<dyn InvocationContext>,
        deadline: Deadline,
    ) -> SurrealismResult<Controller> {
        let mut made = Controller::new(self.module.clone(), context, deadline).await?;
        made.init_within(deadline).await?;
        Ok(made)
    }

    /// Gives an instance back. Its context is taken out; its memory stays.
    ///
    /// An instance that must not serve another caller is dropped instead: one that was lost to a
    /// trap, a timeout, a cancelled call or a panic, one whose `init` has not run, one of another
    /// runtime, and with [`Isolation::Fresh`] every one. So it is never wrong to release.
    pub fn release_controller(&self, mut controller: Controller) {
        let place = controller.let_go();
        if self.isolation == Isolation::Reuse && controller.is_reusable(&self.module) {
            controller.clear_context();
            self.pool.put(controller, place);
        } else {
            drop(controller);
            // Only now: whoever gets it finds the instance gone.
            drop(place);
        }
    }

    /// Makes an instance outside the pool. Its `init` has not run, unless its outcome was
    /// [captured](Isolation::Fresh). For hosts that manage instances themselves; others want
    /// [`call`](Self::call).
    ///
    /// # Errors
    ///
    /// [`Instantiation`](SurrealismError::Instantiation) when it cannot be made,
    /// [`Timeout`](SurrealismError::Timeout) when that takes longer than a call may.
    pub async fn new_controller(
        &self,
        context: Box<dyn InvocationContext>,
    ) -> SurrealismResult<Controller> {
        let deadline = Deadline::of(&self.module, None);
        Controller::new(self.module.clone(), context, deadline).await
    }

    /// The signature of a function, as the archive has it; `None` is the default export.
    ///
    /// # Errors
    ///
    /// When there is no such function; the message has the names nearest to it.
    pub fn get_signature(&self, sub: Option<&str>) -> SurrealismResult<&FunctionExport> {
        self.module.signature(sub).map_err(SurrealismError::FunctionCallError)
    }

    /// The signatures of all functions, as the archive has them.
    pub fn exports(&self) -> &ExportsManifest {
        &self.module.exports
    }

    /// What the module holds of this process now, and the most that it has held.
    pub fn usage(&self) -> Usage {
        Usage {
            instances: self.module.meter.instances.level(),
            memory_bytes: self.module.meter.memory_bytes.level(),
            kv_bytes: self.module.kv.bytes(),
            pooled: self.module.code.pooled,
            code: self.module.code_source,
            preinitialized: self.module.code.captured,
        }
    }

    pub(crate) fn module(&self) -> &Module {
        &self.module
    }
}

impl fmt::Debug for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runtime")
            .field("module", &self.module.to_string())
            .field("wasm_size", &self.module.wasm_size)
            .finish_non_exhaustive()
    }
}

/// Loads a package under the host's ceilings. Where the module sets the same limit for itself, the
/// smaller of the two holds.
#[derive(Debug)]
#[must_use = "nothing is loaded until `build` or `build_async`"]
pub struct RuntimeBuilder {
    package: SurrealismPackage,
    ceilings: Ceilings,
    isolation: Isolation,
    code_cache: Option<CodeCache>,
    max_queue: usize,
}

/// The host's bounds on a module; `None` is no bound.
#[derive(Debug)]
pub(crate) struct Ceilings {
    pub(crate) pool_size: usize,
    pub(crate) max_memory_bytes: Option<usize>,
    pub(crate) max_execution_time: Option<Duration>,
    pub(crate) max_kv_entries: Option<usize>,
    pub(crate) max_kv_value_bytes: Option<usize>,
    pub(crate) max_kv_bytes: Option<usize>,
}

impl Default for Ceilings {
    fn default() -> Self {
        Self {
            pool_size: available_parallelism().map_or(1, NonZero::get),
            max_memory_bytes: Some(DEFAULT_MAX_MEMORY_BYTES),
            max_execution_time: None,
            max_kv_entries: None,
            max_kv_value_bytes: None,
            max_kv_bytes: Some(DEFAULT_MAX_KV_BYTES),
        }
    }
}

impl RuntimeBuilder {
    /// Most instances at work at a time, and most kept ready: at least 1. Default: one for each of
    /// the machine's threads.
    pub fn pool_size(mut self, instances: usize) -> Self {
        self.ceilings.pool_size = instances;
        self
    }

    /// Linear memory of one instance, in bytes. Default: [`DEFAULT_MAX_MEMORY_BYTES`].
    pub fn max_memory_bytes(mut self, bytes: usize) -> Self {
        self.ceilings.max_memory_bytes = Some(bytes);
        self
    }

    /// Time for one call, and for making an instance. Default: no ceiling.
    pub fn max_execution_time(mut self, time: Duration) -> Self {
        self.ceilings.max_execution_time = Some(time);
        self
    }

    /// Entries in the module's key-value store. Default: no ceiling.
    pub fn max_kv_entries(mut self, entries: usize) -> Self {
        self.ceilings.max_kv_entries = Some(entries);
        self
    }

    /// Encoded size of one value in the key-value store, in bytes. Default: no ceiling.
    pub fn max_kv_value_bytes(mut self, bytes: usize) -> Self {
        self.ceilings.max_kv_value_bytes = Some(bytes);
        self
    }

    /// Keys and encoded values of the key-value store together, in bytes. Default:
    /// [`DEFAULT_MAX_KV_BYTES`].
    pub fn max_kv_bytes(mut self, bytes: usize) -> Self {
        self.ceilings.max_kv_bytes = Some(bytes);
        self
    }

    /// What one call sees of the calls before it. Default: [`Isolation::Reuse`].
    pub fn isolation(mut self, isolation: Isolation) -> Self {
        self.isolation = isolation;
        self
    }

    /// Where to find compiled code, and keep it. Default: nowhere; every process compiles anew. A
    /// module that is loaded already shares its code with the next, and nothing is looked up.
    pub fn code_cache(mut self, cache: CodeCache) -> Self {
        self.code_cache = Some(cache);
        self
    }

    /// Most callers that wait for an instance; one more is refused as
    /// [busy](SurrealismError::is_busy). Default: no bound.
    pub fn max_queue(mut self, callers: usize) -> Self {
        self.max_queue = callers;
        self
    }

    /// Compiles the module, or takes its code from the [cache](Self::code_cache), and looks up the
    /// host names in `allow_net`. With [`Isolation::Fresh`] it also runs the module's `init` and
    /// compiles what comes of it. This **blocks**, for about a second per megabyte of component
    /// that is compiled: in an async program, use [`build_async`](Self::build_async).
    ///
    /// # Errors
    ///
    /// - [`UnsupportedAbi`](SurrealismError::UnsupportedAbi) when the module was built for another
    ///   version of the interface.
    /// - [`Compilation`](SurrealismError::Compilation) when it is no valid component, exports no
    ///   `invoke` or one of another type, or imports what no host of this ABI has.
    /// - [`Other`](SurrealismError::Other) when `allow_net` cannot be resolved or the pool size is
    ///   out of range.
    pub fn build(self) -> SurrealismResult<Runtime> {
        let module =
            Module::compile(self.package, self.ceilings, self.isolation, self.code_cache.as_ref())?;
        let pool = Arc::new(Pool::new(module.pool_size, self.max_queue));
        Ok(Runtime { module: Arc::new(module), pool, isolation: self.isolation })
    }

    /// As [`build`](Self::build), for async programs: on a thread of its own, so that the executor
    /// runs on, whichever it is. At most [`MAX_LOADING_THREADS`](crate::limits::MAX_LOADING_THREADS)
    /// modules are loaded so at a time; the others wait for their turn. Reading the archive is the caller's part and blocks as well, for
    /// milliseconds.
    ///
    /// When this is dropped, a load that has begun ends by itself; its code is kept if there is a
    /// cache.
    ///
    /// ```no_run
    /// # use surrealism_runtime::{Runtime, SurrealismPackage, SurrealismResult};
    /// # async fn example(package: SurrealismPackage) -> SurrealismResult<()> {
    /// let runtime = Runtime::builder(package).build_async().await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`build`](Self::build), and when no thread can be started.
    pub async fn build_async(self) -> SurrealismResult<Runtime> {
        apart(|| self.build()).await?
    }
}
