//! The fast path: the common kinds of values, without the general codec.
//!
//! A message that holds any other kind fails with [`CodecError::Unsupported`] as a whole.

use smallvec::SmallVec;
use surrealdb_types::{Array, Bytes, Datetime, Duration, Number, Object, Value};

use super::error::CodecError;
use super::flatbuffers::reader::{Message, Table};
use super::flatbuffers::schema::{
    FIELD0, FieldId, KEY, MEMBER, NANOS, PRESENT, SECONDS, TAG, VALUE, tag,
};
use super::flatbuffers::writer::{Field, Offset, Writer};
use super::limits::MAX_VALUE_DEPTH;
use super::memory::{ALLOCATION_BYTES, FIELD_BYTES, VALUE_BYTES};

/// Writes a table `Value`.
pub(super) fn write_value<'a>(
    writer: &mut Writer<'_, 'a>,
    value: &'a Value,
) -> Result<Offset, CodecError> {
    write_nested(writer, value, MAX_VALUE_DEPTH)
}

/// Writes a table `ValueList`.
pub(super) fn write_values<'a>(
    writer: &mut Writer<'_, 'a>,
    values: &'a [Value],
) -> Result<Offset, CodecError> {
    write_list(writer, values, MAX_VALUE_DEPTH)
}

/// Writes a table `OptionalValueList`.
pub(super) fn write_optional_values<'a>(
    writer: &mut Writer<'_, 'a>,
    values: &'a [Option<Value>],
) -> Result<Offset, CodecError> {
    write_tables(writer, values.iter(), |writer, value| {
        let Some(value) = value else { return Ok(writer.table([])) };
        let value = write_nested(writer, value, MAX_VALUE_DEPTH)?;
        Ok(writer.table([(VALUE, Field::Offset(value)), (PRESENT, Field::U8(1))]))
    })
}

/// Writes a table `StringKeyValueList`.
pub(super) fn write_entries<'a>(
    writer: &mut Writer<'_, 'a>,
    entries: &'a [(String, Value)],
) -> Result<Offset, CodecError> {
    write_tables(writer, entries.iter(), |writer, (key, value)| {
        write_entry(writer, key, value, MAX_VALUE_DEPTH)
    })
}

/// Writes a table whose only field is a vector of tables.
#[inline]
pub(super) fn write_tables<'a, T>(
    writer: &mut Writer<'_, 'a>,
    items: impl ExactSizeIterator<Item = T>,
    mut write: impl FnMut(&mut Writer<'_, 'a>, T) -> Result<Offset, CodecError>,
) -> Result<Offset, CodecError> {
    let mut offsets = SmallVec::<[Offset; 4]>::with_capacity(items.len());
    for item in items {
        offsets.push(write(writer, item)?);
    }
    let vector = writer.vector(&offsets);
    Ok(writer.table([(FIELD0, Field::Offset(vector))]))
}

fn write_list<'a>(
    writer: &mut Writer<'_, 'a>,
    values: &'a [Value],
    levels: usize,
) -> Result<Offset, CodecError> {
    write_tables(writer, values.iter(), |writer, value| write_nested(writer, value, levels))
}

fn write_entry<'a>(
    writer: &mut Writer<'_, 'a>,
    key: &'a str,
    value: &'a Value,
    levels: usize,
) -> Result<Offset, CodecError> {
    let key = writer.str(key);
    let value = write_nested(writer, value, levels)?;
    Ok(writer.table([(VALUE, Field::Offset(value)), (KEY, Field::Offset(key))]))
}

/// Writes a value that may be `levels` deep.
fn write_nested<'a>(
    writer: &mut Writer<'_, 'a>,
    value: &'a Value,
    levels: usize,
) -> Result<Offset, CodecError> {
    let levels = levels.checked_sub(1).ok_or(CodecError::TooDeep)?;
    let (tag, member) = match value {
        // Without a tag and a member.
        Value::None => return Ok(writer.table([])),
        Value::Null => (tag::NULL, writer.table([])),
        Value::Bool(value) => (tag::BOOL, write_bool(writer, *value)),
        Value::Number(Number::Int(value)) => (tag::INT, write_u64(writer, *value as u64)),
        Value::Number(Number::Float(value)) => (tag::FLOAT, write_f64(writer, *value)),
        Value::String(text) => (tag::STRING, write_str(writer, text)),
        Value::Bytes(bytes) => {
            let bytes = writer.bytes(bytes);
            (tag::BYTES, writer.table([(FIELD0, Field::Offset(bytes))]))
        }
        Value::Duration(duration) => {
            // The format's seconds are signed.
            let seconds = i64::try_from(duration.as_secs()).map_err(|_| CodecError::Unsupported)?;
            (tag::DURATION, write_time(writer, seconds as u64, duration.subsec_nanos()))
        }
        Value::Datetime(time) => {
            let (seconds, nanos) = (time.timestamp(), time.timestamp_subsec_nanos());
            (tag::DATETIME, write_time(writer, seconds as u64, nanos))
        }
        Value::Array(values) => (tag::ARRAY, write_list(writer, values, levels)?),
        Value::Object(fields) => {
            let fields = write_tables(writer, fields.iter(), |writer, (key, value)| {
                write_entry(writer, key, value, levels)
            });
            (tag::OBJECT, fields?)
        }
        _ => return Err(CodecError::Unsupported),
    };
    Ok(write_union(writer, tag, member))
}

/// Writes a `Value` or a `Kind`, which is a table around a member of a union.
#[inline]
pub(super) fn write_union(writer: &mut Writer<'_, '_>, tag: u8, member: Offset) -> Offset {
    writer.table([(MEMBER, Field::Offset(member)), (TAG, Field::U8(tag))])
}

// A field that is zero is left out.

#[inline]
pub(super) fn write_bool(writer: &mut Writer<'_, '_>, value: bool) -> Offset {
    if value { writer.table([(FIELD0, Field::U8(1))]) } else { writer.table([]) }
}

#[inline]
pub(super) fn write_u64(writer: &mut Writer<'_, '_>, value: u64) -> Offset {
    if value != 0 { writer.table([(FIELD0, Field::U64(value))]) } else { writer.table([]) }
}

pub(super) fn write_f64(writer: &mut Writer<'_, '_>, value: f64) -> Offset {
    // By its bits: the builder of `flatbuffers` compares numbers, and so loses the sign of -0.
    write_u64(writer, value.to_bits())
}

pub(super) fn write_str<'a>(writer: &mut Writer<'_, 'a>, text: &'a str) -> Offset {
    let text = writer.str(text);
    writer.table([(FIELD0, Field::Offset(text))])
}

fn write_time(writer: &mut Writer<'_, '_>, seconds: u64, nanos: u32) -> Offset {
    let (seconds, nanos) = ((SECONDS, Field::U64(seconds)), (NANOS, Field::U32(nanos)));
    match (seconds, nanos) {
        ((_, Field::U64(0)), (_, Field::U32(0))) => writer.table([]),
        (_, (_, Field::U32(0))) => writer.table([seconds]),
        ((_, Field::U64(0)), _) => writer.table([nanos]),
        _ => writer.table([seconds, nanos]),
    }
}

/// Reads what [`write_value`] writes.
pub(super) fn read_value(message: &Message<'_>) -> Result<Value, CodecError> {
    read_table(message.root()?)
}

/// Reads the value in a table.
pub(super) fn read_table(value: Table<'_>) -> Result<Value, CodecError> {
    read_nested(value, MAX_VALUE_DEPTH)
}

/// Reads what [`write_values`] writes.
pub(super) fn read_values(message: &Message<'_>) -> Result<Vec<Value>, CodecError> {
    read_list(message.root()?, MAX_VALUE_DEPTH)
}

/// Reads what [`write_optional_values`] writes.
pub(super) fn read_optional_values(
    message: &Message<'_>,
) -> Result<Vec<Option<Value>>, CodecError> {
    read_tables(message.root()?, size_of::<Option<Value>>(), |optional| {
        let present = optional.u8(PRESENT)? != 0;
        present.then(|| read_table(optional.table(VALUE)?)).transpose()
    })
}

/// Reads what [`write_entries`] writes.
pub(super) fn read_entries(message: &Message<'_>) -> Result<Vec<(String, Value)>, CodecError> {
    read_tables(message.root()?, FIELD_BYTES, |entry| read_entry(entry, MAX_VALUE_DEPTH))
}

/// Reads the tables of a list, each into an item of `item_bytes`.
fn read_tables<'a, T>(
    list: Table<'a>,
    item_bytes: usize,
    mut read: impl FnMut(Table<'a>) -> Result<T, CodecError>,
) -> Result<Vec<T>, CodecError> {
    let tables = list.tables(FIELD0)?;
    list.memory().charge(tables.len().saturating_mul(item_bytes) + ALLOCATION_BYTES)?;
    let mut items = Vec::with_capacity(tables.len());
    for table in tables {
        items.push(read(table?)?);
    }
    Ok(items)
}

fn read_list(list: Table<'_>, levels: usize) -> Result<Vec<Value>, CodecError> {
    read_tables(list, VALUE_BYTES, |value| read_nested(value, levels))
}

fn read_entry(entry: Table<'_>, levels: usize) -> Result<(String, Value), CodecError> {
    Ok((read_string(entry, KEY)?, read_nested(entry.table(VALUE)?, levels)?))
}

fn read_string(table: Table<'_>, id: FieldId) -> Result<String, CodecError> {
    // Charged before the text is looked at.
    let text = table.bytes(id)?;
    table.memory().charge(text.len() + ALLOCATION_BYTES)?;
    Ok(std::str::from_utf8(text).map_err(|_| CodecError::Malformed)?.to_string())
}

fn read_bytes(table: Table<'_>) -> Result<Bytes, CodecError> {
    let bytes = table.bytes(FIELD0)?;
    table.memory().charge(bytes.len() + ALLOCATION_BYTES)?;
    Ok(Bytes::from(bytes.to_vec()))
}

fn read_object(object: Table<'_>, levels: usize) -> Result<Object, CodecError> {
    object.memory().charge_nodes(object.len(FIELD0)?)?;
    let fields = read_tables(object, FIELD_BYTES, |field| read_entry(field, levels))?;
    let mut object = Object::new();
    *object = fields.into_iter().collect();
    Ok(object)
}

/// Reads a value that may be `levels` deep.
fn read_nested(value: Table<'_>, levels: usize) -> Result<Value, CodecError> {
    let levels = levels.checked_sub(1).ok_or(CodecError::TooDeep)?;
    let member = || value.table(MEMBER);
    Ok(match value.u8(TAG)? {
        tag::UNSET | tag::NONE => Value::None,
        tag::NULL => Value::Null,
        tag::BOOL => Value::Bool(member()?.u8(FIELD0)? != 0),
        tag::INT => Value::Number(Number::Int(member()?.u64(FIELD0)? as i64)),
        tag::FLOAT => Value::Number(Number::Float(f64::from_bits(member()?.u64(FIELD0)?))),
        tag::STRING => Value::String(read_string(member()?, FIELD0)?),
        tag::BYTES => Value::Bytes(read_bytes(member()?)?),
        tag::DURATION => {
            let (seconds, nanos) = (member()?.u64(SECONDS)?, member()?.u32(NANOS)?);
            // The general codec carries nanoseconds over into seconds.
            if (seconds as i64) < 0 || nanos >= 1_000_000_000 {
                return Err(CodecError::Unsupported);
            }
            Value::Duration(Duration::new(seconds, nanos))
        }
        tag::DATETIME => {
            let (seconds, nanos) = (member()?.u64(SECONDS)?, member()?.u32(NANOS)?);
            let time = Datetime::from_timestamp(seconds as i64, nanos);
            Value::Datetime(time.ok_or(CodecError::Malformed)?)
        }
        tag::ARRAY => {
            let mut array = Array::new();
            *array = read_list(member()?, levels)?;
            Value::Array(array)
        }
        tag::OBJECT => Value::Object(read_object(member()?, levels)?),
        _ => return Err(CodecError::Unsupported),
    })
}
