//! Integration tests, in one binary.

mod derive;
mod functions;
mod namespaces;
mod no_host;
mod testing;
