//! What holds of every value and every kind: coercion beside `surrealdb_types`, and JSON there and back.

use std::collections::BTreeMap;
use std::ops::Bound;

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::sample::select;
use surrealdb_types::{
    Array, Bytes, Datetime, Decimal, Duration, File, Geometry, GeometryKind, Kind, KindLiteral,
    Number, Object, Range, RecordId, RecordIdKey, Regex, Set, SurrealValue, Table, Uuid, Value,
    object,
};
use surrealism_types::coerce::{MAX_KIND_BYTES, coerce, coerce_arguments, covers, parse_kind};
use surrealism_types::json::{arguments_from_json, from_json, to_json, to_json_lossless};

/// Equal to the last bit: `==` takes `-0f` for `0f` and `1` for `1f`.
fn same(a: &Value, b: &Value) -> bool {
    format!("{a:?}") == format!("{b:?}")
}

fn int() -> impl Strategy<Value = i64> {
    prop_oneof![any::<i64>(), -3..4_i64, select(vec![1 << 53, (1 << 53) + 1, i64::MIN, i64::MAX])]
}

fn float() -> impl Strategy<Value = f64> {
    let edges =
        [0.0, -0.0, 1.0, 0.1, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 5e-324, 1e15, 1e300];
    prop_oneof![any::<f64>(), select(edges.to_vec()), (-3..4_i32).prop_map(f64::from)]
}

fn decimal() -> impl Strategy<Value = Decimal> {
    let any = (any::<i128>(), 0..=28_u32);
    let any = any.prop_filter_map("a decimal", |(number, scale)| {
        Decimal::try_from_i128_with_scale(number >> 32, scale).ok()
    });
    prop_oneof![any, (-3000..3000_i64, 0..4_u32).prop_map(|(n, scale)| Decimal::new(n, scale))]
}

fn number() -> impl Strategy<Value = Number> {
    prop_oneof![
        int().prop_map(Number::Int),
        float().prop_map(Number::Float),
        decimal().prop_map(Number::Decimal)
    ]
}

fn text() -> impl Strategy<Value = String> {
    let tricky = ["", "1", "-1", "1_0", "a b", "a:b", "`", "\\", "u'x'", "NaN", "person:1", "$int"];
    prop_oneof![any::<String>(), "[a-c]{0,4}", select(tricky.to_vec()).prop_map(str::to_string)]
}

fn uuid() -> impl Strategy<Value = Uuid> {
    any::<[u8; 16]>().prop_map(|bytes| {
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        hex.parse().unwrap()
    })
}

fn datetime() -> impl Strategy<Value = Datetime> {
    prop_oneof![
        (-8_000_000_000_000_i64..8_000_000_000_000, 0..2_000_000_000_u32),
        (0..2_000_000_000_i64, select(vec![0, 1, 500_000_000, 999_999_999]))
    ]
    .prop_filter_map("a time that there is", |(seconds, nanos)| {
        Datetime::from_timestamp(seconds, nanos)
    })
}

fn regex() -> impl Strategy<Value = Regex> {
    // Not by `Regex::from_str`, which changes the last ones.
    let patterns = ["", "a+", "^[a-z]$", "/", r"a\/b", r"\\/"];
    let regex = |pattern: &str| Regex::from(regex_of(pattern));
    select(patterns.to_vec()).prop_map(regex)
}

fn regex_of(pattern: &str) -> regex::Regex {
    regex::Regex::new(pattern).unwrap()
}

fn position() -> impl Strategy<Value = Value> {
    let coordinate = || prop_oneof![-180.0..180.0, select(vec![0.0, -0.0, f64::INFINITY])];
    (coordinate(), coordinate()).prop_map(|(x, y): (f64, f64)| Value::from_t(vec![x, y]))
}

fn list(items: impl Strategy<Value = Value>) -> impl Strategy<Value = Value> {
    vec(items, 0..4).prop_map(|items| Value::Array(Array::from(items)))
}

fn geometry(kind: GeometryKind) -> BoxedStrategy<Geometry> {
    // A polygon has a ring at least.
    let polygon = || vec(list(position()), 1..3).prop_map(|rings| Value::Array(Array::from(rings)));
    let made = |name: &'static str, coordinates: BoxedStrategy<Value>| {
        let object = move |coordinates: Value| {
            Geometry::try_from_object(&object! { "type": name, coordinates: coordinates }).unwrap()
        };
        coordinates.prop_map(object).boxed()
    };
    match kind {
        GeometryKind::Point => made("Point", position().boxed()),
        GeometryKind::Line => made("LineString", list(position()).boxed()),
        GeometryKind::Polygon => made("Polygon", polygon().boxed()),
        GeometryKind::MultiPoint => made("MultiPoint", list(position()).boxed()),
        GeometryKind::MultiLine => made("MultiLineString", list(list(position())).boxed()),
        GeometryKind::MultiPolygon => made("MultiPolygon", list(polygon()).boxed()),
        GeometryKind::Collection => {
            let leaf = geometry(GeometryKind::Point).prop_union(geometry(GeometryKind::Polygon));
            let parts = leaf.prop_recursive(2, 6, 3, |part| {
                vec(part, 0..3).prop_map(Geometry::Collection).boxed()
            });
            vec(parts, 0..3).prop_map(Geometry::Collection).boxed()
        }
    }
}

fn geometry_kind() -> impl Strategy<Value = GeometryKind> {
    use GeometryKind::*;
    select(vec![Point, Line, Polygon, MultiPoint, MultiLine, MultiPolygon, Collection])
}

fn bound<T: std::fmt::Debug>(part: impl Strategy<Value = T>) -> impl Strategy<Value = Bound<T>> {
    (part, 0..3).prop_map(|(part, way)| match way {
        0 => Bound::Unbounded,
        1 => Bound::Included(part),
        _ => Bound::Excluded(part),
    })
}

fn fields(value: impl Strategy<Value = Value>) -> impl Strategy<Value = Object> {
    let name = prop_oneof![
        text(),
        "[a-c]{1}",
        select(vec!["$int", "$object", "type"]).prop_map(str::to_string)
    ];
    btree_map(name, value, 0..4).prop_map(Object::from)
}

/// Keys of records, but for ranges: `surrealdb_types` has no order of these, so that no set holds them well.
fn key() -> impl Strategy<Value = RecordIdKey> {
    prop_oneof![
        int().prop_map(RecordIdKey::Number),
        text().prop_map(RecordIdKey::String),
        uuid().prop_map(RecordIdKey::Uuid),
        vec(scalar(), 0..3).prop_map(|items| RecordIdKey::Array(Array::from(items))),
        fields(scalar()).prop_map(RecordIdKey::Object),
    ]
}

fn scalar() -> BoxedStrategy<Value> {
    prop_oneof![
        Just(Value::None),
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        number().prop_map(Value::Number),
        text().prop_map(Value::String),
        datetime().prop_map(Value::Datetime),
        uuid().prop_map(Value::Uuid),
        vec(any::<u8>(), 0..5).prop_map(|bytes| Value::Bytes(Bytes::from(bytes))),
        (any::<u64>(), 0..1_000_000_000_u32)
            .prop_map(|(s, n)| Value::Duration(Duration::new(s, n))),
        regex().prop_map(Value::Regex),
        text().prop_map(|name| Value::Table(Table::new(name))),
        (text(), text()).prop_map(|(bucket, key)| Value::File(File { bucket, key })),
    ]
    .boxed()
}

fn any_value() -> BoxedStrategy<Value> {
    let leaf = prop_oneof![
        4 => scalar(),
        1 => (text(), key()).prop_map(|(table, key)| Value::RecordId(RecordId::new(table, key))),
        1 => geometry_kind().prop_flat_map(geometry).prop_map(Value::Geometry),
    ];
    let nested = leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(|items| Value::Array(Array::from(items))),
            vec(inner.clone(), 0..4).prop_map(|items| Value::Set(Set::from(items))),
            fields(inner.clone()).prop_map(Value::Object),
            (bound(inner.clone()), bound(inner))
                .prop_map(|(start, end)| Value::Range(Box::new(Range { start, end }))),
        ]
    });
    nested.boxed()
}

fn kind() -> BoxedStrategy<Kind> {
    let simple = vec![
        Kind::Any,
        Kind::None,
        Kind::Null,
        Kind::Bool,
        Kind::Bytes,
        Kind::Datetime,
        Kind::Decimal,
        Kind::Duration,
        Kind::Float,
        Kind::Int,
        Kind::Number,
        Kind::Object,
        Kind::String,
        Kind::Uuid,
        Kind::Regex,
        Kind::Range,
        Kind::Table(Vec::new()),
        Kind::Table(vec!["person".into(), "a b".into()]),
        Kind::Record(Vec::new()),
        Kind::Record(vec!["person".into(), "a b".into()]),
        Kind::File(Vec::new()),
        Kind::File(vec!["photos".into()]),
        Kind::Geometry(Vec::new()),
    ];
    let literal = prop_oneof![
        text().prop_map(KindLiteral::String),
        int().prop_map(KindLiteral::Integer),
        float().prop_map(KindLiteral::Float),
        decimal().prop_map(KindLiteral::Decimal),
        any::<u32>().prop_map(|secs| KindLiteral::Duration(Duration::from_secs(secs.into()))),
        any::<bool>().prop_map(KindLiteral::Bool),
    ];
    let leaf = prop_oneof![
        6 => select(simple),
        1 => vec(geometry_kind(), 1..3).prop_map(Kind::Geometry),
        1 => literal.prop_map(Kind::Literal),
    ];
    let nested = leaf.prop_recursive(3, 12, 4, |inner| {
        let max = || proptest::option::of(0..4_u64);
        prop_oneof![
            (inner.clone(), max()).prop_map(|(item, max)| Kind::Array(Box::new(item), max)),
            (inner.clone(), max()).prop_map(|(item, max)| Kind::Set(Box::new(item), max)),
            inner.clone().prop_map(Kind::option),
            vec(inner.clone(), 1..4).prop_map(Kind::Either),
            vec(inner.clone(), 0..3).prop_map(|kinds| Kind::Literal(KindLiteral::Array(kinds))),
            btree_map(text(), inner, 0..3)
                .prop_map(|fields| Kind::Literal(KindLiteral::Object(fields))),
        ]
    });
    nested.boxed()
}

/// Values of a kind.
fn value_of(kind: &Kind) -> BoxedStrategy<Value> {
    let named = |names: &[Table]| match names {
        [] => text().prop_map(Table::new).boxed(),
        names => select(names.to_vec()).boxed(),
    };
    match kind {
        Kind::Any => any_value(),
        Kind::None => Just(Value::None).boxed(),
        Kind::Null => Just(Value::Null).boxed(),
        Kind::Bool => any::<bool>().prop_map(Value::Bool).boxed(),
        Kind::Bytes => {
            vec(any::<u8>(), 0..9).prop_map(|bytes| Value::Bytes(Bytes::from(bytes))).boxed()
        }
        Kind::Datetime => datetime().prop_map(Value::Datetime).boxed(),
        Kind::Decimal => decimal().prop_map(|n| Value::Number(Number::Decimal(n))).boxed(),
        Kind::Duration => (any::<u64>(), 0..1_000_000_000_u32)
            .prop_map(|(s, n)| Value::Duration(Duration::new(s, n)))
            .boxed(),
        Kind::Float => float().prop_map(|n| Value::Number(Number::Float(n))).boxed(),
        Kind::Int => int().prop_map(|n| Value::Number(Number::Int(n))).boxed(),
        Kind::Number => number().prop_map(Value::Number).boxed(),
        Kind::Object => fields(any_value()).prop_map(Value::Object).boxed(),
        Kind::String => text().prop_map(Value::String).boxed(),
        Kind::Uuid => uuid().prop_map(Value::Uuid).boxed(),
        Kind::Regex => regex().prop_map(Value::Regex).boxed(),
        Kind::Range => (bound(any_value()), bound(any_value()))
            .prop_map(|(start, end)| Value::Range(Box::new(Range { start, end })))
            .boxed(),
        Kind::Table(names) => named(names).prop_map(Value::Table).boxed(),
        Kind::Record(names) => (named(names), key())
            .prop_map(|(table, key)| Value::RecordId(RecordId { table, key }))
            .boxed(),
        Kind::File(buckets) => {
            let bucket =
                if buckets.is_empty() { text().boxed() } else { select(buckets.clone()).boxed() };
            (bucket, text()).prop_map(|(bucket, key)| Value::File(File { bucket, key })).boxed()
        }
        Kind::Geometry(kinds) if kinds.is_empty() => {
            geometry_kind().prop_flat_map(geometry).prop_map(Value::Geometry).boxed()
        }
        Kind::Geometry(kinds) => {
            select(kinds.clone()).prop_flat_map(geometry).prop_map(Value::Geometry).boxed()
        }
        Kind::Either(kinds) => select(kinds.clone()).prop_flat_map(|kind| value_of(&kind)).boxed(),
        Kind::Array(item, max) => vec(value_of(item), 0..=max.unwrap_or(3) as usize)
            .prop_map(|items| Value::Array(Array::from(items)))
            .boxed(),
        Kind::Set(item, max) => vec(value_of(item), 0..=max.unwrap_or(3) as usize)
            .prop_map(|items| Value::Set(Set::from(items)))
            .boxed(),
        Kind::Literal(KindLiteral::Array(kinds)) => {
            let items: Vec<_> = kinds.iter().map(value_of).collect();
            items.prop_map(|items| Value::Array(Array::from(items))).boxed()
        }
        Kind::Literal(KindLiteral::Object(kinds)) => {
            let fields: Vec<_> =
                kinds.iter().map(|(name, kind)| (Just(name.clone()), value_of(kind))).collect();
            fields
                .prop_map(|fields| {
                    let fields: BTreeMap<String, Value> = fields.into_iter().collect();
                    Value::Object(Object::from(fields))
                })
                .boxed()
        }
        Kind::Literal(literal) => Just(match literal.clone() {
            KindLiteral::String(text) => Value::String(text),
            KindLiteral::Integer(int) => Value::Number(Number::Int(int)),
            KindLiteral::Float(float) => Value::Number(Number::Float(float)),
            KindLiteral::Decimal(decimal) => Value::Number(Number::Decimal(decimal)),
            KindLiteral::Duration(duration) => Value::Duration(duration),
            KindLiteral::Bool(bool) => Value::Bool(bool),
            KindLiteral::Array(_) | KindLiteral::Object(_) => unreachable!("have kinds inside"),
        })
        .boxed(),
        Kind::Function(..) => unreachable!("no value is of it"),
    }
}

fn kind_and_value() -> impl Strategy<Value = (Kind, Value)> {
    kind().prop_flat_map(|kind| {
        let value = value_of(&kind);
        (Just(kind), value)
    })
}

/// Whether the plain form of every value of a kind reads back by that kind.
fn says_all(kind: &Kind) -> bool {
    match kind {
        Kind::Any | Kind::Object => false,
        Kind::Array(item, _) | Kind::Set(item, _) => says_all(item),
        Kind::Literal(KindLiteral::Array(kinds)) => kinds.iter().all(says_all),
        Kind::Literal(KindLiteral::Object(kinds)) => kinds.values().all(says_all),
        // `option<…>` of what is never null.
        Kind::Either(kinds) => match kinds.as_slice() {
            [only] => says_all(only),
            [Kind::None, Kind::None | Kind::Null | Kind::Either(_)] => false,
            [Kind::None, other] => says_all(other),
            _ => false,
        },
        _ => true,
    }
}

/// A kind as the text of it reads: without unions in unions, and without a kind twice.
fn flat(kind: &Kind) -> Kind {
    match kind {
        Kind::Either(kinds) => Kind::either(kinds.iter().map(flat).collect()),
        Kind::Array(item, max) => Kind::Array(Box::new(flat(item)), *max),
        Kind::Set(item, max) => Kind::Set(Box::new(flat(item)), *max),
        Kind::Literal(KindLiteral::Array(kinds)) => {
            Kind::Literal(KindLiteral::Array(kinds.iter().map(flat).collect()))
        }
        Kind::Literal(KindLiteral::Object(kinds)) => {
            let fields = kinds.iter().map(|(name, kind)| (name.clone(), flat(kind)));
            Kind::Literal(KindLiteral::Object(fields.collect()))
        }
        kind => kind.clone(),
    }
}

/// `surrealdb_types` writes the kind `1dec` as `1decdec`, and fields without quotes.
fn is_written_well(kind: &Kind) -> bool {
    let is_word = |name: &String| {
        !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    match kind {
        Kind::Either(kinds) | Kind::Literal(KindLiteral::Array(kinds)) => {
            kinds.iter().all(is_written_well)
        }
        Kind::Array(item, _) | Kind::Set(item, _) => is_written_well(item),
        Kind::Literal(KindLiteral::Object(fields)) => {
            fields.iter().all(|(name, kind)| is_word(name) && is_written_well(kind))
        }
        Kind::Literal(KindLiteral::Decimal(_)) => false,
        _ => true,
    }
}

/// As it is after it went through text.
fn sent(json: serde_json::Value) -> serde_json::Value {
    serde_json::from_str(&json.to_string()).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1000) })]

    #[test]
    fn a_value_of_its_kind_stays_as_it_is((kind, value) in kind_and_value()) {
        prop_assert!(value.is_kind(&kind), "the generator: {value:?} is not a {kind}");
        let coerced = coerce(value.clone(), &kind).unwrap();
        prop_assert!(same(&coerced, &value), "{coerced:?}");
    }

    #[test]
    fn what_is_coerced_is_of_the_kind_and_stays((_, value) in kind_and_value(), kind in kind()) {
        let coerced = match coerce(value.clone(), &kind) {
            Ok(coerced) => coerced,
            Err(error) => {
                prop_assert!(!value.is_kind(&kind), "{value:?} is a {kind}: {error}");
                let text = error.to_string();
                prop_assert!(text.chars().count() < 1000, "{text}");
                prop_assert!(!text.contains(char::is_control), "{text:?}");
                return Ok(());
            }
        };
        prop_assert!(coerced.is_kind(&kind), "{value:?} became {coerced:?}, which is not a {kind}");
        if value.is_kind(&kind) {
            prop_assert!(same(&coerced, &value), "{value:?} became {coerced:?}");
        }
        prop_assert!(same(&coerce(coerced.clone(), &kind).unwrap(), &coerced));
    }

    #[test]
    fn a_kind_reads_as_it_is_written(kind in kind().prop_filter("is written well", is_written_well)) {
        let text = kind.to_string();
        match parse_kind(&text) {
            Ok(read) => prop_assert_eq!(read.to_string(), flat(&kind).to_string()),
            Err(error) => prop_assert!(text.len() > MAX_KIND_BYTES, "{}: {}", text, error),
        }
    }

    #[test]
    fn any_text_is_a_kind_or_an_error_on_a_line(text in "[a-z<>|,{}\\[\\]:'\"`\\\\0-9 .-]{0,30}") {
        if let Err(error) = parse_kind(&text) {
            prop_assert!(!error.to_string().contains(char::is_control), "{error:?}");
        }
    }

    #[test]
    fn a_kind_takes_the_values_of_each_that_it_covers((narrow, value) in kind_and_value(), wide in kind()) {
        if covers(&wide, &narrow) {
            prop_assert!(coerce(value.clone(), &wide).is_ok(), "{wide} covers {narrow}, not {value:?}");
        }
        prop_assert!(covers(&narrow, &narrow) && covers(&Kind::option(narrow.clone()), &narrow));
    }

    #[test]
    fn numbers_convert_without_a_loss(number in number()) {
        let value = Value::Number(number);
        for kind in [Kind::Int, Kind::Float, Kind::Decimal] {
            let Ok(coerced) = coerce(value.clone(), &kind) else { continue };
            let back = coerce(coerced.clone(), &number.kind());
            let back = back.map_err(|error| TestCaseError::fail(format!("{coerced:?}: {error}")))?;
            prop_assert_eq!(&back, &value, "by way of {:?}", coerced);
        }
    }

    #[test]
    fn what_is_written_without_a_loss_reads_back((kind, value) in kind_and_value()) {
        let json = sent(to_json_lossless(&value));
        for kind in [&kind, &Kind::Any] {
            let read = from_json(&json, kind);
            let read = read.map_err(|error| TestCaseError::fail(format!("{kind}: {json}: {error}")))?;
            prop_assert!(same(&read, &value), "{kind}: {value:?}, {json}, {read:?}");
        }
    }

    #[test]
    fn what_is_written_plainly_reads_back_by_a_kind_that_says_all(
        (kind, value) in kind_and_value().prop_filter("says all", |(kind, _)| says_all(kind))
    ) {
        let json = sent(to_json(&value));
        let read = from_json(&json, &kind);
        let read = read.map_err(|error| TestCaseError::fail(format!("{kind}: {json}: {error}")))?;
        prop_assert!(same(&read, &value), "{kind}: {value:?}, {json}, {read:?}");
    }

    #[test]
    fn whatever_is_read_is_of_the_kind((_, value) in kind_and_value(), kind in kind()) {
        for json in [to_json(&value), to_json_lossless(&value)] {
            match from_json(&json, &kind) {
                Ok(read) => prop_assert!(read.is_kind(&kind), "{json} became {read:?} for {kind}"),
                Err(error) => prop_assert!(error.to_string().chars().count() < 1000, "{error}"),
            }
        }
    }

    #[test]
    fn arguments_are_read_by_place_as_by_name(pairs in vec(kind_and_value(), 0..4)) {
        let (kinds, values): (Vec<_>, Vec<_>) = pairs.into_iter().unzip();
        let signature: Vec<_> =
            kinds.into_iter().enumerate().map(|(n, kind)| (format!("p{n}"), kind)).collect();
        let coerced = coerce_arguments(values.clone(), &signature).unwrap();
        let items: Vec<_> = values.iter().map(to_json_lossless).collect();
        let named = signature.iter().map(|(name, _)| name.clone()).zip(items.iter().cloned());
        for json in [serde_json::Value::Object(named.collect()), items.clone().into()] {
            let read = arguments_from_json(&json, &signature).unwrap();
            prop_assert!(same(&Value::Array(read.into()), &Value::Array(coerced.clone().into())));
        }
    }

    /// Our GeoJSON reads what `surrealdb_types` reads, as the same.
    #[test]
    fn geojson_is_read_as_by_surrealdb_types(geometry in geometry_kind().prop_flat_map(geometry)) {
        // Of a collection, they make an object that they do not read.
        if geometry.is_collection() {
            return Ok(());
        }
        let object = geometry.as_object();
        let theirs = Geometry::try_from_object(&object).map(Value::Geometry).unwrap();
        let ours = coerce(Value::Object(object), &Kind::Geometry(Vec::new())).unwrap();
        prop_assert!(same(&ours, &theirs), "{ours:?}, {theirs:?}");
    }

    /// Plain JSON reads by kind `any` as `surrealdb_types` reads it, but for ints beyond 64 bits.
    #[test]
    fn json_reads_as_by_surrealdb_types(value in any_value()) {
        let json = to_json(&value);
        // Tags are ours.
        if json.to_string().contains('$') {
            return Ok(());
        }
        let ours = from_json(&json, &Kind::Any).unwrap();
        prop_assert!(same(&ours, &json.into_value()));
    }
}
