//! The deadline of a call and the sleep of a guest, kept without a timer of the executor.
//!
//! A call that never waits registers no timer. A pending future registers its waker in a
//! [`TimerQueue`], which the process's epoch ticker fires.

use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

use surrealism_types::err::SurrealismError;

use crate::error::{Error, ErrorKind, TimeoutStage};
use crate::sync::lock;
use crate::ticker::Ticker;

/// When a call must be over, and the limits behind that. Instantiation and `init` count.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline {
    pub(crate) at: Option<Instant>,
    effective: Option<Duration>,
    context_timeout: Option<Duration>,
    module_limit: Option<Duration>,
}

impl Deadline {
    /// The deadline of a call that begins now.
    pub(crate) fn for_call(
        context_timeout: Option<Duration>,
        module_limit: Option<Duration>,
    ) -> Self {
        Self::for_caller(context_timeout).with_module_limit(module_limit)
    }

    /// The caller's own timeout, from now. A timeout beyond the range of `Instant` is not a deadline.
    pub(crate) fn for_caller(context_timeout: Option<Duration>) -> Self {
        let at = from_now(context_timeout);
        Self { at, effective: context_timeout, context_timeout, module_limit: None }
    }

    /// Adds the module's limit, which counts from now.
    pub(crate) fn with_module_limit(self, module_limit: Option<Duration>) -> Self {
        match (self.at, from_now(module_limit)) {
            (at, Some(limit)) if at.is_none_or(|at| limit < at) => {
                Self { at: Some(limit), effective: module_limit, module_limit, ..self }
            }
            _ => Self { module_limit, ..self },
        }
    }

    /// The caller's own timeout.
    pub(crate) fn caller_limit(self) -> Option<Duration> {
        self.context_timeout
    }

    /// The error of a call that was stopped while it had an instance.
    /// Checks that the time is not over, after a step that could not be interrupted.
    ///
    /// # Errors
    ///
    /// The error of a call whose time is over.
    pub(crate) fn check(self) -> Result<(), Error> {
        match self.at {
            Some(at) if Instant::now() >= at => Err(self.timeout_error()),
            _ => Ok(()),
        }
    }

    pub(crate) fn timeout_error(self) -> Error {
        let Self { effective, context_timeout, module_limit, at: _ } = self;
        let kind = ErrorKind::TimedOut { stage: TimeoutStage::Running, limit: effective };
        Error::new(kind, SurrealismError::Timeout { effective, context_timeout, module_limit })
    }
}

fn from_now(time: Option<Duration>) -> Option<Instant> {
    time.and_then(|time| Instant::now().checked_add(time))
}

/// The wakers of pending calls and of sleeping guests, by deadline.
#[derive(Debug, Default)]
pub(crate) struct TimerQueue {
    timers: Mutex<BTreeMap<TimerKey, Waker>>,
    next_id: AtomicU64,
    /// The thread that fires the timers, and that a short sleep wakes.
    pub(crate) ticker: Ticker,
}

/// A deadline, and an id that tells timers of the same instant apart.
type TimerKey = (Instant, u64);

impl TimerQueue {
    /// Returns the earliest deadline.
    pub(crate) fn earliest(&self) -> Option<Instant> {
        lock(&self.timers).first_key_value().map(|((deadline, _), _)| *deadline)
    }

    /// Waits until a time. Works on any executor.
    pub(crate) async fn sleep_until(&self, until: Instant) {
        let mut timer = Timer::new(self, until);
        poll_fn(|cx| {
            if Instant::now() >= until {
                return Poll::Ready(());
            }
            timer.register(cx.waker());
            // The ticker may be waiting for its next tick, which can be later than `until`.
            self.ticker.unpark();
            Poll::Pending
        })
        .await;
    }

    /// Wakes every future whose deadline has passed.
    pub(crate) fn fire_expired(&self, now: Instant) {
        let expired = {
            let mut timers = lock(&self.timers);
            let later = timers.split_off(&(now, u64::MAX));
            std::mem::replace(&mut *timers, later)
        };
        for waker in expired.into_values() {
            // A waker is the executor's code: a panic in one must not stop the ticker.
            let _ = catch_unwind(AssertUnwindSafe(|| waker.wake()));
        }
    }
}

/// One entry of a [`TimerQueue`], removed on drop.
struct Timer<'a> {
    queue: &'a TimerQueue,
    key: TimerKey,
    registered: bool,
}

impl<'a> Timer<'a> {
    fn new(queue: &'a TimerQueue, deadline: Instant) -> Self {
        let key = (deadline, queue.next_id.fetch_add(1, Ordering::Relaxed));
        Self { queue, key, registered: false }
    }

    fn register(&mut self, waker: &Waker) {
        // The replaced waker is the executor's code: it is dropped outside the lock.
        let _replaced = lock(&self.queue.timers).insert(self.key, waker.clone());
        self.registered = true;
        self.queue.ticker.unpark_if_resting();
    }
}

impl Drop for Timer<'_> {
    fn drop(&mut self) {
        if self.registered {
            let _waker = lock(&self.queue.timers).remove(&self.key);
        }
    }
}

/// The deadline passed before the future was ready.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Elapsed;

/// Runs a future until `deadline`, and drops it then. The ticker stays awake while the future is polled.
///
/// # Errors
///
/// [`Elapsed`] when the deadline has passed and the future is pending or has not begun.
pub(crate) async fn timeout_at<F: Future>(
    queue: &TimerQueue,
    deadline: Option<Instant>,
    future: F,
) -> Result<F::Output, Elapsed> {
    let mut future = pin!(future);
    let Some(deadline) = deadline else {
        let unlimited = poll_fn(|cx| {
            queue.ticker.mark();
            future.as_mut().poll(cx)
        });
        return Ok(unlimited.await);
    };
    if Instant::now() >= deadline {
        return Err(Elapsed);
    }
    let mut timer = Timer::new(queue, deadline);
    poll_fn(|cx| {
        queue.ticker.mark();
        if let Poll::Ready(output) = future.as_mut().poll(cx) {
            return Poll::Ready(Ok(output));
        }
        if Instant::now() >= deadline {
            return Poll::Ready(Err(Elapsed));
        }
        timer.register(cx.waker());
        Poll::Pending
    })
    .await
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::task::Context;

    use super::*;

    fn poll_once<F: Future>(future: F, after: impl FnOnce()) -> Option<F::Output> {
        let mut future = pin!(future);
        let mut cx = Context::from_waker(Waker::noop());
        if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
            return Some(output);
        }
        after();
        match future.as_mut().poll(&mut cx) {
            Poll::Ready(output) => Some(output),
            Poll::Pending => None,
        }
    }

    #[test]
    fn a_future_runs_until_its_deadline_and_leaves_no_timer_behind() {
        let timers = TimerQueue::default();
        let soon = || Some(Instant::now() + Duration::from_millis(5));
        let later = || Some(Instant::now() + Duration::from_secs(60));
        let nap = || std::thread::sleep(Duration::from_millis(6));

        assert_eq!(poll_once(timeout_at(&timers, None, async { 1 }), || ()), Some(Ok(1)));
        assert_eq!(poll_once(timeout_at(&timers, soon(), async { 1 }), || ()), Some(Ok(1)));
        let past = Some(Instant::now());
        assert_eq!(poll_once(timeout_at(&timers, past, async { 1 }), || ()), Some(Err(Elapsed)));
        assert_eq!(
            poll_once(timeout_at(&timers, soon(), pending::<()>()), nap),
            Some(Err(Elapsed))
        );
        assert_eq!(poll_once(timeout_at(&timers, later(), pending::<()>()), || ()), None);
        assert!(lock(&timers.timers).is_empty());
    }

    #[test]
    fn only_expired_timers_fire() {
        let timers = TimerQueue::default();
        let now = Instant::now();
        let waits = |after| {
            let deadline = Some(now + Duration::from_secs(after));
            timeout_at(&timers, deadline, pending::<()>())
        };
        let mut first = pin!(waits(60));
        let mut second = pin!(waits(120));
        let mut cx = Context::from_waker(Waker::noop());
        assert!(first.as_mut().poll(&mut cx).is_pending());
        assert!(second.as_mut().poll(&mut cx).is_pending());
        timers.fire_expired(now + Duration::from_secs(90));
        assert_eq!(lock(&timers.timers).len(), 1);
    }
}
