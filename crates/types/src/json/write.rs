//! Values as JSON.

use std::ops::Bound;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Map, Number as JsonNumber, Value as Json, json};
use surrealdb_types::{
    Geometry, Number, Object, Range, RecordId, RecordIdKey, SurrealValue, ToSql, Value,
};

use super::{OBJECT_TAG, tagged_kind};
use crate::coerce::MAX_DEPTH;

/// The largest int up to which every program that reads JSON numbers as floats has them all.
const MAX_SAFE_INT: u64 = 1 << 53;

/// Writes a value in the plain form; see [the forms](super#the-forms).
///
/// [`from_json`](super::from_json) reads it back to an equal value by every kind that says what is in it.
pub fn to_json(value: &Value) -> Json {
    write(value, Form::Plain, MAX_DEPTH)
}

/// Writes a value in [the lossless form](super#the-lossless-form), in which whatever JSON does not tell by
/// itself says its kind.
///
/// [`from_json`](super::from_json) reads it back to an equal value by every kind that the value is of.
pub fn to_json_lossless(value: &Value) -> Json {
    write(value, Form::Lossless, MAX_DEPTH)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Plain,
    Lossless,
}

impl Form {
    /// Says the kind of what has been written plainly, in the form that asks for it.
    fn tag(self, tag: &str, plain: Json) -> Json {
        match self {
            Self::Plain => plain,
            Self::Lossless => tagged(tag, plain),
        }
    }
}

fn tagged(tag: &str, content: Json) -> Json {
    Json::Object(Map::from_iter([(tag.to_string(), content)]))
}

fn write(value: &Value, form: Form, depth: usize) -> Json {
    let Some(depth) = depth.checked_sub(1) else { return Json::Null };
    match value {
        Value::None => form.tag("$none", Json::Null),
        Value::Null => Json::Null,
        Value::Bool(value) => json!(value),
        Value::Number(number) => write_number(*number, form),
        Value::String(text) => json!(text),
        Value::Bytes(bytes) => form.tag("$bytes", json!(BASE64.encode(&***bytes))),
        Value::Duration(duration) => form.tag("$duration", json!(duration.to_string())),
        Value::Datetime(datetime) => form.tag("$datetime", json!(datetime.to_string())),
        Value::Uuid(uuid) => form.tag("$uuid", json!(uuid.to_string())),
        Value::Geometry(geometry) => form.tag("$geometry", write_geometry(geometry, depth)),
        Value::Table(table) => form.tag("$table", json!(table.as_str())),
        Value::RecordId(id) => form.tag("$record", write_record(id, depth)),
        Value::File(file) => form.tag("$file", json!({ "bucket": file.bucket, "key": file.key })),
        Value::Range(range) => form.tag("$range", write_range(range, depth)),
        Value::Regex(regex) => form.tag("$regex", json!(regex.regex().as_str())),
        Value::Array(items) => write_items(items.iter(), form, depth),
        Value::Set(items) => form.tag("$set", write_items(items.iter(), form, depth)),
        Value::Object(fields) => write_object(fields, form, depth),
    }
}

fn write_number(number: Number, form: Form) -> Json {
    match number {
        Number::Int(int) if form == Form::Lossless && int.unsigned_abs() > MAX_SAFE_INT => {
            tagged("$int", json!(int.to_string()))
        }
        Number::Int(int) => json!(int),
        Number::Float(float) => match JsonNumber::from_f64(float) {
            // Other programs write it without the point, as an int.
            Some(number) if float.fract() == 0.0 => form.tag("$float", Json::Number(number)),
            Some(number) => Json::Number(number),
            // NaN, Infinity, -Infinity.
            None => form.tag("$float", json!(Number::Float(float).to_string())),
        },
        Number::Decimal(decimal) => form.tag("$decimal", json!(decimal.to_string())),
    }
}

fn write_items<'a>(items: impl Iterator<Item = &'a Value>, form: Form, depth: usize) -> Json {
    items.map(|item| write(item, form, depth)).collect()
}

fn write_object(fields: &Object, form: Form, depth: usize) -> Json {
    let object =
        fields.iter().map(|(name, value)| (name.clone(), write(value, form, depth))).collect();
    match fields.keys().next() {
        Some(name) if fields.len() == 1 && tagged_kind(name).is_some() => {
            tagged(OBJECT_TAG, Json::Object(object))
        }
        _ => Json::Object(object),
    }
}

fn write_record(id: &RecordId, depth: usize) -> Json {
    match &id.key {
        RecordIdKey::Number(_) | RecordIdKey::String(_) | RecordIdKey::Uuid(_) => {
            json!(id.to_sql())
        }
        key => {
            let key = write(&key.clone().into_value(), Form::Lossless, depth);
            json!({ "table": id.table.as_str(), "key": key })
        }
    }
}

fn write_range(range: &Range, depth: usize) -> Json {
    let bounds = [("start", &range.start), ("end", &range.end)].into_iter();
    let bounds = bounds.filter_map(|(name, bound)| {
        let (way, value) = match bound {
            Bound::Included(value) => ("included", value),
            Bound::Excluded(value) => ("excluded", value),
            Bound::Unbounded => return None,
        };
        Some((name.to_string(), tagged(way, write(value, Form::Lossless, depth))))
    });
    Json::Object(bounds.collect())
}

fn write_geometry(geometry: &Geometry, depth: usize) -> Json {
    let Some(inner) = depth.checked_sub(1) else { return Json::Null };
    let name = geometry.as_type();
    match geometry {
        Geometry::Collection(parts) => {
            let parts: Vec<_> = parts.iter().map(|part| write_geometry(part, inner)).collect();
            json!({ "type": name, "geometries": parts })
        }
        _ => {
            let coordinates = write(&geometry.as_coordinates(), Form::Plain, depth);
            json!({ "type": name, "coordinates": coordinates })
        }
    }
}
