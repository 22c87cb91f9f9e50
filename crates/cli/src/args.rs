//! Arguments that several subcommands share.

pub(crate) mod cache;
pub(crate) mod database;
pub(crate) mod limits;
pub(crate) mod parse;
pub(crate) mod store;
