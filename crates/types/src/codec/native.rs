//! Rust types that cross without a [`Value`](surrealdb_types::Value) in between: the same bytes, the same
//! errors, less work and less code.

use std::fmt;

use super::error::CodecError;
use super::flatbuffers::reader::{Message, Table};
use super::flatbuffers::schema::{FIELD0, MEMBER, TAG, tag};
use super::flatbuffers::writer::{Offset, Writer, write_message};
use super::value::{write_bool, write_f64, write_str, write_tables, write_u64, write_union};

/// A Rust type that is encoded and decoded directly.
///
/// Implemented for `()`, `bool`, the integers of up to 64 bits, `f32`, `f64`, `String`, and `Option` and
/// `Vec` of any of these. It cannot be implemented for other types. The bytes and errors are those of the
/// type's [`SurrealValue`](surrealdb_types::SurrealValue).
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
    T::read(Message::new(bytes).root()?)
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
                let member = write_u64(writer, *self as i64 as u64);
                Ok(write_union(writer, tag::INT, member))
            }

            fn read(value: Table<'_>) -> Result<Self, TypeMismatch> {
                let value = member(value, tag::INT, Self::KIND)?.u64(FIELD0)? as i64;
                value.try_into().map_err(|_| TypeMismatch::Range { value, of: stringify!($int) })
            }
        }
    )*};
}
integers! {
    i8: Number, i16: Number, i32: Number, i64: Int, isize: Number,
    u8: Number, u16: Number, u32: Number, u64: Number, usize: Number
}

macro_rules! floats {
    ($($float:ident: $kind:ident),*) => {$(
        impl Wire for $float {
            const KIND: NativeKind = NativeKind::$kind;

            fn write<'a>(&'a self, writer: &mut Writer<'_, 'a>) -> Result<Offset, CodecError> {
                let member = write_f64(writer, f64::from(*self));
                Ok(write_union(writer, tag::FLOAT, member))
            }

            fn read(value: Table<'_>) -> Result<Self, TypeMismatch> {
                let bits = member(value, tag::FLOAT, Self::KIND)?.u64(FIELD0)?;
                Ok(f64::from_bits(bits) as $float)
            }
        }
    )*};
}
floats! { f32: Number, f64: Float }

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
