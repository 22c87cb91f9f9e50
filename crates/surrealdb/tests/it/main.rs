//! Integration tests of the crate, in one program.

#[cfg(feature = "client")]
mod connect;
mod grants;
mod modules;
mod replace;
mod support;
