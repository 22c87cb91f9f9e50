//! Ctrl-C: stops what is evaluated, and not the session.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;

use anyhow::{Context, Result};
use tokio::sync::Notify;

/// The exit code of a program that SIGINT ended.
const INTERRUPTED: i32 = 130;

/// Receives Ctrl-C of this process. The prompt reads the key itself, without a signal.
pub(super) struct Interrupts(Arc<State>);

#[derive(Default)]
struct State {
    interrupted: Notify,
    /// An interrupt that the evaluation has not obeyed yet.
    is_pending: AtomicBool,
}

impl Interrupts {
    /// Begins to receive interrupts, for the rest of the process.
    pub(super) fn install() -> Result<Self> {
        let state = Arc::new(State::default());
        let receiver = state.clone();
        let handler = move || {
            // Nothing else can stop the code of a module without `strict_timeout`.
            if receiver.is_pending.swap(true, Ordering::SeqCst) {
                process::exit(INTERRUPTED);
            }
            receiver.interrupted.notify_one();
        };
        ctrlc::set_handler(handler).context("cannot receive Ctrl-C")?;
        Ok(Self(state))
    }

    /// Forgets an interrupt that came after the last evaluation.
    pub(super) fn forget(&self) {
        self.0.is_pending.store(false, Ordering::SeqCst);
    }

    /// Returns the output of a future, or `None` if an interrupt came first, be it before the future began.
    /// The future is dropped then.
    pub(super) async fn stop<T>(&self, future: impl Future<Output = T>) -> Option<T> {
        let mut future = pin!(future);
        let mut interrupted = pin!(self.0.interrupted.notified());
        let output = poll_fn(|context| {
            while interrupted.as_mut().poll(context).is_ready() {
                if self.0.is_pending.load(Ordering::SeqCst) {
                    return Poll::Ready(None);
                }
                // That interrupt is forgotten.
                interrupted.set(self.0.interrupted.notified());
            }
            future.as_mut().poll(context).map(Some)
        })
        .await;
        if output.is_none() {
            self.forget();
        }
        output
    }
}
