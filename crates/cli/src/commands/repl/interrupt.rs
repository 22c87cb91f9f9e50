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

    /// Returns the output of a future, or `None` if an interrupt came first. The future is dropped then.
    pub(super) async fn stop<T>(&self, future: impl Future<Output = T>) -> Option<T> {
        // An interrupt between two evaluations stopped nothing.
        if self.0.is_pending.swap(false, Ordering::SeqCst) {
            self.0.interrupted.notified().await;
        }
        let mut future = pin!(future);
        let mut interrupted = pin!(self.0.interrupted.notified());
        let output = poll_fn(|context| {
            if interrupted.as_mut().poll(context).is_ready() {
                return Poll::Ready(None);
            }
            future.as_mut().poll(context).map(Some)
        })
        .await;
        if output.is_none() {
            self.0.is_pending.store(false, Ordering::SeqCst);
        }
        output
    }
}
