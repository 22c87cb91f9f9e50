//! Makes recorded calls again, without a host.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use super::Runtime;
use crate::host::DetachedContext;
use crate::limits::MAX_REPLAY_TIME;
use crate::record::{Outcome, RecordedCall, Replayed, Verdict};
use crate::tape::{Stop, Tape};

impl Runtime {
    /// Makes a recorded call again. The recording answers for the host, and ends the call at the first thing
    /// that the guest asks for otherwise. The module may be another version of the one that was recorded.
    ///
    /// Neither grants nor stores matter, and nothing is connected to. The call takes at most
    /// [`MAX_REPLAY_TIME`].
    pub async fn replay(&self, call: &RecordedCall) -> Replayed {
        let unreplayable =
            |reason: String| Replayed { host_calls: 0, verdict: Verdict::Unreplayable { reason } };
        if call.is_cut() {
            return unreplayable("the recorder has cut it, since it was too large".to_string());
        }
        let args = match call.args() {
            Ok(args) => args,
            Err(error) => return unreplayable(format!("its arguments cannot be read: {error:#}")),
        };
        let tape = Arc::new(Tape::replay(call.host_calls().to_vec()));
        let made = self.call(call.function(), args, DetachedContext::new());
        let mut made = pin!(made.timeout(MAX_REPLAY_TIME).with_tape(tape.clone()));
        // A host function that has no answer waits, so that nothing more happens in the guest.
        let result = poll_fn(|cx| {
            let polled = made.as_mut().poll(cx);
            match tape.stopped() {
                Some(stop) => Poll::Ready(Err(stop)),
                None => polled.map(Ok),
            }
        });
        let verdict = match result.await {
            Err(stop) => stop.verdict(),
            Ok(result) => self.compare(call, Outcome::new(&result), &tape),
        };
        Replayed { host_calls: tape.position().0, verdict }
    }

    /// Compares how a call ended with how it did.
    fn compare(&self, call: &RecordedCall, now: Outcome, tape: &Tape) -> Verdict {
        let (index, recorded) = tape.position();
        if let Some(recorded) = recorded {
            return Verdict::Diverged { index, recorded: Some(recorded.shown()), now: None };
        }
        let recorded = call.outcome().clone().without_module(call.module());
        let now = now.without_module(&self.module().to_string());
        if recorded.allows(&now) {
            return Verdict::Same;
        }
        Verdict::ResultDiffers { recorded: recorded.shown(), now: now.shown() }
    }
}

impl Stop {
    fn verdict(self) -> Verdict {
        match self {
            Self::Diverged { index, recorded, now } => Verdict::Diverged {
                index,
                recorded: recorded.map(|call| call.shown()),
                now: Some(now.shown()),
            },
            Self::End => Verdict::Same,
            Self::Unreplayable { index, reason } => {
                Verdict::Unreplayable { reason: format!("host call {}: {reason}", index + 1) }
            }
        }
    }
}
