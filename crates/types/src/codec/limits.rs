//! Every limit of the codec.

/// Levels of a value. `surrealdb_types` decodes twice as many, but its recursion takes about 5 KiB of
/// stack a level, and a host function leaves most of a call's stack to the context.
pub(super) const MAX_VALUE_DEPTH: usize = 128;

/// What the parts of a message may add up to, as a multiple of the message's length. Our writer needs 1;
/// the rest is for third-party writers that share equal strings.
pub(super) const MAX_APPARENT_SIZE_RATIO: usize = 4;

/// Memory that the values of one [`Decoder`] take when they are decoded, in bytes: 256 MiB. A value of a few
/// bytes may take a few hundred.
///
/// [`Decoder`]: super::Decoder
pub const MAX_DECODED_BYTES: usize = 256 << 20;

/// Memory that a kind or a list of arguments takes when it is decoded, in bytes.
pub(super) const MAX_DECODED_KIND_BYTES: usize = 16 << 20;

/// Regular expressions of one [`Decoder`].
///
/// [`Decoder`]: super::Decoder
#[cfg(feature = "validate")]
pub(super) const MAX_REGEXES: usize = 16;

/// Total length of the regular expressions of one message, in bytes.
#[cfg(feature = "validate")]
pub(super) const MAX_REGEX_PATTERN_BYTES: usize = 4 << 10;

/// Weight of the regular expressions of one [`Decoder`]: about the states and ranges of their automata.
/// Enough for twenty `\w`. Compiling takes less than 5 microseconds for each, so all of them take less than
/// 80 milliseconds.
///
/// [`Decoder`]: super::Decoder
#[cfg(feature = "validate")]
pub(super) const MAX_REGEX_WEIGHT: usize = 16 << 10;

/// Characters that `(?i)` looks up for the classes of one message: all of Unicode twice, in 20 milliseconds.
#[cfg(feature = "validate")]
pub(super) const MAX_REGEX_FOLDED_CHARS: usize = 2 * 0x11_0000;

/// Nested groups, repetitions and classes of a regular expression.
#[cfg(feature = "validate")]
pub(super) const MAX_REGEX_DEPTH: u32 = 128;

/// Memory that a compiled regular expression takes, in bytes, and for each of its weight.
#[cfg(feature = "validate")]
pub(super) const REGEX_BYTES: usize = 16 << 10;
#[cfg(feature = "validate")]
pub(super) const REGEX_BYTES_PER_WEIGHT: usize = 512;

/// The part of an error that may repeat a message, in bytes.
#[cfg(feature = "validate")]
pub(super) const MAX_CODEC_ERROR_BYTES: usize = 1 << 10;

/// The part of the error of one row that is read, in bytes.
pub(super) const MAX_ROW_ERROR_BYTES: usize = 16 << 10;
