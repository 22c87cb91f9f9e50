//! Integration tests, in one binary.

mod coerce;
mod differential;
mod numbers;
#[cfg(feature = "host")]
mod validation;
