//! Text for error messages: truncation of untrusted text, and lists of names.

use crate::limits::MAX_ERROR_BYTES;

/// Truncates untrusted text to what an error message may repeat.
pub(crate) fn truncate(text: &str) -> &str {
    truncate_to(text, MAX_ERROR_BYTES)
}

/// Truncates text to `max_bytes`, at a character boundary.
pub(crate) fn truncate_to(text: &str, max_bytes: usize) -> &str {
    &text[..text.floor_char_boundary(max_bytes)]
}

/// Formats names as `` `a`, `b` ``.
pub(crate) fn quoted(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
