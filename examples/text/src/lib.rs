//! Functions for text: similarity, slugs, languages, Markdown and words.
//!
//! Each module is a thin layer over the crates that do the work: `strsim`, `deunicode`, `whatlang`,
//! `isolang`, `pulldown-cmark`, `ammonia`, `unicode-segmentation` and `sha2`.

use surrealism::anyhow::{Result, ensure};

mod cache;
mod language;
mod markdown;
mod similarity;
mod slug;
mod words;

/// The most bytes of a text argument.
const MAX_TEXT_BYTES: usize = 1 << 20;

/// Refuses texts that are too long.
///
/// # Errors
///
/// When a text is longer than [`MAX_TEXT_BYTES`].
fn check_length(text: &str) -> Result<()> {
    ensure!(
        text.len() <= MAX_TEXT_BYTES,
        "the text is too long: {} bytes, and {MAX_TEXT_BYTES} are allowed",
        text.len()
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_may_be_long_but_not_too_long() {
        check_length("").unwrap();
        check_length(&"x".repeat(MAX_TEXT_BYTES)).unwrap();
        let error = check_length(&"x".repeat(MAX_TEXT_BYTES + 1)).unwrap_err().to_string();
        assert_eq!(error, "the text is too long: 1048577 bytes, and 1048576 are allowed");
    }
}
