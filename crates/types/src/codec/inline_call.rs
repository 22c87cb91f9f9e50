//! A call that crosses as numbers, because its name and arguments are short. The host then allocates no
//! memory in the guest, which takes a fifth of a small call's time.
//!
//! The numbers are 128 bytes, little-endian: the encoded arguments, the name, unused bytes, the length of
//! the name (255 for the default export, which has none), and the length of the arguments.

use std::{array, str};

use super::error::CodecError;

/// Size of a call, in bytes.
const BYTES: usize = 128;

/// Numbers in each half of a call.
const HALF: usize = BYTES / 16;

/// Where the length of the name is, and so how many bytes name and arguments may take.
const NAME_LENGTH: usize = BYTES - 2;

/// Where the length of the arguments is.
const ARGS_LENGTH: usize = BYTES - 1;

/// The length of the name of the default export, which has none.
const NO_NAME: u8 = u8::MAX;

/// Half of the numbers of a call, eight bytes each, little-endian.
pub type InlineHalf = [u64; HALF];

/// The name of a function and its encoded arguments, together at most 126 bytes.
///
/// ```
/// use surrealism_types::codec::InlineCall;
///
/// let call = InlineCall::new(Some("math::add"), b"arguments").unwrap();
/// let received = InlineCall::from_words(call.to_words());
/// assert_eq!(received.parts()?, (Some("math::add"), &b"arguments"[..]));
/// # Ok::<(), surrealism_types::codec::CodecError>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct InlineCall([u8; BYTES]);

impl InlineCall {
    /// Returns the call, or `None` if it takes more than 126 bytes.
    pub fn new(name: Option<&str>, args: &[u8]) -> Option<Self> {
        let text = name.unwrap_or_default().as_bytes();
        let mut bytes = [0; BYTES];
        let (args_bytes, rest) = bytes[..NAME_LENGTH].split_at_mut_checked(args.len())?;
        args_bytes.copy_from_slice(args);
        rest.get_mut(..text.len())?.copy_from_slice(text);
        bytes[NAME_LENGTH] = name.map_or(NO_NAME, |name| name.len() as u8);
        bytes[ARGS_LENGTH] = args.len() as u8;
        Some(Self(bytes))
    }

    /// Returns the numbers that cross.
    pub fn to_words(&self) -> [InlineHalf; 2] {
        let (words, _) = self.0.as_chunks();
        let half = |start| array::from_fn(|index| u64::from_le_bytes(words[start + index]));
        [half(0), half(HALF)]
    }

    /// Returns the call that crossed as these numbers.
    pub fn from_words(halves: [InlineHalf; 2]) -> Self {
        let mut bytes = [0; BYTES];
        for (chunk, word) in bytes.as_chunks_mut().0.iter_mut().zip(halves.as_flattened()) {
            *chunk = word.to_le_bytes();
        }
        Self(bytes)
    }

    /// Returns the name, which the default export does not have, and the encoded arguments.
    ///
    /// # Errors
    ///
    /// When the lengths add up to more than 126 bytes, or the name is not UTF-8.
    pub fn parts(&self) -> Result<(Option<&str>, &[u8]), CodecError> {
        let (args, rest) = self.0[..NAME_LENGTH]
            .split_at_checked(self.0[ARGS_LENGTH].into())
            .ok_or(CodecError::Malformed)?;
        let name = match self.0[NAME_LENGTH] {
            NO_NAME => None,
            length => {
                let name = rest.get(..length.into()).ok_or(CodecError::Malformed)?;
                Some(str::from_utf8(name).map_err(|_| CodecError::Malformed)?)
            }
        };
        Ok((name, args))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_calls_round_trip() {
        let long = "x".repeat(200);
        for name in [None, Some(""), Some("f"), Some("math::add"), Some("gr\u{fc}\u{df}e")] {
            for length in 0..=NAME_LENGTH - name.map_or(0, str::len) {
                let args = &long.as_bytes()[..length];
                let call = InlineCall::new(name, args).unwrap();
                let crossed = InlineCall::from_words(call.to_words());
                assert_eq!(crossed.parts().unwrap(), (name, args));
            }
        }
    }

    #[test]
    fn longer_calls_are_not_inline() {
        let long = "x".repeat(1000);
        for (name, args) in [(0, 127), (1, 126), (126, 1), (127, 0), (255, 0), (256, 0), (0, 1000)]
        {
            assert!(InlineCall::new(Some(&long[..name]), &long.as_bytes()[..args]).is_none());
        }
        assert!(InlineCall::new(None, &long.as_bytes()[..126]).is_some());
        assert!(InlineCall::new(None, &long.as_bytes()[..127]).is_none());
    }

    #[test]
    fn lengths_outside_the_call_are_errors() {
        for (name, args) in [(1, 126), (127, 0), (254, 0), (0, 127), (0, 255), (255, 255)] {
            let mut bytes = [0; BYTES];
            (bytes[NAME_LENGTH], bytes[ARGS_LENGTH]) = (name, args);
            assert!(
                matches!(InlineCall(bytes).parts(), Err(CodecError::Malformed)),
                "{name}, {args}"
            );
        }
        let mut bytes = [0xff; BYTES];
        (bytes[NAME_LENGTH], bytes[ARGS_LENGTH]) = (1, 0);
        assert!(InlineCall(bytes).parts().is_err(), "the name is not UTF-8");
    }
}
