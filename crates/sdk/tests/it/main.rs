//! Integration tests of the crate, in one binary.

mod functions;
mod native_stub;
