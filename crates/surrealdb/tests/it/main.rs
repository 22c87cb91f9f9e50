//! Integration tests of the crate, in one program.

mod connect;
mod grants;
mod modules;
mod replace;
mod support;
