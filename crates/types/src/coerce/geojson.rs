//! GeoJSON objects as geometries (RFC 7946).

use surrealdb_types::{Array, Geometry, Object, Value};

use super::error::{CoerceError, CoerceReason, Stop};
use super::path::PathSegment;
use super::{MAX_DEPTH, render};

type Read<T> = Result<T, CoerceError>;

/// Reads a number of a position as a float.
type ReadNumber<'a> = &'a mut dyn FnMut(&Value) -> Read<Value>;

/// The types of GeoJSON, each with the levels of arrays around its positions.
const TYPES: [(&str, usize); 6] = [
    ("Point", 0),
    ("LineString", 1),
    ("MultiPoint", 1),
    ("Polygon", 2),
    ("MultiLineString", 2),
    ("MultiPolygon", 3),
];

const COLLECTION: &str = "GeometryCollection";

/// Reads a GeoJSON object, and those in it.
///
/// # Errors
///
/// When it is not one. The path leads to what is wrong. Those of `number`.
pub(super) fn read(object: &Object, number: ReadNumber<'_>) -> Read<Geometry> {
    read_nested(object, number, MAX_DEPTH)
}

fn read_nested(object: &Object, number: ReadNumber<'_>, depth: usize) -> Read<Geometry> {
    let depth = depth.checked_sub(1).ok_or_else(|| CoerceError::stopped(Stop::TooDeep))?;
    let name = match object.get("type") {
        Some(Value::String(name)) => name,
        Some(other) => return Err(unknown_type(render::described(other))),
        None => return Err(missing("type", "a GeoJSON type")),
    };
    if name == COLLECTION {
        return read_collection(object, number, depth);
    }
    let Some((_, levels)) = TYPES.iter().find(|(known, _)| known == name) else {
        return Err(unknown_type(render::described(&Value::String(name.clone()))));
    };
    let coordinates = member(object, "coordinates")?;
    let coordinates = read_positions(coordinates, *levels, number)
        .map_err(|error| error.within(PathSegment::Field("coordinates".to_string())))?;
    // `surrealdb_types` knows how to make one, and says nothing of why not.
    let whole: Object = [("type", Value::String(name.clone())), ("coordinates", coordinates)]
        .map(|(name, value)| (name.to_string(), value))
        .into_iter()
        .collect();
    Geometry::try_from_object(&whole).ok_or_else(|| {
        wrong("the coordinates of a polygon", "no ring".to_string(), "a polygon has an outer ring")
            .within(PathSegment::Field("coordinates".to_string()))
    })
}

fn read_collection(object: &Object, number: ReadNumber<'_>, depth: usize) -> Read<Geometry> {
    let at = |error: CoerceError| error.within(PathSegment::Field("geometries".to_string()));
    let Value::Array(parts) = member(object, "geometries")? else {
        return Err(at(wrong("an array of geometries", described(object, "geometries"), "")));
    };
    let parts = parts.iter().enumerate().map(|(index, part)| {
        let read = match part {
            Value::Geometry(geometry) => Ok(geometry.clone()),
            Value::Object(object) => read_nested(object, number, depth),
            other => Err(wrong("a geometry", render::described(other), "")),
        };
        read.map_err(|error| error.within(PathSegment::Index(index)))
    });
    parts.collect::<Read<_>>().map(Geometry::Collection).map_err(at)
}

/// Returns a member beside the type. There may be no others.
fn member<'a>(object: &'a Object, name: &str) -> Read<&'a Value> {
    if let Some(other) = object.keys().find(|key| *key != "type" && *key != name) {
        let note = format!("a GeoJSON object has `type` and `{name}` and nothing else");
        let error = CoerceError::new(CoerceReason::UnknownField, "", "").note(note);
        return Err(error.within(PathSegment::Field(other.clone())));
    }
    object.get(name).ok_or_else(|| missing(name, "an array"))
}

/// Reads positions in so many levels of arrays, and makes floats of their numbers.
fn read_positions(value: &Value, levels: usize, number: ReadNumber<'_>) -> Read<Value> {
    let Value::Array(items) = value else {
        let expected = if levels == 0 { "a position of 2 numbers" } else { "an array" };
        return Err(wrong(expected, render::described(value), ""));
    };
    if levels == 0 && items.len() != 2 {
        let got = render::elements(items.len());
        return Err(wrong("2 numbers, longitude and latitude", got, ""));
    }
    let items = items.iter().enumerate().map(|(index, item)| {
        let read = match levels.checked_sub(1) {
            Some(levels) => read_positions(item, levels, number),
            None => number(item),
        };
        read.map_err(|error| error.within(PathSegment::Index(index)))
    });
    items.collect::<Read<Vec<_>>>().map(|items| Value::Array(Array::from(items)))
}

fn described(object: &Object, name: &str) -> String {
    object.get(name).map_or_else(String::new, render::described)
}

fn missing(name: &str, expected: &str) -> CoerceError {
    wrong(expected, "nothing".to_string(), "the field is missing")
        .within(PathSegment::Field(name.to_string()))
}

fn unknown_type(got: String) -> CoerceError {
    let names = TYPES.map(|(name, _)| name).join(", ");
    wrong("a GeoJSON type", got, &format!("the types are {names} and {COLLECTION}"))
        .within(PathSegment::Field("type".to_string()))
}

fn wrong(expected: &str, got: String, note: &str) -> CoerceError {
    let error = CoerceError::new(CoerceReason::InvalidGeometry, expected, got);
    if note.is_empty() { error } else { error.note(note) }
}
