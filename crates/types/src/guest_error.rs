//! An error of a host whose text is for the guest.

use std::{error, fmt};

use crate::text::{bounded, truncate};

/// An error that a context means for the guest: the guest gets its text.
///
/// Of every other error of a context, the guest learns only that the host failed; the host's caller gets it
/// as the source of the call's error.
///
/// ```
/// use surrealism_types::guest_error::GuestError;
///
/// fn find(name: &str) -> anyhow::Result<u64> {
///     match name {
///         "answer" => Ok(42),
///         _ => Err(GuestError::new(format!("{name:?} does not exist")).into()),
///     }
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuestError(String);

impl GuestError {
    /// Returns an error with a text for the guest, of which it gets at most 16 KiB.
    pub fn new(text: impl Into<String>) -> Self {
        let mut text = text.into();
        text.truncate(truncate(&text).len());
        Self(text)
    }

    /// Makes the text of any error one for the guest, with its causes. Untrusted text in it is truncated.
    pub fn of(error: impl Into<anyhow::Error>) -> Self {
        Self(bounded(format_args!("{:#}", error.into())))
    }
}

impl fmt::Display for GuestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl error::Error for GuestError {}

/// Checks the length of a text of the guest, before anything else looks at it or repeats it.
///
/// # Errors
///
/// When it takes more than `max` bytes.
pub fn check_length(what: &str, text: &str, max: usize) -> Result<(), GuestError> {
    if text.len() <= max {
        return Ok(());
    }
    let bytes = text.len();
    Err(GuestError::new(format!("{what} takes {bytes} bytes, and {max} are allowed: shorten it")))
}
