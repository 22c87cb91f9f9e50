//! One call: measured, and told to observers.

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;
use std::time::Duration;

use super::cpu_clock::CpuClock;
use super::recorder::Recorder;
use super::{EventKind, ObservedCall, Observer, Observers, Outcome};
use crate::error::Error;
use crate::stats::CallStats;
use crate::unwind::ignore_panic;

/// A call, and those that observe it.
pub(crate) struct CallWatch {
    observers: Observers,
    call: Arc<ObservedCall>,
}

impl Observers {
    /// Returns what watches a call; `None` if nobody observes.
    pub(crate) fn watch(
        &self,
        function: Option<&str>,
        is_declared: impl FnOnce() -> bool,
        rows: Option<usize>,
    ) -> Option<CallWatch> {
        if !self.are_on() {
            return None;
        }
        static NEXT_ID: AtomicU64 = AtomicU64::new(1);
        let id = NEXT_ID.fetch_add(1, Ordering::Relaxed);
        let function = function.map(str::to_string);
        let call = ObservedCall { id, function, declared: is_declared(), rows };
        Some(CallWatch { observers: self.clone(), call: Arc::new(call) })
    }
}

impl CallWatch {
    fn tell(&self, kind: EventKind<'_>) {
        self.observers.tell_in(Some(&self.call), kind);
    }

    /// Polls within [`Observer::poll_call`] of each observer, once whatever they do.
    fn poll<T>(&self, mut poll: impl FnMut() -> Poll<T>) -> Poll<T> {
        let mut polled = None;
        // Caught here, since only a panic of an observer is to be ignored.
        let mut poll_once = || {
            polled.get_or_insert_with(|| catch_unwind(AssertUnwindSafe(&mut poll)));
        };
        let observers = self.observers.0.as_ref().map_or(&[][..], |own| &own.observers);
        poll_within(observers, &self.call, &mut poll_once);
        poll_once();
        match polled {
            Some(Ok(polled)) => polled,
            Some(Err(panic)) => resume_unwind(panic),
            None => Poll::Pending,
        }
    }
}

fn poll_within(observers: &[Arc<dyn Observer>], call: &ObservedCall, poll: &mut dyn FnMut()) {
    match observers.split_first() {
        Some((first, others)) => ignore_panic(|| {
            first.poll_call(call, &mut || poll_within(others, call, poll));
        }),
        None => poll(),
    }
}

/// Runs a call, measures it, and tells those that watch it how it begins and ends.
pub(crate) async fn measure<T>(
    watch: Option<CallWatch>,
    run: impl AsyncFnOnce(&mut Recorder) -> Result<T, Error>,
) -> (Result<T, Error>, CallStats) {
    let call = watch.as_ref().map(|watch| watch.call.clone());
    let mut measured = Measured { recorder: Recorder::start(call), cpu: Duration::ZERO, watch };
    if let Some(watch) = &measured.watch {
        watch.tell(EventKind::CallBegun);
    }
    let result = {
        let Measured { recorder, cpu, watch } = &mut measured;
        let mut running = pin!(run(recorder));
        poll_fn(|cx| {
            let clock = CpuClock::start();
            let polled = match &*watch {
                Some(watch) => watch.poll(|| running.as_mut().poll(cx)),
                None => running.as_mut().poll(cx),
            };
            *cpu += clock.elapsed();
            polled
        })
        .await
    };
    let outcome = match &result {
        Ok(_) => Outcome::Returned,
        Err(error) => Outcome::Failed(error),
    };
    let stats = measured.end(outcome);
    (result, stats)
}

/// A call under way. If it is dropped before its end, the call was cancelled.
struct Measured {
    recorder: Recorder,
    cpu: Duration,
    watch: Option<CallWatch>,
}

impl Measured {
    fn end(&mut self, outcome: Outcome<'_>) -> CallStats {
        self.recorder.finish();
        let stats = CallStats { cpu: self.cpu, ..self.recorder.stats() };
        if let Some(watch) = self.watch.take() {
            watch.tell(EventKind::CallEnded { outcome, stats: &stats });
        }
        stats
    }
}

impl Drop for Measured {
    fn drop(&mut self) {
        if self.watch.is_some() {
            self.end(Outcome::Cancelled);
        }
    }
}
