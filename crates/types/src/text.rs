//! Text for error messages: truncation of untrusted text.

use std::fmt::{self, Write};

use crate::limits::MAX_ERROR_BYTES;

/// Truncates untrusted text to what an error message may repeat.
pub fn truncate(text: &str) -> &str {
    truncate_to(text, MAX_ERROR_BYTES)
}

/// Formats what may repeat untrusted text. Formatting ends where an error message may: what is left out is
/// not formatted.
///
/// ```ignore
/// bounded(format_args!("{error:#}"))
/// ```
pub fn bounded(text: fmt::Arguments<'_>) -> String {
    let mut bounded = Bounded(String::new());
    // An error says that the text was cut.
    let _ = bounded.write_fmt(text);
    bounded.0
}

struct Bounded(String);

impl Write for Bounded {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let fits = truncate_to(text, MAX_ERROR_BYTES - self.0.len());
        self.0.push_str(fits);
        if fits.len() == text.len() { Ok(()) } else { Err(fmt::Error) }
    }
}

/// Truncates text to `max_bytes`, at a character boundary.
pub fn truncate_to(text: &str, max_bytes: usize) -> &str {
    &text[..text.floor_char_boundary(max_bytes)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_repeats_untrusted_text_is_bounded_and_not_formatted_further() {
        assert_eq!(bounded(format_args!("{:?} is denied", "a\nb")), r#""a\nb" is denied"#);
        let text = "é".repeat(MAX_ERROR_BYTES);
        let cut = bounded(format_args!("x{text:?}"));
        assert!((MAX_ERROR_BYTES - 1..=MAX_ERROR_BYTES).contains(&cut.len()), "{}", cut.len());

        struct Counted<'a>(&'a std::cell::Cell<usize>);
        impl fmt::Display for Counted<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.set(self.0.get() + 1);
                f.write_str(&"x".repeat(1 << 10))
            }
        }
        let formatted = std::cell::Cell::new(0);
        let causes: Vec<_> = (0..1_000).map(|_| Counted(&formatted)).collect();
        struct All<'a>(Vec<Counted<'a>>);
        impl fmt::Display for All<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|cause| cause.fmt(f))
            }
        }
        assert_eq!(bounded(format_args!("{}", All(causes))).len(), MAX_ERROR_BYTES);
        assert_eq!(formatted.get(), MAX_ERROR_BYTES / (1 << 10) + 1);
    }
}
