//! The cases of the suite, each for any kind of store.

pub(crate) mod atomic;
pub(crate) mod map;
pub(crate) mod model;
pub(crate) mod ttl;
