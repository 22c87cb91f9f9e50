//! Terminal output.

pub(crate) mod sanitize;
pub(crate) mod table;
pub(crate) mod terminal;
