//! Blocking work on a thread of its own.

use std::thread;

use anyhow::{Context, Result};
use tokio::sync::{Semaphore, oneshot};

use crate::limits::MAX_LOADING_THREADS;

/// Runs blocking work on a thread of its own, on any executor.
///
/// Dropped before the thread starts, the future starts no work. Dropped later, the work runs to its end.
///
/// # Errors
///
/// When no thread can be started, or the work panics.
pub(crate) async fn spawn_blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T> {
    static PERMITS: Semaphore = Semaphore::const_new(MAX_LOADING_THREADS);

    let permit = PERMITS.acquire().await?;
    let (sender, result) = oneshot::channel();
    let work = move || {
        let _permit = permit;
        // The receiver is gone when the future was dropped.
        let _ = sender.send(work());
    };
    let loader = thread::Builder::new().name("surrealism-load".to_string());
    loader.spawn(work).context("the thread that loads the module cannot be started")?;
    result.await.context("the thread that loads the module panicked")
}
