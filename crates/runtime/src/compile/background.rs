//! Work that blocks, on a thread of its own.

use std::thread;

use anyhow::{Context, Result};
use tokio::sync::{Semaphore, oneshot};

use crate::limits::MAX_LOADING_THREADS;

/// Does the work on a thread of its own, so that the executor's run on; any executor will do. The
/// work is not begun when this is dropped before its turn, and ends by itself when it is dropped
/// after.
///
/// # Errors
///
/// When no thread can be started, or the work panics.
pub(crate) async fn apart<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T> {
    static TURNS: Semaphore = Semaphore::const_new(MAX_LOADING_THREADS);

    let turn = TURNS.acquire().await?;
    let (done, result) = oneshot::channel();
    let work = move || {
        let _turn = turn;
        // Whoever is not interested any more has dropped the other end.
        let _ = done.send(work());
    };
    let loader = thread::Builder::new().name("surrealism-load".to_string());
    loader.spawn(work).context("cannot start a thread to load the module")?;
    result.await.context("the thread that loads the module panicked")
}
