//! A module, compiled and linked: what all its instances share.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::ensure;
use surrealdb_types::Value;
use wasmtime::Engine;

use crate::compile::preinit::CaptureLimits;
use crate::compile::{Code, Loader};
use crate::compile::cache::CodeCache;
use crate::package::config::{AbiVersion, SurrealismConfig, SurrealismMeta};
use crate::epoch::{self, Process};
use crate::instance::trap::shortened;
use crate::package::exports::{ExportsManifest, FunctionExport};
use crate::kv::BTreeMapStore;
use crate::limits::{KvLimits, MAX_POOL_SIZE};
use crate::egress::Network;
use crate::package::{AttachedFs, SurrealismPackage};
use crate::runtime::{Ceilings, Isolation};
use crate::text::{nearest, quoted};
use crate::usage::{CodeSource, ModuleMetrics};
use crate::{SurrealismError, SurrealismResult};

pub(crate) struct Module {
    pub(crate) config: SurrealismConfig,
    pub(crate) exports: ExportsManifest,
    pub(crate) kv: Arc<BTreeMapStore>,
    pub(crate) network: Arc<Network>,
    pub(crate) process: &'static Process,
    pub(crate) code: Arc<Code>,
    pub(crate) code_source: CodeSource,
    pub(crate) wasm_size: usize,
    pub(crate) meter: Arc<ModuleMetrics>,
    pub(crate) pool_size: usize,
    pub(crate) max_memory_bytes: Option<usize>,
    pub(crate) max_execution_time: Option<Duration>,
    files: Option<AttachedFs>,
}

impl Module {
    /// Compiles a package. Of each bound, the smaller of the module's and the host's holds.
    pub(crate) fn compile(
        package: SurrealismPackage,
        ceilings: Ceilings,
        isolation: Isolation,
        cache: Option<&CodeCache>,
    ) -> SurrealismResult<Self> {
        let SurrealismPackage { config, wasm, exports, fs, logo: _ } = package;
        if config.abi != AbiVersion::CURRENT {
            let (expected, got) = (AbiVersion::CURRENT.0, config.abi.0);
            return Err(SurrealismError::UnsupportedAbi { expected, got });
        }
        let asked = &config.capabilities;
        let pool_size = asked.max_pool_size.unwrap_or(usize::MAX).min(ceilings.pool_size);
        check_pool_size(pool_size, &config.meta)?;
        let network = Arc::new(Network::resolve(&asked.allow_net)?);
        let kv = BTreeMapStore::bounded(KvLimits {
            max_entries: smaller(asked.max_kv_entries, ceilings.max_kv_entries),
            max_value_bytes: smaller(asked.max_kv_value_bytes, ceilings.max_kv_value_bytes),
            max_bytes: ceilings.max_kv_bytes,
        });

        let max_memory_bytes = smaller(asked.max_memory_bytes, ceilings.max_memory_bytes);
        let max_execution_time = smaller(asked.max_execution_time, ceilings.max_execution_time);

        let process = epoch::process()?;
        let loader = Loader {
            engines: &process.engines,
            strict_timeout: asked.strict_timeout,
            cache,
            capture: (isolation == Isolation::Fresh)
                .then(|| CaptureLimits::new(max_memory_bytes, max_execution_time)),
        };
        let (code, code_source) = loader.load(&wasm)?;

        Ok(Self {
            kv: Arc::new(kv),
            network,
            process,
            code,
            code_source,
            wasm_size: wasm.len(),
            meter: Arc::default(),
            pool_size,
            max_memory_bytes,
            max_execution_time,
            files: fs,
            config,
            exports,
        })
    }

    pub(crate) fn engine(&self) -> &Engine {
        self.code.pre.engine()
    }

    /// The folder that the guest sees as `/`.
    pub(crate) fn files(&self) -> Option<&Path> {
        self.files.as_ref().map(AttachedFs::path)
    }

    /// A function's signature, by its name; `None` is the default export.
    pub(crate) fn signature(&self, name: Option<&str>) -> Result<&FunctionExport, String> {
        self.exports.get_signature(name).ok_or_else(|| self.no_such_function(name))
    }

    /// Refuses a call that cannot succeed, before an instance is bothered.
    pub(crate) fn check_call(&self, name: Option<&str>, args: usize) -> SurrealismResult<()> {
        let checked = self.listed(name).and_then(|function| check_args(function, args));
        checked.map_err(SurrealismError::FunctionCallError)
    }

    /// As [`check_call`](Self::check_call), for each row of arguments.
    pub(crate) fn check_rows(
        &self,
        name: Option<&str>,
        rows: &[Vec<Value>],
    ) -> SurrealismResult<()> {
        let function = self.listed(name).map_err(SurrealismError::FunctionCallError)?;
        rows.iter().enumerate().try_for_each(|(index, row)| {
            check_args(function, row.len()).map_err(|error| {
                SurrealismError::FunctionCallError(format!("row {}: {error}", index + 1))
            })
        })
    }

    /// A function's signature; `None` where the archive has no list, and leaves it to the guest.
    fn listed(&self, name: Option<&str>) -> Result<Option<&FunctionExport>, String> {
        if self.exports.functions.is_empty() { Ok(None) } else { self.signature(name).map(Some) }
    }

    fn no_such_function(&self, name: Option<&str>) -> String {
        let known = || self.exports.functions.iter().filter_map(|f| f.name.as_deref());
        let missing = match name {
            Some(name) => format!("{self} has no function `{}`", shortened(name)),
            None => format!("{self} has no default function"),
        };
        let near = nearest(name.unwrap_or_default(), known());
        if !near.is_empty() {
            return format!("{missing}; did you mean {}?", quoted(&near));
        }
        const SHOWN: usize = 10;
        let some: Vec<&str> = known().take(SHOWN).collect();
        let more = if known().count() > SHOWN { ", …" } else { "" };
        match some.as_slice() {
            [] => missing,
            some => format!("{missing}; it has {}{more}", quoted(some)),
        }
    }
}

fn check_pool_size(size: usize, of: &SurrealismMeta) -> anyhow::Result<()> {
    ensure!(
        (1..=MAX_POOL_SIZE).contains(&size),
        "the pool of {of} would have {size} instances, and it needs 1 to {MAX_POOL_SIZE}: set \
         `max_pool_size` in its surrealism.toml or the host's pool size"
    );
    Ok(())
}

fn check_args(function: Option<&FunctionExport>, args: usize) -> Result<(), String> {
    let Some(function) = function.filter(|function| function.args.len() != args) else {
        return Ok(());
    };
    let expected = function.args.len();
    let arguments = if expected == 1 { "argument" } else { "arguments" };
    let signature = function.to_string();
    let signature = shortened(&signature);
    Err(format!("`{signature}` takes {expected} {arguments}, and the call has {args}"))
}

/// When a call must be over, and who says so. Making an instance for it, and its `init`, count.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline {
    pub(crate) at: Option<Instant>,
    effective: Option<Duration>,
    context_timeout: Option<Duration>,
    module_limit: Option<Duration>,
}

impl Deadline {
    /// For a call that begins now.
    pub(crate) fn of(module: &Module, context_timeout: Option<Duration>) -> Self {
        Self::of_caller(context_timeout).and_of(module)
    }

    /// The caller's own, from now. A time too far off to be told is no deadline.
    pub(crate) fn of_caller(context_timeout: Option<Duration>) -> Self {
        let at = from_now(context_timeout);
        Self { at, effective: context_timeout, context_timeout, module_limit: None }
    }

    /// With the module's limit, which counts from now.
    pub(crate) fn and_of(self, module: &Module) -> Self {
        let module_limit = module.max_execution_time;
        match (self.at, from_now(module_limit)) {
            (at, Some(limit)) if at.is_none_or(|at| limit < at) => {
                Self { at: Some(limit), effective: module_limit, module_limit, ..self }
            }
            _ => Self { module_limit, ..self },
        }
    }

    pub(crate) fn missed(self) -> SurrealismError {
        let Self { effective, context_timeout, module_limit, at: _ } = self;
        SurrealismError::Timeout { effective, context_timeout, module_limit }
    }
}

/// A module by its name.
impl fmt::Display for Module {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.config.meta.fmt(f)
    }
}

fn from_now(time: Option<Duration>) -> Option<Instant> {
    time.and_then(|time| Instant::now().checked_add(time))
}

/// The smaller of two bounds, of which either may be missing.
#[inline]
fn smaller<T: Ord>(one: Option<T>, other: Option<T>) -> Option<T> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}
