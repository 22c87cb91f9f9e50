//! The kinds of native types, written without a [`Kind`](surrealdb_types::Kind): the general codec
//! of kinds, with all that its errors can print, would be half of a small plugin's code.

use super::CodecError;
use super::flatbuffers::schema::{KEY, ONLY, VALUE, kind};
use super::flatbuffers::writer::{Field, Node, Writer, message};
use super::native::{Native, Shape};
use super::value::{write_tables, write_value};

/// Native types as a list: `(i64, (String, ()))`.
pub trait NativeList {
    /// Adds the kind of each.
    fn list(shapes: &mut Vec<Shape>);
}

impl NativeList for () {
    fn list(_: &mut Vec<Shape>) {}
}

impl<T: Native, Rest: NativeList> NativeList for (T, Rest) {
    fn list(shapes: &mut Vec<Shape>) {
        shapes.push(T::SHAPE);
        Rest::list(shapes);
    }
}

/// Encodes the kind of a native type, as [`encode_kind`](super::encode_kind) does.
///
/// # Errors
///
/// None, as no type is that long.
pub fn encode_native_kind<T: Native>() -> Result<Vec<u8>, CodecError> {
    message(|writer| Ok(write(writer, T::SHAPE)))
}

/// Encodes arguments of native types, as [`encode_arguments`](super::encode_arguments) does.
///
/// # Errors
///
/// When the names are too long.
pub fn encode_native_arguments<T: NativeList>(names: &[&str]) -> Result<Vec<u8>, CodecError> {
    let mut shapes = Vec::new();
    T::list(&mut shapes);
    message(|writer| {
        write_tables(writer, names.iter().zip(shapes), |writer, (name, shape)| {
            let name = writer.string(name);
            let kind = write(writer, shape);
            Ok(writer.table([(VALUE, Field::Part(kind)), (KEY, Field::Part(name))]))
        })
    })
}

/// `Kind`, which is laid out as a value is: a tag, and a member, of which most are empty.
fn write(writer: &mut Writer<'_, '_>, shape: Shape) -> Node {
    let (tag, member) = match shape {
        Shape::None => return writer.table([]),
        Shape::Bool => (kind::BOOL, writer.table([])),
        Shape::Int => (kind::INT, writer.table([])),
        Shape::Float => (kind::FLOAT, writer.table([])),
        Shape::Number => (kind::NUMBER, writer.table([])),
        Shape::String => (kind::STRING, writer.table([])),
        Shape::Option(inner) => {
            let either = [writer.table([]), write(writer, *inner)];
            let either = writer.list(&either);
            (kind::EITHER, writer.table([(ONLY, Field::Part(either))]))
        }
        Shape::Array(inner) => {
            let inner = write(writer, *inner);
            (kind::ARRAY, writer.table([(ONLY, Field::Part(inner))]))
        }
    };
    write_value(writer, tag, member)
}
