//! What a host can observe of its modules: calls, instances, refusals, output and loading.
//!
//! [`RuntimeBuilder::observer`](crate::RuntimeBuilder::observer) sets an [`Observer`]. Without one, nothing
//! is measured. Two observers are part of this crate: `TracingObserver` (feature `tracing`) and
//! `MetricsObserver` (feature `metrics`).
//!
//! ```
//! use surrealism_runtime::observer::{Event, EventKind, Observer};
//!
//! /// Writes what guests were refused to the service's log.
//! struct Audit;
//!
//! impl Observer for Audit {
//!     fn observe(&self, event: &Event<'_>) {
//!         if let EventKind::Denied(denied) = event.kind {
//!             let function = event.call.and_then(|call| call.function.as_deref());
//!             eprintln!("{}, {function:?}: {denied}", event.module);
//!         }
//!     }
//! }
//! ```

mod call;
mod cpu_clock;
#[cfg(feature = "metrics")]
mod metrics;
mod output;
mod recorder;
#[cfg(feature = "tracing")]
mod spans;

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

pub(crate) use self::call::{CallWatch, measure};
#[cfg(feature = "metrics")]
pub use self::metrics::MetricsObserver;
pub use self::output::{GuestStream, OutputLevel};
pub(crate) use self::recorder::{Part, Recorder};
#[cfg(feature = "tracing")]
pub use self::spans::TracingObserver;
use crate::denied::Denied;
use crate::error::Error;
use crate::package::config::SurrealismMeta;
use crate::stats::CallStats;
use crate::sync::lock;
use crate::unwind::ignore_panic;
use crate::usage::CodeSource;

/// Receives what happens to modules, as it happens.
///
/// The methods are called on the thread where it happens, often one that serves a call: they should return
/// within microseconds. No lock of this crate is held meanwhile, so that they may use the runtime. A panic in
/// one is ignored.
pub trait Observer: Send + Sync {
    /// Receives one event.
    fn observe(&self, event: &Event<'_>);

    /// Polls a call once, by `poll`. A host that traces enters the call's span around it, so that what the
    /// context does belongs to the span. Default: polls.
    fn poll_call(&self, call: &ObservedCall, poll: &mut dyn FnMut()) {
        let _ = call;
        poll();
    }
}

/// Something that happened to a module.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Event<'a> {
    /// The name and version of the module, as its archive has them. Untrusted, as the archive is.
    pub module: &'a SurrealismMeta,
    /// The call in which it happened; `None` outside of calls, and while an instance is created for one.
    pub call: Option<&'a ObservedCall>,
    /// What happened.
    pub kind: EventKind<'a>,
}

/// A call that is observed.
#[derive(Debug)]
#[non_exhaustive]
pub struct ObservedCall {
    /// A number that no other call of this process has.
    pub id: u64,
    /// The function that the caller named; `None` is the default function. Untrusted, and of any length,
    /// unless it is `declared`.
    pub function: Option<String>,
    /// Whether the archive has a signature of the function.
    pub declared: bool,
    /// The number of rows of [`Runtime::call_rows`](crate::Runtime::call_rows).
    pub rows: Option<usize>,
}

/// What happened to a module.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum EventKind<'a> {
    /// A call has begun. It may have to wait for an instance.
    CallBegun,
    /// A call has ended. Every call that has begun ends once.
    #[non_exhaustive]
    CallEnded {
        /// How it ended.
        outcome: Outcome<'a>,
        /// What it took. Of a call that was cancelled, only the times of its parts.
        stats: &'a CallStats,
    },
    /// A caller waits for an instance.
    #[non_exhaustive]
    Queued {
        /// The callers that wait now.
        length: usize,
    },
    /// A caller has an instance, or waits no longer.
    #[non_exhaustive]
    Dequeued {
        /// The callers that wait now.
        length: usize,
    },
    /// An instance was created. Its `init` has not run.
    #[non_exhaustive]
    InstanceCreated {
        /// The time that it took.
        took: Duration,
    },
    /// An instance is dropped. Every instance that was created is dropped once.
    #[non_exhaustive]
    InstanceDropped {
        /// Why it is dropped.
        cause: DropCause,
    },
    /// A guest used a capability that it does not have.
    Denied(&'a Denied),
    /// A guest wrote a line to its output.
    #[non_exhaustive]
    Output {
        /// The stream that it wrote to.
        stream: GuestStream,
        /// How severe it is.
        level: OutputLevel,
        /// The line, without its end and without a prefix for the level. Untrusted.
        line: &'a str,
    },
    /// A component was compiled. A module may need several compilations, and none if its code is shared.
    #[non_exhaustive]
    Compiled {
        /// The time that it took.
        took: Duration,
        /// Whether the compiler accepted the component.
        accepted: bool,
    },
    /// The code of a component was looked up in the host's [`CodeCache`](crate::CodeCache).
    #[non_exhaustive]
    CacheLookup {
        /// Whether the cache had it.
        hit: bool,
    },
    /// Entries were evicted from the host's [`CodeCache`](crate::CodeCache), to make room for this module's.
    #[non_exhaustive]
    CacheEvicted {
        /// The number of entries.
        entries: usize,
    },
    /// The module was loaded.
    #[non_exhaustive]
    Loaded {
        /// Where its code came from.
        source: CodeSource,
        /// The time that it took.
        took: Duration,
    },
    /// The module could not be loaded.
    LoadFailed(&'a Error),
}

/// How a call ended.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Outcome<'a> {
    /// It returned a value. Of a call with rows, some rows may have failed.
    Returned,
    /// It failed.
    Failed(&'a Error),
    /// Its future was dropped before it ended.
    Cancelled,
}

impl Outcome<'_> {
    /// Returns a word for metrics and traces: `returned`, `cancelled`, or the
    /// [kind of the error](crate::ErrorKind::as_str).
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Returned => "returned",
            Self::Failed(error) => error.kind().as_str(),
            Self::Cancelled => "cancelled",
        }
    }
}

/// Why an instance is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DropCause {
    /// Its guest trapped.
    Trapped,
    /// The time of its call ended.
    TimedOut,
    /// Its call was cancelled.
    Cancelled,
    /// The host's code panicked in its call.
    HostPanicked,
    /// Its `init` returned an error.
    InitFailed,
    /// It has served its only call, with [`Isolation::Fresh`](crate::Isolation::Fresh).
    Used,
    /// Its memory has grown by more than an idle instance may keep.
    TooLarge,
    /// It is not needed: the module is drained or dropped, the pool is full, or the host dropped it.
    Unneeded,
}

impl DropCause {
    /// Returns a word for metrics and traces.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Trapped => "trapped",
            Self::TimedOut => "timed_out",
            Self::Cancelled => "cancelled",
            Self::HostPanicked => "host_panicked",
            Self::InitFailed => "init_failed",
            Self::Used => "used",
            Self::TooLarge => "too_large",
            Self::Unneeded => "unneeded",
        }
    }

    /// Returns whether a call went wrong in the instance, which [`Usage::lost`](crate::Usage::lost) counts.
    pub fn is_loss(self) -> bool {
        !matches!(self, Self::Used | Self::TooLarge | Self::Unneeded)
    }
}

/// The observers of one module, if there are any. Clones share them.
#[derive(Clone, Default)]
pub(crate) struct Observers(Option<Arc<ModuleObservers>>);

struct ModuleObservers {
    module: SurrealismMeta,
    observers: Vec<Arc<dyn Observer>>,
}

impl Observers {
    pub(crate) fn new(module: &SurrealismMeta, observers: Vec<Arc<dyn Observer>>) -> Self {
        if observers.is_empty() {
            return Self(None);
        }
        Self(Some(Arc::new(ModuleObservers { module: module.clone(), observers })))
    }

    /// Whether there are any.
    pub(crate) fn are_on(&self) -> bool {
        self.0.is_some()
    }

    /// Tells what happened outside of calls.
    pub(crate) fn tell(&self, kind: EventKind<'_>) {
        self.tell_in(None, kind);
    }

    /// Tells what happened in a call.
    pub(crate) fn tell_in(&self, call: Option<&ObservedCall>, kind: EventKind<'_>) {
        if let Some(own) = &self.0 {
            let event = Event { module: &own.module, call, kind };
            own.observers.iter().for_each(|own| ignore_panic(|| own.observe(&event)));
        }
    }
}

impl Drop for ModuleObservers {
    fn drop(&mut self) {
        // A drop is the host's code too, and the last one may be within a call.
        self.observers.drain(..).for_each(|observer| ignore_panic(|| drop(observer)));
    }
}

/// Shows how many there are.
impl fmt::Debug for Observers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.0.as_ref().map_or(0, |own| own.observers.len());
        f.debug_tuple("Observers").field(&count).finish()
    }
}

/// The observers of one instance, which know the call that it serves. Clones share it.
#[derive(Clone, Default)]
pub(crate) struct InstanceObservers(Option<Arc<Instance>>);

struct Instance {
    observers: Observers,
    call: Mutex<Option<Arc<ObservedCall>>>,
}

impl InstanceObservers {
    pub(crate) fn new(observers: &Observers) -> Self {
        let instance = || Instance { observers: observers.clone(), call: Mutex::default() };
        Self(observers.are_on().then(|| Arc::new(instance())))
    }

    /// Sets the call that the instance serves.
    pub(crate) fn set_call(&self, call: Option<Arc<ObservedCall>>) {
        if let Some(instance) = &self.0 {
            *lock(&instance.call) = call;
        }
    }

    /// Tells what happened in the instance, and in its call.
    pub(crate) fn tell(&self, kind: EventKind<'_>) {
        if let Some(instance) = &self.0 {
            let call = lock(&instance.call).clone();
            instance.observers.tell_in(call.as_deref(), kind);
        }
    }

    /// Tells what happened for a caller whose call has ended.
    pub(crate) fn tell_late(&self, kind: EventKind<'_>) {
        if let Some(instance) = &self.0 {
            instance.observers.tell(kind);
        }
    }

    /// Tells that the guest wrote lines.
    pub(crate) fn tell_output(&self, stream: GuestStream, lines: &[String]) {
        if self.0.is_some() {
            for line in lines {
                let (level, line) = output::parse_level(stream, line);
                self.tell(EventKind::Output { stream, level, line });
            }
        }
    }
}

impl fmt::Debug for InstanceObservers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("InstanceObservers").field(&self.0.is_some()).finish()
    }
}
