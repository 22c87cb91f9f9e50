//! The layout of each type.

use surrealdb_types::{Bytes, Kind};

use super::super::error::CodecError;
use super::reader::{ColumnReader, Offsets, bit, pad, write_bits, write_offsets};

/// A Rust type whose values cross as a column.
///
/// Implemented for `()`, `bool`, the integers of up to 64 bits with a fixed width, `f32`, `f64`, `String`,
/// [`Bytes`], and `Option` and `Vec` of any of these. It cannot be implemented for other types. As everywhere
/// in SurrealDB, an unsigned integer beyond `i64` is refused.
pub trait Column: Layout {}

impl<T: Layout> Column for T {}

/// What [`Column`] types know. Not exported, which seals [`Column`].
pub trait Layout: Sized + 'static {
    /// A column that was checked.
    type Checked<'a>: Copy;

    /// Appends the name of the type.
    fn push_type(types: &mut Vec<u8>);

    /// Returns the kind of the type's values.
    fn kind() -> Kind;

    /// Checks that a value can cross.
    #[inline]
    fn check(&self) -> Result<(), CodecError> {
        Ok(())
    }

    /// Appends a column. A row without a value has a zero or nothing in its place.
    fn write<'v>(
        values: impl Iterator<Item = Option<&'v Self>> + Clone,
        rows: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), CodecError>;

    /// Reads a column, and checks all of it.
    fn read<'a>(
        reader: &mut ColumnReader<'a>,
        rows: usize,
    ) -> Result<Self::Checked<'a>, CodecError>;

    /// Returns the value of a row.
    fn get(column: Self::Checked<'_>, row: usize) -> Self;
}

impl Layout for () {
    type Checked<'a> = ();

    fn push_type(types: &mut Vec<u8>) {
        types.push(b'n');
    }

    fn kind() -> Kind {
        Kind::None
    }

    // A byte a row, so that a short message does not stand for any number of rows.
    fn write<'v>(
        _: impl Iterator<Item = Option<&'v Self>> + Clone,
        rows: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), CodecError> {
        out.resize(out.len() + rows, 0);
        pad(out);
        Ok(())
    }

    fn read<'a>(reader: &mut ColumnReader<'a>, rows: usize) -> Result<(), CodecError> {
        reader.bytes(rows).map(drop)
    }

    fn get((): (), _: usize) -> Self {}
}

impl Layout for bool {
    type Checked<'a> = &'a [u8];

    fn push_type(types: &mut Vec<u8>) {
        types.push(b'b');
    }

    fn kind() -> Kind {
        Kind::Bool
    }

    fn write<'v>(
        values: impl Iterator<Item = Option<&'v Self>> + Clone,
        _: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), CodecError> {
        write_bits(values.map(|value| value.is_some_and(|value| *value)), out);
        Ok(())
    }

    fn read<'a>(reader: &mut ColumnReader<'a>, rows: usize) -> Result<&'a [u8], CodecError> {
        reader.charge::<Self>(rows)?;
        reader.bits(rows)
    }

    #[inline]
    fn get(column: &[u8], row: usize) -> Self {
        bit(column, row)
    }
}

/// Appends items of a fixed width.
#[inline]
fn write_items<const WIDTH: usize>(
    items: impl Iterator<Item = [u8; WIDTH]>,
    rows: usize,
    out: &mut Vec<u8>,
) {
    let start = out.len();
    out.resize((start + rows * WIDTH).next_multiple_of(super::reader::ALIGNMENT), 0);
    let (chunks, _) = out[start..].as_chunks_mut();
    for (chunk, item) in chunks.iter_mut().zip(items) {
        *chunk = item;
    }
}

/// Implements the layout of numbers, with the check that each has to pass.
macro_rules! numbers {
    ($($number:ident: $name:literal, $kind:ident, $width:literal, $check:expr;)*) => {$(
        impl Layout for $number {
            type Checked<'a> = &'a [[u8; $width]];

            fn push_type(types: &mut Vec<u8>) {
                types.push($name);
            }

            fn kind() -> Kind {
                Kind::$kind
            }

            #[inline]
            fn check(&self) -> Result<(), CodecError> {
                $check(*self)
            }

            fn write<'v>(
                values: impl Iterator<Item = Option<&'v Self>> + Clone,
                rows: usize,
                out: &mut Vec<u8>,
            ) -> Result<(), CodecError> {
                let value = |value: Option<&$number>| value.copied().unwrap_or_default();
                write_items(values.map(|row| value(row).to_le_bytes()), rows, out);
                Ok(())
            }

            fn read<'a>(
                reader: &mut ColumnReader<'a>,
                rows: usize,
            ) -> Result<Self::Checked<'a>, CodecError> {
                reader.charge::<Self>(rows)?;
                let items = reader.items(rows)?;
                items.iter().try_for_each(|item| Self::from_le_bytes(*item).check())?;
                Ok(items)
            }

            #[inline]
            fn get(column: Self::Checked<'_>, row: usize) -> Self {
                Self::from_le_bytes(column[row])
            }
        }
    )*};
}
numbers! {
    i8: b'c', Int, 1, |_| Ok(());
    u8: b'C', Int, 1, |_| Ok(());
    i16: b's', Int, 2, |_| Ok(());
    u16: b'S', Int, 2, |_| Ok(());
    i32: b'i', Int, 4, |_| Ok(());
    u32: b'I', Int, 4, |_| Ok(());
    i64: b'l', Int, 8, |_| Ok(());
    u64: b'L', Int, 8, check_unsigned;
    f32: b'f', Float, 4, |_| Ok(());
    f64: b'g', Float, 8, |_| Ok(());
}

#[inline]
fn check_unsigned(value: u64) -> Result<(), CodecError> {
    if value <= i64::MAX as u64 { Ok(()) } else { Err(CodecError::IntegerOutOfRange(value)) }
}

/// A column of texts that was checked: UTF-8, and every text begins at a character.
#[derive(Debug, Clone, Copy)]
pub struct TextRef<'a> {
    offsets: Offsets<'a>,
    text: &'a str,
}

impl<'a> TextRef<'a> {
    /// Returns the text of a row.
    pub fn get(self, row: usize) -> &'a str {
        &self.text[self.offsets.range(row)]
    }
}

/// Appends a column of texts, as that of `String`.
///
/// # Errors
///
/// When they take 4 GiB or more.
pub fn write_texts<'v>(
    texts: impl Iterator<Item = &'v str> + Clone,
    out: &mut Vec<u8>,
) -> Result<(), CodecError> {
    write_data(texts.map(str::as_bytes), out)
}

/// Appends items of any length: their offsets, and all of their bytes.
fn write_data<'v>(
    items: impl Iterator<Item = &'v [u8]> + Clone,
    out: &mut Vec<u8>,
) -> Result<(), CodecError> {
    let length = write_offsets(items.clone().map(<[u8]>::len), out)?;
    out.reserve(length);
    items.for_each(|item| out.extend_from_slice(item));
    pad(out);
    Ok(())
}

impl Layout for String {
    type Checked<'a> = TextRef<'a>;

    fn push_type(types: &mut Vec<u8>) {
        types.push(b'u');
    }

    fn kind() -> Kind {
        Kind::String
    }

    fn write<'v>(
        values: impl Iterator<Item = Option<&'v Self>> + Clone,
        _: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), CodecError> {
        write_texts(values.map(|value| value.map_or("", String::as_str)), out)
    }

    fn read<'a>(reader: &mut ColumnReader<'a>, rows: usize) -> Result<TextRef<'a>, CodecError> {
        reader.charge::<Self>(rows)?;
        let (offsets, length) = reader.offsets(rows)?;
        reader.charge_bytes(length)?;
        let text = std::str::from_utf8(reader.bytes(length)?).map_err(|_| CodecError::Malformed)?;
        if offsets.starts().all(|start| text.is_char_boundary(start)) {
            Ok(TextRef { offsets, text })
        } else {
            Err(CodecError::Malformed)
        }
    }

    fn get(column: TextRef<'_>, row: usize) -> Self {
        column.get(row).to_string()
    }
}

impl Layout for Bytes {
    type Checked<'a> = (Offsets<'a>, &'a [u8]);

    fn push_type(types: &mut Vec<u8>) {
        types.push(b'z');
    }

    fn kind() -> Kind {
        Kind::Bytes
    }

    fn write<'v>(
        values: impl Iterator<Item = Option<&'v Self>> + Clone,
        _: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), CodecError> {
        write_data(values.map(|value| value.map_or(&[][..], |bytes| &bytes[..])), out)
    }

    fn read<'a>(
        reader: &mut ColumnReader<'a>,
        rows: usize,
    ) -> Result<Self::Checked<'a>, CodecError> {
        reader.charge::<Self>(rows)?;
        let (offsets, length) = reader.offsets(rows)?;
        reader.charge_bytes(length)?;
        Ok((offsets, reader.bytes(length)?))
    }

    fn get((offsets, data): Self::Checked<'_>, row: usize) -> Self {
        data[offsets.range(row)].to_vec().into()
    }
}

impl<T: Layout> Layout for Option<T> {
    type Checked<'a> = (&'a [u8], T::Checked<'a>);

    fn push_type(types: &mut Vec<u8>) {
        types.push(b'?');
        T::push_type(types);
    }

    fn kind() -> Kind {
        Kind::option(T::kind())
    }

    #[inline]
    fn check(&self) -> Result<(), CodecError> {
        self.as_ref().map_or(Ok(()), T::check)
    }

    fn write<'v>(
        values: impl Iterator<Item = Option<&'v Self>> + Clone,
        rows: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), CodecError> {
        let inner = values.map(|value| value.and_then(Self::as_ref));
        write_bits(inner.clone().map(|value| value.is_some()), out);
        T::write(inner, rows, out)
    }

    fn read<'a>(
        reader: &mut ColumnReader<'a>,
        rows: usize,
    ) -> Result<Self::Checked<'a>, CodecError> {
        reader.charge::<Self>(rows)?;
        Ok((reader.bits(rows)?, T::read(reader, rows)?))
    }

    #[inline]
    fn get((validity, column): Self::Checked<'_>, row: usize) -> Self {
        bit(validity, row).then(|| T::get(column, row))
    }
}

impl<T: Layout> Layout for Vec<T> {
    type Checked<'a> = (Offsets<'a>, T::Checked<'a>);

    fn push_type(types: &mut Vec<u8>) {
        types.extend(b"+l");
        T::push_type(types);
    }

    fn kind() -> Kind {
        Kind::Array(Box::new(T::kind()), None)
    }

    #[inline]
    fn check(&self) -> Result<(), CodecError> {
        self.iter().try_for_each(T::check)
    }

    fn write<'v>(
        values: impl Iterator<Item = Option<&'v Self>> + Clone,
        _: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), CodecError> {
        let slices = values.map(|value| value.map_or(&[][..], Vec::as_slice));
        let items = write_offsets(slices.clone().map(<[T]>::len), out)?;
        T::write(slices.flatten().map(Some), items, out)
    }

    fn read<'a>(
        reader: &mut ColumnReader<'a>,
        rows: usize,
    ) -> Result<Self::Checked<'a>, CodecError> {
        reader.charge::<Self>(rows)?;
        let (offsets, items) = reader.offsets(rows)?;
        Ok((offsets, T::read(reader, items)?))
    }

    fn get((offsets, column): Self::Checked<'_>, row: usize) -> Self {
        offsets.range(row).map(|item| T::get(column, item)).collect()
    }
}
