//! Keeps the process's ticker awake while guests run, and lets it rest otherwise.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, Thread};
use std::time::Instant;

/// What the ticker's thread and the threads that run guests know of each other.
///
/// A guest that runs yields on every tick and is polled again, so a mark on each poll tells that it still
/// runs. The mark is a load and a branch, except once a tick.
#[derive(Debug, Default)]
pub(crate) struct Ticker {
    thread: OnceLock<Thread>,
    /// Whether a guest was polled since the last tick.
    active: AtomicBool,
    resting: AtomicBool,
    /// Loads under way, which may run a guest's `init` without polling.
    holds: AtomicUsize,
}

/// Keeps the ticker awake until it is dropped.
pub(crate) struct Hold<'a>(&'a Ticker);

impl Ticker {
    /// Sets the thread that ticks.
    pub(crate) fn set_thread(&self, thread: Thread) {
        let _ = self.thread.set(thread);
    }

    /// Tells that a guest is polled. At least one tick follows.
    pub(crate) fn mark(&self) {
        if !self.active.load(Ordering::Relaxed) {
            self.wake();
        }
    }

    /// Keeps the ticker awake.
    pub(crate) fn hold(&self) -> Hold<'_> {
        self.holds.fetch_add(1, Ordering::SeqCst);
        self.wake();
        Hold(self)
    }

    #[cold]
    fn wake(&self) {
        self.active.store(true, Ordering::SeqCst);
        self.unpark_if_resting();
    }

    /// Makes a ticker that rests look at the timers again.
    pub(crate) fn unpark_if_resting(&self) {
        if self.resting.load(Ordering::SeqCst) {
            self.unpark();
        }
    }

    /// Makes the ticker look at the timers again, also between two ticks.
    pub(crate) fn unpark(&self) {
        if let Some(thread) = self.thread.get() {
            thread.unpark();
        }
    }

    /// Returns whether a guest was polled since the last call.
    pub(crate) fn take_active(&self) -> bool {
        self.active.swap(false, Ordering::SeqCst) || self.holds.load(Ordering::SeqCst) > 0
    }

    /// Waits until a guest is polled, a module is loaded, or the first timer expires.
    ///
    /// `resting` is set before the rest is read, and read after the rest is set: so of a mark and of a timer
    /// either this thread learns, or its setter learns that this thread has to be woken.
    pub(crate) fn rest(&self, first_timer: impl Fn() -> Option<Instant>) {
        self.resting.store(true, Ordering::SeqCst);
        while !self.active.load(Ordering::SeqCst) && self.holds.load(Ordering::SeqCst) == 0 {
            match first_timer().map(|at| at.saturating_duration_since(Instant::now())) {
                None => thread::park(),
                Some(wait) if wait.is_zero() => break,
                Some(wait) => thread::park_timeout(wait),
            }
        }
        self.resting.store(false, Ordering::SeqCst);
    }
}

impl Drop for Hold<'_> {
    fn drop(&mut self) {
        self.0.holds.fetch_sub(1, Ordering::SeqCst);
    }
}
