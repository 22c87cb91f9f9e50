//! `wasi:clocks/monotonic-clock`, with timers of the process.
//!
//! wasmtime's own implementation takes tokio's timers, and panics where the call runs on another executor
//! or on a tokio runtime without time. This one replaces it.

use std::future::{pending, poll_fn};
use std::task::Poll;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use wasmtime::Result;
use wasmtime::component::{HasData, Linker, Resource};
use wasmtime_wasi::clocks::WasiClocksCtxView;
use wasmtime_wasi::p2::bindings::clocks::monotonic_clock;
use wasmtime_wasi::p2::{DynPollable, Pollable, subscribe};

use crate::deadline::TimerQueue;

/// Replaces wasmtime's implementation of the interface.
///
/// # Errors
///
/// When the linker refuses it.
pub(crate) fn add_to_linker<T: Clock + 'static>(linker: &mut Linker<T>) -> Result<()> {
    linker.allow_shadowing(true);
    monotonic_clock::add_to_linker::<T, HasClock>(linker, T::clock)?;
    linker.allow_shadowing(false);
    Ok(())
}

/// Store data that has a clock.
pub(crate) trait Clock {
    fn clock(&mut self) -> ClockView<'_>;
}

struct HasClock;

impl HasData for HasClock {
    type Data<'a> = ClockView<'a>;
}

pub(crate) struct ClockView<'a> {
    pub(crate) clocks: WasiClocksCtxView<'a>,
    pub(crate) timers: &'static TimerQueue,
}

impl monotonic_clock::Host for ClockView<'_> {
    fn now(&mut self) -> Result<monotonic_clock::Instant> {
        self.clocks.now()
    }

    fn resolution(&mut self) -> Result<monotonic_clock::Duration> {
        monotonic_clock::Host::resolution(&mut self.clocks)
    }

    fn subscribe_instant(
        &mut self,
        when: monotonic_clock::Instant,
    ) -> Result<Resource<DynPollable>> {
        let now = self.now()?;
        self.subscribe_duration(when.saturating_sub(now))
    }

    fn subscribe_duration(
        &mut self,
        nanoseconds: monotonic_clock::Duration,
    ) -> Result<Resource<DynPollable>> {
        let duration = Duration::from_nanos(nanoseconds);
        let wait = match Instant::now().checked_add(duration) {
            Some(_) if duration.is_zero() => Wait::Over { yielded: false },
            Some(until) => Wait::Until(until),
            None => Wait::Forever,
        };
        let sleep = self.clocks.table.push(Sleep { timers: self.timers, wait })?;
        subscribe(self.clocks.table, sleep)
    }
}

/// The table's entry behind a guest's `pollable`.
struct Sleep {
    timers: &'static TimerQueue,
    wait: Wait,
}

enum Wait {
    Over { yielded: bool },
    Until(Instant),
    Forever,
}

#[async_trait]
impl Pollable for Sleep {
    async fn ready(&mut self) {
        match &mut self.wait {
            // A guest that polls without waiting must not keep the executor from its other tasks.
            Wait::Over { yielded } => {
                poll_fn(|cx| {
                    if std::mem::replace(yielded, true) {
                        return Poll::Ready(());
                    }
                    cx.waker().wake_by_ref();
                    Poll::Pending
                })
                .await;
            }
            Wait::Until(until) => self.timers.sleep_until(*until).await,
            Wait::Forever => pending().await,
        }
    }
}
