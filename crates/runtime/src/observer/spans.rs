//! Spans and events for `tracing`.

use std::collections::HashMap;
use std::fmt;
use std::sync::Mutex;
use std::time::Duration;

use tracing::field::Empty;
use tracing::{Level, Span, event, info_span};

use super::{Event, EventKind, ObservedCall, Observer, Outcome, OutputLevel};
use crate::limits::MAX_FUNCTION_NAME_BYTES;
use crate::package::config::SurrealismMeta;
use crate::stats::CallStats;
use crate::sync::lock;
use crate::text::truncate_to;

/// The target of all spans and events.
const TARGET: &str = "surrealism";

/// Makes a span of each call, and events of everything else, for [`tracing`].
///
/// The target is `surrealism`. Names of fields are those of OpenTelemetry's semantic conventions where it has
/// one; times are in seconds, and memory in bytes.
///
/// The span `surrealism.call`, of the level info, has these fields:
///
/// - `otel.name`, `otel.kind`, `otel.status_code`, `error.type`, `code.function.name`
/// - `faas.invocation_id`, `faas.coldstart`
/// - `surrealism.module.name`, `surrealism.module.version`, `surrealism.outcome`, `surrealism.rows`
/// - `surrealism.wait.duration`, `surrealism.prepare.duration`, `surrealism.run.duration`
/// - `surrealism.host.duration`, `surrealism.cpu.time`, `surrealism.memory.usage`
///
/// All events have `surrealism.module.name`, and:
///
/// | event | level | fields |
/// |---|---|---|
/// | `denied` | warn | `surrealism.capability`, `surrealism.missing`, `surrealism.denied` |
/// | `output` | that of the line | `log.iostream`, `surrealism.line` |
/// | `instance created` | debug | `surrealism.duration` |
/// | `instance dropped` | debug; warn if it was lost | `surrealism.cause` |
/// | `loaded` | info | `surrealism.module.version`, `surrealism.source`, `surrealism.duration` |
/// | `load failed` | error | `error.type`, `error.message` |
/// | `compiled` | debug | `surrealism.duration`, `surrealism.accepted` |
/// | `queued`, `dequeued` | debug | `surrealism.length` |
/// | `cache lookup`, `cache evicted` | debug | `surrealism.hit`; `surrealism.entries` |
///
/// The span is entered while the call is polled, so that the spans of a context's methods are its children.
/// Control characters of untrusted text are escaped.
///
/// ```no_run
/// # use std::sync::Arc;
/// # use surrealism_runtime::observer::TracingObserver;
/// # use surrealism_runtime::{Error, Runtime, SurrealismPackage};
/// # fn example(package: SurrealismPackage) -> Result<(), Error> {
/// let runtime = Runtime::builder(package).observer(Arc::new(TracingObserver::new())).build()?;
/// # Ok(())
/// # }
/// ```
#[derive(Default)]
pub struct TracingObserver {
    /// The spans of the calls under way, by the number of the call.
    spans: Mutex<HashMap<u64, Span>>,
}

impl TracingObserver {
    /// Returns an observer without calls.
    pub fn new() -> Self {
        Self::default()
    }

    fn span(&self, call: &ObservedCall) -> Option<Span> {
        lock(&self.spans).get(&call.id).cloned()
    }

    fn begin(&self, module: &SurrealismMeta, call: &ObservedCall) {
        let function = name(call);
        let span = info_span!(
            target: TARGET,
            "surrealism.call",
            "otel.name" = format!("{}/{} {function}", module.organisation, module.name),
            "otel.kind" = "internal",
            "otel.status_code" = Empty,
            "error.type" = Empty,
            "code.function.name" = function,
            "faas.invocation_id" = call.id,
            "faas.coldstart" = Empty,
            "surrealism.module.name" = format!("{}/{}", module.organisation, module.name),
            "surrealism.module.version" = %module.version,
            "surrealism.outcome" = Empty,
            "surrealism.rows" = call.rows,
            "surrealism.wait.duration" = Empty,
            "surrealism.prepare.duration" = Empty,
            "surrealism.run.duration" = Empty,
            "surrealism.host.duration" = Empty,
            "surrealism.cpu.time" = Empty,
            "surrealism.memory.usage" = Empty,
        );
        if !span.is_disabled() {
            // A subscriber is the host's code: nothing of it is called within the lock.
            let _replaced = lock(&self.spans).insert(call.id, span);
        }
    }

    fn end(&self, call: &ObservedCall, outcome: &Outcome<'_>, stats: &CallStats) {
        let span = lock(&self.spans).remove(&call.id);
        let Some(span) = span else { return };
        span.record("surrealism.outcome", outcome.as_str());
        match outcome {
            Outcome::Returned => {}
            Outcome::Failed(_) => {
                span.record("error.type", outcome.as_str()).record("otel.status_code", "ERROR");
            }
            Outcome::Cancelled => {
                span.record("error.type", outcome.as_str());
            }
        }
        span.record("faas.coldstart", stats.fresh)
            .record("surrealism.wait.duration", stats.waited.as_secs_f64())
            .record("surrealism.prepare.duration", stats.prepared.as_secs_f64())
            .record("surrealism.run.duration", stats.ran.as_secs_f64())
            .record("surrealism.host.duration", stats.in_host.as_secs_f64())
            .record("surrealism.cpu.time", stats.cpu.as_secs_f64())
            .record("surrealism.memory.usage", stats.memory_bytes as u64);
    }
}

/// Makes an event in the call's span, with the module's name.
macro_rules! tell {
    ($level:expr, $event:expr, $what:literal $(, $field:literal = $value:expr)* $(,)?) => {
        event!(
            target: TARGET,
            $level,
            "surrealism.module.name" =
                format!("{}/{}", $event.module.organisation, $event.module.name),
            $($field = $value,)*
            $what
        )
    };
}

impl Observer for TracingObserver {
    fn observe(&self, event: &Event<'_>) {
        match (event.kind, event.call) {
            (EventKind::CallBegun, Some(call)) => self.begin(event.module, call),
            (EventKind::CallEnded { outcome, stats }, Some(call)) => {
                self.end(call, &outcome, stats)
            }
            (_, Some(call)) => match self.span(call) {
                Some(span) => span.in_scope(|| tell_event(event)),
                None => tell_event(event),
            },
            (_, None) => tell_event(event),
        }
    }

    fn poll_call(&self, call: &ObservedCall, poll: &mut dyn FnMut()) {
        match self.span(call) {
            Some(span) => span.in_scope(poll),
            None => poll(),
        }
    }
}

fn tell_event(event: &Event<'_>) {
    match event.kind {
        EventKind::CallBegun | EventKind::CallEnded { .. } => {}
        EventKind::Queued { length } => {
            tell!(Level::DEBUG, event, "queued", "surrealism.length" = length);
        }
        EventKind::Dequeued { length } => {
            tell!(Level::DEBUG, event, "dequeued", "surrealism.length" = length);
        }
        EventKind::InstanceCreated { took } => {
            tell!(Level::DEBUG, event, "instance created", "surrealism.duration" = seconds(took));
        }
        EventKind::InstanceDropped { cause } if cause.is_loss() => {
            tell!(Level::WARN, event, "instance dropped", "surrealism.cause" = cause.as_str());
        }
        EventKind::InstanceDropped { cause } => {
            tell!(Level::DEBUG, event, "instance dropped", "surrealism.cause" = cause.as_str());
        }
        EventKind::Denied(denied) => tell!(
            Level::WARN,
            event,
            "denied",
            "surrealism.capability" = denied.capability.as_str(),
            "surrealism.missing" = denied.missing.as_str(),
            "surrealism.denied" = display(Plain(&denied.to_string())),
        ),
        EventKind::Output { stream, level, line } => {
            macro_rules! output {
                ($level:expr) => {
                    tell!(
                        $level,
                        event,
                        "output",
                        "log.iostream" = stream.as_str(),
                        "surrealism.line" = display(Plain(line)),
                    )
                };
            }
            match level {
                OutputLevel::Error => output!(Level::ERROR),
                OutputLevel::Warn => output!(Level::WARN),
                OutputLevel::Info => output!(Level::INFO),
                OutputLevel::Debug => output!(Level::DEBUG),
            }
        }
        EventKind::Compiled { took, accepted } => tell!(
            Level::DEBUG,
            event,
            "compiled",
            "surrealism.duration" = seconds(took),
            "surrealism.accepted" = accepted,
        ),
        EventKind::CacheLookup { hit } => {
            tell!(Level::DEBUG, event, "cache lookup", "surrealism.hit" = hit);
        }
        EventKind::CacheEvicted { entries } => {
            tell!(Level::DEBUG, event, "cache evicted", "surrealism.entries" = entries);
        }
        EventKind::Loaded { source, took } => tell!(
            Level::INFO,
            event,
            "loaded",
            "surrealism.module.version" = display(&event.module.version),
            "surrealism.source" = source.as_str(),
            "surrealism.duration" = seconds(took),
        ),
        EventKind::LoadFailed(error) => tell!(
            Level::ERROR,
            event,
            "load failed",
            "error.type" = error.kind().as_str(),
            "error.message" = display(Plain(&error.to_string())),
        ),
    }
}

fn seconds(time: Duration) -> f64 {
    time.as_secs_f64()
}

/// Returns the name of a function for a field. A caller chose it, unless it is declared.
fn name(call: &ObservedCall) -> String {
    let name = call.function.as_deref().unwrap_or("default");
    Plain(truncate_to(name, MAX_FUNCTION_NAME_BYTES)).to_string()
}

/// Displays untrusted text with its control characters escaped, so that it stays one line and commands no
/// terminal.
struct Plain<'a>(&'a str);

impl fmt::Display for Plain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        while let Some(at) = rest.find(char::is_control) {
            f.write_str(&rest[..at])?;
            let control = rest[at..].chars().next().unwrap_or_default();
            write!(f, "{}", control.escape_default())?;
            rest = &rest[at + control.len_utf8()..];
        }
        f.write_str(rest)
    }
}

impl fmt::Debug for TracingObserver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TracingObserver").field("calls", &lock(&self.spans).len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn untrusted_text_stays_one_line() {
        for (text, plain) in [
            ("", ""),
            ("Grüße", "Grüße"),
            ("a\nb\r\u{1b}[2Jc", r"a\nb\r\u{1b}[2Jc"),
            ("\u{9b}\0", r"\u{9b}\u{0}"),
        ] {
            assert_eq!(Plain(text).to_string(), plain);
        }
    }
}
