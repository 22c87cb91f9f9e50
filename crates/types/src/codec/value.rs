//! The hot path: the kinds of values that most calls are made of, written and read without the
//! general codec. A message with any other kind in it goes the general way as a whole.

use std::collections::BTreeMap;

use smallvec::SmallVec;
use surrealdb_types::{Array, Bytes, Datetime, Duration, Number, Object, Value};

use super::flatbuffers::reader::{Message, Table, Tables};
use super::flatbuffers::schema::{KEY, MEMBER, NANOS, ONLY, PRESENT, SECONDS, TAG, VALUE, tag};
use super::flatbuffers::writer::{Field, Node, Writer};
use super::{CodecError, MAX_VALUE_DEPTH};

/// A value alone, as `surrealdb_types::encode` writes it.
pub(super) fn write_one<'a>(
    writer: &mut Writer<'_, 'a>,
    value: &'a Value,
) -> Result<Node, CodecError> {
    write(writer, value, MAX_VALUE_DEPTH)
}

/// `ValueList`
pub(super) fn write_values<'a>(
    writer: &mut Writer<'_, 'a>,
    values: &'a [Value],
) -> Result<Node, CodecError> {
    write_list(writer, values, MAX_VALUE_DEPTH)
}

/// `OptionalValueList`
pub(super) fn write_optional_values<'a>(
    writer: &mut Writer<'_, 'a>,
    values: &'a [Option<Value>],
) -> Result<Node, CodecError> {
    write_tables(writer, values.iter(), |writer, value| {
        let Some(value) = value else { return Ok(writer.table([])) };
        let value = write(writer, value, MAX_VALUE_DEPTH)?;
        Ok(writer.table([(VALUE, Field::Part(value)), (PRESENT, Field::Byte(1))]))
    })
}

/// `StringKeyValueList`
pub(super) fn write_entries<'a>(
    writer: &mut Writer<'_, 'a>,
    entries: &'a [(String, Value)],
) -> Result<Node, CodecError> {
    write_tables(writer, entries.iter(), |writer, (key, value)| {
        write_entry(writer, key, value, MAX_VALUE_DEPTH)
    })
}

/// A table whose one field is a list of tables.
#[inline]
pub(super) fn write_tables<'a, T>(
    writer: &mut Writer<'_, 'a>,
    items: impl ExactSizeIterator<Item = T>,
    mut write: impl FnMut(&mut Writer<'_, 'a>, T) -> Result<Node, CodecError>,
) -> Result<Node, CodecError> {
    let mut nodes = SmallVec::<[Node; 4]>::with_capacity(items.len());
    for item in items {
        nodes.push(write(writer, item)?);
    }
    let list = writer.list(&nodes);
    Ok(writer.table([(ONLY, Field::Part(list))]))
}

fn write_list<'a>(
    writer: &mut Writer<'_, 'a>,
    values: &'a [Value],
    levels: usize,
) -> Result<Node, CodecError> {
    write_tables(writer, values.iter(), |writer, value| write(writer, value, levels))
}

fn write_entry<'a>(
    writer: &mut Writer<'_, 'a>,
    key: &'a str,
    value: &'a Value,
    levels: usize,
) -> Result<Node, CodecError> {
    let key = writer.string(key);
    let value = write(writer, value, levels)?;
    Ok(writer.table([(VALUE, Field::Part(value)), (KEY, Field::Part(key))]))
}

fn write<'a>(
    writer: &mut Writer<'_, 'a>,
    value: &'a Value,
    levels: usize,
) -> Result<Node, CodecError> {
    let levels = levels.checked_sub(1).ok_or(CodecError::TooDeep)?;
    let (tag, member) = match value {
        // Neither tag nor member.
        Value::None => return Ok(writer.table([])),
        Value::Null => (tag::NULL, writer.table([])),
        Value::Bool(value) => (tag::BOOL, write_bool(writer, *value)),
        Value::Number(Number::Int(value)) => (tag::INT, write_long(writer, *value as u64)),
        Value::Number(Number::Float(value)) => (tag::FLOAT, write_float(writer, *value)),
        Value::String(text) => (tag::STRING, write_text(writer, text)),
        Value::Bytes(bytes) => {
            let bytes = writer.bytes(bytes);
            (tag::BYTES, writer.table([(ONLY, Field::Part(bytes))]))
        }
        Value::Duration(duration) => {
            // The format's seconds have a sign.
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
    Ok(write_value(writer, tag, member))
}

/// `Value`, around a member of its union.
#[inline]
pub(super) fn write_value(writer: &mut Writer<'_, '_>, tag: u8, member: Node) -> Node {
    writer.table([(MEMBER, Field::Part(member)), (TAG, Field::Byte(tag))])
}

// Fields that are zero are left out.

#[inline]
pub(super) fn write_bool(writer: &mut Writer<'_, '_>, value: bool) -> Node {
    if value { writer.table([(ONLY, Field::Byte(1))]) } else { writer.table([]) }
}

#[inline]
pub(super) fn write_long(writer: &mut Writer<'_, '_>, value: u64) -> Node {
    if value != 0 { writer.table([(ONLY, Field::Long(value))]) } else { writer.table([]) }
}

pub(super) fn write_float(writer: &mut Writer<'_, '_>, value: f64) -> Node {
    // The builder compares numbers: zero is left out with either sign.
    let bits = if value == 0.0 { 0 } else { value.to_bits() };
    write_long(writer, bits)
}

pub(super) fn write_text<'a>(writer: &mut Writer<'_, 'a>, text: &'a str) -> Node {
    let text = writer.string(text);
    writer.table([(ONLY, Field::Part(text))])
}

fn write_time(writer: &mut Writer<'_, '_>, seconds: u64, nanos: u32) -> Node {
    let (seconds, nanos) = ((SECONDS, Field::Long(seconds)), (NANOS, Field::Word(nanos)));
    match (seconds, nanos) {
        ((_, Field::Long(0)), (_, Field::Word(0))) => writer.table([]),
        (_, (_, Field::Word(0))) => writer.table([seconds]),
        ((_, Field::Long(0)), _) => writer.table([nanos]),
        _ => writer.table([seconds, nanos]),
    }
}

/// Reads what [`write_one`] writes.
pub(super) fn read_one(bytes: &[u8]) -> Result<Value, CodecError> {
    read(Message::new(bytes).root()?, MAX_VALUE_DEPTH)
}

/// Reads what [`write_values`] writes.
pub(super) fn read_list(bytes: &[u8]) -> Result<Vec<Value>, CodecError> {
    read_values(Message::new(bytes).root()?, MAX_VALUE_DEPTH)
}

/// Reads what [`write_optional_values`] writes.
pub(super) fn read_optional_list(bytes: &[u8]) -> Result<Vec<Option<Value>>, CodecError> {
    read_tables(Message::new(bytes).root()?.tables(ONLY)?, |optional| {
        let present = optional.byte(PRESENT)? != 0;
        present.then(|| read(optional.table(VALUE)?, MAX_VALUE_DEPTH)).transpose()
    })
}

/// Reads what [`write_entries`] writes.
pub(super) fn read_entries(bytes: &[u8]) -> Result<Vec<(String, Value)>, CodecError> {
    let entries = Message::new(bytes);
    read_tables(entries.root()?.tables(ONLY)?, |entry| read_entry(entry, MAX_VALUE_DEPTH))
}

fn read_tables<'a, T, C: FromIterator<T>>(
    tables: Tables<'a>,
    mut read: impl FnMut(Table<'a>) -> Result<T, CodecError>,
) -> Result<C, CodecError> {
    tables.map(|table| read(table?)).collect()
}

fn read_values(list: Table<'_>, levels: usize) -> Result<Vec<Value>, CodecError> {
    let tables = list.tables(ONLY)?;
    // The list is as long as it says, so the room is paid for by its bytes.
    let mut values = Vec::with_capacity(tables.len());
    for table in tables {
        values.push(read(table?, levels)?);
    }
    Ok(values)
}

fn read_entry(entry: Table<'_>, levels: usize) -> Result<(String, Value), CodecError> {
    Ok((entry.text(KEY)?.to_string(), read(entry.table(VALUE)?, levels)?))
}

pub(super) fn read(value: Table<'_>, levels: usize) -> Result<Value, CodecError> {
    let levels = levels.checked_sub(1).ok_or(CodecError::TooDeep)?;
    let member = || value.table(MEMBER);
    Ok(match value.byte(TAG)? {
        tag::UNSET | tag::NONE => Value::None,
        tag::NULL => Value::Null,
        tag::BOOL => Value::Bool(member()?.byte(ONLY)? != 0),
        tag::INT => Value::Number(Number::Int(member()?.long(ONLY)? as i64)),
        tag::FLOAT => Value::Number(Number::Float(f64::from_bits(member()?.long(ONLY)?))),
        tag::STRING => Value::String(member()?.text(ONLY)?.to_string()),
        tag::BYTES => Value::Bytes(Bytes::from(member()?.bytes(ONLY)?.to_vec())),
        tag::DURATION => {
            let (seconds, nanos) = (member()?.long(SECONDS)?, member()?.word(NANOS)?);
            // A second of nanoseconds or more would carry over.
            if (seconds as i64) < 0 || nanos >= 1_000_000_000 {
                return Err(CodecError::Unsupported);
            }
            Value::Duration(Duration::new(seconds, nanos))
        }
        tag::DATETIME => {
            let (seconds, nanos) = (member()?.long(SECONDS)?, member()?.word(NANOS)?);
            let time = Datetime::from_timestamp(seconds as i64, nanos);
            Value::Datetime(time.ok_or(CodecError::Malformed)?)
        }
        tag::ARRAY => {
            let mut array = Array::new();
            *array = read_values(member()?, levels)?;
            Value::Array(array)
        }
        tag::OBJECT => {
            let fields: BTreeMap<String, Value> =
                read_tables(member()?.tables(ONLY)?, |field| read_entry(field, levels))?;
            let mut object = Object::new();
            *object = fields;
            Value::Object(object)
        }
        _ => return Err(CodecError::Unsupported),
    })
}
