//! Writes FlatBuffers messages, byte for byte as the builder of crate `flatbuffers` does.
//!
//! A message is written from its end to its beginning, parts before what refers to them. Long texts
//! are not written then, but noted, and copied once, when all that is around them is known.
//!
//! Format: <https://flatbuffers.dev/internals/>.

use super::schema::Slot;
use crate::codec::CodecError;

/// Room for a message that needs no buffer of its own: enough for most.
const SMALL: usize = 256;

/// From how many bytes on a text is copied last.
const LONG: usize = 1024;

/// A part that has been written: how far its first byte is from the message's end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Node(usize);

/// A field of a table that is about to be written.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Field {
    Byte(u8),
    Word(u32),
    Long(u64),
    /// Where another part is.
    Part(Node),
}

/// Writes a message: `write` writes every part and answers the root.
///
/// # Errors
///
/// Those of its parts, and when it is larger than an offset can tell.
pub(crate) fn message<'a>(
    write: impl FnOnce(&mut Writer<'_, 'a>) -> Result<Node, CodecError>,
) -> Result<Vec<u8>, CodecError> {
    let mut small = [0; SMALL];
    let mut writer = Writer {
        small: &mut small,
        large: Vec::new(),
        long: Vec::new(),
        used: 0,
        apart: 0,
        alignment: 1,
        layouts: Layouts::default(),
    };
    let root = write(&mut writer)?;
    writer.align(4, writer.alignment);
    writer.put_part(root);
    if writer.used > i32::MAX as usize {
        return Err(CodecError::TooLarge);
    }
    Ok(writer.assembled())
}

pub struct Writer<'s, 'a> {
    /// Where the message is written, at the end, before which are zeros; on the stack.
    small: &'s mut [u8; SMALL],
    /// Where it is written once it is too long for that.
    large: Vec<u8>,
    /// Long runs of bytes that are to be put in between, and how much of what is written there lies
    /// behind each.
    long: Vec<(usize, &'a [u8])>,
    /// Bytes written.
    used: usize,
    /// Of those, bytes of long runs.
    apart: usize,
    /// The strictest alignment of any part.
    alignment: usize,
    /// Layouts of tables that have been written, and where; tables of one layout share it.
    layouts: Layouts,
}

/// The first few layouts, which are all for most messages, need no allocation.
#[derive(Debug, Default)]
struct Layouts {
    first: [(Layout, usize); 4],
    count: usize,
    more: Vec<(Layout, usize)>,
}

impl Layouts {
    #[inline]
    fn find(&self, layout: Layout) -> Option<usize> {
        let among = |layouts: &[(Layout, usize)]| {
            layouts.iter().find(|(known, _)| *known == layout).map(|(_, place)| *place)
        };
        among(&self.first[..self.count]).or_else(|| among(&self.more))
    }

    #[cold]
    fn add(&mut self, layout: Layout, place: usize) {
        match self.first.get_mut(self.count) {
            Some(free) => {
                *free = (layout, place);
                self.count += 1;
            }
            None => self.more.push((layout, place)),
        }
    }
}

/// A vtable, in one number: its size, its table's size, and where in the table each field is, the
/// first in the lowest 16 bits.
type Layout = u64;

impl<'a> Writer<'_, 'a> {
    pub(crate) fn string(&mut self, text: &'a str) -> Node {
        self.align(text.len() + 1, 4);
        self.put(&[0]);
        self.put_run(text.as_bytes());
        self.put_number((text.len() as u32).to_le_bytes())
    }

    pub(crate) fn bytes(&mut self, bytes: &'a [u8]) -> Node {
        self.align(bytes.len(), 4);
        self.put_run(bytes);
        self.put_number((bytes.len() as u32).to_le_bytes())
    }

    /// A list of parts.
    pub(crate) fn list(&mut self, parts: &[Node]) -> Node {
        self.align(parts.len() * 4, 4);
        for part in parts.iter().rev() {
            self.put_part(*part);
        }
        self.put_number((parts.len() as u32).to_le_bytes())
    }

    /// A table. Its fields are written in the order given, the first nearest to the message's end.
    #[inline]
    pub(crate) fn table<const N: usize>(&mut self, fields: [(Slot, Field); N]) -> Node {
        let end = self.used;
        let mut places = [0; N];
        for ((_, field), place) in fields.iter().zip(&mut places) {
            *place = match *field {
                Field::Byte(byte) => self.put_number([byte]),
                Field::Word(word) => self.put_number(word.to_le_bytes()),
                Field::Long(long) => self.put_number(long.to_le_bytes()),
                Field::Part(part) => self.put_part(part),
            }
            .0;
        }
        // Where the layout is, once that is known.
        self.align(4, 4);
        self.used += 4;
        let table = self.used;

        let (mut size, mut offsets) = (4, 0);
        for ((slot, _), place) in fields.iter().zip(&places) {
            size = size.max(6 + 2 * slot);
            offsets |= ((table - place) as Layout) << (32 + 16 * slot);
        }
        let layout = offsets | ((table - end) as Layout) << 16 | size as Layout;
        let layout = self.layout(layout, size);
        self.place_number(table, (layout as i32 - table as i32).to_le_bytes());
        Node(table)
    }

    #[inline]
    fn layout(&mut self, layout: Layout, size: usize) -> usize {
        if let Some(place) = self.layouts.find(layout) {
            return place;
        }
        self.put(&layout.to_le_bytes()[..size]);
        self.layouts.add(layout, self.used);
        self.used
    }

    /// Writes a number, which is as long as its alignment.
    #[inline]
    fn put_number<const N: usize>(&mut self, bytes: [u8; N]) -> Node {
        self.align(N, N);
        self.used += N;
        self.place_number(self.used, bytes);
        Node(self.used)
    }

    /// Writes how far a part is from here.
    #[inline]
    fn put_part(&mut self, part: Node) -> Node {
        self.align(4, 4);
        self.used += 4;
        self.place_number(self.used, ((self.used - part.0) as u32).to_le_bytes());
        Node(self.used)
    }

    #[inline]
    fn put(&mut self, bytes: &[u8]) {
        self.used += bytes.len();
        self.place(self.used)[..bytes.len()].copy_from_slice(bytes);
    }

    /// Writes what may be long.
    fn put_run(&mut self, bytes: &'a [u8]) {
        if bytes.len() < LONG {
            return self.put(bytes);
        }
        self.long.push((self.used - self.apart, bytes));
        self.used += bytes.len();
        self.apart += bytes.len();
    }

    /// Of a number the compiler knows the size.
    #[inline]
    fn place_number<const N: usize>(&mut self, position: usize, bytes: [u8; N]) {
        self.place(position)[..N].copy_from_slice(&bytes);
    }

    /// What is written from the byte on that is `position` from the message's end; no long run comes
    /// after it.
    #[inline]
    fn place(&mut self, position: usize) -> &mut [u8] {
        let position = position - self.apart;
        if position > self.buffer().len() {
            self.grow(position);
        }
        let buffer = self.buffer();
        let start = buffer.len() - position;
        &mut buffer[start..]
    }

    #[inline]
    fn buffer(&mut self) -> &mut [u8] {
        if self.large.is_empty() { self.small } else { &mut self.large }
    }

    #[cold]
    fn grow(&mut self, wanted: usize) {
        if self.large.is_empty() {
            self.large.extend_from_slice(self.small);
        }
        let before = self.large.len();
        let after = wanted.max(2 * before);
        self.large.resize(after, 0);
        self.large.copy_within(..before, after - before);
        self.large[..before].fill(0);
    }

    /// Leaves a gap, so that what ends after `len` more bytes is aligned.
    #[inline]
    fn align(&mut self, len: usize, alignment: usize) {
        self.alignment = self.alignment.max(alignment);
        self.used += (self.used + len).wrapping_neg() & (alignment - 1);
    }

    /// The message, in one piece.
    fn assembled(&mut self) -> Vec<u8> {
        let mut message = Vec::with_capacity(self.used);
        let long = std::mem::take(&mut self.long);
        let mut rest = &*self.place(self.used);
        for (behind, bytes) in long.into_iter().rev() {
            let (before, after) = rest.split_at(rest.len() - behind);
            message.extend_from_slice(before);
            message.extend_from_slice(bytes);
            rest = after;
        }
        message.extend_from_slice(rest);
        message
    }
}
