//! Reads FlatBuffers messages in place, without trusting any offset.
//!
//! A message is a graph: offsets may lead to the same part, so a few kilobytes can decode to gigabytes. An
//! honest writer makes a tree, whose tables share nothing but their vtables. So every part that is read is
//! charged to a budget of [`MAX_APPARENT_SIZE_RATIO`] times the message's length, which suffices for every
//! tree.

use std::cell::Cell;

use super::schema::FieldId;
use crate::codec::error::CodecError;
use crate::codec::limits::MAX_APPARENT_SIZE_RATIO;
use crate::codec::memory::Memory;

/// A message, how many bytes of it may still be read, and how much memory its values may still take.
#[derive(Debug)]
pub(in crate::codec) struct Message<'a> {
    bytes: &'a [u8],
    budget: Cell<usize>,
    memory: Memory,
}

impl<'a> Message<'a> {
    pub(in crate::codec) fn new(bytes: &'a [u8], max_memory: usize) -> Self {
        let budget = Cell::new(bytes.len().saturating_mul(MAX_APPARENT_SIZE_RATIO));
        Self { bytes, budget, memory: Memory::new(max_memory) }
    }

    /// Returns the memory that values may still take.
    pub(in crate::codec) fn memory(&self) -> &Memory {
        &self.memory
    }

    /// Returns the root table.
    pub(crate) fn root(&self) -> Result<Table<'_>, CodecError> {
        self.table(0)
    }

    /// Returns the table that the offset at `pos` leads to.
    #[inline]
    fn table(&self, pos: usize) -> Result<Table<'_>, CodecError> {
        let pos = self.follow(pos)?;
        let back = self.u32(pos)? as i32;
        let vtable = (pos as i64 - i64::from(back)) as usize;
        let vtable_bytes = usize::from(self.u16(vtable)?);
        self.charge(4)?;
        Ok(Table { message: self, pos, vtable, fields: vtable_bytes.saturating_sub(4) / 2 })
    }

    #[inline]
    fn follow(&self, pos: usize) -> Result<usize, CodecError> {
        pos.checked_add(self.u32(pos)? as usize).ok_or(CodecError::Malformed)
    }

    /// Returns the length of the vector that the offset at `pos` leads to, and where its items begin.
    #[inline]
    fn vector(&self, pos: usize) -> Result<(usize, usize), CodecError> {
        let pos = self.follow(pos)?;
        Ok((self.u32(pos)? as usize, pos + 4))
    }

    #[inline]
    fn array<const N: usize>(&self, pos: usize) -> Result<[u8; N], CodecError> {
        let bytes = self.bytes.get(pos..).and_then(|bytes| bytes.first_chunk());
        bytes.copied().ok_or(CodecError::Malformed)
    }

    #[inline]
    fn u32(&self, pos: usize) -> Result<u32, CodecError> {
        self.array(pos).map(u32::from_le_bytes)
    }

    #[inline]
    fn u16(&self, pos: usize) -> Result<u16, CodecError> {
        self.array(pos).map(u16::from_le_bytes)
    }

    #[inline]
    fn charge(&self, bytes: usize) -> Result<(), CodecError> {
        let left = self.budget.get().checked_sub(bytes).ok_or(CodecError::Amplification)?;
        self.budget.set(left);
        Ok(())
    }
}

/// A table of a message.
#[derive(Debug, Clone, Copy)]
pub struct Table<'a> {
    message: &'a Message<'a>,
    pos: usize,
    vtable: usize,
    /// Fields that the vtable has an entry for.
    fields: usize,
}

impl<'a> Table<'a> {
    /// Returns where a field is, unless it was left out.
    #[inline]
    fn field(&self, id: FieldId) -> Result<Option<usize>, CodecError> {
        if id >= self.fields {
            return Ok(None);
        }
        let offset = usize::from(self.message.u16(self.vtable + 4 + 2 * id)?);
        Ok((offset != 0).then_some(self.pos + offset))
    }

    #[inline]
    fn scalar<const N: usize>(&self, id: FieldId) -> Result<[u8; N], CodecError> {
        match self.field(id)? {
            Some(pos) => self.message.array(pos),
            None => Ok([0; N]),
        }
    }

    // A scalar that was left out is zero.

    #[inline]
    pub(crate) fn u8(&self, id: FieldId) -> Result<u8, CodecError> {
        self.scalar(id).map(u8::from_le_bytes)
    }

    #[inline]
    pub(crate) fn u32(&self, id: FieldId) -> Result<u32, CodecError> {
        self.scalar(id).map(u32::from_le_bytes)
    }

    #[inline]
    pub(crate) fn u64(&self, id: FieldId) -> Result<u64, CodecError> {
        self.scalar(id).map(u64::from_le_bytes)
    }

    #[inline]
    pub(crate) fn table(&self, id: FieldId) -> Result<Table<'a>, CodecError> {
        self.message.table(self.required(id)?)
    }

    pub(crate) fn bytes(&self, id: FieldId) -> Result<&'a [u8], CodecError> {
        let (len, pos) = self.message.vector(self.required(id)?)?;
        self.message.charge(len)?;
        let rest = self.message.bytes.get(pos..).ok_or(CodecError::Malformed)?;
        rest.get(..len).ok_or(CodecError::Malformed)
    }

    pub(crate) fn str(&self, id: FieldId) -> Result<&'a str, CodecError> {
        std::str::from_utf8(self.bytes(id)?).map_err(|_| CodecError::Malformed)
    }

    /// Returns the length of a vector, which its tables are held against when they are read.
    pub(crate) fn len(&self, id: FieldId) -> Result<usize, CodecError> {
        Ok(self.message.vector(self.required(id)?)?.0)
    }

    /// Returns a vector of tables. Its length is within the message, so a caller may allocate for it.
    pub(crate) fn tables(&self, id: FieldId) -> Result<Tables<'a>, CodecError> {
        let (len, pos) = self.message.vector(self.required(id)?)?;
        let size = len.checked_mul(4).ok_or(CodecError::Malformed)?;
        self.message.charge(size)?;
        if size > self.message.bytes.len().saturating_sub(pos) {
            return Err(CodecError::Malformed);
        }
        Ok(Tables { message: self.message, next: pos, left: len })
    }

    /// Returns the memory that values may still take.
    pub(in crate::codec) fn memory(&self) -> &'a Memory {
        &self.message.memory
    }

    #[inline]
    fn required(&self, id: FieldId) -> Result<usize, CodecError> {
        self.field(id)?.ok_or(CodecError::Malformed)
    }
}

/// The tables of a vector.
#[derive(Debug, Clone)]
pub(crate) struct Tables<'a> {
    message: &'a Message<'a>,
    next: usize,
    left: usize,
}

impl<'a> Iterator for Tables<'a> {
    type Item = Result<Table<'a>, CodecError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let table = self.message.table(self.next);
        self.next += 4;
        Some(table)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for Tables<'_> {}
