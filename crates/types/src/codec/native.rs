//! Rust types that cross without a [`Value`](surrealdb_types::Value) in between: the same bytes, the same
//! errors, less work and less code.

use std::fmt;

use super::error::CodecError;
use super::flatbuffers::reader::{Message, Table};
use super::flatbuffers::schema::{FIELD0, MEMBER, TAG, tag};
use super::flatbuffers::writer::{Offset, Writer, write_message};
use super::limits::MAX_DECODED_BYTES;
use super::value::{write_bool, write_f64, write_str, write_tables, write_u64, write_union};

/// A Rust type that is encoded and decoded directly.
///
/// Implemented for `()`, `bool`, the integers of up to 64 bits, `f32`, `f64`, `String`, and `Option` and
/// `Vec` of any of these. It cannot be implemented for other types. The bytes and errors are those of the
/// type's [`SurrealValue`](surrealdb_types::SurrealValue), except that an integer beyond `i64` is refused and
/// not wrapped, and that types of the kind `number` take another kind of number that is exactly theirs.
pub trait Native: Wire {}

impl<T: Wire> Native for T {}

/// What [`Native`] types know. Not exported, which seals [`Native`].
pub trait Wire: Sized {
    const KIND: NativeKind;

    fn write<'a>(&'a self, writer: &mut Writer<'_, 'a>) -> Result<Offset, CodecError>;

    fn read(value: Table<'_>) -> Result<Self, TypeMismatch>;
}

/// The kind of a [`Native`] type: a [`Kind`](surrealdb_types::Kind) that needs no allocation. Its `Display`
/// is that of the kind.
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs, reason = "named after the variants of `Kind`")]
pub enum NativeKind {
    None,
    Bool,
    Int,
    Float,
    Number,
    String,
    /// `none | inner`
    Optional(&'static NativeKind),
    Array(&'static NativeKind),
}

impl fmt::Display for NativeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "none",
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Float => "float",
            Self::Number => "number",
            Self::String => "string",
            Self::Optional(inner) => return write!(f, "none | {inner}"),
            Self::Array(inner) => return write!(f, "array<{inner}>"),
        })
    }
}

/// Why a value is not of a [`Native`] type. The texts are those of `surrealdb_types`.
#[derive(Debug, thiserror::Error)]
pub enum TypeMismatch {
    /// The value is of another kind.
    #[error("Expected {expected}, got {}", tag::name(*.got))]
    Kind {
        /// The kind of the type.
        expected: NativeKind,
        /// The tag of the value, from the union `ValueType` of the schema.
        got: u8,
    },
    /// The value is an integer that the type cannot hold.
    #[error("Value {value} is out of range for type {of}")]
    Range {
        /// The integer.
        value: i64,
        /// The name of the Rust type.
        of: &'static str,
    },
    /// The value is a number of another kind, and the kind of the type does not say which is wanted.
    #[error("Expected {expected} for type {of}, got {got}")]
    Number {
        /// The name of the Rust type.
        of: &'static str,
        /// The kind of number that it takes.
        expected: &'static str,
        /// The kind of number that the value is.
        got: &'static str,
    },
    /// The value is a number that an `f32` cannot hold.
    #[error(
        "The number is out of range for type f32, or has more digits than it holds: the function has to \
         declare the parameter as f64"
    )]
    F32,
    /// The value inside an option or an array is not of the inner type.
    #[error("Failed to convert to {0}: {1}")]
    Inner(NativeKind, Box<TypeMismatch>),
    /// The message is malformed.
    #[error("{0}")]
    Codec(CodecError),
}

impl From<CodecError> for TypeMismatch {
    fn from(error: CodecError) -> Self {
        Self::Codec(error)
    }
}

/// Encodes a native value, as [`encode_value`](super::encode_value) encodes its `Value`.
///
/// # Errors
///
/// When the message would be too large.
pub fn encode_native<T: Native>(value: &T) -> Result<Vec<u8>, CodecError> {
    write_message(|writer| value.write(writer))
}

/// Decodes a native value, of which [`encode_value`](super::encode_value) encoded the `Value`.
///
/// # Errors
///
/// When the value is of another kind or does not fit the type. No other value is decoded to find that out.
pub fn decode_native<T: Native>(bytes: &[u8]) -> Result<T, TypeMismatch> {
    T::read(Message::new(bytes, MAX_DECODED_BYTES).root()?)
}

/// Returns the member of a value, if the value has this tag.
fn member<'a>(value: Table<'a>, tag: u8, expected: NativeKind) -> Result<Table<'a>, TypeMismatch> {
    let got = value.u8(TAG)?;
    if got == tag { Ok(value.table(MEMBER)?) } else { Err(TypeMismatch::Kind { expected, got }) }
}

impl Wire for () {
    const KIND: NativeKind = NativeKind::None;

    fn write<'a>(&'a self, writer: &mut Writer<'_, 'a>) -> Result<Offset, CodecError> {
        Ok(writer.table([]))
    }

    fn read(value: Table<'_>) -> Result<Self, TypeMismatch> {
        match value.u8(TAG)? {
            tag::UNSET | tag::NONE => Ok(()),
            got => Err(TypeMismatch::Kind { expected: Self::KIND, got }),
        }
    }
}

impl Wire for bool {
    const KIND: NativeKind = NativeKind::Bool;

    fn write<'a>(&'a self, writer: &mut Writer<'_, 'a>) -> Result<Offset, CodecError> {
        let member = write_bool(writer, *self);
        Ok(write_union(writer, tag::BOOL, member))
    }

    fn read(value: Table<'_>) -> Result<Self, TypeMismatch> {
        Ok(member(value, tag::BOOL, Self::KIND)?.u8(FIELD0)? != 0)
    }
}

impl Wire for String {
    const KIND: NativeKind = NativeKind::String;

    fn write<'a>(&'a self, writer: &mut Writer<'_, 'a>) -> Result<Offset, CodecError> {
        let member = write_str(writer, self);
        Ok(write_union(writer, tag::STRING, member))
    }

    fn read(value: Table<'_>) -> Result<Self, TypeMismatch> {
        Ok(member(value, tag::STRING, Self::KIND)?.str(FIELD0)?.to_string())
    }
}

macro_rules! integers {
    ($($int:ident: $kind:ident),*) => {$(
        impl Wire for $int {
            const KIND: NativeKind = NativeKind::$kind;

            fn write<'a>(&'a self, writer: &mut Writer<'_, 'a>) -> Result<Offset, CodecError> {
                let value = i64::try_from(*self)
                    .map_err(|_| CodecError::IntegerOutOfRange(*self as u64))?;
                let member = write_u64(writer, value as u64);
                Ok(write_union(writer, tag::INT, member))
            }

            fn read(value: Table<'_>) -> Result<Self, TypeMismatch> {
                let value = read_int(value, Self::KIND, stringify!($int))?;
                value.try_into().map_err(|_| TypeMismatch::Range { value, of: stringify!($int) })
            }
        }
    )*};
}
integers! {
    i8: Number, i16: Number, i32: Number, i64: Int, isize: Number,
    u8: Number, u16: Number, u32: Number, u64: Number, usize: Number
}

/// Reads an integer. A type whose kind is `number` may be given a float, which has to be an integer then.
fn read_int(value: Table<'_>, kind: NativeKind, of: &'static str) -> Result<i64, TypeMismatch> {
    match (kind, value.u8(TAG)?) {
        (NativeKind::Number, tag::FLOAT) => {
            let float = f64::from_bits(value.table(MEMBER)?.u64(FIELD0)?);
            let int = float as i64;
            // From 2^63 on, the conversion saturates.
            let is_exact = int as f64 == float && int != i64::MAX;
            if is_exact { Ok(int) } else { Err(wrong_number(of, "int", "float")) }
        }
        (NativeKind::Number, tag::DECIMAL) => Err(wrong_number(of, "int", "decimal")),
        _ => Ok(member(value, tag::INT, kind)?.u64(FIELD0)? as i64),
    }
}

impl Wire for f64 {
    const KIND: NativeKind = NativeKind::Float;

    fn write<'a>(&'a self, writer: &mut Writer<'_, 'a>) -> Result<Offset, CodecError> {
        let member = write_f64(writer, *self);
        Ok(write_union(writer, tag::FLOAT, member))
    }

    fn read(value: Table<'_>) -> Result<Self, TypeMismatch> {
        Ok(f64::from_bits(member(value, tag::FLOAT, Self::KIND)?.u64(FIELD0)?))
    }
}

impl Wire for f32 {
    const KIND: NativeKind = NativeKind::Number;

    fn write<'a>(&'a self, writer: &mut Writer<'_, 'a>) -> Result<Offset, CodecError> {
        let member = write_f64(writer, f64::from(*self));
        Ok(write_union(writer, tag::FLOAT, member))
    }

    fn read(value: Table<'_>) -> Result<Self, TypeMismatch> {
        let float = match value.u8(TAG)? {
            tag::INT => {
                let int = value.table(MEMBER)?.u64(FIELD0)? as i64;
                // A fraction is rounded, as it is for an f64, and an int never.
                let is_exact = (int as f32) as i64 == int && int != i64::MAX;
                return if is_exact { Ok(int as f32) } else { Err(TypeMismatch::F32) };
            }
            tag::DECIMAL => return Err(wrong_number("f32", "float", "decimal")),
            _ => f64::from_bits(member(value, tag::FLOAT, Self::KIND)?.u64(FIELD0)?),
        };
        let rounded = float as f32;
        if rounded.is_infinite() && float.is_finite() {
            return Err(TypeMismatch::F32);
        }
        Ok(rounded)
    }
}

#[cold]
fn wrong_number(of: &'static str, expected: &'static str, got: &'static str) -> TypeMismatch {
    TypeMismatch::Number { of, expected, got }
}

impl<T: Wire> Wire for Option<T> {
    const KIND: NativeKind = NativeKind::Optional(&T::KIND);

    fn write<'a>(&'a self, writer: &mut Writer<'_, 'a>) -> Result<Offset, CodecError> {
        match self {
            Some(value) => value.write(writer),
            None => ().write(writer),
        }
    }

    fn read(value: Table<'_>) -> Result<Self, TypeMismatch> {
        match value.u8(TAG)? {
            tag::UNSET | tag::NONE => Ok(None),
            _ => T::read(value).map(Some).map_err(inside::<Self>),
        }
    }
}

impl<T: Wire> Wire for Vec<T> {
    const KIND: NativeKind = NativeKind::Array(&T::KIND);

    fn write<'a>(&'a self, writer: &mut Writer<'_, 'a>) -> Result<Offset, CodecError> {
        let member = write_tables(writer, self.iter(), |writer, value| value.write(writer))?;
        Ok(write_union(writer, tag::ARRAY, member))
    }

    fn read(value: Table<'_>) -> Result<Self, TypeMismatch> {
        let tables = member(value, tag::ARRAY, Self::KIND)?.tables(FIELD0)?;
        let mut values = Vec::with_capacity(tables.len());
        for table in tables {
            values.push(T::read(table?).map_err(inside::<Self>)?);
        }
        Ok(values)
    }
}

#[cold]
fn inside<T: Wire>(mismatch: TypeMismatch) -> TypeMismatch {
    TypeMismatch::Inner(T::KIND, Box::new(mismatch))
}
