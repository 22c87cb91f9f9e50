//! Integration tests, in one binary.

mod coerce;
mod convert;
mod differential;
mod numbers;
#[cfg(feature = "host")]
mod validation;
