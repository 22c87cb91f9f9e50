//! The tokio runtimes that run guests. WASI needs one.

use std::future::Future;
use std::io;

use tokio::runtime::{Builder, Runtime};

/// Runs one future to completion on the current thread.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> io::Result<T> {
    let executor = Builder::new_current_thread().enable_all().build()?;
    let output = executor.block_on(future);
    // Does not wait for DNS lookups whose guest is gone.
    executor.shutdown_background();
    Ok(output)
}

/// Creates a runtime for many futures. Its worker thread runs background tasks, such as a connection's
/// keep-alive, between them.
pub(crate) fn with_worker() -> io::Result<Runtime> {
    Builder::new_multi_thread().worker_threads(1).enable_all().build()
}
