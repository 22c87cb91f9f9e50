//! Writes FlatBuffers messages, byte for byte as the builder of crate `flatbuffers` does.
//!
//! A message is written from its end to its beginning, parts before what refers to them. To write
//! it into a buffer of just its size, without moving it afterwards, the same code runs twice: once
//! to [`Measure`] it, once to [`Fill`] the buffer.
//!
//! Format: <https://flatbuffers.dev/internals/>.

use super::Stop;
use super::layout::Slot;

/// A part that has been written: how far its first byte is from the message's end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Node(usize);

/// A field of a table that is about to be written.
#[derive(Debug, Clone, Copy)]
pub(super) enum Field {
    Byte(u8),
    Word(u32),
    Long(u64),
    /// Where another part is.
    Part(Node),
}

/// Where bytes go.
pub trait Sink {
    /// Puts bytes so that the first of them is `position` from the message's end.
    fn put(&mut self, position: usize, bytes: &[u8]);

    /// The same for a number, whose size the compiler knows.
    fn put_number<const N: usize>(&mut self, position: usize, bytes: [u8; N]);
}

/// Only counts.
#[derive(Debug)]
pub(super) struct Measure;

impl Sink for Measure {
    #[inline]
    fn put(&mut self, _: usize, _: &[u8]) {}

    #[inline]
    fn put_number<const N: usize>(&mut self, _: usize, _: [u8; N]) {}
}

/// Fills a buffer of zeros, of just the right size, from its end.
#[derive(Debug)]
pub(super) struct Fill(Vec<u8>);

impl Sink for Fill {
    #[inline]
    fn put(&mut self, position: usize, bytes: &[u8]) {
        let start = self.0.len() - position;
        self.0[start..start + bytes.len()].copy_from_slice(bytes);
    }

    #[inline]
    fn put_number<const N: usize>(&mut self, position: usize, bytes: [u8; N]) {
        let start = self.0.len() - position;
        self.0[start..][..N].copy_from_slice(&bytes);
    }
}

/// Writes a message.
///
/// # Errors
///
/// Those of its parts, and when it is larger than an offset can tell.
pub(super) fn message(parts: impl Parts) -> Result<Vec<u8>, Stop> {
    let mut measured = Writer::new(Measure);
    let root = parts.write(&mut measured)?;
    measured.finish(root);
    if measured.used > i32::MAX as usize {
        return Err(Stop::TooLarge);
    }

    let mut written = Writer::new(Fill(vec![0; measured.used]));
    let root = parts.write(&mut written)?;
    written.finish(root);
    debug_assert_eq!(measured.used, written.used, "what is written is what was measured");
    Ok(written.sink.0)
}

/// What a message is made of, to be written more than once.
pub(super) trait Parts {
    /// Writes every part and answers the root.
    ///
    /// # Errors
    ///
    /// When there is something that cannot be written.
    fn write<S: Sink>(&self, writer: &mut Writer<S>) -> Result<Node, Stop>;
}

pub struct Writer<S> {
    sink: S,
    /// Bytes written.
    used: usize,
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
        among(&self.first).or_else(|| among(&self.more))
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

impl<S: Sink> Writer<S> {
    fn new(sink: S) -> Self {
        Self { sink, used: 0, alignment: 1, layouts: Layouts::default() }
    }

    pub(super) fn string(&mut self, text: &str) -> Node {
        self.align(text.len() + 1, 4);
        self.put(&[0]);
        self.put(text.as_bytes());
        self.put_number((text.len() as u32).to_le_bytes())
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) -> Node {
        self.align(bytes.len(), 4);
        self.put(bytes);
        self.put_number((bytes.len() as u32).to_le_bytes())
    }

    /// A list of parts.
    pub(super) fn list(&mut self, parts: &[Node]) -> Node {
        self.align(parts.len() * 4, 4);
        for part in parts.iter().rev() {
            self.put_part(*part);
        }
        self.put_number((parts.len() as u32).to_le_bytes())
    }

    /// A table. Its fields are written in the order given, the first nearest to the message's end.
    #[inline]
    pub(super) fn table<const N: usize>(&mut self, fields: [(Slot, Field); N]) -> Node {
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
        self.sink.put_number(table, (layout as i32 - table as i32).to_le_bytes());
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

    fn finish(&mut self, root: Node) {
        self.align(4, self.alignment);
        self.put_part(root);
    }

    /// Writes a number, which is as long as its alignment.
    #[inline]
    fn put_number<const N: usize>(&mut self, bytes: [u8; N]) -> Node {
        self.align(N, N);
        self.used += N;
        self.sink.put_number(self.used, bytes);
        Node(self.used)
    }

    /// Writes how far a part is from here.
    #[inline]
    fn put_part(&mut self, part: Node) -> Node {
        self.align(4, 4);
        self.put_number(((self.used + 4 - part.0) as u32).to_le_bytes())
    }

    #[inline]
    fn put(&mut self, bytes: &[u8]) {
        self.used += bytes.len();
        self.sink.put(self.used, bytes);
    }

    /// Leaves a gap, so that what ends after `len` more bytes is aligned.
    #[inline]
    fn align(&mut self, len: usize, alignment: usize) {
        self.alignment = self.alignment.max(alignment);
        self.used += (self.used + len).wrapping_neg() & (alignment - 1);
    }
}
