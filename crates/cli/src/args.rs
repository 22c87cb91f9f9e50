//! Arguments that several subcommands share.

pub(crate) mod cache;
pub(crate) mod call;
pub(crate) mod config;
pub(crate) mod database;
pub(crate) mod grants;
pub(crate) mod limits;
pub(crate) mod negative;
pub(crate) mod parse;
pub(crate) mod store;
