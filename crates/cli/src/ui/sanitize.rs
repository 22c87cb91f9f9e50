//! Makes untrusted text safe to print on a terminal.

/// Escapes control characters, except line feeds and tabs.
pub(crate) fn escape_control(text: &str) -> String {
    let escape = |c: char| {
        let is_unsafe = c.is_control() && c != '\n' && c != '\t';
        if is_unsafe { c.escape_default().collect() } else { c.to_string() }
    };
    text.chars().map(escape).collect()
}
