//! FlatBuffers as bytes: what writes a message, what reads one, and where its fields lie.

pub(super) mod reader;
pub(super) mod schema;
pub(super) mod writer;
