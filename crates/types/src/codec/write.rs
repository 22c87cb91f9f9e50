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
}

/// Only counts.
#[derive(Debug)]
pub(super) struct Measure;

impl Sink for Measure {
    #[inline]
    fn put(&mut self, _: usize, _: &[u8]) {}
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
    layouts: Vec<(Layout, usize)>,
}

/// A vtable: its size, its table's size, and where in the table each field is.
type Layout = [u16; 4];

impl<S: Sink> Writer<S> {
    fn new(sink: S) -> Self {
        Self { sink, used: 0, alignment: 1, layouts: Vec::new() }
    }

    pub(super) fn string(&mut self, text: &str) -> Node {
        self.align(text.len() + 1, 4);
        self.put(&[0]);
        self.put(text.as_bytes());
        self.put_scalar(text.len() as u32)
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) -> Node {
        self.align(bytes.len(), 4);
        self.put(bytes);
        self.put_scalar(bytes.len() as u32)
    }

    /// A list of parts.
    pub(super) fn list(&mut self, parts: &[Node]) -> Node {
        self.align(parts.len() * 4, 4);
        for part in parts.iter().rev() {
            self.put_part(*part);
        }
        self.put_scalar(parts.len() as u32)
    }

    /// A table. Its fields are written in the order given, the first nearest to the message's end.
    #[inline]
    pub(super) fn table<const N: usize>(&mut self, fields: [(Slot, Field); N]) -> Node {
        let end = self.used;
        let mut layout: Layout = [4, 0, 0, 0];
        let mut places = [0; N];
        for ((_, field), place) in fields.iter().zip(&mut places) {
            *place = match *field {
                Field::Byte(byte) => self.put_scalar(byte),
                Field::Word(word) => self.put_scalar(word),
                Field::Long(long) => self.put_scalar(long),
                Field::Part(part) => self.put_part(part),
            }
            .0;
        }
        // Where the layout is, once that is known.
        self.align(4, 4);
        self.used += 4;
        let table = self.used;

        for ((slot, _), place) in fields.iter().zip(&places) {
            layout[0] = layout[0].max(6 + 2 * *slot as u16);
            layout[2 + slot] = (table - place) as u16;
        }
        layout[1] = (table - end) as u16;
        let layout = self.layout(layout);
        self.sink.put(table, &(layout as i32 - table as i32).to_le_bytes());
        Node(table)
    }

    fn layout(&mut self, layout: Layout) -> usize {
        if let Some((_, place)) = self.layouts.iter().rev().find(|(known, _)| *known == layout) {
            return *place;
        }
        for word in layout[..usize::from(layout[0] / 2)].iter().rev() {
            self.put(&word.to_le_bytes());
        }
        self.layouts.push((layout, self.used));
        self.used
    }

    fn finish(&mut self, root: Node) {
        self.align(4, self.alignment);
        self.put_part(root);
    }

    /// Writes what is as long as its alignment.
    #[inline]
    fn put_scalar(&mut self, scalar: impl Scalar) -> Node {
        let bytes = scalar.bytes();
        let bytes = bytes.as_ref();
        self.align(bytes.len(), bytes.len());
        self.put(bytes);
        Node(self.used)
    }

    /// Writes how far a part is from here.
    #[inline]
    fn put_part(&mut self, part: Node) -> Node {
        self.align(4, 4);
        self.put_scalar((self.used + 4 - part.0) as u32)
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

/// A number as its bytes.
trait Scalar {
    fn bytes(self) -> impl AsRef<[u8]>;
}

impl Scalar for u8 {
    fn bytes(self) -> impl AsRef<[u8]> {
        self.to_le_bytes()
    }
}

impl Scalar for u32 {
    fn bytes(self) -> impl AsRef<[u8]> {
        self.to_le_bytes()
    }
}

impl Scalar for u64 {
    fn bytes(self) -> impl AsRef<[u8]> {
        self.to_le_bytes()
    }
}
