//! Writes FlatBuffers messages, byte for byte as the builder of crate `flatbuffers` does.
//!
//! A message is written from its end to its beginning, so that each part is written before what refers to
//! it. Long byte strings are only noted then, and copied once, when the message is put together.

use super::schema::FieldId;
use crate::codec::error::CodecError;

/// Size of the buffer on the stack, in bytes: enough for most messages.
const STACK_BYTES: usize = 256;

/// Length from which a byte string is deferred, in bytes.
const MIN_DEFERRED_BYTES: usize = 1024;

/// A part that has been written, by the distance of its first byte from the message's end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offset(usize);

/// The content of a table's field.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Field {
    U8(u8),
    U32(u32),
    U64(u64),
    Offset(Offset),
}

/// Writes a message. `write` writes its parts and returns the root.
///
/// # Errors
///
/// Those of `write`, and [`CodecError::TooLarge`].
pub(crate) fn write_message<'a>(
    write: impl FnOnce(&mut Writer<'_, 'a>) -> Result<Offset, CodecError>,
) -> Result<Vec<u8>, CodecError> {
    let mut stack = [0; STACK_BYTES];
    let mut writer = Writer {
        stack: &mut stack,
        heap: Vec::new(),
        deferred: Vec::new(),
        len: 0,
        deferred_bytes: 0,
        alignment: 1,
        vtables: VTables::default(),
    };
    let root = write(&mut writer)?;
    writer.align(4, writer.alignment);
    writer.put_offset(root);
    if writer.len > i32::MAX as usize {
        return Err(CodecError::TooLarge);
    }
    Ok(writer.assemble())
}

/// Writes the parts of a message.
pub struct Writer<'s, 'a> {
    /// Holds the message while it is short. It is filled from its end; what is free is zero.
    stack: &'s mut [u8; STACK_BYTES],
    /// Holds the message once it is too long for `stack`, in the same way.
    heap: Vec<u8>,
    /// Deferred byte strings, each with the number of bytes in the buffer that come after it.
    deferred: Vec<(usize, &'a [u8])>,
    /// Length of the message so far, in bytes.
    len: usize,
    /// How much of `len` is deferred, in bytes.
    deferred_bytes: usize,
    /// The strictest alignment of any part.
    alignment: usize,
    vtables: VTables,
}

/// A vtable as a number: its size, its table's size, and the position of each field in the table, from the
/// lowest 16 bits on.
type VTable = u64;

/// The vtables that have been written, and where. Tables with equal vtables share one.
///
/// The first few, which are all that most messages have, need no allocation.
#[derive(Debug, Default)]
struct VTables {
    first: [(VTable, usize); 4],
    count: usize,
    more: Vec<(VTable, usize)>,
}

impl VTables {
    #[inline]
    fn find(&self, vtable: VTable) -> Option<usize> {
        let search = |vtables: &[(VTable, usize)]| {
            vtables.iter().find(|(known, _)| *known == vtable).map(|(_, pos)| *pos)
        };
        search(&self.first[..self.count]).or_else(|| search(&self.more))
    }

    #[cold]
    fn add(&mut self, vtable: VTable, pos: usize) {
        match self.first.get_mut(self.count) {
            Some(free) => {
                *free = (vtable, pos);
                self.count += 1;
            }
            None => self.more.push((vtable, pos)),
        }
    }
}

impl<'a> Writer<'_, 'a> {
    pub(crate) fn str(&mut self, text: &'a str) -> Offset {
        self.align(text.len() + 1, 4);
        self.put(&[0]);
        self.put_bytes(text.as_bytes());
        self.put_scalar((text.len() as u32).to_le_bytes())
    }

    pub(crate) fn bytes(&mut self, bytes: &'a [u8]) -> Offset {
        self.align(bytes.len(), 4);
        self.put_bytes(bytes);
        self.put_scalar((bytes.len() as u32).to_le_bytes())
    }

    /// Writes a vector of offsets.
    pub(crate) fn vector(&mut self, items: &[Offset]) -> Offset {
        self.align(items.len() * 4, 4);
        for item in items.iter().rev() {
            self.put_offset(*item);
        }
        self.put_scalar((items.len() as u32).to_le_bytes())
    }

    /// Writes a table. The first of `fields` ends up nearest to the message's end.
    #[inline]
    pub(crate) fn table<const N: usize>(&mut self, fields: [(FieldId, Field); N]) -> Offset {
        let end = self.len;
        let mut positions = [0; N];
        for ((_, field), pos) in fields.iter().zip(&mut positions) {
            *pos = match *field {
                Field::U8(value) => self.put_scalar([value]),
                Field::U32(value) => self.put_scalar(value.to_le_bytes()),
                Field::U64(value) => self.put_scalar(value.to_le_bytes()),
                Field::Offset(offset) => self.put_offset(offset),
            }
            .0;
        }
        // Room for the offset of the vtable, which is not known yet.
        self.align(4, 4);
        self.len += 4;
        let table = self.len;

        let (mut size, mut entries) = (4, 0);
        for ((id, _), pos) in fields.iter().zip(&positions) {
            size = size.max(6 + 2 * id);
            entries |= ((table - pos) as VTable) << (32 + 16 * id);
        }
        let vtable = entries | ((table - end) as VTable) << 16 | size as VTable;
        let vtable = self.vtable(vtable, size);
        self.store(table, (vtable as i32 - table as i32).to_le_bytes());
        Offset(table)
    }

    /// Returns the position of a vtable, which is written if it is new.
    #[inline]
    fn vtable(&mut self, vtable: VTable, size: usize) -> usize {
        if let Some(pos) = self.vtables.find(vtable) {
            return pos;
        }
        self.put(&vtable.to_le_bytes()[..size]);
        self.vtables.add(vtable, self.len);
        self.len
    }

    /// Writes a scalar, whose alignment is its size.
    #[inline]
    fn put_scalar<const N: usize>(&mut self, bytes: [u8; N]) -> Offset {
        self.align(N, N);
        self.len += N;
        self.store(self.len, bytes);
        Offset(self.len)
    }

    /// Writes the distance from here to another part.
    #[inline]
    fn put_offset(&mut self, to: Offset) -> Offset {
        self.align(4, 4);
        self.len += 4;
        self.store(self.len, ((self.len - to.0) as u32).to_le_bytes());
        Offset(self.len)
    }

    #[inline]
    fn put(&mut self, bytes: &[u8]) {
        self.len += bytes.len();
        self.slot(self.len)[..bytes.len()].copy_from_slice(bytes);
    }

    /// Writes bytes now or, if they are many, when the message is put together.
    fn put_bytes(&mut self, bytes: &'a [u8]) {
        if bytes.len() < MIN_DEFERRED_BYTES {
            return self.put(bytes);
        }
        self.deferred.push((self.len - self.deferred_bytes, bytes));
        self.len += bytes.len();
        self.deferred_bytes += bytes.len();
    }

    /// Overwrites bytes at a position. The compiler knows how many, unlike in [`put`](Self::put).
    #[inline]
    fn store<const N: usize>(&mut self, pos: usize, bytes: [u8; N]) {
        self.slot(pos)[..N].copy_from_slice(&bytes);
    }

    /// Returns the buffer from `pos` on, a distance from the message's end. No deferred bytes may have been
    /// noted since that position was reached.
    #[inline]
    fn slot(&mut self, pos: usize) -> &mut [u8] {
        let pos = pos - self.deferred_bytes;
        if pos > self.buffer().len() {
            self.grow(pos);
        }
        let buffer = self.buffer();
        let start = buffer.len() - pos;
        &mut buffer[start..]
    }

    #[inline]
    fn buffer(&mut self) -> &mut [u8] {
        if self.heap.is_empty() { self.stack } else { &mut self.heap }
    }

    #[cold]
    fn grow(&mut self, min_len: usize) {
        if self.heap.is_empty() {
            self.heap.extend_from_slice(self.stack);
        }
        let old = self.heap.len();
        let new = min_len.max(2 * old);
        self.heap.resize(new, 0);
        self.heap.copy_within(..old, new - old);
        self.heap[..old].fill(0);
    }

    /// Pads, so that a part is aligned that begins after `len` more bytes.
    #[inline]
    fn align(&mut self, len: usize, alignment: usize) {
        self.alignment = self.alignment.max(alignment);
        self.len += (self.len + len).wrapping_neg() & (alignment - 1);
    }

    /// Returns the message, with the deferred bytes in their places.
    fn assemble(&mut self) -> Vec<u8> {
        let mut message = Vec::with_capacity(self.len);
        let deferred = std::mem::take(&mut self.deferred);
        let mut rest = &*self.slot(self.len);
        for (bytes_after, bytes) in deferred.into_iter().rev() {
            let (before, after) = rest.split_at(rest.len() - bytes_after);
            message.extend_from_slice(before);
            message.extend_from_slice(bytes);
            rest = after;
        }
        message.extend_from_slice(rest);
        message
    }
}
