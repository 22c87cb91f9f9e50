//! What one call took.

use std::time::{Duration, Instant};

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
    /// Linear memory of the instance after the call, in bytes.
    pub memory_bytes: usize,
    /// Whether the instance was created for this call.
    pub fresh: bool,
}

/// Measures one call, or nothing.
#[derive(Debug, Default)]
pub(crate) struct Recorder(Option<Recording>);

#[derive(Debug)]
struct Recording {
    stats: CallStats,
    lap_started: Instant,
}

impl Recorder {
    /// Returns a recorder of a call that begins now.
    pub(crate) fn start() -> Self {
        let stats = CallStats::default();
        Self(Some(Recording { stats, lap_started: Instant::now() }))
    }

    /// Whether it measures.
    pub(crate) fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// Ends a part of the call, and begins the next one.
    pub(crate) fn lap(&mut self, part: impl FnOnce(&mut CallStats) -> &mut Duration) {
        if let Some(Recording { stats, lap_started }) = &mut self.0 {
            let now = Instant::now();
            *part(stats) = now - std::mem::replace(lap_started, now);
        }
    }

    /// Changes what is known of the call.
    pub(crate) fn note(&mut self, change: impl FnOnce(&mut CallStats)) {
        if let Some(Recording { stats, .. }) = &mut self.0 {
            change(stats);
        }
    }

    pub(crate) fn stats(&self) -> CallStats {
        self.0.as_ref().map(|recording| recording.stats).unwrap_or_default()
    }
}
