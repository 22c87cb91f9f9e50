//! Rust types that cross without a [`Value`] in between: the same bytes, the same errors, none of
//! the cost.

use std::fmt;

use surrealdb_types::Value;

use super::flatbuffers::reader::{Message, Table};
use super::flatbuffers::schema::{MEMBER, ONLY, TAG, tag};
use super::flatbuffers::writer::{Node, Writer, message};
use super::value::{
    read, write_bool, write_float, write_long, write_tables, write_text, write_value,
};
use super::{CodecError, MAX_VALUE_DEPTH, Result, decode_values};

type Written = std::result::Result<Node, CodecError>;
type Read<T> = std::result::Result<T, TypeMismatch>;

/// A Rust type that is encoded and decoded directly: as its
/// [`SurrealValue`](surrealdb_types::SurrealValue) would be, without the value.
///
/// `()`, `bool`, the integers of up to 64 bits, `f32`, `f64`, `String`, and `Option` and `Vec` of
/// any of these. It cannot be implemented elsewhere.
pub trait Native: Wire {}

impl<T: Wire> Native for T {}

/// What [`Native`] types know. Public in name only.
pub trait Wire: Sized {
    const SHAPE: Shape;

    fn write<'a>(&'a self, writer: &mut Writer<'_, 'a>) -> Written;

    fn read(value: Table<'_>) -> Read<Self>;
}

/// The kind of a native type.
#[derive(Debug, Clone, Copy)]
pub enum Shape {
    None,
    Bool,
    Int,
    Float,
    Number,
    String,
    Option(&'static Shape),
    Array(&'static Shape),
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "none",
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Float => "float",
            Self::Number => "number",
            Self::String => "string",
            Self::Option(inner) => return write!(f, "none | {inner}"),
            Self::Array(inner) => return write!(f, "array<{inner}>"),
        })
    }
}

/// Why a value is none of a type, in the words of `surrealdb_types`.
#[derive(Debug)]
pub enum TypeMismatch {
    Kind { expected: Shape, got: u8 },
    Range { value: i64, of: &'static str },
    Within(Shape, Box<TypeMismatch>),
    CodecError(CodecError),
}

impl From<CodecError> for TypeMismatch {
    fn from(stop: CodecError) -> Self {
        Self::CodecError(stop)
    }
}

impl fmt::Display for TypeMismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kind { expected, got } => {
                write!(f, "Expected {expected}, got {}", tag::name(*got))
            }
            Self::Range { value, of } => write!(f, "Value {value} is out of range for type {of}"),
            Self::Within(shape, inner) => write!(f, "Failed to convert to {shape}: {inner}"),
            Self::CodecError(stop) => stop.fmt(f),
        }
    }
}

/// Encodes a native value, as [`encode_value`](super::encode_value) does.
///
/// # Errors
///
/// When the message would be too large.
pub fn encode_native<T: Native>(value: &T) -> std::result::Result<Vec<u8>, CodecError> {
    message(|writer| value.write(writer))
}

/// The arguments of a call: an encoded list of values, each to be decoded as what it should be.
#[derive(Debug)]
pub struct Arguments<'a> {
    bytes: &'a [u8],
    message: Message<'a>,
}

impl<'a> Arguments<'a> {
    /// Arguments as [`encode_values`](super::encode_values) encodes them.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, message: Message::new(bytes) }
    }

    /// Each of `N` arguments, or how many there are if it is another number.
    ///
    /// # Errors
    ///
    /// When the bytes are no such list.
    pub fn expect<const N: usize>(
        &self,
    ) -> std::result::Result<std::result::Result<[Argument<'_>; N], usize>, DecodeError> {
        self.list().map_err(|stop| DecodeError { bytes: self.bytes.len(), stop })
    }

    fn list<const N: usize>(
        &self,
    ) -> std::result::Result<std::result::Result<[Argument<'_>; N], usize>, CodecError> {
        let mut tables = self.message.root()?.tables(ONLY)?;
        if tables.len() != N {
            return Ok(Err(tables.len()));
        }
        let mut list = [None; N];
        for (index, place) in list.iter_mut().enumerate() {
            let table = tables.next().ok_or(CodecError::Malformed)??;
            *place = Some(Argument { arguments: self, index, table });
        }
        Ok(Ok(list.map(|argument| argument.expect("there are `N` tables"))))
    }
}

/// Bytes that are no list of arguments.
#[derive(Debug, thiserror::Error)]
#[error("cannot decode the arguments from {bytes} bytes: {stop}")]
pub struct DecodeError {
    bytes: usize,
    stop: CodecError,
}

/// One argument of a call, not yet decoded.
#[derive(Debug, Clone, Copy)]
pub struct Argument<'a> {
    arguments: &'a Arguments<'a>,
    index: usize,
    table: Table<'a>,
}

impl Argument<'_> {
    /// Decodes the argument as what it should be.
    ///
    /// # Errors
    ///
    /// When it is of another kind.
    pub fn native<T: Native>(&self) -> Read<T> {
        T::read(self.table)
    }

    /// Decodes the argument as the value that it is.
    ///
    /// # Errors
    ///
    /// When it cannot be decoded.
    pub fn value(&self) -> Result<Value> {
        match read(self.table, MAX_VALUE_DEPTH) {
            Err(CodecError::Unsupported) => {
                Ok(decode_values(self.arguments.bytes)?.swap_remove(self.index))
            }
            hot => Ok(hot?),
        }
    }
}

/// The member of a value, if it is of the kind with that tag.
fn member<'a>(value: Table<'a>, tag: u8, expected: Shape) -> Read<Table<'a>> {
    let got = value.byte(TAG)?;
    if got == tag { Ok(value.table(MEMBER)?) } else { Err(TypeMismatch::Kind { expected, got }) }
}

impl Wire for () {
    const SHAPE: Shape = Shape::None;

    fn write<'a>(&'a self, writer: &mut Writer<'_, 'a>) -> Written {
        Ok(writer.table([]))
    }

    fn read(value: Table<'_>) -> Read<Self> {
        match value.byte(TAG)? {
            tag::UNSET | tag::NONE => Ok(()),
            got => Err(TypeMismatch::Kind { expected: Self::SHAPE, got }),
        }
    }
}

impl Wire for bool {
    const SHAPE: Shape = Shape::Bool;

    fn write<'a>(&'a self, writer: &mut Writer<'_, 'a>) -> Written {
        let member = write_bool(writer, *self);
        Ok(write_value(writer, tag::BOOL, member))
    }

    fn read(value: Table<'_>) -> Read<Self> {
        Ok(member(value, tag::BOOL, Self::SHAPE)?.byte(ONLY)? != 0)
    }
}

impl Wire for String {
    const SHAPE: Shape = Shape::String;

    fn write<'a>(&'a self, writer: &mut Writer<'_, 'a>) -> Written {
        let member = write_text(writer, self);
        Ok(write_value(writer, tag::STRING, member))
    }

    fn read(value: Table<'_>) -> Read<Self> {
        Ok(member(value, tag::STRING, Self::SHAPE)?.text(ONLY)?.to_string())
    }
}

macro_rules! integers {
    ($($int:ident: $shape:ident),*) => {$(
        impl Wire for $int {
            const SHAPE: Shape = Shape::$shape;

            fn write<'a>(&'a self, writer: &mut Writer<'_, 'a>) -> Written {
                let member = write_long(writer, *self as i64 as u64);
                Ok(write_value(writer, tag::INT, member))
            }

            fn read(value: Table<'_>) -> Read<Self> {
                let value = member(value, tag::INT, Self::SHAPE)?.long(ONLY)? as i64;
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
    ($($float:ident: $shape:ident),*) => {$(
        impl Wire for $float {
            const SHAPE: Shape = Shape::$shape;

            fn write<'a>(&'a self, writer: &mut Writer<'_, 'a>) -> Written {
                let member = write_float(writer, f64::from(*self));
                Ok(write_value(writer, tag::FLOAT, member))
            }

            fn read(value: Table<'_>) -> Read<Self> {
                let bits = member(value, tag::FLOAT, Self::SHAPE)?.long(ONLY)?;
                Ok(f64::from_bits(bits) as $float)
            }
        }
    )*};
}
floats! { f32: Number, f64: Float }

impl<T: Wire> Wire for Option<T> {
    const SHAPE: Shape = Shape::Option(&T::SHAPE);

    fn write<'a>(&'a self, writer: &mut Writer<'_, 'a>) -> Written {
        match self {
            Some(value) => value.write(writer),
            None => ().write(writer),
        }
    }

    fn read(value: Table<'_>) -> Read<Self> {
        match value.byte(TAG)? {
            tag::UNSET | tag::NONE => Ok(None),
            _ => T::read(value).map(Some).map_err(within::<Self>),
        }
    }
}

impl<T: Wire> Wire for Vec<T> {
    const SHAPE: Shape = Shape::Array(&T::SHAPE);

    fn write<'a>(&'a self, writer: &mut Writer<'_, 'a>) -> Written {
        let member = write_tables(writer, self.iter(), |writer, value| value.write(writer))?;
        Ok(write_value(writer, tag::ARRAY, member))
    }

    fn read(value: Table<'_>) -> Read<Self> {
        let tables = member(value, tag::ARRAY, Self::SHAPE)?.tables(ONLY)?;
        let mut values = Vec::with_capacity(tables.len());
        for table in tables {
            values.push(T::read(table?).map_err(within::<Self>)?);
        }
        Ok(values)
    }
}

#[cold]
fn within<T: Wire>(mismatch: TypeMismatch) -> TypeMismatch {
    TypeMismatch::Within(T::SHAPE, Box::new(mismatch))
}
