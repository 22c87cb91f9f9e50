//! A call that is so short that it crosses as numbers: no memory of the guest's is asked for, which
//! takes a fifth of a small call's time.
//!
//! The encoded arguments come first, then the name. The last two bytes are their lengths.

use std::{array, str};

use super::CodecError;

/// What the numbers hold, in bytes.
const BYTES: usize = 128;

/// Numbers in a half.
const HALF: usize = BYTES / 16;

const NAME_LENGTH: usize = BYTES - 2;
const ARGS_LENGTH: usize = BYTES - 1;

/// The length of no name: that of the default export.
const NO_NAME: u8 = u8::MAX;

/// Half of the numbers that cross, each of eight bytes, little-endian.
pub type InlineHalf = [u64; HALF];

/// The name of a function, and its encoded arguments.
#[derive(Debug, Clone, Copy)]
pub struct InlineCall([u8; BYTES]);

impl InlineCall {
    /// A call, if it is short.
    pub fn new(name: Option<&str>, args: &[u8]) -> Option<Self> {
        let text = name.unwrap_or_default().as_bytes();
        let mut bytes = [0; BYTES];
        let (in_args, rest) = bytes[..NAME_LENGTH].split_at_mut_checked(args.len())?;
        in_args.copy_from_slice(args);
        rest.get_mut(..text.len())?.copy_from_slice(text);
        bytes[NAME_LENGTH] = name.map_or(NO_NAME, |name| name.len() as u8);
        bytes[ARGS_LENGTH] = args.len() as u8;
        Some(Self(bytes))
    }

    /// The call as it crosses.
    pub fn to_words(&self) -> [InlineHalf; 2] {
        let (words, _) = self.0.as_chunks();
        let half = |start| array::from_fn(|index| u64::from_le_bytes(words[start + index]));
        [half(0), half(HALF)]
    }

    /// A call that crossed.
    pub fn from_words(halves: [InlineHalf; 2]) -> Self {
        let mut bytes = [0; BYTES];
        for (place, word) in bytes.as_chunks_mut().0.iter_mut().zip(halves.as_flattened()) {
            *place = word.to_le_bytes();
        }
        Self(bytes)
    }

    /// The name, and the arguments.
    ///
    /// # Errors
    ///
    /// When the lengths do not fit, or the name is no text.
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
    fn what_is_short_survives_the_way() {
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
    fn what_is_longer_is_not_short() {
        let long = "x".repeat(1000);
        for (name, args) in [(0, 127), (1, 126), (126, 1), (127, 0), (255, 0), (256, 0), (0, 1000)]
        {
            assert!(InlineCall::new(Some(&long[..name]), &long.as_bytes()[..args]).is_none());
        }
        assert!(InlineCall::new(None, &long.as_bytes()[..126]).is_some());
        assert!(InlineCall::new(None, &long.as_bytes()[..127]).is_none());
    }

    #[test]
    fn no_numbers_lead_outside() {
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
        assert!(InlineCall(bytes).parts().is_err(), "no UTF-8");
    }
}
