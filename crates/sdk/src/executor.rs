//! Where async functions run.

use std::io;
use std::sync::LazyLock;

use tokio::runtime::{Builder, Runtime};

/// Made by the first async function that is called, and kept for the life of the instance. A plugin
/// without async functions does not reach it, and the linker leaves it out.
static RUNTIME: LazyLock<io::Result<Runtime>> =
    LazyLock::new(|| Builder::new_current_thread().enable_all().build());

/// Runs a future to its end, with tokio's timers and tasks at hand.
///
/// # Errors
///
/// When there can be no runtime.
pub fn block_on<F: Future>(future: F) -> Result<F::Output, String> {
    match &*RUNTIME {
        Ok(runtime) => Ok(runtime.block_on(future)),
        Err(error) => Err(format!("cannot run an async function: {error}")),
    }
}

/// tokio can drop a thread, and so refers to this, which the C library of some toolchains lacks
/// (Debian's, of 2022). There is but one thread, so nobody calls it.
///
/// To define the name is sound: the signature is that of POSIX, the answer that of wasi-libc
/// without threads, whose own definition is weak and so gives way to this one.
#[cfg(all(
    target_os = "wasi",
    any(target_env = "p1", target_env = "p2"),
    not(target_feature = "atomics")
))]
#[unsafe(no_mangle)]
extern "C" fn pthread_detach(_thread: usize) -> i32 {
    0
}
