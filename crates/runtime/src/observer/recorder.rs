//! What a call that is measured has taken so far.

use std::sync::Arc;
use std::time::Instant;

use super::ObservedCall;
use crate::stats::CallStats;

/// A part of a call.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Part {
    Waiting,
    Preparing,
    Running,
}

/// Measures one call, or nothing.
#[derive(Debug, Default)]
pub(crate) struct Recorder(Option<Recording>);

#[derive(Debug)]
struct Recording {
    stats: CallStats,
    /// The part that is under way, and when it began.
    part: Option<(Part, Instant)>,
    call: Option<Arc<ObservedCall>>,
}

impl Recorder {
    /// Returns a recorder of a call that begins now; `call` is what observers know of it.
    pub(crate) fn start(call: Option<Arc<ObservedCall>>) -> Self {
        Self(Some(Recording { stats: CallStats::default(), part: None, call }))
    }

    /// Whether it measures.
    pub(crate) fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// Returns what observers know of the call.
    pub(crate) fn call(&self) -> Option<Arc<ObservedCall>> {
        self.0.as_ref().and_then(|recording| recording.call.clone())
    }

    /// Ends a part of the call, and begins the next one.
    pub(crate) fn begin(&mut self, part: Part) {
        if let Some(recording) = &mut self.0 {
            recording.end_part(Some(part));
        }
    }

    /// Ends the last part of the call.
    pub(crate) fn finish(&mut self) {
        if let Some(recording) = &mut self.0 {
            recording.end_part(None);
        }
    }

    /// Changes what is known of the call.
    pub(crate) fn note(&mut self, change: impl FnOnce(&mut CallStats)) {
        if let Some(Recording { stats, .. }) = &mut self.0 {
            change(stats);
        }
    }

    pub(crate) fn stats(&self) -> CallStats {
        self.0.as_ref().map(|recording| recording.stats).unwrap_or_default()
    }
}

impl Recording {
    fn end_part(&mut self, next: Option<Part>) {
        let now = Instant::now();
        let Some((part, began)) = std::mem::replace(&mut self.part, next.map(|part| (part, now)))
        else {
            return;
        };
        let time = match part {
            Part::Waiting => &mut self.stats.waited,
            Part::Preparing => &mut self.stats.prepared,
            Part::Running => &mut self.stats.ran,
        };
        *time += now - began;
    }
}
