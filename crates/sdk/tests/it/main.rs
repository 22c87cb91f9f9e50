//! Integration tests, in one binary.

mod functions;
mod native_stub;
