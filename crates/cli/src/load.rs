//! Opens archives and loads them within the limits of the command line.

use std::path::Path;

use bytesize::ByteSize;
use surrealism_runtime::{
    ConfigValues, ErrorKind, Grants, LoadError, Runtime, RuntimeBuilder, SurrealismPackage,
};

use crate::args::cache::CacheArgs;
use crate::args::config::CONFIG_HINT;
use crate::args::limits::LimitArgs;
use crate::error::{CliError, CliResult, ExitCode, ExitContext};
use crate::ui::terminal::Terminal;
use crate::ui::text::text;

/// Reads an archive.
pub(crate) fn open(archive: &Path) -> CliResult<SurrealismPackage> {
    let package = SurrealismPackage::from_file(archive.to_path_buf()).exit_code(ExitCode::Archive);
    package.map_err(|error| match archive.exists() {
        true => error,
        false => error.with_hint("correct the path; `surrealism build` prints that of its archive"),
    })
}

/// Compiles a package into a runtime with one instance.
pub(crate) fn load(
    package: SurrealismPackage,
    allowed: (Grants, ConfigValues),
    limits: LimitArgs,
    cache: CacheArgs,
    terminal: Terminal,
) -> CliResult<Runtime> {
    load_with(package, allowed, limits, cache, terminal, |builder| builder)
}

/// Compiles a package as [`load`] does, with further settings.
pub(crate) fn load_with(
    package: SurrealismPackage,
    (grants, config): (Grants, ConfigValues),
    limits: LimitArgs,
    cache: CacheArgs,
    terminal: Terminal,
    configure: impl FnOnce(RuntimeBuilder) -> RuntimeBuilder,
) -> CliResult<Runtime> {
    let size = ByteSize(package.wasm.len() as u64);
    let _progress = terminal.spinner(text!("Compiling {} of WebAssembly", size));
    let runtime = builder(package, cache, terminal)
        .grants(grants)
        .config(config)
        .max_execution_time(limits.timeout)
        .max_memory_bytes(usize::try_from(limits.memory.as_u64()).unwrap_or(usize::MAX));
    configure(runtime).build().map_err(|error| match error.kind() {
        ErrorKind::Load(LoadError::InvalidConfigValues) => {
            CliError::from(error).with_hint(CONFIG_HINT).with_code(ExitCode::Usage)
        }
        _ => CliError::from(error).with_code(ExitCode::Archive),
    })
}

/// Configures a runtime with one instance, no grants and the code cache, if caching is enabled.
pub(crate) fn builder(
    package: SurrealismPackage,
    cache: CacheArgs,
    terminal: Terminal,
) -> RuntimeBuilder {
    let builder = Runtime::builder(package).pool_size(1);
    match cache.open(terminal) {
        Some(cache) => builder.code_cache(cache),
        None => builder,
    }
}
