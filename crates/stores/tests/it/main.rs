//! Integration tests of the crate, in one program.

mod conformance;
mod crashes;
mod failures;
mod files;
mod support;
mod throughput;
