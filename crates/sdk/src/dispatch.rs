//! From the bytes of a call to a function, and back.

pub(crate) mod arguments;
pub(crate) mod returns;
