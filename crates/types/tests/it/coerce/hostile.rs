//! Values and kinds that are made to cost as much as they can.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};
use surrealdb_types::{Array, Geometry, Kind, KindLiteral, Object, Value, kind, object};
use surrealism_types::coerce::{CoerceReason, MAX_DEPTH, coerce, coerce_arguments};
use surrealism_types::json::{from_json, to_json, to_json_lossless};

/// A part of what a thread of tokio or of the tests has, without optimizations.
const STACK_BYTES: usize = 1 << 20;

/// Long beside what it takes, on a machine that does something else as well.
const SOON: Duration = Duration::from_secs(300);

/// Deeper than anything that is compared; much deeper values could not even be dropped.
const LEVELS: usize = 4 * MAX_DEPTH;

/// On a small stack; what is made of it is dropped there, too.
fn with_small_stack(test: impl FnOnce() + Send + 'static) {
    let small = thread::Builder::new().stack_size(STACK_BYTES);
    small.spawn(test).unwrap().join().unwrap();
}

fn nested<T>(levels: usize, leaf: T, mut nest: impl FnMut(T) -> T) -> T {
    (0..levels).fold(leaf, |inner, _| nest(inner))
}

fn array(item: Value) -> Value {
    Value::Array(Array::from(vec![item]))
}

fn int(int: i64) -> Value {
    Value::from_t(int)
}

/// Puts a kind, or a value, one level deeper.
type Nest<T> = fn(T) -> T;

/// Each way in which a kind and the values of it nest.
fn ways() -> Vec<(Nest<Kind>, Nest<Value>)> {
    vec![
        (|kind| Kind::Array(Box::new(kind), None), array),
        (|kind| Kind::Set(Box::new(kind), None), |value| Value::Set(vec![value].into())),
        (|kind| Kind::Literal(KindLiteral::Array(vec![kind])), array),
        (
            |kind| Kind::Literal(KindLiteral::Object([("a".to_string(), kind)].into())),
            |value| Value::Object(object! { a: value }),
        ),
        (|kind| Kind::Either(vec![kind]), |value| value),
        (|kind| Kind::Either(vec![Kind::None, Kind::Array(Box::new(kind), None)]), array),
    ]
}

#[test]
fn depth_is_bounded() {
    with_small_stack(|| {
        for (index, (nest_kind, nest_value)) in ways().into_iter().enumerate() {
            let levels = MAX_DEPTH / 2 - 1;
            let (kind, value) =
                (nested(levels, Kind::Float, nest_kind), nested(levels, int(1), nest_value));
            assert!(coerce(value.clone(), &kind).unwrap().is_kind(&kind), "way {index}");
            let wrong = nested(levels, Kind::Bool, nest_kind);
            assert_eq!(coerce(value, &wrong).unwrap_err().reason(), CoerceReason::WrongKind);

            let kind = nested(LEVELS, Kind::Float, nest_kind);
            let error = coerce(nested(LEVELS, int(1), nest_value), &kind).unwrap_err();
            assert_eq!(error.reason(), CoerceReason::TooDeep, "way {index}: {error}");
            assert!(error.to_string().len() < 1000, "{error}");
            // Deep alone is nothing.
            coerce(int(1), &kind).unwrap_err();
            coerce(nested(LEVELS, int(1), nest_value), &Kind::Any).unwrap();
            let _ = coerce_arguments(Vec::new(), &[("a".to_string(), kind)]);
        }
    });
}

#[test]
fn depth_of_geojson_is_bounded() {
    with_small_stack(|| {
        let collection = |part: Value| {
            Value::Object(object! { "type": "GeometryCollection", geometries: array(part) })
        };
        let point = || Value::Geometry(Geometry::Point((1.0, 2.0).into()));
        coerce(nested(100, point(), collection), &kind!(geometry)).unwrap();
        let error = coerce(nested(LEVELS, point(), collection), &kind!(geometry)).unwrap_err();
        assert_eq!(error.reason(), CoerceReason::TooDeep, "{error}");
        assert!(error.to_string().len() < 1000, "{error}");
    });
}

#[test]
fn depth_of_json_is_bounded() {
    with_small_stack(|| {
        let forms: [Nest<Json>; 5] = [
            |json| Json::Array(vec![json]),
            |json| member("a", json),
            |json| member("$object", member("a", json)),
            |json| member("$set", Json::Array(vec![json])),
            |json| member("$range", member("start", member("included", json))),
        ];
        for nest in forms {
            from_json(&nested(60, json!(1), nest), &Kind::Any).unwrap();
            let error = from_json(&nested(MAX_DEPTH, json!(1), nest), &Kind::Any).unwrap_err();
            assert_eq!(error.reason(), CoerceReason::TooDeep, "{error}");
        }
        for (_, nest) in ways() {
            let value = nested(LEVELS, int(1), nest);
            to_json(&value);
            to_json_lossless(&value);
        }
        let shape = nested(LEVELS, Geometry::Point((1.0, 2.0).into()), |part| {
            Geometry::Collection(vec![part])
        });
        to_json(&Value::Geometry(shape));
    });
}

fn member(name: &str, json: Json) -> Json {
    Json::Object([(name.to_string(), json)].into_iter().collect())
}

/// A few hundred kilobytes of an archive, against a few megabytes of a caller.
#[test]
fn unions_do_not_multiply_without_end() {
    // Each level doubles the kind.
    let bushy = nested(12, Kind::Int, |kind| {
        let array = Kind::Array(Box::new(kind), None);
        Kind::Either(vec![array.clone(), array])
    });
    let mut leaves = Array::from(vec![int(1); 100_000]);
    leaves.push(Value::Null);
    let leaves = Value::Array(leaves);
    let tables = Kind::Record((0..10_000).map(|n| format!("table {n}").into()).collect());
    let record = Value::RecordId(surrealdb_types::RecordId::new("table 9999", 1));
    let missing = (0..10_000).map(|n| (format!("field {n}"), Kind::option(Kind::Int)));
    let missing = Kind::Literal(KindLiteral::Object(missing.collect()));
    let geojson = Value::Object(object! {
        "type": "MultiPoint",
        coordinates: Array::from(vec![Array::from(vec![1_i64, 2]); 10_000]),
    });
    let shapes =
        Kind::Either(vec![Kind::Geometry(vec![surrealdb_types::GeometryKind::Point]); 10_000]);
    let cases = [
        (bushy, nested(11, leaves, array)),
        (Kind::Array(Box::new(tables), None), Value::Array(Array::from(vec![record; 10_000]))),
        // Ten million fields of NONE, of nothing.
        (
            Kind::Array(Box::new(missing), None),
            Value::Array(Array::from(vec![Value::Object(Object::new()); 1_000])),
        ),
        (shapes, geojson),
    ];
    for (index, (kind, value)) in cases.into_iter().enumerate() {
        let begin = Instant::now();
        let error = coerce(value, &kind).unwrap_err();
        assert_eq!(error.reason(), CoerceReason::TooComplex, "case {index}: {error}");
        assert!(begin.elapsed() < SOON, "case {index}: {:?}", begin.elapsed());
    }
}

/// The errors of a union's members are made for the part that is wrong alone.
#[test]
fn explaining_costs_little_more_than_comparing() {
    let literals = (0..1_000).map(|n| Kind::Literal(KindLiteral::Integer(n)));
    let kind = Kind::Array(Box::new(Kind::Either(literals.collect())), None);
    let mut items = Array::from(vec![int(999); 2_000]);
    items.push(Value::Bool(true));
    let begin = Instant::now();
    let error = coerce(Value::Array(items), &kind).unwrap_err();
    assert!(error.to_string().starts_with("[2000]: expected 0 | 1 | 2 | 3"), "{error}");
    assert!(begin.elapsed() < SOON, "{:?}", begin.elapsed());
}

#[test]
fn regular_expressions_of_json_are_bounded() {
    let many = |count: usize| json!(vec![json!({ "$regex": r"\w{4}" }); count]);
    from_json(&many(16), &Kind::Any).unwrap();
    let begin = Instant::now();
    assert!(from_json(&many(1000), &Kind::Any).is_err());
    let regexes = Kind::Array(Box::new(Kind::Regex), None);
    let texts = json!(vec![r"\w{4}"; 1000]);
    let error = from_json(&texts, &regexes).unwrap_err();
    assert_eq!(error.reason(), CoerceReason::TooComplex, "{error}");
    assert!(begin.elapsed() < SOON, "{:?}", begin.elapsed());
}

#[test]
fn large_values_pass() {
    let numbers = Value::Array(Array::from(vec![int(1); 200_000]));
    let coerced = coerce(numbers, &kind!(array<none | string | float>)).unwrap();
    assert_eq!(coerced.as_array().map(|items| items.len()), Some(200_000));
}

#[test]
fn errors_are_short_and_on_one_line() {
    let wild = "\u{1b}[31m\n\u{0}\u{202e}'\"\\".repeat(10_000);
    let object = || Value::Object([(wild.clone(), int(1))].into_iter().collect());
    let of_fields =
        |name: &str| Kind::Literal(KindLiteral::Object([(name.to_string(), Kind::Bool)].into()));
    let signature = [(wild.clone(), of_fields(&wild))];
    let mut texts = vec![
        coerce(Value::String(wild.clone()), &Kind::Bool).unwrap_err().to_string(),
        coerce(object(), &of_fields(&wild)).unwrap_err().to_string(),
        coerce(object(), &of_fields("a")).unwrap_err().to_string(),
        coerce(object(), &Kind::Literal(KindLiteral::Object([].into()))).unwrap_err().to_string(),
        coerce(int(1), &Kind::Literal(KindLiteral::String(wild.clone()))).unwrap_err().to_string(),
        coerce(int(1), &Kind::Record(vec![wild.as_str().into(); 100])).unwrap_err().to_string(),
        coerce(Value::Table(wild.as_str().into()), &Kind::Bool).unwrap_err().to_string(),
        coerce_arguments(vec![object()], &signature).unwrap_err().to_string(),
        coerce_arguments(vec![], &signature).unwrap_err().to_string(),
    ];
    for kind in [
        Kind::Datetime,
        Kind::Duration,
        Kind::Uuid,
        Kind::Decimal,
        Kind::Bytes,
        Kind::Regex,
        Kind::Record(vec![]),
    ] {
        texts.push(from_json(&json!(wild), &kind).unwrap_err().to_string());
        texts.push(from_json(&json!("(".repeat(3000)), &kind).unwrap_err().to_string());
    }
    for text in texts {
        assert!(text.chars().count() < 1000, "{} characters: {text:.1000}", text.chars().count());
        let is_plain = |char: char| !char.is_control() && char != '\u{202e}';
        assert!(text.chars().all(is_plain), "{text:?}");
    }
}
