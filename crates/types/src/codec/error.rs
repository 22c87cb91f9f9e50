//! The errors of the fast path.

use super::limits::{MAX_APPARENT_SIZE_RATIO, MAX_VALUE_DEPTH};

/// Why a message could not be encoded or decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    /// The message holds a kind of value that only the general codec knows.
    #[error("the message holds a kind of value that the fast path does not support")]
    Unsupported,
    /// The value is nested too deeply.
    #[error("the value is nested more than {MAX_VALUE_DEPTH} levels deep: flatten it")]
    TooDeep,
    /// The message would be larger than its offsets can address.
    #[error("the message would take more than {} bytes: split it", i32::MAX)]
    TooLarge,
    /// The bytes are not a message of this format.
    #[error(
        "the message is malformed: an offset or a length points outside it, or a string is not UTF-8"
    )]
    Malformed,
    /// The message refers to its own parts so often that decoding it would take far more memory than its
    /// bytes do.
    #[error("the message decodes to more than {MAX_APPARENT_SIZE_RATIO} times its encoded size")]
    Amplification,
}
