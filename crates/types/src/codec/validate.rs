//! What the general codec must not be given: values that are too deep, and, on a host, messages that
//! are not sound.

mod depth;
#[cfg(feature = "host")]
mod message;

pub(super) use self::depth::{MAX_REGEXES, check_depth, tree};
