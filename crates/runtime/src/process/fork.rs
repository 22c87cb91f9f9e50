//! Detects that the process was forked, which none of its other threads survives.

#[cfg(unix)]
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::anyhow;

use crate::error::Error;

static FORKED: AtomicBool = AtomicBool::new(false);

/// Refuses to go on in a process that was forked after its parent loaded a module. The thread that stops
/// guests and the threads that compile do not exist in it, and a lock may be held for ever by a thread that
/// is gone. So this is called before anything that could wait.
///
/// # Errors
///
/// In such a process.
pub(crate) fn ensure_not_forked() -> Result<(), Error> {
    if !FORKED.load(Ordering::Relaxed) {
        return Ok(());
    }
    Err(Error::process(anyhow!(
        "modules cannot be loaded or called in this process: it was forked from a process that had loaded \
         one, and the threads that stop and compile guests do not exist after a fork; load modules after \
         the fork, in each process"
    )))
}

/// Begins to watch for forks. From now on, [`ensure_not_forked`] fails in forked processes.
#[cfg(unix)]
#[allow(unsafe_code, reason = "forks are announced to C functions only")]
pub(super) fn watch_forks() {
    static WATCH: Once = Once::new();

    extern "C" fn in_child() {
        FORKED.store(true, Ordering::Relaxed);
    }

    WATCH.call_once(|| {
        // SAFETY: the handler has the type that POSIX asks for, lives as long as the process, and does
        // nothing but store to an atomic, which is allowed in the child of a process with many threads.
        let _ = unsafe { libc::pthread_atfork(None, None, Some(in_child)) };
    });
}

#[cfg(not(unix))]
pub(super) fn watch_forks() {}
