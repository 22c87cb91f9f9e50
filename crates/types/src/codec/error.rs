//! The errors of the fast path.

use super::limits::{MAX_APPARENT_SIZE_RATIO, MAX_VALUE_DEPTH};

// Written out in the errors below: formatting them would be code in every plugin.
const _: () = assert!(MAX_APPARENT_SIZE_RATIO == 4 && MAX_VALUE_DEPTH == 128);

/// Why a message could not be encoded or decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    /// The message holds a kind of value that only the general codec knows.
    #[error("the fast path does not support a value of the message")]
    Unsupported,
    /// The value is nested too deeply.
    #[error("the value is nested more than 128 levels deep: flatten it")]
    TooDeep,
    /// The message would be larger than its offsets can address.
    #[error("the message would take 2 GiB or more: split it")]
    TooLarge,
    /// An unsigned integer is larger than SurrealDB's largest, and has the wrapped value -1 or less there.
    #[error(
        "{0} is out of range for a 64-bit signed integer, which SurrealDB has: return a decimal or a string"
    )]
    IntegerOutOfRange(u64),
    /// The bytes are not a message of this format.
    #[error("malformed message: an offset or length points outside it, or a string is not UTF-8")]
    Malformed,
    /// The message refers to its own parts so often that decoding it would take far more memory than its
    /// bytes do.
    #[error("the message decodes to more than 4 times its size")]
    Amplification,
    /// The value would take more memory than its decoder may use.
    #[error("the value would take too much memory when it is decoded: split it")]
    Memory,
}
