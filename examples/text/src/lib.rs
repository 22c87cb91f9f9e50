//! Things about text that people miss in a database and that Rust's crates have.
//!
//! Each module is thin over the crates that do the work: `strsim`, `deunicode`, `whatlang`,
//! `isolang`, `pulldown-cmark`, `ammonia`, `unicode-segmentation` and `sha2`.

use surrealism::anyhow::{Result, ensure};

mod cache;
mod language;
mod markdown;
mod similarity;
mod slug;
mod words;

/// The longest text that a function takes, in bytes.
const MOST_BYTES: usize = 1 << 20;

/// # Errors
///
/// When a text is longer than [`MOST_BYTES`].
fn check_length(text: &str) -> Result<()> {
    ensure!(
        text.len() <= MOST_BYTES,
        "the text is too long: it has {} bytes, and {MOST_BYTES} are allowed",
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
        check_length(&"x".repeat(MOST_BYTES)).unwrap();
        let error = check_length(&"x".repeat(MOST_BYTES + 1)).unwrap_err().to_string();
        assert_eq!(error, "the text is too long: it has 1048577 bytes, and 1048576 are allowed");
    }
}
