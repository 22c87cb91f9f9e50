//! Generates values and kinds of every sort from arbitrary bytes.

use std::ops::Bound;

use arbitrary::{Arbitrary, Error, Result, Unstructured};
use geo_types::{LineString, MultiLineString, MultiPoint, MultiPolygon, Point, Polygon};
use surrealdb_types::{
    Array, Bytes, Datetime, Decimal, Duration, File, Geometry, GeometryKind, Kind, KindLiteral,
    Number, Object, Range, RecordId, RecordIdKey, RecordIdKeyRange, Regex, Set, Table, Uuid, Value,
};

/// Levels of a generated value: enough for each kind to be inside each other.
const MAX_DEPTH: usize = 4;

/// Items of a generated list.
const MAX_ITEMS: usize = 6;

type Choices<'a, 'b> = &'a mut Unstructured<'b>;

pub(crate) fn value(u: Choices<'_, '_>) -> Result<Value> {
    value_within(u, MAX_DEPTH)
}

pub(crate) fn kind(u: Choices<'_, '_>) -> Result<Kind> {
    kind_within(u, MAX_DEPTH)
}

pub(crate) fn bound(u: Choices<'_, '_>) -> Result<Bound<String>> {
    bounded(u, |u| u.arbitrary())
}

/// Generates a short list of what `generate` generates.
pub(crate) fn list<'b, T>(
    u: Choices<'_, 'b>,
    mut generate: impl FnMut(Choices<'_, 'b>) -> Result<T>,
) -> Result<Vec<T>> {
    let length = u.int_in_range(0..=MAX_ITEMS)?;
    (0..length).map(|_| generate(u)).collect()
}

/// Generates an item with a name, as entries, fields and arguments have.
pub(crate) fn named<'b, T>(
    u: Choices<'_, 'b>,
    generate: impl FnOnce(Choices<'_, 'b>) -> Result<T>,
) -> Result<(String, T)> {
    Ok((u.arbitrary()?, generate(u)?))
}

fn bounded<'b, T>(
    u: Choices<'_, 'b>,
    generate: impl FnOnce(Choices<'_, 'b>) -> Result<T>,
) -> Result<Bound<T>> {
    Ok(match u.int_in_range(0..=2)? {
        0 => Bound::Included(generate(u)?),
        1 => Bound::Excluded(generate(u)?),
        _ => Bound::Unbounded,
    })
}

fn value_within(u: Choices<'_, '_>, levels: usize) -> Result<Value> {
    // Kinds that hold other values come last.
    let Some(inner) = levels.checked_sub(1) else { return Ok(Value::None) };
    Ok(match u.int_in_range(0..=17)? {
        0 => Value::None,
        1 => Value::Null,
        2 => Value::Bool(u.arbitrary()?),
        3 => Value::Number(number(u)?),
        4 => Value::String(u.arbitrary()?),
        5 => Value::Bytes(Bytes::from(Vec::<u8>::arbitrary(u)?)),
        6 => Value::Duration(duration(u)?),
        7 => Value::Datetime(datetime(u)?),
        8 => Value::Uuid(uuid(u)?),
        9 => Value::Table(table(u)?),
        10 => Value::File(File::new(String::arbitrary(u)?, String::arbitrary(u)?)),
        11 => Value::Regex(regex(u)?),
        12 => Value::Geometry(geometry(u, inner)?),
        13 => Value::RecordId(RecordId { table: table(u)?, key: record_key(u, inner)? }),
        14 => Value::Range(Box::new(Range {
            start: bounded(u, |u| value_within(u, inner))?,
            end: bounded(u, |u| value_within(u, inner))?,
        })),
        15 => Value::Array(array(u, inner)?),
        16 => Value::Object(object(u, inner)?),
        _ => Value::Set(Set::from(list(u, |u| value_within(u, inner))?)),
    })
}

fn array(u: Choices<'_, '_>, levels: usize) -> Result<Array> {
    Ok(Array::from(list(u, |u| value_within(u, levels))?))
}

fn object(u: Choices<'_, '_>, levels: usize) -> Result<Object> {
    Ok(list(u, |u| named(u, |u| value_within(u, levels)))?.into_iter().collect())
}

fn number(u: Choices<'_, '_>) -> Result<Number> {
    Ok(match u.int_in_range(0..=2)? {
        0 => Number::Int(u.arbitrary()?),
        1 => Number::Float(u.arbitrary()?),
        _ => Number::Decimal(decimal(u)?),
    })
}

fn decimal(u: Choices<'_, '_>) -> Result<Decimal> {
    let (low, middle, high) = u.arbitrary()?;
    Ok(Decimal::from_parts(low, middle, high, u.arbitrary()?, u.int_in_range(0..=28)?))
}

fn duration(u: Choices<'_, '_>) -> Result<Duration> {
    Ok(Duration::new(u.arbitrary()?, u.int_in_range(0..=999_999_999)?))
}

fn datetime(u: Choices<'_, '_>) -> Result<Datetime> {
    const YEARS: i64 = 200_000;
    let seconds = u.int_in_range(-YEARS * 31_556_952..=YEARS * 31_556_952)?;
    let nanos = u.int_in_range(0..=999_999_999)?;
    Datetime::from_timestamp(seconds, nanos).ok_or(Error::IncorrectFormat)
}

fn uuid(u: Choices<'_, '_>) -> Result<Uuid> {
    let digits = format!("{:032x}", u128::arbitrary(u)?);
    digits.parse().map_err(|_| Error::IncorrectFormat)
}

fn table(u: Choices<'_, '_>) -> Result<Table> {
    Ok(Table::new(String::arbitrary(u)?))
}

fn regex(u: Choices<'_, '_>) -> Result<Regex> {
    let pattern = *u.choose(&["a", "^a+$", r"(?i)\d{2}|ü", "[^/]*", "."])?;
    pattern.parse().map_err(|_| Error::IncorrectFormat)
}

fn record_key(u: Choices<'_, '_>, levels: usize) -> Result<RecordIdKey> {
    let Some(inner) = levels.checked_sub(1) else { return Ok(RecordIdKey::Number(0)) };
    Ok(match u.int_in_range(0..=5)? {
        0 => RecordIdKey::Number(u.arbitrary()?),
        1 => RecordIdKey::String(u.arbitrary()?),
        2 => RecordIdKey::Uuid(uuid(u)?),
        3 => RecordIdKey::Array(array(u, inner)?),
        4 => RecordIdKey::Object(object(u, inner)?),
        _ => RecordIdKey::Range(Box::new(RecordIdKeyRange {
            start: bounded(u, |u| record_key(u, inner))?,
            end: bounded(u, |u| record_key(u, inner))?,
        })),
    })
}

fn geometry(u: Choices<'_, '_>, levels: usize) -> Result<Geometry> {
    let inner = levels.saturating_sub(1);
    let last = if levels == 0 { 5 } else { 6 };
    Ok(match u.int_in_range(0..=last)? {
        0 => Geometry::Point(point(u)?),
        1 => Geometry::Line(line(u)?),
        2 => Geometry::Polygon(polygon(u)?),
        3 => Geometry::MultiPoint(MultiPoint(list(u, point)?)),
        4 => Geometry::MultiLine(MultiLineString(list(u, line)?)),
        5 => Geometry::MultiPolygon(MultiPolygon(list(u, polygon)?)),
        _ => Geometry::Collection(list(u, |u| geometry(u, inner))?),
    })
}

fn point(u: Choices<'_, '_>) -> Result<Point<f64>> {
    Ok(Point::new(u.arbitrary()?, u.arbitrary()?))
}

fn line(u: Choices<'_, '_>) -> Result<LineString<f64>> {
    Ok(LineString::from(list(u, point)?))
}

fn polygon(u: Choices<'_, '_>) -> Result<Polygon<f64>> {
    Ok(Polygon::new(line(u)?, list(u, line)?))
}

fn kind_within(u: Choices<'_, '_>, levels: usize) -> Result<Kind> {
    let Some(inner) = levels.checked_sub(1) else { return Ok(Kind::Any) };
    let deeper = |u: Choices<'_, '_>| kind_within(u, inner);
    Ok(match u.int_in_range(0..=24)? {
        0 => Kind::Any,
        1 => Kind::None,
        2 => Kind::Null,
        3 => Kind::Bool,
        4 => Kind::Bytes,
        5 => Kind::Datetime,
        6 => Kind::Decimal,
        7 => Kind::Duration,
        8 => Kind::Float,
        9 => Kind::Int,
        10 => Kind::Number,
        11 => Kind::Object,
        12 => Kind::String,
        13 => Kind::Uuid,
        14 => Kind::Regex,
        15 => Kind::Range,
        16 => Kind::Table(list(u, table)?),
        17 => Kind::Record(list(u, table)?),
        18 => Kind::Geometry(list(u, geometry_kind)?),
        19 => Kind::File(list(u, |u| u.arbitrary())?),
        20 => Kind::Either(list(u, deeper)?),
        21 => Kind::Set(Box::new(deeper(u)?), u.arbitrary()?),
        22 => Kind::Array(Box::new(deeper(u)?), u.arbitrary()?),
        23 => {
            let arguments = u.arbitrary::<bool>()?.then(|| list(u, deeper)).transpose()?;
            let returns = u.arbitrary::<bool>()?.then(|| deeper(u)).transpose()?;
            Kind::Function(arguments, returns.map(Box::new))
        }
        _ => Kind::Literal(literal(u, inner)?),
    })
}

fn geometry_kind(u: Choices<'_, '_>) -> Result<GeometryKind> {
    Ok(match u.int_in_range(0..=6)? {
        0 => GeometryKind::Point,
        1 => GeometryKind::Line,
        2 => GeometryKind::Polygon,
        3 => GeometryKind::MultiPoint,
        4 => GeometryKind::MultiLine,
        5 => GeometryKind::MultiPolygon,
        _ => GeometryKind::Collection,
    })
}

fn literal(u: Choices<'_, '_>, levels: usize) -> Result<KindLiteral> {
    let deeper = |u: Choices<'_, '_>| kind_within(u, levels);
    Ok(match u.int_in_range(0..=7)? {
        0 => KindLiteral::String(u.arbitrary()?),
        1 => KindLiteral::Integer(u.arbitrary()?),
        2 => KindLiteral::Float(u.arbitrary()?),
        3 => KindLiteral::Decimal(decimal(u)?),
        4 => KindLiteral::Duration(duration(u)?),
        5 => KindLiteral::Bool(u.arbitrary()?),
        6 => KindLiteral::Array(list(u, deeper)?),
        _ => KindLiteral::Object(list(u, |u| named(u, deeper))?.into_iter().collect()),
    })
}
