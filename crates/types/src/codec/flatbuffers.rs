//! FlatBuffers: a writer, a reader, and the part of the schema that the fast path knows.
//!
//! Format: <https://flatbuffers.dev/internals/>.

pub(super) mod reader;
pub(super) mod schema;
pub(super) mod writer;
