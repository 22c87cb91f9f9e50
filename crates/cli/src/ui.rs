//! Terminal output.

pub(crate) mod table;
pub(crate) mod terminal;
pub(crate) mod text;
