//! Integration tests, in one binary.

mod derive;
mod functions;
mod namespaces;
mod native_stub;
