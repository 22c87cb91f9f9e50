//! Plugins brought to life, within bounds.

use std::future::Future;
use std::io;
use std::path::Path;
use std::time::Duration;

use bytesize::ByteSize;
use clap::Args;
use surrealism_runtime::{Runtime, RuntimeBuilder, SurrealismError, SurrealismPackage};
use tokio::runtime as executor;

use crate::cache::Cache;
use crate::exit::{Code, Failure, MORE_TIME, OrExit, Outcome};
use crate::terminal::Terminal;

/// Opens an archive.
pub(crate) fn open(archive: &Path) -> Outcome<SurrealismPackage> {
    SurrealismPackage::from_file(archive.to_path_buf()).or_exit(Code::Archive)
}

/// What a guest may use.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Bounds {
    /// Time for one call or query, and for starting an instance
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = humantime::parse_duration)]
    pub(crate) timeout: Duration,

    /// Memory of an instance
    #[arg(long, value_name = "SIZE", default_value = "256MiB")]
    pub(crate) memory: ByteSize,
}

impl Bounds {
    /// Why a call within these bounds failed, and what to do where they were too narrow.
    pub(crate) fn failure(self, error: SurrealismError) -> Failure {
        let text = error.to_string();
        let help = match &error {
            SurrealismError::Timeout { effective, .. } if *effective == Some(self.timeout) => {
                MORE_TIME
            }
            _ if text.contains("ran out of memory") || text.contains("memory limits") => {
                "give it more memory with `--memory`"
            }
            _ => return error.into(),
        };
        Failure::from(error).with_help(help)
    }
}

/// Loads a package for one instance at a time.
pub(crate) fn load(
    package: SurrealismPackage,
    bounds: Bounds,
    cache: Cache,
    terminal: Terminal,
) -> Outcome<Runtime> {
    let size = ByteSize(package.wasm.len() as u64);
    let _progress = terminal.spin(format!("Compiling {size} of WebAssembly"));
    let runtime = builder(package, cache, terminal)
        .max_execution_time(bounds.timeout)
        .max_memory_bytes(usize::try_from(bounds.memory.as_u64()).unwrap_or(usize::MAX))
        .build();
    runtime.or_exit(Code::Archive)
}

/// For one instance at a time, with code that is kept.
pub(crate) fn builder(
    package: SurrealismPackage,
    cache: Cache,
    terminal: Terminal,
) -> RuntimeBuilder {
    let builder = Runtime::builder(package).pool_size(1);
    match cache.open(terminal) {
        Some(cache) => builder.code_cache(cache),
        None => builder,
    }
}

/// Runs a future to its end. WASI needs tokio around it.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> io::Result<T> {
    let executor = executor::Builder::new_current_thread().enable_all().build()?;
    let outcome = executor.block_on(future);
    // A look-up of a name that nobody waits for any more holds nobody up.
    executor.shutdown_background();
    Ok(outcome)
}

/// For many futures, with a thread that goes on between them.
pub(crate) fn executor() -> io::Result<executor::Runtime> {
    executor::Builder::new_multi_thread().worker_threads(1).enable_all().build()
}
