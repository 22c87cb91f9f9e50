//! Reads FlatBuffers messages where they lie, trusting no offset.
//!
//! A message is a graph: an offset may lead to what another offset leads to, so that a few kilobytes
//! unfold to as many gigabytes. An honest writer makes a tree, whose parts share nothing but the
//! layouts of tables. Every part that is read is therefore charged to a budget that any tree
//! keeps, and nothing much larger does.
//!
//! Format: <https://flatbuffers.dev/internals/>.

use std::cell::Cell;

use super::schema::Slot;
use crate::codec::CodecError;

/// How many times the message's length its parts may add up to. The slack is for writers of other
/// makes that share equal strings.
pub(crate) const MAX_APPARENT_SIZE_RATIO: usize = 4;

/// A message, and how much of it may still be read.
#[derive(Debug)]
pub(crate) struct Message<'a> {
    bytes: &'a [u8],
    budget: Cell<usize>,
}

impl<'a> Message<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, budget: Cell::new(bytes.len().saturating_mul(MAX_APPARENT_SIZE_RATIO)) }
    }

    pub(crate) fn root(&self) -> Result<Table<'_>, CodecError> {
        self.table(0)
    }

    /// The table that an offset leads to.
    #[inline]
    fn table(&self, offset: usize) -> Result<Table<'_>, CodecError> {
        let place = self.follow(offset)?;
        let back = self.word(place)? as i32;
        let layout = (place as i64 - i64::from(back)) as usize;
        let layout_bytes = usize::from(self.half(layout)?);
        self.charge(4)?;
        Ok(Table { message: self, place, layout, slots: layout_bytes.saturating_sub(4) / 2 })
    }

    #[inline]
    fn follow(&self, offset: usize) -> Result<usize, CodecError> {
        offset.checked_add(self.word(offset)? as usize).ok_or(CodecError::Malformed)
    }

    /// A length, and where what is so long begins.
    #[inline]
    fn vector(&self, offset: usize) -> Result<(usize, usize), CodecError> {
        let place = self.follow(offset)?;
        Ok((self.word(place)? as usize, place + 4))
    }

    #[inline]
    fn array<const N: usize>(&self, place: usize) -> Result<[u8; N], CodecError> {
        let bytes = self.bytes.get(place..).and_then(|bytes| bytes.first_chunk());
        bytes.copied().ok_or(CodecError::Malformed)
    }

    #[inline]
    fn word(&self, place: usize) -> Result<u32, CodecError> {
        self.array(place).map(u32::from_le_bytes)
    }

    #[inline]
    fn half(&self, place: usize) -> Result<u16, CodecError> {
        self.array(place).map(u16::from_le_bytes)
    }

    #[inline]
    fn charge(&self, bytes: usize) -> Result<(), CodecError> {
        let left = self.budget.get().checked_sub(bytes).ok_or(CodecError::Amplification)?;
        self.budget.set(left);
        Ok(())
    }
}

#[derive(Debug, Clone, Copy)]
pub struct Table<'a> {
    message: &'a Message<'a>,
    place: usize,
    layout: usize,
    slots: usize,
}

impl<'a> Table<'a> {
    /// Where a field is, unless it was left out.
    #[inline]
    fn field(&self, slot: Slot) -> Result<Option<usize>, CodecError> {
        if slot >= self.slots {
            return Ok(None);
        }
        let offset = usize::from(self.message.half(self.layout + 4 + 2 * slot)?);
        Ok((offset != 0).then_some(self.place + offset))
    }

    #[inline]
    fn scalar<const N: usize>(&self, slot: Slot) -> Result<[u8; N], CodecError> {
        match self.field(slot)? {
            Some(place) => self.message.array(place),
            None => Ok([0; N]),
        }
    }

    #[inline]
    pub(crate) fn byte(&self, slot: Slot) -> Result<u8, CodecError> {
        self.scalar(slot).map(u8::from_le_bytes)
    }

    #[inline]
    pub(crate) fn word(&self, slot: Slot) -> Result<u32, CodecError> {
        self.scalar(slot).map(u32::from_le_bytes)
    }

    #[inline]
    pub(crate) fn long(&self, slot: Slot) -> Result<u64, CodecError> {
        self.scalar(slot).map(u64::from_le_bytes)
    }

    #[inline]
    pub(crate) fn table(&self, slot: Slot) -> Result<Table<'a>, CodecError> {
        self.message.table(self.required(slot)?)
    }

    pub(crate) fn bytes(&self, slot: Slot) -> Result<&'a [u8], CodecError> {
        let (len, place) = self.message.vector(self.required(slot)?)?;
        self.message.charge(len)?;
        let rest = self.message.bytes.get(place..).ok_or(CodecError::Malformed)?;
        rest.get(..len).ok_or(CodecError::Malformed)
    }

    pub(crate) fn text(&self, slot: Slot) -> Result<&'a str, CodecError> {
        std::str::from_utf8(self.bytes(slot)?).map_err(|_| CodecError::Malformed)
    }

    /// A list of tables. It is as long as it says.
    pub(crate) fn tables(&self, slot: Slot) -> Result<Tables<'a>, CodecError> {
        let (len, place) = self.message.vector(self.required(slot)?)?;
        let size = len.checked_mul(4).ok_or(CodecError::Malformed)?;
        self.message.charge(size)?;
        if size > self.message.bytes.len().saturating_sub(place) {
            return Err(CodecError::Malformed);
        }
        Ok(Tables { message: self.message, next: place, left: len })
    }

    #[inline]
    fn required(&self, slot: Slot) -> Result<usize, CodecError> {
        self.field(slot)?.ok_or(CodecError::Malformed)
    }
}

/// The tables of a list.
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
