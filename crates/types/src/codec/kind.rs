//! The kinds of native types, encoded without a [`Kind`](surrealdb_types::Kind): the general codec of kinds,
//! with everything that its errors can print, would be half of a small plugin's code.

use super::error::CodecError;
use super::flatbuffers::schema::{FIELD0, KEY, VALUE, kind};
use super::flatbuffers::writer::{Field, Offset, Writer, write_message};
use super::native::{Native, NativeKind};
use super::value::{write_tables, write_union};

/// A list of [`Native`] types, written as nested pairs: `(i64, (String, ()))`.
pub trait NativeList {
    /// Appends the kind of each type to `kinds`.
    fn push_kinds(kinds: &mut Vec<NativeKind>);
}

impl NativeList for () {
    fn push_kinds(_: &mut Vec<NativeKind>) {}
}

impl<T: Native, Rest: NativeList> NativeList for (T, Rest) {
    fn push_kinds(kinds: &mut Vec<NativeKind>) {
        kinds.push(T::KIND);
        Rest::push_kinds(kinds);
    }
}

/// Encodes the kind of a native type, as [`encode_kind`](super::encode_kind) does.
///
/// # Errors
///
/// When the message would be too large, which the kind of no real type is.
pub fn encode_native_kind<T: Native>() -> Result<Vec<u8>, CodecError> {
    write_message(|writer| Ok(write_kind(writer, T::KIND)))
}

/// Encodes the arguments of a signature, by name and native type, as
/// [`encode_arguments`](super::encode_arguments) does. `names` and `T` have the same length.
///
/// # Errors
///
/// When the message would be too large.
pub fn encode_native_arguments<T: NativeList>(names: &[&str]) -> Result<Vec<u8>, CodecError> {
    let mut kinds = Vec::new();
    T::push_kinds(&mut kinds);
    write_message(|writer| {
        write_tables(writer, names.iter().zip(kinds), |writer, (name, kind)| {
            let name = writer.str(name);
            let kind = write_kind(writer, kind);
            Ok(writer.table([(VALUE, Field::Offset(kind)), (KEY, Field::Offset(name))]))
        })
    })
}

/// Writes a table `Kind`, a union like `Value`. Most members are empty tables.
fn write_kind(writer: &mut Writer<'_, '_>, kind: NativeKind) -> Offset {
    let (tag, member) = match kind {
        NativeKind::None => return writer.table([]),
        NativeKind::Bool => (kind::BOOL, writer.table([])),
        NativeKind::Int => (kind::INT, writer.table([])),
        NativeKind::Float => (kind::FLOAT, writer.table([])),
        NativeKind::Number => (kind::NUMBER, writer.table([])),
        NativeKind::String => (kind::STRING, writer.table([])),
        NativeKind::Option(inner) => {
            let kinds = [writer.table([]), write_kind(writer, *inner)];
            let kinds = writer.vector(&kinds);
            (kind::EITHER, writer.table([(FIELD0, Field::Offset(kinds))]))
        }
        NativeKind::Array(inner) => {
            let inner = write_kind(writer, *inner);
            (kind::ARRAY, writer.table([(FIELD0, Field::Offset(inner))]))
        }
    };
    write_union(writer, tag, member)
}
