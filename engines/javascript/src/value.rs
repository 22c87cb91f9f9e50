//! Values in both directions.
//!
//! Kinds that JavaScript has cross as they are. All others are objects of classes in `prelude.js`, which this
//! module makes with `make(kind, …)` and takes apart with `parts(object)`.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::str::FromStr;

use rquickjs::function::Args;
use rquickjs::{
    Array, BigInt, Coerced, Ctx, Error, IntoJs, Object, String as JsString, Type, TypedArray,
    Value as Js,
};
use surrealism::surrealdb_types::{
    Datetime, Decimal, Duration, File, Geometry, Number, Range, RecordId, RecordIdKey,
    RecordIdKeyRange, Regex, Set, Table, Uuid, Value,
};

use crate::error::throw_type;
use crate::prelude;

/// How deep values may be nested, which is how deep SurrealDB's encoding may. An object that contains itself
/// is deeper.
const MAX_DEPTH: usize = 128;

/// The largest integer that a number of JavaScript has with all below it.
const MAX_SAFE_INTEGER: i64 = (1 << 53) - 1;

/// Makes a value of JavaScript. With `bigint`, all integers are of that type, else those that a number cannot
/// hold.
pub(crate) fn to_js<'js>(ctx: &Ctx<'js>, value: Value, bigint: bool) -> Result<Js<'js>, Error> {
    match value {
        Value::None => Ok(Js::new_undefined(ctx.clone())),
        Value::Null => Ok(Js::new_null(ctx.clone())),
        Value::Bool(value) => Ok(Js::new_bool(ctx.clone(), value)),
        Value::Number(Number::Int(int)) => int_to_js(ctx, int, bigint),
        Value::Number(Number::Float(float)) => Ok(Js::new_float(ctx.clone(), float)),
        Value::Number(Number::Decimal(decimal)) => {
            make(ctx, "decimal", [text(ctx, &decimal.to_string())?])
        }
        Value::String(string) => text(ctx, &string),
        Value::Bytes(bytes) => {
            TypedArray::<u8>::new(ctx.clone(), bytes.to_vec()).map(TypedArray::into_value)
        }
        Value::Duration(duration) => {
            let (seconds, nanos) = (duration.as_secs(), duration.subsec_nanos());
            let seconds = BigInt::from_u64(ctx.clone(), seconds)?.into_value();
            make(ctx, "duration", [seconds, nanos.into_js(ctx)?])
        }
        Value::Datetime(datetime) => {
            let nanos = datetime.timestamp_subsec_nanos();
            let millis = datetime.timestamp() * 1000 + i64::from(nanos / 1_000_000);
            make(
                ctx,
                "datetime",
                [(millis as f64).into_js(ctx)?, (nanos % 1_000_000).into_js(ctx)?],
            )
        }
        Value::Uuid(uuid) => make(ctx, "uuid", [text(ctx, &uuid.to_string())?]),
        Value::Geometry(geometry) => geometry_to_js(ctx, geometry),
        Value::Table(table) => make(ctx, "table", [text(ctx, &table)?]),
        Value::RecordId(record) => {
            let key = key_to_value(record.key);
            make(ctx, "record", [text(ctx, &record.table)?, to_js(ctx, key, bigint)?])
        }
        Value::File(file) => make(ctx, "file", [text(ctx, file.bucket())?, text(ctx, file.key())?]),
        Value::Range(range) => {
            let (start, end) = range.into_inner();
            let (start, end) = (bound_to_js(ctx, start, bigint)?, bound_to_js(ctx, end, bigint)?);
            make(ctx, "range", [start, end])
        }
        Value::Regex(regex) => make(ctx, "regex", [text(ctx, regex.regex().as_str())?]),
        Value::Array(items) => array_to_js(ctx, items.into_iter(), bigint),
        Value::Set(items) => make(ctx, "set", [array_to_js(ctx, items.into_iter(), bigint)?]),
        Value::Object(fields) => {
            let object = Object::new(ctx.clone())?;
            for (name, field) in fields.into_inner() {
                let field = to_js(ctx, field, bigint)?;
                match name.as_str() {
                    // Set, it would be the prototype.
                    "__proto__" => prelude::define(ctx, &object, &name, field)?,
                    name => object.set(name, field)?,
                }
            }
            Ok(object.into_value())
        }
    }
}

fn int_to_js<'js>(ctx: &Ctx<'js>, int: i64, bigint: bool) -> Result<Js<'js>, Error> {
    if bigint || !(-MAX_SAFE_INTEGER..=MAX_SAFE_INTEGER).contains(&int) {
        return Ok(BigInt::from_i64(ctx.clone(), int)?.into_value());
    }
    Ok(match i32::try_from(int) {
        Ok(int) => Js::new_int(ctx.clone(), int),
        Err(_) => Js::new_float(ctx.clone(), int as f64),
    })
}

fn text<'js>(ctx: &Ctx<'js>, text: &str) -> Result<Js<'js>, Error> {
    JsString::from_str(ctx.clone(), text).map(JsString::into_value)
}

fn array_to_js<'js>(
    ctx: &Ctx<'js>,
    items: impl Iterator<Item = Value>,
    bigint: bool,
) -> Result<Js<'js>, Error> {
    let array = Array::new(ctx.clone())?;
    for (index, item) in items.enumerate() {
        array.set(index, to_js(ctx, item, bigint)?)?;
    }
    Ok(array.into_value())
}

/// Returns a bound as `[value, is_included]`, or undefined.
fn bound_to_js<'js>(ctx: &Ctx<'js>, bound: Bound<Value>, bigint: bool) -> Result<Js<'js>, Error> {
    let (value, is_included) = match bound {
        Bound::Unbounded => return Ok(Js::new_undefined(ctx.clone())),
        Bound::Included(value) => (value, true),
        Bound::Excluded(value) => (value, false),
    };
    let array = Array::new(ctx.clone())?;
    array.set(0, to_js(ctx, value, bigint)?)?;
    array.set(1, is_included)?;
    Ok(array.into_value())
}

fn geometry_to_js<'js>(ctx: &Ctx<'js>, geometry: Geometry) -> Result<Js<'js>, Error> {
    let kind = text(ctx, geometry_type(&geometry))?;
    let content = match geometry {
        Geometry::Collection(geometries) => {
            Value::Array(geometries.into_iter().map(Value::Geometry).collect::<Vec<_>>().into())
        }
        geometry => geometry.as_coordinates(),
    };
    make(ctx, "geometry", [kind, to_js(ctx, content, false)?])
}

fn make<'js, const N: usize>(
    ctx: &Ctx<'js>,
    kind: &str,
    parts: [Js<'js>; N],
) -> Result<Js<'js>, Error> {
    let mut args = Args::new(ctx.clone(), N + 1);
    args.push_arg(kind)?;
    args.push_args(parts)?;
    prelude::make(ctx)?.call_arg(args)
}

/// Makes a value of SurrealDB.
pub(crate) fn from_js<'js>(ctx: &Ctx<'js>, js: &Js<'js>) -> Result<Value, Error> {
    read(ctx, js, 0)
}

fn read<'js>(ctx: &Ctx<'js>, js: &Js<'js>, depth: usize) -> Result<Value, Error> {
    if depth > MAX_DEPTH {
        return Err(throw_type(
            ctx,
            &format!("a value is nested more than {MAX_DEPTH} levels deep, or contains itself"),
        ));
    }
    match js.type_of() {
        Type::Undefined | Type::Uninitialized => Ok(Value::None),
        Type::Null => Ok(Value::Null),
        Type::Bool => Ok(Value::Bool(js.as_bool().unwrap_or_default())),
        Type::Int => Ok(Value::Number(Number::Int(js.as_int().unwrap_or_default().into()))),
        Type::Float => Ok(Value::Number(number(js.as_float().unwrap_or_default()))),
        Type::BigInt => big_integer(ctx, js),
        Type::String => Ok(Value::String(string(js)?)),
        Type::Array => {
            let array = js.as_array().cloned().unwrap_or(Array::new(ctx.clone())?);
            let items = array.iter::<Js>().map(|item| read(ctx, &item?, depth + 1));
            Ok(Value::Array(items.collect::<Result<Vec<_>, _>>()?.into()))
        }
        Type::Symbol => Err(throw_type(ctx, "a symbol is not a value of SurrealDB")),
        Type::Function | Type::Constructor => {
            Err(throw_type(ctx, "a function is not a value of SurrealDB: call it, or leave it out"))
        }
        _ => match js.as_object() {
            Some(object) => read_object(ctx, object, depth),
            None => Err(throw_type(ctx, "this is not a value of SurrealDB")),
        },
    }
}

/// A whole number is an int, unless a float has more of it: a larger range, or the sign of a zero.
fn number(float: f64) -> Number {
    let is_int = float.fract() == 0.0
        && float.abs() <= MAX_SAFE_INTEGER as f64
        && !(float == 0.0 && float.is_sign_negative());
    if is_int { Number::Int(float as i64) } else { Number::Float(float) }
}

fn big_integer<'js>(ctx: &Ctx<'js>, js: &Js<'js>) -> Result<Value, Error> {
    let text = js.get::<Coerced<String>>()?.0;
    match text.parse() {
        Ok(int) => Ok(Value::Number(Number::Int(int))),
        Err(_) => Err(throw_type(
            ctx,
            &format!("{text} is out of range for a 64-bit signed integer: use a Decimal"),
        )),
    }
}

fn string(js: &Js<'_>) -> Result<String, Error> {
    js.get::<String>()
}

fn read_object<'js>(ctx: &Ctx<'js>, object: &Object<'js>, depth: usize) -> Result<Value, Error> {
    if let Some(bytes) = object.as_typed_array::<u8>() {
        // SAFETY: the bytes are copied at once, and nothing of JavaScript runs before, which alone could free
        // or change them.
        let bytes = unsafe { bytes.as_bytes() }.unwrap_or_default().to_vec();
        return Ok(Value::Bytes(bytes.into()));
    }
    let parts: Js = prelude::parts(ctx)?.call((object.clone(),))?;
    let Some(parts) = parts.as_array() else { return read_fields(ctx, object, depth) };
    let part = |index: usize| parts.get::<Js>(index);
    let string_part = |index: usize| string(&part(index)?);
    let value_part = |index: usize| read(ctx, &part(index)?, depth + 1);
    let wrong = |what: &str| throw_type(ctx, &format!("this is not {what}"));
    Ok(match string_part(0)?.as_str() {
        "plain" => value_part(1)?,
        "bytes" => return read(ctx, &part(1)?, depth + 1),
        "decimal" => {
            Value::Number(Number::Decimal(decimal(&string_part(1)?).ok_or(wrong("a decimal"))?))
        }
        "duration" => {
            let seconds = part(1)?.get::<Coerced<String>>()?.0.parse().ok();
            let nanos = parts.get::<f64>(2)? as u32;
            Value::Duration(Duration::new(seconds.ok_or(wrong("a duration"))?, nanos))
        }
        "datetime" => {
            let (millis, nanos) = (parts.get::<f64>(1)?, parts.get::<f64>(2)?);
            Value::Datetime(
                datetime(millis, nanos).ok_or(wrong("a datetime: the date is invalid"))?,
            )
        }
        "uuid" => Value::Uuid(Uuid::from_str(&string_part(1)?).map_err(|_| wrong("a UUID"))?),
        "table" => Value::Table(Table::new(string_part(1)?)),
        "record" => {
            let key = value_to_key(value_part(2)?).ok_or_else(|| {
                throw_type(
                    ctx,
                    "the key of a record is a number, a string, a UUID, an array, an object, or a range of \
                     these",
                )
            })?;
            Value::RecordId(RecordId::new(string_part(1)?, key))
        }
        "file" => Value::File(File::new(string_part(1)?, string_part(2)?)),
        "regex" => Value::Regex(Regex::from_str(&string_part(1)?).map_err(|error| {
            throw_type(ctx, &format!("this is not a regular expression of SurrealDB: {error}"))
        })?),
        "set" => match value_part(1)? {
            Value::Array(items) => Value::Set(Set::from(items.into_iter().collect::<Vec<_>>())),
            _ => return Err(wrong("a set")),
        },
        "map" => match value_part(1)? {
            Value::Array(entries) => Value::Object(entries_to_object(ctx, entries)?.into()),
            _ => return Err(wrong("a map")),
        },
        "range" => {
            let (start, end) = (bound(ctx, &part(1)?, depth)?, bound(ctx, &part(2)?, depth)?);
            Value::Range(Box::new(Range::from((start, end))))
        }
        "geometry" => {
            let geometry = geometry(string_part(1)?, value_part(2)?);
            Value::Geometry(
                geometry.ok_or(wrong("a geometry: its coordinates do not fit its type"))?,
            )
        }
        other => return Err(wrong(other)),
    })
}

fn read_fields<'js>(ctx: &Ctx<'js>, object: &Object<'js>, depth: usize) -> Result<Value, Error> {
    let mut fields = BTreeMap::new();
    for field in object.props::<String, Js>() {
        let (name, field) = field?;
        fields.insert(name, read(ctx, &field, depth + 1)?);
    }
    Ok(Value::Object(fields.into()))
}

fn entries_to_object<'js>(
    ctx: &Ctx<'js>,
    entries: impl IntoIterator<Item = Value>,
) -> Result<BTreeMap<String, Value>, Error> {
    let entry = |entry: Value| match entry {
        Value::Array(pair) => {
            let mut pair = pair.into_iter();
            match (pair.next(), pair.next()) {
                (Some(Value::String(key)), Some(value)) => Some((key, value)),
                _ => None,
            }
        }
        _ => None,
    };
    let wrong = || throw_type(ctx, "the keys of a map are strings: a map becomes an object");
    entries.into_iter().map(|value| entry(value).ok_or_else(wrong)).collect()
}

/// Reads `[value, is_included]`, or undefined.
fn bound<'js>(ctx: &Ctx<'js>, js: &Js<'js>, depth: usize) -> Result<Bound<Value>, Error> {
    let Some(bound) = js.as_array() else { return Ok(Bound::Unbounded) };
    let value = read(ctx, &bound.get(0)?, depth + 1)?;
    Ok(if bound.get::<bool>(1)? { Bound::Included(value) } else { Bound::Excluded(value) })
}

pub(crate) fn decimal(text: &str) -> Option<Decimal> {
    Decimal::from_str_exact(text).or_else(|_| Decimal::from_scientific(text)).ok()
}

fn datetime(millis: f64, nanos: f64) -> Option<Datetime> {
    if !millis.is_finite() {
        return None;
    }
    let millis = millis as i64;
    let subsec = millis.rem_euclid(1000) as u32 * 1_000_000 + (nanos as u32).min(999_999);
    Datetime::from_timestamp(millis.div_euclid(1000), subsec)
}

fn key_to_value(key: RecordIdKey) -> Value {
    match key {
        RecordIdKey::Number(int) => Value::Number(Number::Int(int)),
        RecordIdKey::String(string) => Value::String(string),
        RecordIdKey::Uuid(uuid) => Value::Uuid(uuid),
        RecordIdKey::Array(items) => Value::Array(items),
        RecordIdKey::Object(fields) => Value::Object(fields),
        RecordIdKey::Range(range) => Value::Range(Box::new(range.into_value_range())),
    }
}

fn value_to_key(value: Value) -> Option<RecordIdKey> {
    Some(match value {
        Value::Number(Number::Int(int)) => RecordIdKey::Number(int),
        Value::String(string) => RecordIdKey::String(string),
        Value::Uuid(uuid) => RecordIdKey::Uuid(uuid),
        Value::Array(items) => RecordIdKey::Array(items),
        Value::Object(fields) => RecordIdKey::Object(fields),
        Value::Range(range) => {
            RecordIdKey::Range(Box::new(RecordIdKeyRange::from_value_range(*range).ok()?))
        }
        _ => return None,
    })
}

fn geometry_type(geometry: &Geometry) -> &'static str {
    match geometry {
        Geometry::Collection(_) => "GeometryCollection",
        geometry => geometry.as_type(),
    }
}

fn geometry(kind: String, content: Value) -> Option<Geometry> {
    if kind == "GeometryCollection" {
        let Value::Array(geometries) = content else { return None };
        let geometries = geometries.into_iter().map(|value| match value {
            Value::Geometry(geometry) => Some(geometry),
            _ => None,
        });
        return Some(Geometry::Collection(geometries.collect::<Option<_>>()?));
    }
    let fields =
        [("type".to_string(), Value::String(kind)), ("coordinates".to_string(), floats(content))];
    Geometry::try_from_object(&BTreeMap::from(fields).into())
}

/// Makes all numbers floats.
fn floats(value: Value) -> Value {
    match value {
        Value::Number(Number::Int(int)) => Value::Number(Number::Float(int as f64)),
        Value::Array(items) => {
            Value::Array(items.into_iter().map(floats).collect::<Vec<_>>().into())
        }
        other => other,
    }
}
