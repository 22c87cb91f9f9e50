//! The parts of a message, each checked before it is used.

use super::super::error::CodecError;
use super::super::memory::Memory;

/// Every part of a message begins at a multiple of this many bytes.
pub(super) const ALIGNMENT: usize = 8;

/// Reads the columns of a message, and counts the memory that their values take.
#[derive(Debug)]
pub struct ColumnReader<'a> {
    rest: &'a [u8],
    memory: Memory,
}

impl<'a> ColumnReader<'a> {
    /// Returns a reader of a message whose values may take this much memory on a host, in bytes.
    pub fn new(message: &'a [u8], max_memory: usize) -> Self {
        Self { rest: message, memory: Memory::new(max_memory) }
    }

    /// Returns the bytes that values may still take.
    pub fn memory_left(&self) -> usize {
        self.memory.left()
    }

    /// Checks that nothing of the message is left.
    ///
    /// # Errors
    ///
    /// When there is.
    pub fn finish(&self) -> Result<(), CodecError> {
        if self.rest.is_empty() { Ok(()) } else { Err(CodecError::Malformed) }
    }

    /// Counts values of a type before they are made.
    pub(super) fn charge<T>(&self, rows: usize) -> Result<(), CodecError> {
        self.charge_bytes(rows.saturating_mul(size_of::<T>()))
    }

    pub(super) fn charge_bytes(&self, bytes: usize) -> Result<(), CodecError> {
        self.memory.charge(bytes)
    }

    /// Returns the next bytes, and skips what aligns the part after them.
    pub(super) fn bytes(&mut self, length: usize) -> Result<&'a [u8], CodecError> {
        let (part, rest) = self.rest.split_at_checked(length).ok_or(CodecError::Malformed)?;
        let padding = length.wrapping_neg() % ALIGNMENT;
        self.rest = rest.get(padding..).ok_or(CodecError::Malformed)?;
        Ok(part)
    }

    /// Returns the next items of `WIDTH` bytes.
    pub(super) fn items<const WIDTH: usize>(
        &mut self,
        rows: usize,
    ) -> Result<&'a [[u8; WIDTH]], CodecError> {
        let length = rows.checked_mul(WIDTH).ok_or(CodecError::Malformed)?;
        Ok(self.bytes(length)?.as_chunks().0)
    }

    /// Returns the next bits.
    pub(super) fn bits(&mut self, rows: usize) -> Result<&'a [u8], CodecError> {
        self.bytes(rows.div_ceil(8))
    }

    /// Returns the offsets of items of any length, and the end of the last one.
    pub(super) fn offsets(&mut self, rows: usize) -> Result<(Offsets<'a>, usize), CodecError> {
        let offsets = self.items(rows.checked_add(1).ok_or(CodecError::Malformed)?)?;
        let mut end = 0;
        for offset in offsets {
            let offset = u32::from_le_bytes(*offset);
            if offset < end {
                return Err(CodecError::Malformed);
            }
            end = offset;
        }
        match offsets.first() {
            Some([0, 0, 0, 0]) => Ok((Offsets(offsets), end as usize)),
            _ => Err(CodecError::Malformed),
        }
    }
}

/// Where the items of a column begin: 0 first, ascending, with the end of the last one.
#[derive(Debug, Clone, Copy)]
pub struct Offsets<'a>(&'a [[u8; 4]]);

impl Offsets<'_> {
    /// Returns where an item begins and ends.
    #[inline]
    pub(super) fn range(self, row: usize) -> std::ops::Range<usize> {
        let at = |index: usize| u32::from_le_bytes(self.0[index]) as usize;
        at(row)..at(row + 1)
    }

    pub(super) fn starts(self) -> impl Iterator<Item = usize> {
        self.0.iter().map(|offset| u32::from_le_bytes(*offset) as usize)
    }
}

/// Returns whether a bit is set.
#[inline]
pub(super) fn bit(bits: &[u8], row: usize) -> bool {
    (bits[row / 8] >> (row % 8)) & 1 != 0
}

/// Appends zeros up to the next part.
pub(super) fn pad(out: &mut Vec<u8>) {
    out.resize(out.len().next_multiple_of(ALIGNMENT), 0);
}

/// Appends one bit for each row.
pub(super) fn write_bits(bits: impl Iterator<Item = bool>, out: &mut Vec<u8>) {
    let (mut byte, mut count) = (0, 0);
    bits.for_each(|bit| {
        byte |= u8::from(bit) << count;
        count += 1;
        if count == 8 {
            out.push(byte);
            (byte, count) = (0, 0);
        }
    });
    if count > 0 {
        out.push(byte);
    }
    pad(out);
}

/// Appends where the items of each length begin, and returns the end of the last one.
pub(super) fn write_offsets(
    lengths: impl Iterator<Item = usize>,
    out: &mut Vec<u8>,
) -> Result<usize, CodecError> {
    let mut end = 0_usize;
    out.extend([0; 4]);
    for length in lengths {
        end = end.checked_add(length).ok_or(CodecError::TooLarge)?;
        out.extend(u32::try_from(end).map_err(|_| CodecError::TooLarge)?.to_le_bytes());
    }
    pad(out);
    Ok(end)
}
