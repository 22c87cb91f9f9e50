//! The CPU time of this thread.

#[cfg(unix)]
use rustix::time::{ClockId, Timespec, clock_gettime};
use std::time::Duration;
#[cfg(not(unix))]
use std::time::Instant;

/// A point in this thread's CPU time.
#[cfg(unix)]
pub(super) struct CpuClock(Duration);

#[cfg(unix)]
impl CpuClock {
    pub(super) fn start() -> Self {
        let Timespec { tv_sec, tv_nsec } = clock_gettime(ClockId::ThreadCPUTime);
        let nanoseconds = u32::try_from(tv_nsec).unwrap_or_default();
        Self(Duration::new(u64::try_from(tv_sec).unwrap_or_default(), nanoseconds))
    }

    pub(super) fn elapsed(&self) -> Duration {
        Self::start().0.saturating_sub(self.0)
    }
}

/// A point in time, where the system does not tell the CPU time of a thread.
#[cfg(not(unix))]
pub(super) struct CpuClock(Instant);

#[cfg(not(unix))]
impl CpuClock {
    pub(super) fn start() -> Self {
        Self(Instant::now())
    }

    pub(super) fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}
