//! What a guest asks of its host during one call, and what the host answers: recorded, or replayed.
//!
//! A call without a tape pays nothing for it: its instance is linked without [`taped`](crate::store).

mod event;
mod wire;

use std::sync::{Arc, Mutex};

use serde_json::Value as Json;

pub(crate) use self::event::{Answer, HostCall, blank, blank_text};
pub(crate) use self::wire::{
    Count, Entries, Flag, Hex, Int, Number, OptionalMillis, OptionalText, OptionalValue,
    OptionalValues, Range, Seed, Text, Texts, Time, Unit, Value, Values, Variables, Wire,
};
use crate::host::HostContext;
use crate::sync::lock;

/// The host's side of a call: its context, and its tape if it has one.
pub(crate) struct CallHost {
    pub(crate) context: HostContext,
    pub(crate) tape: Option<Arc<Tape>>,
}

impl From<HostContext> for CallHost {
    fn from(context: HostContext) -> Self {
        Self { context, tape: None }
    }
}

/// The host calls of one call, in order.
pub(crate) struct Tape(Mutex<Reel>);

enum Reel {
    Recording(Recording),
    Replaying(Replaying),
}

struct Recording {
    calls: Vec<HostCall>,
    secrets: Arc<[String]>,
    left_bytes: usize,
    is_cut: bool,
}

struct Replaying {
    calls: Vec<HostCall>,
    next: usize,
    stop: Option<Stop>,
}

/// What a recorded call contains.
pub(crate) struct Recorded {
    pub(crate) calls: Vec<HostCall>,
    /// Whether host calls were left out, since the call has too many.
    pub(crate) is_cut: bool,
}

/// Why a replay does not go on.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Stop {
    /// The guest asked for something else than it did, or for more.
    Diverged { index: usize, recorded: Option<HostCall>, now: HostCall },
    /// The recording ends within this host call, as the call did.
    End,
    /// The host call has no answer that can be given again.
    Unreplayable { index: usize, reason: String },
}

/// What a host function does.
pub(crate) enum Asked<T> {
    /// Asks the host, and passes on what it answers.
    Host(Ticket),
    /// Returns what was recorded.
    Recorded(Result<T, String>),
    /// Does not return.
    Stopped,
}

/// The host call that an answer belongs to; `None` if it is not recorded.
pub(crate) struct Ticket(Option<usize>);

/// The name of a host call that uses the network.
pub(crate) const NETWORK: &str = "network";

impl Tape {
    /// Returns an empty tape. What it holds takes at most `max_bytes`, as JSON.
    pub(crate) fn record(max_bytes: usize, secrets: Arc<[String]>) -> Self {
        let (calls, is_cut) = (Vec::new(), false);
        let recording = Recording { calls, secrets, left_bytes: max_bytes, is_cut };
        Self(Mutex::new(Reel::Recording(recording)))
    }

    /// Returns a tape that answers as these calls were answered.
    pub(crate) fn replay(calls: Vec<HostCall>) -> Self {
        Self(Mutex::new(Reel::Replaying(Replaying { calls, next: 0, stop: None })))
    }

    pub(crate) fn is_replay(&self) -> bool {
        matches!(&*lock(&self.0), Reel::Replaying(_))
    }

    /// Asks the tape. `size` is about that of the arguments, which are made only if there is room.
    pub(crate) fn ask<W: Wire>(
        &self,
        host: &str,
        size: usize,
        args: impl FnOnce() -> Vec<Json>,
    ) -> Asked<W::Raw> {
        match &mut *lock(&self.0) {
            Reel::Recording(recording) => Asked::Host(recording.push(host, size, args)),
            Reel::Replaying(replaying) => replaying.answer::<W>(HostCall::new(host, args())),
        }
    }

    /// Records an answer.
    pub(crate) fn answered<W: Wire>(&self, ticket: Ticket, answer: &Result<W::Raw, String>) {
        if let Reel::Recording(recording) = &mut *lock(&self.0) {
            recording.answered::<W>(ticket, answer);
        }
    }

    /// Notes that the guest uses the network, whose answers are not recorded.
    pub(crate) fn network(&self, what: &str) {
        if lock(&self.0).ends_with_network(what) {
            return;
        }
        let asked = self.ask::<Unit>(NETWORK, what.len(), || vec![Json::from(what)]);
        if let Asked::Host(ticket) = asked {
            self.answered::<Unit>(ticket, &Ok(()));
        }
    }

    /// Takes what was recorded.
    pub(crate) fn take_recorded(&self) -> Recorded {
        match &mut *lock(&self.0) {
            Reel::Recording(Recording { calls, is_cut, .. }) => {
                Recorded { calls: std::mem::take(calls), is_cut: *is_cut }
            }
            Reel::Replaying(_) => Recorded { calls: Vec::new(), is_cut: false },
        }
    }

    /// Returns why the replay does not go on, if it does not.
    pub(crate) fn stopped(&self) -> Option<Stop> {
        match &*lock(&self.0) {
            Reel::Recording(_) => None,
            Reel::Replaying(replaying) => replaying.stop.clone(),
        }
    }

    /// Returns how many host calls were replayed, and the next one that was recorded.
    pub(crate) fn position(&self) -> (usize, Option<HostCall>) {
        match &*lock(&self.0) {
            Reel::Recording(recording) => (recording.calls.len(), None),
            Reel::Replaying(Replaying { calls, next, .. }) => (*next, calls.get(*next).cloned()),
        }
    }
}

impl Reel {
    /// Whether the last host call is this use of the network, which asks many times.
    fn ends_with_network(&self, what: &str) -> bool {
        let Self::Recording(Recording { calls, .. }) = self else { return false };
        calls.last().is_some_and(|last| last.host == NETWORK && last.args == [Json::from(what)])
    }
}

impl Recording {
    fn push(&mut self, host: &str, size: usize, args: impl FnOnce() -> Vec<Json>) -> Ticket {
        if self.is_cut || !self.take(size) {
            return Ticket(None);
        }
        let mut args = args();
        args.iter_mut().for_each(|arg| blank(arg, &self.secrets));
        let call = HostCall::new(host, args);
        if !self.take(call.json_bytes().saturating_sub(size)) {
            return Ticket(None);
        }
        self.calls.push(call);
        Ticket(Some(self.calls.len() - 1))
    }

    fn answered<W: Wire>(&mut self, Ticket(index): Ticket, answer: &Result<W::Raw, String>) {
        let Some(index) = index.filter(|_| !self.is_cut) else { return };
        let size = answer.as_ref().map_or_else(String::len, W::size);
        if !self.take(size) {
            return;
        }
        let mut answer = match answer {
            Ok(raw) => Answer::Ok(W::to_json(raw)),
            Err(text) => Answer::Error(text.clone()),
        };
        answer.blank(&self.secrets);
        if self.take(answer.json_bytes().saturating_sub(size)) {
            self.calls[index].answer = answer;
        }
    }

    /// Takes bytes of what is left. Without enough, the recording is cut.
    fn take(&mut self, bytes: usize) -> bool {
        match self.left_bytes.checked_sub(bytes) {
            Some(left) => self.left_bytes = left,
            None => self.is_cut = true,
        }
        !self.is_cut
    }
}

impl Replaying {
    fn answer<W: Wire>(&mut self, now: HostCall) -> Asked<W::Raw> {
        match self.find::<W>(now) {
            Ok(answer) => {
                self.next += 1;
                Asked::Recorded(answer)
            }
            Err(stop) => {
                // The first one is what the replay is about.
                self.stop.get_or_insert(*stop);
                Asked::Stopped
            }
        }
    }

    fn find<W: Wire>(&self, now: HostCall) -> Result<Result<W::Raw, String>, Box<Stop>> {
        let index = self.next;
        let recorded = match self.calls.get(index) {
            Some(recorded) if recorded.asks_like(&now) => recorded,
            other => {
                let recorded = other.cloned();
                return Err(Box::new(Stop::Diverged { index, recorded, now }));
            }
        };
        if recorded.host == NETWORK {
            let reason = "it uses the network, whose answers are not recorded".to_string();
            return Err(Box::new(Stop::Unreplayable { index, reason }));
        }
        match &recorded.answer {
            Answer::None => Err(Box::new(Stop::End)),
            Answer::Error(text) => Ok(Err(text.clone())),
            Answer::Ok(json) => W::from_json(json).map(Ok).map_err(|error| {
                let reason = format!("its recorded answer cannot be read: {error:#}");
                Box::new(Stop::Unreplayable { index, reason })
            }),
        }
    }
}
