//! The tokio runtime of async functions.

use std::future::poll_fn;
use std::io;
use std::pin::pin;
use std::sync::LazyLock;
use std::task::Poll;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};

/// Built by the first call of an async function, and kept for the life of the instance. The linker leaves
/// it out of a plugin without async functions.
static RUNTIME: LazyLock<io::Result<Runtime>> =
    LazyLock::new(|| Builder::new_current_thread().enable_all().build());

/// Runs a future to completion. tokio's timers and tasks work in it.
///
/// A future that nothing can wake waits until the host ends the call, as it would on any other machine.
///
/// # Errors
///
/// When the runtime cannot be built.
pub fn block_on<F: Future>(future: F) -> Result<F::Output, String> {
    match &*RUNTIME {
        Ok(runtime) => Ok(runtime.block_on(with_timer(future))),
        Err(error) => Err(format!("cannot run an async function: {error}")),
    }
}

/// Keeps a timer while the future waits. Without one, tokio waits for another thread, and in a guest that
/// is a panic, since there is none.
async fn with_timer<F: Future>(future: F) -> F::Output {
    const DAY: Duration = Duration::from_secs(24 * 60 * 60);

    let mut future = pin!(future);
    let mut idle = pin!(async {
        loop {
            tokio::time::sleep(DAY).await;
        }
    });
    poll_fn(|cx| {
        let polled = future.as_mut().poll(cx);
        if polled.is_pending() {
            let _: Poll<()> = idle.as_mut().poll(cx);
        }
        polled
    })
    .await
}

/// Stands in for a function that tokio's thread handles refer to, and that the C library of some toolchains
/// lacks (Debian's of 2022). It is never called, as there is one thread.
///
/// SAFETY: the signature is that of POSIX, and the result that of wasi-libc without threads, whose own
/// definition is weak and gives way to this one.
#[cfg(all(
    target_os = "wasi",
    any(target_env = "p1", target_env = "p2"),
    not(target_feature = "atomics")
))]
#[unsafe(no_mangle)]
extern "C" fn pthread_detach(_thread: usize) -> i32 {
    0
}
