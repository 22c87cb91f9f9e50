//! Values from JSON: what JSON itself says, and then what the kind makes of it.

use serde_json::{Map, Number as JsonNumber, Value as Json};
use surrealdb_types::{Array, Kind, Number, Object, Value};

use super::tagged_kind;
use crate::coerce::{
    ArgumentError, CoerceError, CoerceReason, MAX_DEPTH, Matcher, PathSegment, Source, Stop,
    admits_none, coerce_all, described, nearest, shortened_name, signature_text,
};

/// Reads JSON as a value of a kind; see [the forms](super#the-forms).
///
/// # Errors
///
/// When it is neither a value of the kind nor a form of one, or is too deep or too large to compare with
/// the kind, as for [`coerce`](crate::coerce::coerce). The error says where in it.
pub fn from_json(json: &Json, kind: &Kind) -> Result<Value, CoerceError> {
    let mut matcher = Matcher::new(Source::Json);
    let value = read(json, &mut matcher, MAX_DEPTH)?;
    matcher.coerce(value, kind)
}

/// Reads JSON as the arguments of a call: an array by position, or an object by the names of the
/// parameters. What is left out is NONE where its kind takes NONE; in an array, only at the end.
///
/// # Errors
///
/// When it is neither an array nor an object, there are too many arguments or too few, a name is not that
/// of a parameter, or an argument cannot be read as its kind.
pub fn arguments_from_json(
    json: &Json,
    signature: &[(String, Kind)],
) -> Result<Vec<Value>, ArgumentError> {
    let mut matcher = Matcher::new(Source::Json);
    let args = match json {
        Json::Array(items) => items
            .iter()
            .enumerate()
            .map(|(index, item)| read_argument(item, index, signature, &mut matcher))
            .collect::<Result<_, _>>()?,
        Json::Object(members) => read_named(members, signature, &mut matcher)?,
        scalar => {
            let scalar = read_argument(scalar, 0, signature, &mut matcher)?;
            return Err(ArgumentError::NotAList {
                got: described(&scalar),
                signature: signature_text(signature),
            });
        }
    };
    coerce_all(matcher, args, signature)
}

fn read_named(
    members: &Map<String, Json>,
    signature: &[(String, Kind)],
    matcher: &mut Matcher,
) -> Result<Vec<Value>, ArgumentError> {
    let names = || signature.iter().map(|(name, _)| name.as_str());
    if let Some(unknown) = members.keys().find(|key| !names().any(|name| name == *key)) {
        return Err(ArgumentError::Unknown {
            name: shortened_name(unknown),
            near: nearest(unknown, names().filter(|name| !members.contains_key(*name))),
            signature: signature_text(signature),
        });
    }
    let args = signature.iter().enumerate().map(|(index, (name, kind))| match members.get(name) {
        Some(member) => read_argument(member, index, signature, matcher),
        None if admits_none(kind) => Ok(Value::None),
        None => Err(ArgumentError::Missing {
            index,
            name: shortened_name(name),
            signature: signature_text(signature),
        }),
    });
    args.collect()
}

fn read_argument(
    json: &Json,
    index: usize,
    signature: &[(String, Kind)],
    matcher: &mut Matcher,
) -> Result<Value, ArgumentError> {
    read(json, matcher, MAX_DEPTH).map_err(|error| ArgumentError::Value {
        index,
        name: signature.get(index).map_or_else(String::new, |(name, _)| shortened_name(name)),
        error,
    })
}

/// Reads what JSON itself says, tags included.
fn read(json: &Json, matcher: &mut Matcher, depth: usize) -> Result<Value, CoerceError> {
    let depth = depth.checked_sub(1).ok_or_else(|| CoerceError::stopped(Stop::TooDeep))?;
    Ok(match json {
        Json::Null => Value::Null,
        Json::Bool(value) => Value::Bool(*value),
        Json::Number(number) => Value::Number(read_number(number)),
        Json::String(text) => Value::String(text.clone()),
        Json::Array(items) => Value::Array(read_items(items, matcher, depth)?),
        Json::Object(members) => {
            match only(members).filter(|(tag, _)| tagged_kind(tag).is_some()) {
                Some((tag, content)) => read_tagged(tag, content, matcher, depth)
                    .map_err(|error| error.within(PathSegment::Field(tag.clone())))?,
                None => Value::Object(read_members(members, matcher, depth)?),
            }
        }
    })
}

fn read_number(number: &JsonNumber) -> Number {
    if let Some(int) = number.as_i64() {
        return Number::Int(int);
    }
    match number.as_u64() {
        Some(int) => Number::Decimal(int.into()),
        // There is one for every number but, with `arbitrary_precision`, those beyond the largest.
        None => Number::Float(number.as_f64().unwrap_or(f64::INFINITY)),
    }
}

// Loops, since each adapter of an iterator is another frame on the stack of every level.

fn read_items(items: &[Json], matcher: &mut Matcher, depth: usize) -> Result<Array, CoerceError> {
    let mut array = Array::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        let item = read(item, matcher, depth);
        array.push(item.map_err(|error| error.within(PathSegment::Index(index)))?);
    }
    Ok(array)
}

fn read_members(
    members: &Map<String, Json>,
    matcher: &mut Matcher,
    depth: usize,
) -> Result<Object, CoerceError> {
    let mut object = Object::new();
    for (name, member) in members {
        let member = read(member, matcher, depth);
        let member = member.map_err(|error| error.within(PathSegment::Field(name.clone())))?;
        object.insert(name.clone(), member);
    }
    Ok(object)
}

fn read_tagged(
    tag: &str,
    content: &Json,
    matcher: &mut Matcher,
    depth: usize,
) -> Result<Value, CoerceError> {
    let kind = tagged_kind(tag).unwrap_or(Kind::Any);
    match (&kind, content) {
        // Not a tagged value, whatever its members are.
        (Kind::Object, Json::Object(members)) => {
            read_members(members, matcher, depth).map(Value::Object)
        }
        (Kind::Int, Json::String(text)) => match text.parse() {
            Ok(int) => Ok(Value::Number(Number::Int(int))),
            Err(error) => {
                let got = described(&Value::String(text.clone()));
                Err(CoerceError::new(CoerceReason::InvalidText, "int", got).note(error.to_string()))
            }
        },
        _ => {
            let content = read(content, matcher, depth)?;
            matcher.coerce(content, &kind)
        }
    }
}

/// Returns the member of an object that has one.
fn only(members: &Map<String, Json>) -> Option<(&String, &Json)> {
    members.iter().next().filter(|_| members.len() == 1)
}
