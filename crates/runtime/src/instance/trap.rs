//! Errors for traps: the function and module, the guest's own message, and a backtrace.

use std::any::Any;
use std::sync::Arc;

use anyhow::anyhow;
use surrealism_types::err::SurrealismError;
use wasmtime::{FrameInfo, Trap, WasmBacktrace};
use wasmtime_wasi::I32Exit;

use crate::error::{Error, ErrorKind, TrapKind};
use crate::limits::{MAX_FUNCTION_NAME_BYTES, MAX_HANDLES, MAX_HOST_RESOURCES};
use crate::module::Module;
use crate::store::StoreData;
use crate::text::{bounded, truncate_to};
use crate::unwind::discard;

/// Describes a trap for the plugin's author. wasmtime's error stays inside, for downcasts.
pub(crate) fn trap_error(error: wasmtime::Error, function: &str, data: &StoreData) -> Error {
    let Cause { kind, text: cause } = Cause::of(&error, data);
    let backtrace = format_backtrace(&error);
    let explanation = data.explain_failure();
    let message = bounded(format_args!(
        "function `{function}` of {} {cause}{explanation}{backtrace}",
        data.module
    ));
    let source = data.host_error_in(&message);
    let trap = Error::new(ErrorKind::Trap(kind), SurrealismError::Wasmtime(error.context(message)));
    match source {
        Some(source) => trap.with_source(source),
        None => trap,
    }
}

/// Describes a panic of the host's code while it served a guest. The host gets the panic's message.
pub(crate) fn panic_error(panic: Box<dyn Any + Send>, function: &str, module: &Module) -> Error {
    let panicked = match panic.downcast_ref::<&str>() {
        Some(message) => Some(*message),
        None => panic.downcast_ref::<String>().map(String::as_str),
    };
    let source = anyhow!("the host panicked: {}", panicked.unwrap_or("without a message"));
    discard(panic);
    let text = wasmtime::format_err!(
        "the host panicked while it served {function} of {module}, and the instance was dropped: the \
         operator has to correct the host's context"
    );
    Error::new(ErrorKind::Host, SurrealismError::Wasmtime(text)).with_source(Arc::new(source))
}

/// Describes why an instance could not be created: denied growth, or a trap of a start function. Anything
/// else is a failure of the host.
pub(crate) fn instantiation_error(
    error: wasmtime::Error,
    module: &Module,
    data: Option<&StoreData>,
) -> Error {
    let (kind, cause) = match data {
        Some(data) if error.is::<WasmBacktrace>() => {
            let Cause { kind, text } = Cause::of(&error, data);
            (ErrorKind::Trap(kind), format!("it {text}{}", format_backtrace(&error)))
        }
        Some(StoreData { limiter, .. }) if let Some(denial) = limiter.denial() => {
            (ErrorKind::Trap(denial.trap_kind()), bounded(format_args!("it {denial}: {error:#}")))
        }
        _ => (ErrorKind::Host, bounded(format_args!("{error:#}"))),
    };
    let message = format!("{module} cannot be instantiated: {cause}");
    Error::new(kind, SurrealismError::Instantiation(error.context(message)))
}

/// Formats the guest's backtrace, with one line for each frame.
fn format_backtrace(error: &wasmtime::Error) -> String {
    let Some(backtrace) = error.downcast_ref::<WasmBacktrace>() else { return String::new() };
    let frames = backtrace.frames().iter().enumerate();
    let lines = frames.map(|(index, frame)| format!("\n  {index:>3}: {}", format_frame(frame)));
    format!("\nwasm backtrace:{}", lines.collect::<String>())
}

/// Formats a function's name and the offset in its module. Names are untrusted and not demangled:
/// demangling a C++ name of a few hundred bytes can take gigabytes.
fn format_frame(frame: &FrameInfo) -> String {
    let name = match frame.func_name() {
        Some(name) => truncate_to(name, MAX_FUNCTION_NAME_BYTES).to_string(),
        None => format!("function {}", frame.func_index()),
    };
    match frame.module_offset() {
        Some(offset) => format!("{name} at {offset:#x}"),
        None => name,
    }
}

/// What stopped a guest, and the words for it.
struct Cause {
    kind: TrapKind,
    text: String,
}

impl Cause {
    fn of(error: &wasmtime::Error, data: &StoreData) -> Self {
        let stderr = data.stderr.tail();
        if let Some(panic) = panic_message(&stderr) {
            return Self { kind: TrapKind::Panic, text: format!("panicked: {panic}") };
        }
        if let Some(denial) = data.limiter.denial() {
            return Self { kind: denial.trap_kind(), text: denial.to_string() };
        }
        let cause = match error.downcast_ref::<Trap>() {
            Some(trap @ Trap::StackOverflow) => {
                let text = "ran out of stack: it calls itself too deeply".to_string();
                Self { kind: (*trap).into(), text }
            }
            Some(trap) => Self { kind: (*trap).into(), text: format!("trapped: {trap}") },
            None if let Some(exit) = error.downcast_ref::<I32Exit>() => {
                Self { kind: TrapKind::Exit, text: format!("failed: {exit}") }
            }
            None => Self::of_limit(&bounded(format_args!("{}", error.root_cause()))),
        };
        match stderr.trim() {
            "" => cause,
            output => {
                let text = format!("{}; its last output was: {output}", cause.text);
                Self { text, ..cause }
            }
        }
    }

    /// Replaces wasmtime's messages about an instance's limits with messages that state the limit.
    fn of_limit(cause: &str) -> Self {
        let exceeded = if cause == "resource table has no free keys" {
            format!(
                "it wants more host resources (streams, files, sockets, requests, timers) than the \
                 {MAX_HOST_RESOURCES} that one instance may hold at a time"
            )
        } else if cause.contains("store handle limit exceeded") {
            format!(
                "it wants more handles to resources than the {MAX_HANDLES} that one instance may hold \
                 at a time"
            )
        } else {
            return Self { kind: TrapKind::Other, text: format!("failed: {cause}") };
        };
        Self { kind: TrapKind::OutOfResources, text: format!("failed: {exceeded}") }
    }
}

/// Extracts a Rust guest's panic from its error output: `thread 'main' panicked at src/lib.rs:1:2:`,
/// then the message, then a note about backtraces.
fn panic_message(stderr: &str) -> Option<String> {
    let (_, panic) = stderr.rsplit_once("panicked at ")?;
    let (location, message) = panic.split_once('\n').unwrap_or((panic, ""));
    let message: Vec<&str> =
        message.lines().take_while(|line| !line.starts_with("note: ")).collect();
    let location = location.trim_end_matches(':');
    Some(match message.join("\n").trim() {
        "" => format!("at {location}"),
        message => format!("{message}, at {location}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_found_in_the_error_output() {
        let cases = [
            ("", None),
            ("all is well\n", None),
            (
                "before\n\nthread '<unnamed>' panicked at src/lib.rs:3:5:\nat the disco\n\
                 note: run with `RUST_BACKTRACE=1`\n",
                Some("at the disco, at src/lib.rs:3:5"),
            ),
            ("thread 'main' (1) panicked at a.rs:1:2:\nx\ny\n", Some("x\ny, at a.rs:1:2")),
            ("thread 'main' panicked at a.rs:1:2:\n", Some("at a.rs:1:2")),
        ];
        for (stderr, expected) in cases {
            assert_eq!(panic_message(stderr).as_deref(), expected, "{stderr:?}");
        }
    }
}
