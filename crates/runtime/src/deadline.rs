//! Deadlines that need no timer of the executor.
//!
//! A call that never waits costs no timer at all: only a future that is pending sets an alarm, and
//! the process's clock rings it.

use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};
use std::time::Instant;

/// The wakers of calls that wait, by when they must be woken at the latest.
#[derive(Debug, Default)]
pub(crate) struct Alarms {
    waiting: Mutex<BTreeMap<Key, Waker>>,
    next: AtomicU64,
}

type Key = (Instant, u64);

impl Alarms {
    /// Wakes whoever's time has come.
    pub(crate) fn ring(&self, now: Instant) {
        let due = {
            let mut waiting = self.waiting();
            let later = waiting.split_off(&(now, u64::MAX));
            std::mem::replace(&mut *waiting, later)
        };
        for waker in due.into_values() {
            // A waker is the executor's; if one panics, the clock goes on for the others.
            let _ = catch_unwind(AssertUnwindSafe(|| waker.wake()));
        }
    }

    fn waiting(&self) -> MutexGuard<'_, BTreeMap<Key, Waker>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One entry of [`Alarms`], gone when it is dropped.
struct Alarm<'a> {
    alarms: &'a Alarms,
    key: Key,
    set: bool,
}

impl Alarm<'_> {
    fn set(&mut self, waker: &Waker) {
        // Wakers are the executor's: dropped, like woken, outside the lock.
        let _before = self.alarms.waiting().insert(self.key, waker.clone());
        self.set = true;
    }
}

impl Drop for Alarm<'_> {
    fn drop(&mut self) {
        if self.set {
            let _waker = self.alarms.waiting().remove(&self.key);
        }
    }
}

/// The deadline passed first.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Elapsed;

/// Runs a future until a deadline, and drops it there.
///
/// # Errors
///
/// [`Elapsed`] where the deadline has passed and the future is still pending, or not yet begun.
pub(crate) async fn within<F: Future>(
    alarms: &Alarms,
    deadline: Option<Instant>,
    future: F,
) -> Result<F::Output, Elapsed> {
    let Some(deadline) = deadline else { return Ok(future.await) };
    if Instant::now() >= deadline {
        return Err(Elapsed);
    }
    let mut future = pin!(future);
    let key = (deadline, alarms.next.fetch_add(1, Ordering::Relaxed));
    let mut alarm = Alarm { alarms, key, set: false };
    poll_fn(|cx| {
        if let Poll::Ready(output) = future.as_mut().poll(cx) {
            return Poll::Ready(Ok(output));
        }
        if Instant::now() >= deadline {
            return Poll::Ready(Err(Elapsed));
        }
        alarm.set(cx.waker());
        Poll::Pending
    })
    .await
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::task::Context;
    use std::time::Duration;

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
    fn a_future_has_until_its_deadline_and_leaves_no_alarm_behind() {
        let alarms = Alarms::default();
        let soon = || Some(Instant::now() + Duration::from_millis(5));
        let later = || Some(Instant::now() + Duration::from_secs(60));
        let nap = || std::thread::sleep(Duration::from_millis(6));

        assert_eq!(poll_once(within(&alarms, None, async { 1 }), || ()), Some(Ok(1)));
        assert_eq!(poll_once(within(&alarms, soon(), async { 1 }), || ()), Some(Ok(1)));
        let past = Some(Instant::now());
        assert_eq!(poll_once(within(&alarms, past, async { 1 }), || ()), Some(Err(Elapsed)));
        assert_eq!(poll_once(within(&alarms, soon(), pending::<()>()), nap), Some(Err(Elapsed)));
        assert_eq!(poll_once(within(&alarms, later(), pending::<()>()), || ()), None);
        assert!(alarms.waiting().is_empty());
    }

    #[test]
    fn the_clock_wakes_only_who_is_due() {
        let alarms = Alarms::default();
        let now = Instant::now();
        let waits = |after| {
            let deadline = Some(now + Duration::from_secs(after));
            within(&alarms, deadline, pending::<()>())
        };
        let mut first = pin!(waits(60));
        let mut second = pin!(waits(120));
        let mut cx = Context::from_waker(Waker::noop());
        assert!(first.as_mut().poll(&mut cx).is_pending());
        assert!(second.as_mut().poll(&mut cx).is_pending());
        alarms.ring(now + Duration::from_secs(90));
        assert_eq!(alarms.waiting().len(), 1);
    }
}
