//! What one call took.

use std::time::Duration;

/// What one call took. Returned by [`Call::with_stats`](crate::Call::with_stats).
///
/// Of a call that failed, it has what was reached; the rest is zero.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CallStats {
    /// Time until the call had an instance: it waited in the queue, or found one.
    pub waited: Duration,
    /// Time to create the instance and run `init`, or to prepare one that existed.
    pub prepared: Duration,
    /// Time of the function: guest code, host functions, waiting, and yielding to other tasks.
    pub ran: Duration,
    /// The part of `ran` in the methods of the context and its store: `sql`, `run` and `kv`.
    pub in_host: Duration,
    /// CPU time of the threads that polled the call: of guest code between its yields, and of what the host's
    /// code computes on the same threads. Elapsed time where the system does not tell a thread's CPU time.
    pub cpu: Duration,
    /// Linear memory of the instance after the call, in bytes.
    pub memory_bytes: usize,
    /// Whether the instance was created for this call.
    pub fresh: bool,
}
