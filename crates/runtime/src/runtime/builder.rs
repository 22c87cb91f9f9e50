//! How a module is loaded.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use surrealism_types::err::SurrealismError;

use super::{Isolation, Runtime};
use crate::compile::admission::Refusal;
use crate::compile::background::spawn_blocking;
use crate::compile::budget::CompileBudget;
use crate::compile::cache::CodeCache;
use crate::compile::preinit::PreinitLimits;
use crate::compile::{Journal, Loader};
use crate::config_values::ConfigValues;
use crate::egress::NameResolution;
use crate::error::{Error, LoadError};
use crate::grants::Grants;
use crate::instance::pool::Pool;
use crate::instance::template::Template;
use crate::limits::{CompileLimits, HostLimits, MAX_ERROR_BYTES};
use crate::module::{HostErrors, Module};
use crate::observer::{EventKind, Observer, Observers};
use crate::package::SurrealismPackage;
use crate::process::{ensure_not_forked, globals};
use crate::record::Recorder;
use crate::text::bounded;

/// Loads a package within the host's limits. Returned by [`Runtime::builder`].
///
/// Where the module's `surrealism.toml` sets the same limit, the smaller of the two applies.
///
/// | setting | default |
/// |---|---|
/// | [`grants`](Self::grants) | [none](Grants::none) |
/// | [`config`](Self::config) | the defaults of the module's keys |
/// | [`pool_size`](Self::pool_size) | the number of hardware threads |
/// | [`max_queue`](Self::max_queue) | unlimited |
/// | [`max_memory_bytes`](Self::max_memory_bytes) | 1 GiB |
/// | [`max_execution_time`](Self::max_execution_time) | unlimited |
/// | [`max_kv_entries`](Self::max_kv_entries) | unlimited |
/// | [`max_kv_value_bytes`](Self::max_kv_value_bytes) | unlimited |
/// | [`max_kv_bytes`](Self::max_kv_bytes) | 256 MiB |
/// | [`max_idle_growth_bytes`](Self::max_idle_growth_bytes) | 32 MiB |
/// | [`isolation`](Self::isolation) | [`Isolation::Reuse`] |
/// | [`preinitialize`](Self::preinitialize) | `true` with [`Isolation::Fresh`], else `false` |
/// | [`code_cache`](Self::code_cache) | none |
/// | [`compile_limits`](Self::compile_limits) | [`CompileLimits::default`] |
/// | [`recorder`](Self::recorder) | none |
/// | [`observer`](Self::observer) | none |
///
/// ```no_run
/// # use std::time::Duration;
/// # use surrealism_runtime::{Grants, Runtime, SurrealismPackage, SurrealismResult};
/// # fn example(package: SurrealismPackage) -> SurrealismResult<()> {
/// let runtime = Runtime::builder(package)
///     .grants(Grants::none().key_value())
///     .pool_size(8)
///     .max_queue(1_000)
///     .max_memory_bytes(64 << 20)
///     .max_execution_time(Duration::from_secs(1))
///     .build()?;
/// # Ok(())
/// # }
/// ```
#[must_use = "nothing is loaded until `build` or `build_async`"]
pub struct RuntimeBuilder {
    package: SurrealismPackage,
    pub(super) limits: HostLimits,
    grants: Grants,
    config: ConfigValues,
    isolation: Isolation,
    preinitialize: Option<bool>,
    code_cache: Option<CodeCache>,
    compile_limits: CompileLimits,
    max_queue: usize,
    observers: Vec<Arc<dyn Observer>>,
    pub(super) name_resolution: NameResolution,
    pub(super) host_errors: HostErrors,
    recorder: Option<Recorder>,
}

impl RuntimeBuilder {
    pub(super) fn new(package: SurrealismPackage) -> Self {
        Self {
            package,
            limits: HostLimits::default(),
            grants: Grants::none(),
            config: ConfigValues::new(),
            isolation: Isolation::default(),
            preinitialize: None,
            code_cache: None,
            compile_limits: CompileLimits::default(),
            max_queue: usize::MAX,
            observers: Vec::new(),
            name_resolution: NameResolution::AtUse,
            host_errors: HostErrors::Private,
            recorder: None,
        }
    }

    /// Sets what the host grants: of what the archive asks for, a guest has only that. Default:
    /// [nothing](Grants::none).
    pub fn grants(mut self, grants: Grants) -> Self {
        self.grants = grants;
        self
    }

    /// Sets values for the keys that the archive declares in `[config]`. Default: those that the archive has
    /// for them. A key without a default has to have a value.
    ///
    /// An `init` that reads a key is not [pre-initialized](Self::preinitialize).
    pub fn config(mut self, values: ConfigValues) -> Self {
        self.config = values;
        self
    }

    /// Limits the instances that are checked out at a time, and the idle ones that are kept. At least 1.
    /// Default: the number of hardware threads.
    pub fn pool_size(mut self, instances: usize) -> Self {
        self.limits.pool_size = instances;
        self
    }

    /// Limits the linear memory of one instance, in bytes. Default:
    /// [`DEFAULT_MAX_MEMORY_BYTES`](crate::limits::DEFAULT_MAX_MEMORY_BYTES).
    pub fn max_memory_bytes(mut self, bytes: usize) -> Self {
        self.limits.max_memory_bytes = Some(bytes);
        self
    }

    /// Limits the time of one call, and of one instantiation. Default: unlimited.
    pub fn max_execution_time(mut self, time: Duration) -> Self {
        self.limits.max_execution_time = Some(time);
        self
    }

    /// Limits the entries of the module's key-value store. Default: unlimited.
    pub fn max_kv_entries(mut self, entries: usize) -> Self {
        self.limits.max_kv_entries = Some(entries);
        self
    }

    /// Limits the encoded size of one value in the key-value store, in bytes. Default: unlimited.
    pub fn max_kv_value_bytes(mut self, bytes: usize) -> Self {
        self.limits.max_kv_value_bytes = Some(bytes);
        self
    }

    /// Limits the size of all keys and encoded values in the key-value store, in bytes. Default:
    /// [`DEFAULT_MAX_KV_BYTES`](crate::limits::DEFAULT_MAX_KV_BYTES).
    pub fn max_kv_bytes(mut self, bytes: usize) -> Self {
        self.limits.max_kv_bytes = Some(bytes);
        self
    }

    /// Limits how much larger the linear memory of an idle instance may be than after its `init`, in bytes.
    /// A WebAssembly memory never shrinks. So an instance that a large request made larger than this is
    /// dropped when its call ends, and a later call creates another, which takes an instantiation and an
    /// `init`. `usize::MAX` keeps every instance. Default:
    /// [`DEFAULT_MAX_IDLE_GROWTH_BYTES`](crate::limits::DEFAULT_MAX_IDLE_GROWTH_BYTES).
    pub fn max_idle_growth_bytes(mut self, bytes: usize) -> Self {
        self.limits.max_idle_growth_bytes = bytes;
        self
    }

    /// Sets what a call sees of the calls before it. Default: [`Isolation::Reuse`].
    pub fn isolation(mut self, isolation: Isolation) -> Self {
        self.isolation = isolation;
        self
    }

    /// Sets whether the module is pre-initialized: `init` runs once, while the module is loaded, and
    /// every instance begins with the state after it. [`Usage::preinitialized`](crate::Usage) tells
    /// whether it was. Default: `true` with [`Isolation::Fresh`], `false` with [`Isolation::Reuse`].
    ///
    /// It takes a second compilation, unless the [cache](Self::code_cache) has its result. A module
    /// without `init` is not affected.
    ///
    /// `init` may read the attached files there, and has nothing else of its host. It runs in every instance
    /// instead, in the context and time of the call, when the module cannot be pre-initialized:
    ///
    /// - `init`, or code before it, calls another import: a query, a key, the clock, output or random
    ///   numbers. A Rust guest's `HashMap` needs random numbers, a `BTreeMap` does not.
    /// - `init` leaves a file open.
    /// - `init` fails, traps or is denied memory.
    /// - `init` takes longer than [`MAX_PREINIT_TIME`](crate::limits::MAX_PREINIT_TIME), or than a call
    ///   may. The next load tries again, once no runtime of the module is left.
    /// - The state is larger than [`MAX_SNAPSHOT_BYTES`](crate::limits::MAX_SNAPSHOT_BYTES), or has more
    ///   than [`MAX_SNAPSHOT_SEGMENTS`](crate::limits::MAX_SNAPSHOT_SEGMENTS) segments.
    /// - The component has state elsewhere than in memories and integer globals: its code changes
    ///   tables, it defines resources, or it uses features that compilers of plugins do not use
    ///   (exceptions, garbage collection, 64-bit memories, several memories).
    pub fn preinitialize(mut self, preinitialize: bool) -> Self {
        self.preinitialize = Some(preinitialize);
        self
    }

    /// Sets where compiled code is kept between processes. Default: nowhere; every process compiles
    /// anew. Within a process, modules with the same bytes share their code in any case.
    pub fn code_cache(mut self, cache: CodeCache) -> Self {
        self.code_cache = Some(cache);
        self
    }

    /// Limits what compiling the module may cost. A module over a limit is refused before it is compiled.
    /// Default: [`CompileLimits::default`].
    pub fn compile_limits(mut self, limits: CompileLimits) -> Self {
        self.compile_limits = limits;
        self
    }

    /// Limits the callers that wait for an instance. One more is refused as
    /// [busy](crate::ErrorKind::Busy). Default: unlimited.
    pub fn max_queue(mut self, callers: usize) -> Self {
        self.max_queue = callers;
        self
    }

    /// Records the calls of [`Runtime::call`] and what the host answers in them. Each has an instance of its
    /// own then, so that it can be replayed. Default: nothing is recorded, and nothing paid.
    pub fn recorder(mut self, recorder: Recorder) -> Self {
        self.recorder = Some(recorder);
        self
    }

    /// Adds an [`Observer`] of the module. Default: none, and nothing is measured.
    pub fn observer(mut self, observer: Arc<dyn Observer>) -> Self {
        self.observers.push(observer);
        self
    }

    /// Loads the module: compiles it, or takes its code from the [cache](Self::code_cache).
    ///
    /// The names of its `allow_net` are resolved when the guest uses them, so that a name that cannot be
    /// resolved now keeps nothing from running. The error of a call tells which name could not be
    /// resolved. [`Runtime::new`] resolves all of them and fails where one cannot be.
    ///
    /// This **blocks**, for about a second per megabyte of component to compile: see [`CompileLimits`]. In
    /// an async program, use [`build_async`](Self::build_async).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Load`](crate::ErrorKind::Load):
    ///
    /// - [`UnsupportedAbi`](LoadError::UnsupportedAbi) when the module was built for another version of the
    ///   interface.
    /// - [`TooCostly`](LoadError::TooCostly) when compiling the component may cost more than the
    ///   [limits](Self::compile_limits).
    /// - [`InvalidComponent`](LoadError::InvalidComponent) when the component is not valid, exports no
    ///   `invoke` or one of another type, or imports what the host's interface does not have.
    /// - [`InvalidConfigValues`](LoadError::InvalidConfigValues) when a key of `[config]` has no value or one
    ///   of another kind, or a value is for a key that the archive does not declare.
    /// - [`InvalidConfig`](LoadError::InvalidConfig) when `allow_net` or a grant cannot be parsed, or the
    ///   pool size is out of range.
    ///
    /// [`ErrorKind::Process`](crate::ErrorKind::Process) when a thread cannot be started.
    pub fn build(mut self) -> Result<Runtime, Error> {
        let observers = std::mem::take(&mut self.observers);
        let observers = Observers::new(&self.package.config.meta, observers);
        let started = Instant::now();
        let loaded = self.build_observed(observers.clone());
        observers.tell(match &loaded {
            Ok(runtime) => {
                EventKind::Loaded { source: runtime.code_source, took: started.elapsed() }
            }
            Err(error) => EventKind::LoadFailed(error),
        });
        loaded
    }

    fn build_observed(mut self, observers: Observers) -> Result<Runtime, Error> {
        let globals = globals()?;
        let _ticking = globals.timers.ticker.hold();
        let wasm = std::mem::take(&mut self.package.wasm);
        let (limits, grants, values) = (&self.limits, &self.grants, &self.config);
        let mut module = Module::new(self.package, limits, grants, values, self.name_resolution)?;
        module.host_errors = self.host_errors;
        module.observers = observers.clone();
        let preinitialize = self.preinitialize.unwrap_or(self.isolation == Isolation::Fresh);
        let journal = Journal::default();
        let budget = CompileBudget::new(&self.compile_limits);
        let loader = Loader {
            engines: &globals.engines,
            strict_timeout: module.strict_timeout(),
            cache: self.code_cache.as_ref(),
            budget: &budget,
            files: module.files(),
            preinit: preinitialize.then(|| {
                let stack_bytes = globals.config.guest_stack_bytes;
                PreinitLimits::new(module.max_memory_bytes, stack_bytes, module.max_execution_time)
            }),
            journal: &journal,
        };
        let loaded = loader.load(&wasm);
        // Told now, since loading holds a lock of the component.
        journal.into_inner().into_iter().for_each(|step| observers.tell(step));
        let (component, code_source) = loaded.map_err(load_error)?;
        let pool = Arc::new(Pool::new(module.pool_size, self.max_queue, observers));
        let template = Arc::new(Template { module: Arc::new(module), component, globals });
        let (isolation, recorder) = (self.isolation, self.recorder);
        Ok(Runtime { template, pool, isolation, wasm_size: wasm.len(), code_source, recorder })
    }

    /// Loads the module as [`build`](Self::build) does, without blocking: the work runs on a thread of
    /// its own, and any executor will do.
    ///
    /// At most [`MAX_LOADING_THREADS`](crate::limits::MAX_LOADING_THREADS) modules are loaded at a time;
    /// the others wait. Reading the archive, before, blocks for milliseconds.
    ///
    /// When the future is dropped, a load that has begun runs to its end, and the cache keeps its code.
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
    /// Those of [`build`](Self::build).
    pub async fn build_async(self) -> Result<Runtime, Error> {
        ensure_not_forked()?;
        spawn_blocking(|| self.build()).await.map_err(Error::process)?
    }
}

impl fmt::Debug for RuntimeBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RuntimeBuilder")
            .field("package", &self.package)
            .field("limits", &self.limits)
            .field("grants", &self.grants)
            .field("isolation", &self.isolation)
            .field("preinitialize", &self.preinitialize)
            .field("code_cache", &self.code_cache)
            .field("compile_limits", &self.compile_limits)
            .field("max_queue", &self.max_queue)
            .field("observers", &self.observers.len())
            .finish_non_exhaustive()
    }
}

/// Sorts an error of the loader. It may repeat names of the component, which have any length.
fn load_error(error: SurrealismError) -> Error {
    let refusal = match &error {
        SurrealismError::Compilation(error) => error.downcast_ref::<Refusal>(),
        _ => None,
    };
    let kind = match refusal {
        Some(Refusal::TooCostly(_)) => LoadError::TooCostly,
        _ => LoadError::InvalidComponent,
    };
    let error = match error {
        SurrealismError::Compilation(error) => {
            let text = bounded(format_args!("{error:#}"));
            let is_cut = text.len() + char::MAX.len_utf8() > MAX_ERROR_BYTES;
            let error = if is_cut { wasmtime::Error::msg(text) } else { error };
            SurrealismError::Compilation(error)
        }
        error => error,
    };
    Error::load(kind, error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::package::config::SurrealismConfig;
    use crate::package::exports::ExportsManifest;

    /// A package whose `init` can be run ahead of time.
    fn package() -> SurrealismPackage {
        let component = r#"(component
            (core module $m
              (memory (export "memory") 1)
              (func (export "realloc") (param i32 i32 i32 i32) (result i32) unreachable)
              (func (export "invoke") (param i32 i32 i32 i32 i32) (result i32) unreachable)
              (func (export "init") (result i32) (i32.const 16)))
            (core instance $i (instantiate $m))
            (func (export "init") (result (result (error string)))
              (canon lift (core func $i "init") (memory $i "memory") (realloc (func $i "realloc"))))
            (func (export "invoke")
              (param "name" (option string)) (param "args" (list u8))
              (result (result (list u8) (error string)))
              (canon lift (core func $i "invoke") (memory $i "memory") (realloc (func $i "realloc")))))"#;
        let config = "abi = 2\n[package]\norganisation = 'acme'\nname = 'x'\nversion = '1.0.0'";
        SurrealismPackage {
            config: SurrealismConfig::parse(config).unwrap(),
            wasm: wat::parse_str(component).unwrap(),
            exports: ExportsManifest::empty(),
            fs: None,
            logo: None,
        }
    }

    #[test]
    fn preinitialization_follows_isolation_unless_it_is_set() {
        for (isolation, preinitialize, expected) in [
            (Isolation::Reuse, None, false),
            (Isolation::Fresh, None, true),
            (Isolation::Reuse, Some(true), true),
            (Isolation::Fresh, Some(false), false),
        ] {
            let mut builder = Runtime::builder(package()).isolation(isolation);
            builder.preinitialize = preinitialize;
            let usage = builder.build().unwrap().usage();
            assert_eq!(usage.preinitialized, expected, "{isolation:?}, {preinitialize:?}");
        }
    }
}
