//! Every limit of the codec.

/// Levels of a value. `surrealdb_types` decodes twice as many, but its recursion takes about 5 KiB of
/// stack a level, and a host function leaves most of a call's stack to the context.
pub(super) const MAX_VALUE_DEPTH: usize = 128;

/// What the parts of a message may add up to, as a multiple of the message's length. Our writer needs 1;
/// the rest is for third-party writers that share equal strings.
pub(super) const MAX_APPARENT_SIZE_RATIO: usize = 4;

/// Regular expressions of one message, and of messages that are decoded by one [`Decoder`].
///
/// [`Decoder`]: super::Decoder
pub(super) const MAX_REGEXES: usize = 16;

/// Total length of the regular expressions of one message, in bytes. Parsing a character class takes a
/// thousand times its length.
#[cfg(feature = "host")]
pub(super) const MAX_REGEX_PATTERN_BYTES: usize = 4 << 10;

/// Total compiled size of the regular expressions of one message, in bytes, split evenly among them.
/// Enough for about twenty `\w`.
#[cfg(feature = "host")]
pub(super) const MAX_REGEX_BYTES: usize = 1 << 20;
