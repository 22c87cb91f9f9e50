//! What a module takes of its host.

use std::sync::atomic::{AtomicUsize, Ordering};

/// What a module holds, and the most that it has held. See [`Runtime::usage`](crate::Runtime::usage).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Usage {
    /// Instances, at work and idle.
    pub instances: Gauge,
    /// Linear memory of all instances together, in bytes.
    pub memory_bytes: Gauge,
    /// Keys and encoded values of the module's own key-value store, in bytes.
    pub kv_bytes: Gauge,
    /// Whether instances live in the process's pool, where making one takes microseconds. Not so
    /// where its address space cannot be reserved, where the module does not fit it, and with
    /// `strict_timeout = false`.
    pub pooled: bool,
    /// Where the module's compiled code came from when it was loaded.
    pub code: CodeSource,
    /// Whether instances begin with the outcome of `init`, captured when the module was loaded, in
    /// place of running it. Only with [`Isolation::Fresh`](crate::Isolation::Fresh), which says
    /// when.
    pub preinitialized: bool,
}

/// Where compiled code came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodeSource {
    /// It was compiled.
    Compiled,
    /// It was in the host's [`CodeCache`](crate::CodeCache).
    Cache,
    /// A module of the same bytes was loaded already, or being loaded.
    Shared,
}

/// How much of something there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gauge {
    /// Now.
    pub current: usize,
    /// At most, so far.
    pub peak: usize,
}

/// A level that many threads move.
#[derive(Debug, Default)]
pub(crate) struct AtomicGauge {
    current: AtomicUsize,
    peak: AtomicUsize,
}

impl AtomicGauge {
    pub(crate) fn add(&self, amount: usize) {
        let now = self.current.fetch_add(amount, Ordering::Relaxed) + amount;
        self.peak.fetch_max(now, Ordering::Relaxed);
    }

    pub(crate) fn sub(&self, amount: usize) {
        self.current.fetch_sub(amount, Ordering::Relaxed);
    }

    pub(crate) fn set(&self, amount: usize) {
        self.current.store(amount, Ordering::Relaxed);
        self.peak.fetch_max(amount, Ordering::Relaxed);
    }

    pub(crate) fn level(&self) -> Gauge {
        Gauge {
            current: self.current.load(Ordering::Relaxed),
            peak: self.peak.load(Ordering::Relaxed),
        }
    }
}

/// The levels of one module that its instances move.
#[derive(Debug, Default)]
pub(crate) struct ModuleMetrics {
    pub(crate) instances: AtomicGauge,
    pub(crate) memory_bytes: AtomicGauge,
}
