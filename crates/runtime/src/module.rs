//! A module without its code: what all instances of it share.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::ensure;
use surrealdb_types::Value;
use surrealism_types::err::{SurrealismError, SurrealismResult};
use tokio::runtime::Handle;

use crate::deadline::Deadline;
use crate::egress::{EgressPolicy, NameResolution};
use crate::kv::BTreeMapStore;
use crate::limits::{HostLimits, KvLimits, MAX_POOL_SIZE};
use crate::package::config::{AbiVersion, SurrealismConfig, SurrealismMeta};
use crate::package::exports::{ExportsManifest, FunctionExport};
use crate::package::{AttachedFs, SurrealismPackage};
use crate::reactor::reactor;
use crate::text::{nearest, quoted, truncate};
use crate::usage::ModuleMetrics;

/// The identity, limits and resources of a loaded module.
pub(crate) struct Module {
    pub(crate) config: SurrealismConfig,
    pub(crate) exports: ExportsManifest,
    pub(crate) kv: Arc<BTreeMapStore>,
    pub(crate) egress: Arc<EgressPolicy>,
    pub(crate) metrics: Arc<ModuleMetrics>,
    pub(crate) pool_size: usize,
    pub(crate) max_memory_bytes: Option<usize>,
    pub(crate) max_execution_time: Option<Duration>,
    /// Serves the guest's connections; `None` for a module without network access.
    pub(crate) reactor: Option<Handle>,
    files: Option<AttachedFs>,
}

impl Module {
    /// Checks a package. Of each limit, the smaller of the module's and the host's applies.
    ///
    /// # Errors
    ///
    /// When the package has another ABI, the pool size is out of range, `allow_net` cannot be parsed, or
    /// with [`NameResolution::AtLoad`] one of its names cannot be resolved.
    pub(crate) fn new(
        package: SurrealismPackage,
        host: &HostLimits,
        names: NameResolution,
    ) -> SurrealismResult<Self> {
        let SurrealismPackage { config, exports, fs: files, wasm: _, logo: _ } = package;
        if config.abi != AbiVersion::CURRENT {
            let (expected, got) = (AbiVersion::CURRENT.0, config.abi.0);
            return Err(SurrealismError::UnsupportedAbi { expected, got });
        }
        let requested = &config.capabilities;
        let pool_size = requested.max_pool_size.unwrap_or(usize::MAX).min(host.pool_size);
        check_pool_size(pool_size, &config.meta)?;
        let kv = BTreeMapStore::bounded(KvLimits {
            max_entries: min_limit(requested.max_kv_entries, host.max_kv_entries),
            max_value_bytes: min_limit(requested.max_kv_value_bytes, host.max_kv_value_bytes),
            max_bytes: host.max_kv_bytes,
        });
        let egress = match names {
            NameResolution::AtLoad => EgressPolicy::resolve(&requested.allow_net)?,
            NameResolution::AtUse => EgressPolicy::parse(&requested.allow_net)?,
        };
        let reactor = if egress.denies_all() { None } else { Some(reactor()?) };
        Ok(Self {
            egress: Arc::new(egress),
            reactor,
            kv: Arc::new(kv),
            metrics: Arc::default(),
            pool_size,
            max_memory_bytes: min_limit(requested.max_memory_bytes, host.max_memory_bytes),
            max_execution_time: min_limit(requested.max_execution_time, host.max_execution_time),
            files,
            config,
            exports,
        })
    }

    /// The directory that the guest sees as `/`.
    pub(crate) fn files(&self) -> Option<&Path> {
        self.files.as_ref().map(AttachedFs::path)
    }

    /// Whether guest code yields on every tick, so that the host can stop it.
    pub(crate) fn strict_timeout(&self) -> bool {
        self.config.capabilities.strict_timeout
    }

    /// The deadline of a call that begins now.
    pub(crate) fn deadline(&self, context_timeout: Option<Duration>) -> Deadline {
        Deadline::for_call(context_timeout, self.max_execution_time)
    }

    /// Returns a function's signature; `None` is the default export.
    pub(crate) fn signature(&self, name: Option<&str>) -> Result<&FunctionExport, String> {
        self.exports.get_signature(name).ok_or_else(|| self.no_such_function(name))
    }

    /// Refuses a call that cannot succeed, before an instance is checked out.
    pub(crate) fn check_call(&self, name: Option<&str>, args: usize) -> SurrealismResult<()> {
        let function = self.lookup_signature(name);
        let checked = function.and_then(|function| check_args(function, args));
        checked.map_err(SurrealismError::FunctionCallError)
    }

    /// Like [`check_call`](Self::check_call), for each row of arguments.
    pub(crate) fn check_rows(
        &self,
        name: Option<&str>,
        rows: &[Vec<Value>],
    ) -> SurrealismResult<()> {
        let function = self.lookup_signature(name).map_err(SurrealismError::FunctionCallError)?;
        rows.iter().enumerate().try_for_each(|(index, row)| {
            check_args(function, row.len()).map_err(|error| {
                SurrealismError::FunctionCallError(format!("row {}: {error}", index + 1))
            })
        })
    }

    /// Like [`signature`](Self::signature), but `None` for an archive without signatures, where the
    /// guest itself has to check the call.
    fn lookup_signature(&self, name: Option<&str>) -> Result<Option<&FunctionExport>, String> {
        if self.exports.functions.is_empty() { Ok(None) } else { self.signature(name).map(Some) }
    }

    fn no_such_function(&self, name: Option<&str>) -> String {
        const MAX_LISTED: usize = 10;

        let known = || self.exports.functions.iter().filter_map(|f| f.name.as_deref());
        let missing = match name {
            Some(name) => format!("{self} has no function `{}`", truncate(name)),
            None => format!("{self} has no default function"),
        };
        let near = nearest(name.unwrap_or_default(), known());
        if !near.is_empty() {
            return format!("{missing}; did you mean {}?", quoted(&near));
        }
        let listed: Vec<&str> = known().take(MAX_LISTED).collect();
        let more = if known().count() > MAX_LISTED { ", …" } else { "" };
        match listed.as_slice() {
            [] => missing,
            listed => format!("{missing}; it has {}{more}", quoted(listed)),
        }
    }
}

fn check_pool_size(size: usize, module: &SurrealismMeta) -> anyhow::Result<()> {
    ensure!(
        (1..=MAX_POOL_SIZE).contains(&size),
        "the pool of {module} would have {size} instances, and it needs 1 to {MAX_POOL_SIZE}: set \
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
    let signature = truncate(&signature);
    Err(format!("`{signature}` takes {expected} {arguments}, and the call has {args}"))
}

/// Displays the module's name and version.
impl fmt::Display for Module {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.config.meta.fmt(f)
    }
}

/// Returns the smaller of two limits; `None` is unlimited.
fn min_limit<T: Ord>(one: Option<T>, other: Option<T>) -> Option<T> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}
