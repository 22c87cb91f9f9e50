//! The tokio runtime that serves guests' connections.
//!
//! A host may run calls on any executor: its own tokio runtime may have no I/O and no timers, or there may
//! be none. WASI's sockets and `wasi:http` need both, and panic without them. So a module with network
//! access is polled within this runtime, and its host's code within the host's.

use std::future::poll_fn;
use std::num::NonZero;
use std::panic::catch_unwind;
use std::pin::pin;
use std::sync::Mutex;
use std::thread::available_parallelism;

use anyhow::{Context, Result, anyhow};
use tokio::runtime::{Builder, Handle, Runtime};

use crate::limits::MAX_REACTOR_THREADS;
use crate::sync::lock;

/// Returns the process's runtime for connections, which the first call starts.
///
/// # Errors
///
/// When its threads cannot be started. A later call tries again.
pub(crate) fn reactor() -> Result<Handle> {
    static REACTOR: Mutex<Option<Runtime>> = Mutex::new(None);

    let mut reactor = lock(&REACTOR);
    let runtime = match reactor.take() {
        Some(runtime) => runtime,
        None => start().context("the threads that serve guests' connections cannot be started")?,
    };
    Ok(reactor.insert(runtime).handle().clone())
}

fn start() -> Result<Runtime> {
    let build = || {
        Builder::new_multi_thread()
            .worker_threads(
                available_parallelism().map_or(1, NonZero::get).min(MAX_REACTOR_THREADS),
            )
            .thread_name("surrealism-net")
            .enable_all()
            .build()
    };
    // tokio panics where the system refuses a thread.
    Ok(catch_unwind(build).map_err(|_| anyhow!("the system refused a thread"))??)
}

/// Polls a future within a runtime; `None` leaves the thread as it is.
pub(crate) async fn within<F: Future>(runtime: Option<&Handle>, future: F) -> F::Output {
    let Some(runtime) = runtime else { return future.await };
    let mut future = pin!(future);
    poll_fn(|cx| {
        let _entered = runtime.enter();
        future.as_mut().poll(cx)
    })
    .await
}
