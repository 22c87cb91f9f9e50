//! A module without its code: what all instances of it share.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use anyhow::ensure;
use serde_json::Value as Json;
use surrealdb_types::{Kind, Value};
use surrealism_types::args::Args;
use surrealism_types::codec::{Decoder, MAX_DECODED_BYTES};
use surrealism_types::coerce::{ArgumentError, argument_count, coerce_arguments};
use surrealism_types::convert::{self, NumberOutOfRange};
use surrealism_types::err::SurrealismError;
use surrealism_types::json::arguments_from_json;
use surrealism_types::names::near_names;
use tokio::runtime::Handle;

use crate::config_values::{ConfigValues, Settings};
use crate::deadline::Deadline;
use crate::egress::{EgressPolicy, NameResolution};
use crate::error::{Error, ErrorKind, LoadError};
use crate::grants::{Capabilities, Grants};
use crate::kv::BTreeMapStore;
use crate::limits::{HostLimits, KvLimits, MAX_POOL_SIZE, MIN_DECODED_BYTES};
use crate::observer::{CallWatch, Observers};
use crate::package::config::{AbiVersion, SurrealismConfig, SurrealismMeta};
use crate::package::exports::{ExportsManifest, FunctionExport};
use crate::package::file_tree::FileTree;
use crate::package::{AttachedFs, SurrealismPackage};
use crate::reactor::reactor;
use crate::text::{quoted, truncate};
use crate::usage::ModuleMetrics;

/// The arguments of one call of many, or why they cannot be converted.
pub(crate) type Row = Result<Vec<Value>, NumberOutOfRange>;

/// The identity, limits and resources of a loaded module.
pub(crate) struct Module {
    pub(crate) config: SurrealismConfig,
    pub(crate) exports: ExportsManifest,
    /// The values of the keys that the archive declares.
    pub(crate) settings: Settings,
    /// What the archive asks for, and the host grants.
    pub(crate) capabilities: Capabilities,
    pub(crate) kv: Arc<BTreeMapStore>,
    pub(crate) egress: Arc<EgressPolicy>,
    pub(crate) metrics: Arc<ModuleMetrics>,
    pub(crate) pool_size: usize,
    pub(crate) max_memory_bytes: Option<usize>,
    pub(crate) max_idle_growth_bytes: usize,
    pub(crate) max_execution_time: Option<Duration>,
    /// Serves the guest's connections; `None` for a module that asks for none.
    pub(crate) reactor: Option<Handle>,
    pub(crate) host_errors: HostErrors,
    pub(crate) observers: Observers,
    files: Option<AttachedFs>,
}

/// What a guest learns of an error of its context that is not meant for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HostErrors {
    /// That there was one.
    Private,
    /// Its text. Contexts that were written for the published runtime count on it.
    ToGuest,
}

impl Module {
    /// Checks a package. Of each limit, the smaller of the module's and the host's applies; of capabilities,
    /// those that the archive asks for and the host grants.
    ///
    /// # Errors
    ///
    /// When the package has another ABI, the pool size is out of range, `allow_net` or a grant cannot be
    /// parsed, or with [`NameResolution::AtLoad`] one of its names cannot be resolved, or a key of `[config]`
    /// lacks a value or has a wrong one.
    pub(crate) fn new(
        package: SurrealismPackage,
        host: &HostLimits,
        grants: &Grants,
        values: &ConfigValues,
        names: NameResolution,
    ) -> Result<Self, Error> {
        let SurrealismPackage { config, exports, fs: files, wasm: _, logo: _ } = package;
        if config.abi != AbiVersion::CURRENT {
            let (expected, got) = (AbiVersion::CURRENT.0, config.abi.0);
            let kind = LoadError::UnsupportedAbi { expected, got };
            return Err(Error::load(kind, SurrealismError::UnsupportedAbi { expected, got }));
        }
        let settings = Settings::new(&config.meta, &config.config, values)
            .map_err(Error::invalid_config_values)?;
        let requested = &config.capabilities;
        let pool_size = requested.max_pool_size.unwrap_or(usize::MAX).min(host.pool_size);
        check_pool_size(pool_size, &config.meta).map_err(Error::invalid_config)?;
        let kv = BTreeMapStore::bounded(KvLimits {
            max_entries: min_limit(requested.max_kv_entries, host.max_kv_entries),
            max_value_bytes: min_limit(requested.max_kv_value_bytes, host.max_kv_value_bytes),
            max_bytes: host.max_kv_bytes,
        });
        let (capabilities, egress_rules) =
            Capabilities::new(requested, grants).map_err(Error::invalid_config)?;
        let egress = EgressPolicy::new(egress_rules, names).map_err(Error::invalid_config)?;
        let reactor = match egress.is_requested() {
            true => Some(reactor().map_err(Error::process)?),
            false => None,
        };
        Ok(Self {
            settings,
            capabilities,
            egress: Arc::new(egress),
            reactor,
            kv: Arc::new(kv),
            metrics: Arc::default(),
            pool_size,
            max_memory_bytes: min_limit(requested.max_memory_bytes, host.max_memory_bytes),
            max_idle_growth_bytes: host.max_idle_growth_bytes,
            max_execution_time: min_limit(requested.max_execution_time, host.max_execution_time),
            host_errors: HostErrors::Private,
            observers: Observers::default(),
            files,
            config,
            exports,
        })
    }

    /// Returns the files that the guest sees below `/`.
    pub(crate) fn files(&self) -> Option<&Arc<FileTree>> {
        self.files.as_ref().map(AttachedFs::tree)
    }

    /// Whether guest code yields on every tick, so that the host can stop it.
    pub(crate) fn strict_timeout(&self) -> bool {
        self.capabilities.effective.strict_timeout
    }

    /// The deadline of a call that begins now.
    pub(crate) fn deadline(&self, context_timeout: Option<Duration>) -> Deadline {
        Deadline::for_call(context_timeout, self.max_execution_time)
    }

    /// Returns a decoder of what one message of the guest holds. Its values may take as much memory on the
    /// host as the guest's own may be large.
    pub(crate) fn decoder(&self) -> Decoder {
        Decoder::with_max_memory(self.max_decoded_bytes())
    }

    /// Returns the memory that the values of one call's result may take on the host, in bytes.
    pub(crate) fn max_decoded_bytes(&self) -> usize {
        let max_memory = self.max_memory_bytes.unwrap_or(usize::MAX);
        max_memory.clamp(MIN_DECODED_BYTES, MAX_DECODED_BYTES)
    }

    /// Returns a function's signature; `None` is the default export.
    pub(crate) fn signature(&self, name: Option<&str>) -> Result<&FunctionExport, Error> {
        self.exports.get_signature(name).ok_or_else(|| self.no_such_function(name))
    }

    /// Returns what watches a call of a function; `None` if nobody observes.
    pub(crate) fn watch(&self, name: Option<&str>, rows: Option<usize>) -> Option<CallWatch> {
        let is_declared = || self.exports.get_signature(name).is_some();
        self.observers.watch(name, is_declared, rows)
    }

    /// Converts the arguments of a call to values, and these to the kinds of the signature, before an
    /// instance is checked out.
    ///
    /// # Errors
    ///
    /// When the function does not exist, or it does not take these arguments.
    pub(crate) fn coerce_call(
        &self,
        name: Option<&str>,
        args: impl Args,
    ) -> Result<Vec<Value>, Error> {
        let function = self.lookup_signature(name)?;
        let args = convert::into_values(args).map_err(ArgumentError::from);
        let Some(function) = function else { return args.map_err(unknown_signature_error) };
        args.and_then(|args| coerce_arguments(args, &function.args))
            .map_err(|error| argument_error(function, None, error))
    }

    /// Reads the arguments of a call from JSON, by the kinds of the signature.
    ///
    /// # Errors
    ///
    /// As [`coerce_call`](Self::coerce_call).
    pub(crate) fn arguments_from_json(
        &self,
        name: Option<&str>,
        args: &Json,
    ) -> Result<Vec<Value>, Error> {
        let Some(function) = self.lookup_signature(name)? else {
            let count = args.as_array().map_or(0, Vec::len);
            let signature = vec![("argument".to_string(), Kind::Any); count];
            return arguments_from_json(args, &signature).map_err(unknown_signature_error);
        };
        function.arguments_from_json(args).map_err(|error| argument_error(function, None, error))
    }

    /// Like [`coerce_call`](Self::coerce_call), for each row of arguments by itself.
    ///
    /// # Errors
    ///
    /// When the function does not exist, or a row has another number of arguments.
    pub(crate) fn coerce_rows(
        &self,
        name: Option<&str>,
        rows: Vec<Row>,
    ) -> Result<Vec<Result<Vec<Value>, Error>>, Error> {
        let rows = rows.into_iter().map(|row| row.map_err(ArgumentError::from));
        let Some(function) = self.lookup_signature(name)? else {
            return Ok(rows.map(|row| row.map_err(unknown_signature_error)).collect());
        };
        let coerce_row = |(index, row): (usize, Result<_, _>)| match row
            .and_then(|row| coerce_arguments(row, &function.args))
        {
            Err(error @ ArgumentError::Count { .. }) => {
                Err(argument_error(function, Some(index), error))
            }
            row => Ok(row.map_err(|error| argument_error(function, Some(index), error))),
        };
        rows.enumerate().map(coerce_row).collect()
    }

    /// Like [`signature`](Self::signature), but `None` for an archive without signatures, where the
    /// guest itself has to check the call.
    pub(crate) fn lookup_signature(
        &self,
        name: Option<&str>,
    ) -> Result<Option<&FunctionExport>, Error> {
        if self.exports.functions.is_empty() { Ok(None) } else { self.signature(name).map(Some) }
    }

    #[cold]
    fn no_such_function(&self, name: Option<&str>) -> Error {
        const MAX_LISTED: usize = 10;

        let known = || self.exports.functions.iter().filter_map(|f| f.name.as_deref());
        let missing = match name {
            Some(name) => format!("{self} has no function `{}`", truncate(name)),
            None => format!("{self} has no default function"),
        };
        let near = near_names(name.unwrap_or_default(), known());
        let listed: Vec<&str> = known().take(MAX_LISTED).collect();
        let more = if known().count() > MAX_LISTED { ", …" } else { "" };
        let text = match (near.as_slice(), listed.as_slice()) {
            ([], []) if name.is_some() && self.exports.get_signature(None).is_some() => {
                format!("{missing}; it has a default function, which is called without a name")
            }
            ([], []) => missing,
            ([], listed) => format!("{missing}; it has {}{more}", quoted(listed)),
            (near, _) => format!("{missing}; did you mean {}?", quoted(near)),
        };
        let near = near.into_iter().map(str::to_string).collect();
        let name = name.map(|name| truncate(name).to_string());
        Error::call(ErrorKind::UnknownFunction { name, near }, text)
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

/// The error of arguments for a function of an archive without signatures.
#[cold]
fn unknown_signature_error(error: ArgumentError) -> Error {
    let text = error.to_string();
    Error::call(ErrorKind::Arguments { row: None, error }, text)
}

#[cold]
fn argument_error(function: &FunctionExport, row: Option<usize>, error: ArgumentError) -> Error {
    let mut text = explain_mismatch(function, &error);
    // A wrong count refuses all rows at once, so the text says which one has it.
    if let (Some(index), ArgumentError::Count { .. }) = (row, &error) {
        text = format!("row {}: {text}", index + 1);
    }
    Error::call(ErrorKind::Arguments { row, error }, text)
}

fn explain_mismatch(function: &FunctionExport, error: &ArgumentError) -> String {
    let signature = function.to_string();
    let signature = truncate(&signature);
    match error {
        ArgumentError::Count { got, min, max, .. } => {
            format!("`{signature}` takes {}, and the call has {got}", argument_count(*min, *max))
        }
        error => format!("{error}, in a call of `{signature}`"),
    }
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
