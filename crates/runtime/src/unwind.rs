//! Panics of the host's code, caught where they would leave a call.

use std::any::Any;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

/// What a panic was given.
pub(crate) type Panic = Box<dyn Any + Send>;

/// A future that runs the host's code, whose panics do not leave it: that of a poll is its output, and that
/// of its drop is ignored.
pub(crate) struct Guarded<'a, F>(Pin<&'a mut Option<F>>);

impl<'a, F> Guarded<'a, F> {
    /// The future stays where it is pinned, and is dropped with this value.
    pub(crate) fn new(future: Pin<&'a mut Option<F>>) -> Self {
        Self(future)
    }
}

impl<F: Future> Future for Guarded<'_, F> {
    type Output = Result<F::Output, Panic>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(future) = self.get_mut().0.as_mut().as_pin_mut() else { return Poll::Pending };
        // The caller drops the instance, with all that the panic may have left inconsistent.
        match catch_unwind(AssertUnwindSafe(|| future.poll(cx))) {
            Ok(polled) => polled.map(Ok),
            Err(panic) => Poll::Ready(Err(panic)),
        }
    }
}

impl<F> Drop for Guarded<'_, F> {
    fn drop(&mut self) {
        ignore_panic(|| self.0.set(None));
    }
}

/// Runs the host's code where its panic has no caller to reach: the panic hook has reported it.
pub(crate) fn ignore_panic(code: impl FnOnce()) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(code)) {
        discard(panic);
    }
}

/// Drops what a panic was given, which may panic again. What that was given is leaked: it could go on.
pub(crate) fn discard(panic: Panic) {
    if let Err(again) = catch_unwind(AssertUnwindSafe(|| drop(panic))) {
        std::mem::forget(again);
    }
}
