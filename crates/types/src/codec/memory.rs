//! The memory that decoded values take, counted before it is allocated.

use std::cell::Cell;
use std::mem::size_of;

use surrealdb_types::Value;

use super::error::CodecError;

/// Size of a decoded value in a list.
pub(super) const VALUE_BYTES: usize = size_of::<Value>();

/// Size of a decoded field of an object.
pub(super) const FIELD_BYTES: usize = size_of::<(String, Value)>();

/// At least the size of a node of the B-tree of an object: eleven fields, twelve edges and a header.
pub(super) const NODE_BYTES: usize = 11 * FIELD_BYTES + 12 * size_of::<usize>() + 16;

/// Size of an allocation beside its contents.
pub(super) const ALLOCATION_BYTES: usize = 16;

/// The bytes that values may still take when they are decoded.
#[derive(Debug)]
pub(super) struct Memory(Cell<usize>);

impl Memory {
    pub(super) fn new(bytes: usize) -> Self {
        Self(Cell::new(bytes))
    }

    pub(super) fn left(&self) -> usize {
        self.0.get()
    }

    /// Takes `bytes` before they are allocated. In a guest, which trusts its host, nothing is counted.
    #[inline]
    pub(super) fn charge(&self, bytes: usize) -> Result<(), CodecError> {
        if cfg!(feature = "validate") {
            self.0.set(self.0.get().checked_sub(bytes).ok_or(CodecError::Memory)?);
        }
        Ok(())
    }

    /// Takes the nodes of an object of `fields` fields, which are at least half full.
    pub(super) fn charge_nodes(&self, fields: usize) -> Result<(), CodecError> {
        let nodes = if fields == 0 { 0 } else { fields / 6 + 1 };
        self.charge(nodes.saturating_mul(NODE_BYTES))
    }
}
