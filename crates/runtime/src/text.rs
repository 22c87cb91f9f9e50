//! Text for error messages: truncation of untrusted text, and lists of names.

pub(crate) use surrealism_types::text::{bounded, truncate, truncate_to};

/// Formats names as `` `a`, `b` ``.
pub(crate) fn quoted(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
