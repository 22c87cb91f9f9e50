//! Panics of the host's code, caught where they would leave a call.

use std::any::Any;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::Poll;

/// What a panic was given.
pub(crate) type Panic = Box<dyn Any + Send>;

/// Polls a future, and catches a panic in it. After one, the future must not be polled again.
///
/// # Errors
///
/// What the panic was given.
pub(crate) async fn catch_panic<F: Future>(mut future: Pin<&mut F>) -> Result<F::Output, Panic> {
    // The caller of this function drops the instance, with all that the panic may have left inconsistent.
    poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
        Ok(Poll::Ready(output)) => Poll::Ready(Ok(output)),
        Ok(Poll::Pending) => Poll::Pending,
        Err(panic) => Poll::Ready(Err(panic)),
    })
    .await
}

/// Runs the host's code where its panic has no caller to reach: the panic hook has reported it.
pub(crate) fn ignore_panic(code: impl FnOnce()) {
    let _ = catch_unwind(AssertUnwindSafe(code));
}
