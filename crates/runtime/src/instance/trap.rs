//! Errors for traps: the function and module, the guest's own message, and a backtrace.

use surrealism_types::err::SurrealismError;
use wasmtime::{Error, FrameInfo, Trap, WasmBacktrace};

use crate::limits::{MAX_FUNCTION_NAME_BYTES, MAX_HANDLES, MAX_HOST_RESOURCES};
use crate::module::Module;
use crate::store::StoreData;
use crate::text::truncate_to;

/// Describes a trap for the plugin's author. wasmtime's error stays inside, for downcasts.
pub(crate) fn trap_error(error: Error, function: &str, data: &StoreData) -> SurrealismError {
    let cause = describe_cause(&error, data);
    let backtrace = format_backtrace(&error);
    let explanation = data.explain_failure();
    let message =
        format!("function `{function}` of {} {cause}{explanation}{backtrace}", data.module);
    SurrealismError::Wasmtime(error.context(message))
}

/// Describes why an instance could not be created: denied growth, or a trap of a start function.
pub(crate) fn instantiation_error(
    error: Error,
    module: &Module,
    data: Option<&StoreData>,
) -> SurrealismError {
    let cause = match data {
        Some(data) if error.is::<WasmBacktrace>() => {
            format!("it {}{}", describe_cause(&error, data), format_backtrace(&error))
        }
        Some(StoreData { limiter, .. }) if let Some(denial) = limiter.denial_message() => {
            format!("it {denial}: {error:#}")
        }
        _ => format!("{error:#}"),
    };
    let message = format!("{module} cannot be instantiated: {cause}");
    SurrealismError::Instantiation(error.context(message))
}

/// Formats the guest's backtrace, with one line for each frame.
fn format_backtrace(error: &Error) -> String {
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

fn describe_cause(error: &Error, data: &StoreData) -> String {
    let stderr = data.stderr.tail();
    if let Some(panic) = panic_message(&stderr) {
        return format!("panicked: {panic}");
    }
    if let Some(denial) = data.limiter.denial_message() {
        return denial;
    }
    let trap = match error.downcast_ref::<Trap>() {
        Some(Trap::StackOverflow) => "ran out of stack: it calls itself too deeply".to_string(),
        Some(trap) => format!("trapped: {trap}"),
        None => format!("failed: {}", describe_limit(&error.root_cause().to_string())),
    };
    match stderr.trim() {
        "" => trap,
        output => format!("{trap}; its last output was: {output}"),
    }
}

/// Replaces wasmtime's messages about an instance's limits with messages that state the limit.
fn describe_limit(cause: &str) -> String {
    match cause {
        "resource table has no free keys" => format!(
            "it wants more host resources (streams, files, sockets, requests, timers) than the \
             {MAX_HOST_RESOURCES} that one instance may hold at a time"
        ),
        cause if cause.contains("store handle limit exceeded") => format!(
            "it wants more handles to resources than the {MAX_HANDLES} that one instance may hold \
             at a time"
        ),
        cause => cause.to_string(),
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
