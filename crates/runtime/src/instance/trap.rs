//! A trap, in words: which function of which module, what the guest said, and where it was.

use wasmtime::{Error, FrameInfo, Trap, WasmBacktrace};

use crate::SurrealismError;
use crate::limits::{MAX_ERROR_BYTES, MAX_FUNCTION_NAME_BYTES, MAX_HANDLES, MAX_HOST_RESOURCES};
use crate::module::Module;
use crate::store::StoreData;

/// Makes of what wasmtime answers an error that a plugin's author can act on. wasmtime's own error
/// stays inside, for who wants to downcast it.
pub(crate) fn trap(error: Error, function: &str, data: &StoreData) -> SurrealismError {
    let what = cause(&error, data);
    let message = format!("function `{function}` of {} {what}{}", data.module, places(&error));
    SurrealismError::Wasmtime(error.context(message))
}

/// Why an instance could not be made: what it was refused, or what its start functions did.
pub(crate) fn no_instance(
    error: Error,
    module: &Module,
    data: Option<&StoreData>,
) -> SurrealismError {
    let what = match data {
        Some(data) if error.is::<WasmBacktrace>() => {
            format!("it {}{}", cause(&error, data), places(&error))
        }
        Some(StoreData { memory, .. }) if let Some(refusal) = memory.refusal() => {
            format!("it {refusal}: {error:#}")
        }
        _ => format!("{error:#}"),
    };
    let message = format!("{module} cannot be instantiated: {what}");
    SurrealismError::Instantiation(error.context(message))
}

/// Where a guest was, a line for each frame.
fn places(error: &Error) -> String {
    let Some(backtrace) = error.downcast_ref::<WasmBacktrace>() else { return String::new() };
    let frames = backtrace.frames().iter().enumerate();
    let lines = frames.map(|(index, frame)| format!("\n  {index:>3}: {}", place(frame)));
    format!("\nwasm backtrace:{}", lines.collect::<String>())
}

/// Which function, and where in its module. Names are the archive's, and told as they are: what takes
/// those of C++ apart, as wasmtime would, makes gigabytes of some that have a few hundred bytes.
fn place(frame: &FrameInfo) -> String {
    let name = match frame.func_name() {
        Some(name) => cut(name, MAX_FUNCTION_NAME_BYTES).to_string(),
        None => format!("function {}", frame.func_index()),
    };
    match frame.module_offset() {
        Some(offset) => format!("{name} at {offset:#x}"),
        None => name,
    }
}

/// A stranger's words, cut to what an error may repeat.
pub(crate) fn shortened(text: &str) -> &str {
    cut(text, MAX_ERROR_BYTES)
}

fn cut(text: &str, bytes: usize) -> &str {
    &text[..text.floor_char_boundary(bytes)]
}

fn cause(error: &Error, data: &StoreData) -> String {
    let stderr = data.stderr.tail();
    if let Some(panic) = panic_message(&stderr) {
        return format!("panicked: {panic}");
    }
    if let Some(refusal) = data.memory.refusal() {
        return refusal;
    }
    let trap = match error.downcast_ref::<Trap>() {
        Some(Trap::StackOverflow) => "ran out of stack: it calls itself too deeply".to_string(),
        Some(trap) => format!("trapped: {trap}"),
        None => format!("failed: {}", held_too_much(&error.root_cause().to_string())),
    };
    match stderr.trim() {
        "" => trap,
        said => format!("{trap}; its last output was: {said}"),
    }
}

/// wasmtime's words for what an instance may hold, with the limits.
fn held_too_much(cause: &str) -> String {
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

/// What a Rust guest's panic says on its error output:
/// `thread 'main' panicked at src/lib.rs:1:2:`, then the message, then a note on backtraces.
fn panic_message(stderr: &str) -> Option<String> {
    let (_, told) = stderr.rsplit_once("panicked at ")?;
    let (place, message) = told.split_once('\n').unwrap_or((told, ""));
    let message: Vec<&str> =
        message.lines().take_while(|line| !line.starts_with("note: ")).collect();
    let place = place.trim_end_matches(':');
    Some(match message.join("\n").trim() {
        "" => format!("at {place}"),
        message => format!("{message}, at {place}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_found_in_what_was_printed() {
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
