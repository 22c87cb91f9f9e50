//! What a piece of work costs the process.

use std::fs;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use crate::ALLOCATOR;

/// Waits until no other test of this program measures.
pub(super) fn alone() -> MutexGuard<'static, ()> {
    static MEASURED: Mutex<()> = Mutex::new(());
    MEASURED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The cost of a piece of work. CPU time is that of all threads, and does not depend on what else the machine
/// does. Memory is the most that was allocated at a time beyond what was before, without that of guests.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cost {
    pub(super) cpu: Duration,
    pub(super) bytes: usize,
}

impl Cost {
    /// Measures `work`.
    pub(super) fn of<T>(work: impl FnOnce() -> T) -> (T, Self) {
        let before = ALLOCATOR.current_usage();
        ALLOCATOR.reset_peak_usage();
        let start = cpu_time();
        let done = work();
        let cpu = cpu_time() - start;
        let bytes = ALLOCATOR.peak_usage().saturating_sub(before);
        (done, Self { cpu, bytes })
    }

    /// Prints a row of the table that `--nocapture` shows.
    pub(super) fn print(self, name: &str, outcome: &str) {
        let (ms, kib) = (self.cpu.as_millis(), self.bytes >> 10);
        println!("{name:45} {ms:5} ms {kib:7} KiB  {outcome:.90}");
    }

    #[track_caller]
    pub(super) fn assert_within(self, max: Self, name: &str) {
        let Self { cpu, bytes } = self;
        assert!(cpu <= max.cpu, "{name} took {cpu:?} of CPU time, and {:?} are allowed", max.cpu);
        assert!(bytes <= max.bytes, "{name} took {bytes} bytes, and {} are allowed", max.bytes);
    }
}

fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// Returns the number of files and sockets that the process has open; 0 where it cannot be counted.
pub(super) fn open_files() -> usize {
    fs::read_dir("/proc/self/fd").map_or(0, Iterator::count)
}
