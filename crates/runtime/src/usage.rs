//! What a module uses of its host.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// What a module holds now, and the most that it has held. Returned by
/// [`Runtime::usage`](crate::Runtime::usage).
///
/// ```no_run
/// # fn example(runtime: surrealism_runtime::Runtime) {
/// let usage = runtime.usage();
/// println!("{} instances, at most {}", usage.instances.current, usage.instances.peak);
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Usage {
    /// Number of instances, checked out and idle.
    pub instances: Gauge,
    /// Linear memory of all instances together, in bytes.
    pub memory_bytes: Gauge,
    /// Keys and encoded values of the module's own key-value store, in bytes.
    pub kv_bytes: Gauge,
    /// Callers that wait for an instance.
    pub queued: usize,
    /// Calls under way: instances that are checked out.
    pub calls: usize,
    /// Instances that wait for a call.
    pub idle: usize,
    /// Instances that were dropped because they trapped, timed out, or their call was cancelled or panicked,
    /// since the module was loaded.
    pub lost: u64,
    /// Whether instances are allocated in the process's pool, where instantiation takes microseconds.
    /// `false` when the pool's address space could not be reserved, when the module does not fit the
    /// pool, and with `strict_timeout = false`. Instances beyond the module's share of the pool are
    /// allocated outside of it in any case.
    pub pooled: bool,
    /// Where the module's compiled code came from when the module was loaded.
    pub code: CodeSource,
    /// Whether the module is pre-initialized: instances begin with the state after `init` instead of
    /// running it. See [`RuntimeBuilder::preinitialize`](crate::RuntimeBuilder::preinitialize).
    pub preinitialized: bool,
}

/// Where compiled code came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodeSource {
    /// The component was compiled.
    Compiled,
    /// The code was in the host's [`CodeCache`](crate::CodeCache).
    Cache,
    /// A module with the same bytes was loaded, or being loaded, in this process.
    Shared,
}

impl CodeSource {
    /// Returns a word for metrics and traces.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Compiled => "compiled",
            Self::Cache => "cache",
            Self::Shared => "shared",
        }
    }
}

/// A quantity: its current value and its peak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gauge {
    /// The value now.
    pub current: usize,
    /// The largest value so far.
    pub peak: usize,
}

/// A [`Gauge`] that many threads update.
#[derive(Debug, Default)]
pub(crate) struct AtomicGauge {
    current: AtomicUsize,
    peak: AtomicUsize,
}

impl AtomicGauge {
    pub(crate) fn add(&self, amount: usize) {
        let current = self.current.fetch_add(amount, Ordering::Relaxed) + amount;
        self.peak.fetch_max(current, Ordering::Relaxed);
    }

    pub(crate) fn sub(&self, amount: usize) {
        self.current.fetch_sub(amount, Ordering::Relaxed);
    }

    pub(crate) fn load(&self) -> Gauge {
        Gauge {
            current: self.current.load(Ordering::Relaxed),
            peak: self.peak.load(Ordering::Relaxed),
        }
    }
}

/// The gauges that the instances of one module update.
#[derive(Debug, Default)]
pub(crate) struct ModuleMetrics {
    pub(crate) instances: AtomicGauge,
    pub(crate) memory_bytes: AtomicGauge,
    /// Poisoned instances that were dropped.
    pub(crate) lost: AtomicU64,
}
