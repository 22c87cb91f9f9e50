//! Integration tests, in one binary.

mod differential;
#[cfg(feature = "host")]
mod validation;
