//! What JavaScript throws, as text with the author's file, line and column.

use rquickjs::{Coerced, Ctx, Error, Exception, Object, Value};

use crate::program::Program;

/// Returns the text of what was thrown, or of another failure.
pub(crate) fn text<'js>(ctx: &Ctx<'js>, program: &Program, error: Error) -> String {
    match error {
        Error::Exception => thrown(ctx, program, ctx.catch()),
        error => error.to_string(),
    }
}

/// Throws an error with a text.
pub(crate) fn throw(ctx: &Ctx<'_>, text: &str) -> Error {
    Exception::throw_message(ctx, text)
}

/// Throws a `TypeError` with a text.
pub(crate) fn throw_type(ctx: &Ctx<'_>, text: &str) -> Error {
    Exception::throw_type(ctx, text)
}

fn thrown<'js>(ctx: &Ctx<'js>, program: &Program, thrown: Value<'js>) -> String {
    let text = message(ctx, &thrown);
    let stack = thrown.as_object().and_then(|object| object.get::<_, String>("stack").ok());
    match stack.as_deref().and_then(|stack| position(program, stack)) {
        Some(position) => format!("{text} ({position})"),
        None => text,
    }
}

/// Returns the message of an `Error`, with its name unless that is `Error`, or any other value as text.
fn message<'js>(ctx: &Ctx<'js>, thrown: &Value<'js>) -> String {
    let parts = thrown.as_object().filter(|object| object.is_error()).map(|object| {
        let part = |name| object.get::<_, Coerced<String>>(name).map(|text| text.0);
        (part("name").unwrap_or_default(), part("message").unwrap_or_default())
    });
    // A getter or `toString` of the author's may have thrown.
    drop(ctx.catch());
    match parts {
        Some((name, message)) if name == "Error" && !message.is_empty() => message,
        Some((name, message)) if message.is_empty() => name,
        Some((name, message)) => format!("{name}: {message}"),
        None => {
            let text = thrown.get::<Coerced<String>>().map(|text| text.0);
            drop(ctx.catch());
            text.unwrap_or_else(|_| "the function threw a value that has no text".to_string())
        }
    }
}

/// Returns the first position of a stack that is in a file of the author's.
fn position(program: &Program, stack: &str) -> Option<String> {
    stack.lines().find_map(|line| {
        let place = line.trim().trim_start_matches("at ").trim_end_matches(')');
        let place = place.rsplit(" (").next()?;
        let (place, column) = place.rsplit_once(':')?;
        let (file, line) = place.rsplit_once(':')?;
        let module = program.modules.get(file)?;
        let (line, column) = original(&module.positions, line.parse().ok()?, column.parse().ok()?)?;
        Some(format!("{file}:{line}:{column}"))
    })
}

/// Finds the position in the author's file of the last entry that is not after a position of the code. Lines
/// and columns count from 1 here, and from 0 in the table.
fn original(positions: &[u8], line: u32, column: u32) -> Option<(u32, u32)> {
    const ENTRY: usize = 16;

    let number = |bytes: &[u8]| u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
    let entry = |index: usize| {
        let bytes = positions.get(index * ENTRY..(index + 1) * ENTRY)?;
        Some([number(bytes), number(&bytes[4..]), number(&bytes[8..]), number(&bytes[12..])])
    };
    let wanted = (line.checked_sub(1)?, column.saturating_sub(1));
    let (mut low, mut high) = (0, positions.len() / ENTRY);
    while low < high {
        let middle = usize::midpoint(low, high);
        let [line, column, ..] = entry(middle)?;
        if (line, column) <= wanted { low = middle + 1 } else { high = middle }
    }
    let [found, _, line, column] = entry(low.checked_sub(1)?)?;
    (found == wanted.0).then_some((line + 1, column + 1))
}

/// Returns whether an object is an instance of `Error`.
trait IsError {
    fn is_error(&self) -> bool;
}

impl IsError for Object<'_> {
    fn is_error(&self) -> bool {
        Value::is_error(self.as_value())
    }
}
