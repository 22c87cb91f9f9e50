//! The threads that compile, which leave the processors to those that serve calls.

use std::num::NonZero;
use std::sync::OnceLock;
use std::thread::available_parallelism;

use rayon::{ThreadPool, ThreadPoolBuilder};

/// The threads that compile the components of a process. They are started by the first compilation, and
/// sleep between two.
pub(super) struct Workers {
    threads: usize,
    pool: OnceLock<Option<ThreadPool>>,
}

impl Workers {
    /// With `None`, there are as many threads as the process may use processors.
    pub(super) fn new(threads: Option<usize>) -> Self {
        let threads = threads.unwrap_or_else(|| available_parallelism().map_or(1, NonZero::get));
        Self { threads, pool: OnceLock::new() }
    }

    /// Runs work, and what it runs in parallel, on these threads. On the caller's, and those that all of
    /// the process shares, where they cannot be started.
    pub(super) fn run<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        let pool = self.pool.get_or_init(|| {
            let threads = ThreadPoolBuilder::new().num_threads(self.threads);
            let threads = threads.thread_name(|_| "surrealism-compile".to_string());
            threads.start_handler(|_| lower_priority()).build().ok()
        });
        match pool {
            Some(pool) => pool.install(work),
            None => work(),
        }
    }
}

/// A tenth of a processor that a thread of normal priority wants too. With the lowest priority, 19, a host
/// that is busy would not load a module for minutes.
#[cfg(target_os = "linux")]
const NICENESS: i32 = 10;

/// Lowers the priority of this thread alone, which only Linux can.
#[cfg(target_os = "linux")]
fn lower_priority() {
    // Without it, the work is done all the same.
    let _ = rustix::process::setpriority_process(None, NICENESS);
}

#[cfg(not(target_os = "linux"))]
fn lower_priority() {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_runs_on_as_many_threads_of_low_priority() {
        let workers = Workers::new(Some(3));
        let (threads, name) = workers.run(|| {
            (rayon::current_num_threads(), std::thread::current().name().map(str::to_string))
        });
        assert_eq!((threads, name.as_deref()), (3, Some("surrealism-compile")));
        #[cfg(target_os = "linux")]
        {
            let priority = || rustix::process::getpriority_process(None).unwrap();
            assert_eq!(workers.run(priority), NICENESS);
            assert_eq!(priority(), 0, "the caller keeps its own");
        }
    }
}
