//! JSON read and written by kind: one row for each form.

use std::ops::Bound;

use serde_json::{Value as Json, json};
use surrealdb_types::{
    Bytes, Datetime, Decimal, Duration, File, Geometry, Kind, Number, Range, RecordId, RecordIdKey,
    RecordIdKeyRange, Set, SurrealValue, ToSql, Uuid, Value, array, kind, object,
};
use surrealism_types::json::{arguments_from_json, from_json, to_json, to_json_lossless};

use super::{Expected, check_result};

#[track_caller]
fn check(rows: impl IntoIterator<Item = (Kind, Json, Expected)>) {
    for (kind, json, expected) in rows {
        let shown = format!("{json} for {}", kind.to_sql());
        check_result(from_json(&json, &kind), expected, &shown);
    }
}

#[test]
fn numbers() {
    check([
        (kind!(int), json!(12), Ok("12")),
        (kind!(int), json!(12.0), Ok("12")),
        (kind!(int), json!(i64::MIN), Ok("-9223372036854775808")),
        (kind!(int), json!(1.5), Err("expected int, got float 1.5f: it has a fraction")),
        (
            kind!(int),
            json!(u64::MAX),
            Err(
                "expected int, got decimal 18446744073709551615dec: it is out of range for a 64-bit",
            ),
        ),
        (kind!(int), json!("12"), Err("expected int, got string '12'")),
        (kind!(float), json!(1), Ok("1f")),
        (kind!(float), json!(1.5), Ok("1.5f")),
        (kind!(float), json!(-0.0), Ok("-0f")),
        (kind!(float), json!("NaN"), Ok("NaN")),
        (kind!(float), json!("-Infinity"), Ok("-Infinity")),
        (kind!(float), json!("1.5"), Err("expected float, got string '1.5'")),
        // 2^60, as JavaScript writes it.
        (kind!(float), json!(1_152_921_504_606_847_000_i64), Ok("1152921504606847000f")),
        (
            kind!(float),
            json!(9_007_199_254_740_993_i64),
            Err("expected float, got int 900719925474"),
        ),
        (kind!(decimal), json!(12), Ok("12dec")),
        (kind!(decimal), json!(0.1), Ok("0.1dec")),
        (kind!(decimal), json!("12.50"), Ok("12.50dec")),
        (
            kind!(decimal),
            json!("0.1234567890123456789012345678"),
            Ok("0.1234567890123456789012345678dec"),
        ),
        (kind!(decimal), json!(u64::MAX), Ok("18446744073709551615dec")),
        (kind!(decimal), json!("x"), Err("expected decimal, got string 'x': ")),
        (kind!(decimal), json!("1e5"), Err("expected decimal, got string '1e5': ")),
        (kind!(number), json!(1), Ok("1")),
        (kind!(number), json!(1.5), Ok("1.5f")),
        (kind!(number), json!("1.50"), Ok("1.50dec")),
        (kind!(number), json!("NaN"), Ok("NaN")),
        (kind!(array<float>), json!([1, 0.5, 0]), Ok("[1f, 0.5f, 0f]")),
    ]);
}

#[test]
fn texts() {
    check([
        (kind!(string), json!("person:1"), Ok("'person:1'")),
        (kind!(datetime), json!("2026-01-31T12:00:00Z"), Ok("d'2026-01-31T12:00:00Z'")),
        (kind!(datetime), json!("2026-01-31T12:00:00+02:00"), Ok("d'2026-01-31T10:00:00Z'")),
        (kind!(datetime), json!("2026-01-31"), Ok("d'2026-01-31T00:00:00Z'")),
        (
            kind!(datetime),
            json!("2026-13-01T00:00:00Z"),
            Err("expected datetime, got string '2026-13"),
        ),
        (kind!(datetime), json!(1), Err("expected datetime, got int 1")),
        (kind!(duration), json!("1h30m"), Ok("1h30m")),
        (kind!(duration), json!("soon"), Err("expected duration, got string 'soon': ")),
        (
            kind!(uuid),
            json!("018f6f6e-1111-7000-8000-000000000000"),
            Ok("u'018f6f6e-1111-7000-8000-000000000000'"),
        ),
        (kind!(uuid), json!("x"), Err("expected uuid, got string 'x': ")),
        (kind!(bytes), json!("AP8="), Ok("b\"00FF\"")),
        (kind!(bytes), json!([0, 255]), Ok("b\"00FF\"")),
        (
            kind!(bytes),
            json!("AP8"),
            Err("expected bytes, got string 'AP8': it is not base64 with"),
        ),
        (
            kind!(bytes),
            json!([256]),
            Err("expected bytes, got array of 1 element: an element is not"),
        ),
        (kind!(table), json!("person"), Ok("person")),
        (kind!(table<person>), json!("animal"), Err("expected table<person>, got string 'animal'")),
        (kind!(record), json!("person:1"), Ok("person:1")),
        (kind!(record), json!("person:`1`"), Ok("person:`1`")),
        (kind!(record<person>), json!("person:tobie"), Ok("person:tobie")),
        (
            kind!(record<person>),
            json!("animal:1"),
            Err("expected record<person>, got string 'animal:1'"),
        ),
        (kind!(record), json!("tobie"), Err("expected record, got string 'tobie': it has no `:`")),
        (
            kind!(record),
            json!("person:u'018f6f6e-1111-7000-8000-000000000000'"),
            Ok("person:u'018f6f6e-1111-7000-8000-000000000000'"),
        ),
        (
            kind!(record),
            json!({ "table": "weather", "key": ["London", 7] }),
            Ok("weather:['London', 7]"),
        ),
        (
            kind!(record),
            json!({ "table": "weather" }),
            Err("expected record, got object: it has no `key`"),
        ),
        (kind!(regex), json!("a/b"), Ok("/a\\/b/")),
        (kind!(regex), json!("("), Err("expected regex, got string '(': ")),
        (kind!(file), json!({ "bucket": "photos", "key": "/cat.png" }), Ok("f\"photos:/cat.png\"")),
        (kind!("1h" | "x"), json!("x"), Ok("'x'")),
    ]);
}

#[test]
fn null_is_what_the_kind_says() {
    check([
        (kind!(any), json!(null), Ok("NULL")),
        (kind!(null), json!(null), Ok("NULL")),
        (kind!(none), json!(null), Ok("NONE")),
        (kind!(none | int), json!(null), Ok("NONE")),
        (kind!(none | null | int), json!(null), Ok("NULL")),
        (kind!(int), json!(null), Err("expected int, got null")),
        (kind!({ a: none | int }), json!({ "a": null }), Ok("{ a: NONE }")),
        (kind!({ a: none | int }), json!({}), Ok("{ a: NONE }")),
    ]);
}

#[test]
fn containers() {
    check([
        (kind!(set<int>), json!([2, 1, 2.0]), Ok("{1, 2}")),
        (kind!(set<datetime>), json!(["2026-01-31"]), Ok("{d'2026-01-31T00:00:00Z',}")),
        (kind!(set<int, 1>), json!([2, 1]), Err("expected at most 1 element, got 2 elements")),
        (kind!([int, decimal]), json!([1, "2.0"]), Ok("[1, 2.0dec]")),
        (
            kind!({ when: datetime, tags: set<string> }),
            json!({ "when": "2026-01-31T00:00:00Z", "tags": ["a"] }),
            Ok("{ tags: {'a',}, when: d'2026-01-31T00:00:00Z' }"),
        ),
        (
            kind!(array<(kind!({ when: datetime }))>),
            json!([{ "when": "2026-01-31T00:00:00Z" }, { "when": "never" }]),
            Err("[1].when: expected datetime, got string 'never': "),
        ),
        (kind!(range), json!({}), Ok("..")),
        (kind!(range), json!({ "start": { "included": 1 }, "end": { "excluded": 5 } }), Ok("1..5")),
        (
            kind!(range),
            json!({ "start": { "excluded": 1.5 }, "end": { "included": { "$decimal": "2" } } }),
            Ok("1.5f>..=2dec"),
        ),
        (
            kind!(range),
            json!({ "start": 1 }),
            Err("expected range, got object: `start` is neither"),
        ),
        (
            kind!(range),
            json!({ "from": 1 }),
            Err("expected range, got object: it has members other"),
        ),
        (kind!(geometry), json!({ "type": "Point", "coordinates": [1, 2.5] }), Ok("(1f, 2.5f)")),
        (
            kind!(geometry),
            json!({ "type": "Point", "coordinates": [1, "x"] }),
            Err("coordinates[1]: expected float, got string 'x'"),
        ),
        (
            kind!(object),
            json!({ "type": "Point", "coordinates": [1, 2] }),
            Ok("{ coordinates: [1, 2], type: 'Point' }"),
        ),
    ]);
}

#[test]
fn unions() {
    check([
        // What JSON itself says is of one of the kinds.
        (kind!(datetime | string), json!("2026-01-31"), Ok("'2026-01-31'")),
        (kind!(float | int), json!(1), Ok("1")),
        (kind!(int | float), json!(1.5), Ok("1.5f")),
        // The first that can be read.
        (kind!(uuid | datetime), json!("2026-01-31"), Ok("d'2026-01-31T00:00:00Z'")),
        (kind!(datetime | decimal), json!(1.5), Ok("1.5dec")),
        (kind!(uuid | datetime), json!("x"), Err("expected uuid | datetime, got string 'x': ")),
        (
            kind!({ "type": "at", value: datetime } | { "type": "in", value: duration }),
            json!({ "type": "in", "value": "1h" }),
            Ok("{ type: 'in', value: 1h }"),
        ),
    ]);
}

#[test]
fn tags() {
    check([
        (kind!(any), json!({ "$none": null }), Ok("NONE")),
        (kind!(any), json!({ "$int": "9007199254740993" }), Ok("9007199254740993")),
        (kind!(any), json!({ "$int": 1 }), Ok("1")),
        (kind!(any), json!({ "$float": 1 }), Ok("1f")),
        (kind!(any), json!({ "$float": "NaN" }), Ok("NaN")),
        (kind!(any), json!({ "$datetime": "2026-01-31" }), Ok("d'2026-01-31T00:00:00Z'")),
        (
            kind!(any),
            json!({ "$set": [1, { "$uuid": "018f6f6e111170008000000000000000" }] }),
            Ok("{1, u'018f6f6e-1111-7000-8000-000000000000'}"),
        ),
        (
            kind!(any),
            json!({ "$geometry": { "type": "Point", "coordinates": [1, 2] } }),
            Ok("(1f, 2f)"),
        ),
        (kind!(any), json!({ "$object": { "$int": 1 } }), Ok("{ \"$int\": 1 }")),
        (kind!(any), json!({ "$object": { "a": { "$float": 1 } } }), Ok("{ a: 1f }")),
        // Not tags.
        (kind!(any), json!({ "$int": 1, "a": 2 }), Ok("{ \"$int\": 1, a: 2 }")),
        (kind!(any), json!({ "$other": 1 }), Ok("{ \"$other\": 1 }")),
        // A tag says what is there, and the kind what may be.
        (kind!(float), json!({ "$decimal": "1.5" }), Ok("1.5f")),
        (
            kind!(string),
            json!({ "$uuid": "018f6f6e-1111-7000-8000-000000000000" }),
            Err("expected string, got uuid"),
        ),
        (
            kind!(any),
            json!([{ "$datetime": "x" }]),
            Err("[0]['$datetime']: expected datetime, got string 'x'"),
        ),
        (
            kind!(any),
            json!({ "$int": "x" }),
            Err("['$int']: expected int, got string 'x': invalid digit"),
        ),
        (kind!(any), json!({ "$none": 1 }), Err("['$none']: expected none, got int 1")),
        (kind!(any), json!({ "$object": 1 }), Err("['$object']: expected object, got int 1")),
    ]);
}

#[test]
fn arguments() {
    let signature = [
        ("name".to_string(), kind!(string)),
        ("since".to_string(), kind!(none | datetime)),
        ("price".to_string(), kind!(none | decimal)),
    ];
    let cases: [(Json, Expected); 13] = [
        (json!(["x"]), Ok("['x', NONE, NONE]")),
        (json!(["x", null, 1.5]), Ok("['x', NONE, 1.5dec]")),
        (json!({ "name": "x" }), Ok("['x', NONE, NONE]")),
        (json!({ "price": "1.50", "name": "x" }), Ok("['x', NONE, 1.50dec]")),
        (
            json!([]),
            Err("expected 1 to 3 arguments (name: string, since: none | datetime, price: none | \
                 decimal), got 0"),
        ),
        (json!(["x", null, null, null]), Err("expected 1 to 3 arguments (name: ")),
        (json!({}), Err("argument 1 (name) is missing: the parameters are (name: string, ")),
        (
            json!({ "nmae": "x" }),
            Err(
                "no parameter is named `nmae`: did you mean `name`? the parameters are (name: string",
            ),
        ),
        (
            json!({ "name": "x", "zzzzzz": 1 }),
            Err("no parameter is named `zzzzzz`: the parameters are (name: string, "),
        ),
        (
            json!(["x", "never"]),
            Err("argument 2 (since): expected none | datetime, got string 'never': "),
        ),
        (
            json!(["x", { "$datetime": 1 }]),
            Err("argument 2 (since): ['$datetime']: expected datetime"),
        ),
        (
            json!("x"),
            Err(
                "expected an array of arguments, or an object by the names of the parameters (name: ",
            ),
        ),
        (
            json!(null),
            Err("expected an array of arguments, or an object by the names of the parameters ("),
        ),
    ];
    for (json, expected) in cases {
        match (arguments_from_json(&json, &signature), expected) {
            (Ok(args), Ok(expected)) => {
                assert_eq!(Value::Array(args.into()).to_sql(), expected, "{json}");
            }
            (Err(error), Err(expected)) => {
                let error = error.to_string();
                assert!(error.starts_with(expected), "{json}: {error}");
            }
            (result, _) => panic!("{json}: {result:?}"),
        }
    }
    assert!(arguments_from_json(&json!({}), &[]).unwrap().is_empty());
    assert!(arguments_from_json(&json!([]), &[]).unwrap().is_empty());
}

#[test]
fn both_forms_of_every_kind() {
    let uuid: Uuid = "018f6f6e-1111-7000-8000-000000000000".parse().unwrap();
    let datetime: Datetime = "2026-01-31T12:00:00.5Z".parse().unwrap();
    let decimal = Decimal::from_str_exact("12.50").unwrap();
    let point = Geometry::Point((1.0, 2.5).into());
    let range = Range { start: Bound::Included(decimal.into_value()), end: Bound::Unbounded };
    let key = RecordIdKey::Array(array!["London", datetime]);
    let int_tag = |text: &str| json!({ "$int": text });
    let rows = [
        (Value::None, json!(null), json!({ "$none": null })),
        (Value::Null, json!(null), json!(null)),
        (Value::Bool(true), json!(true), json!(true)),
        (Value::from_t(1_i64 << 53), json!(1_i64 << 53), json!(1_i64 << 53)),
        (Value::from_t(i64::MIN), json!(i64::MIN), int_tag("-9223372036854775808")),
        (Value::from_t(1.5), json!(1.5), json!(1.5)),
        (Value::from_t(1.0), json!(1.0), json!({ "$float": 1.0 })),
        (Value::from_t(f64::NAN), json!("NaN"), json!({ "$float": "NaN" })),
        (Value::from_t(f64::NEG_INFINITY), json!("-Infinity"), json!({ "$float": "-Infinity" })),
        (Value::from_t(decimal), json!("12.50"), json!({ "$decimal": "12.50" })),
        (Value::from_t("x".to_string()), json!("x"), json!("x")),
        (Value::Bytes(Bytes::from(vec![0, 255])), json!("AP8="), json!({ "$bytes": "AP8=" })),
        (
            Value::Datetime(datetime),
            json!("2026-01-31T12:00:00.500Z"),
            json!({ "$datetime": "2026-01-31T12:00:00.500Z" }),
        ),
        (
            Value::Duration(Duration::from_secs(5400)),
            json!("1h30m"),
            json!({ "$duration": "1h30m" }),
        ),
        (Value::Uuid(uuid), json!(uuid.to_string()), json!({ "$uuid": uuid.to_string() })),
        (Value::Table("person".into()), json!("person"), json!({ "$table": "person" })),
        (
            Value::RecordId(RecordId::new("person", "1")),
            json!("person:`1`"),
            json!({ "$record": "person:`1`" }),
        ),
        (
            Value::RecordId(RecordId::new("weather", key)),
            json!({ "table": "weather", "key": ["London", { "$datetime": "2026-01-31T12:00:00.500Z" }] }),
            json!({ "$record": {
                "table": "weather", "key": ["London", { "$datetime": "2026-01-31T12:00:00.500Z" }],
            } }),
        ),
        (
            Value::RecordId(RecordId::new("person", RecordIdKeyRange::from(1..5))),
            json!({ "table": "person", "key": { "$range": {
                "start": { "included": 1 }, "end": { "excluded": 5 },
            } } }),
            json!({ "$record": { "table": "person", "key": { "$range": {
                "start": { "included": 1 }, "end": { "excluded": 5 },
            } } } }),
        ),
        (
            Value::File(File::new("photos", "cat.png")),
            json!({ "bucket": "photos", "key": "/cat.png" }),
            json!({ "$file": { "bucket": "photos", "key": "/cat.png" } }),
        ),
        (Value::Regex("a+".parse().unwrap()), json!("a+"), json!({ "$regex": "a+" })),
        (
            Value::Range(Box::new(range)),
            json!({ "start": { "included": { "$decimal": "12.50" } } }),
            json!({ "$range": { "start": { "included": { "$decimal": "12.50" } } } }),
        ),
        (
            Value::Geometry(point.clone()),
            json!({ "type": "Point", "coordinates": [1.0, 2.5] }),
            json!({ "$geometry": { "type": "Point", "coordinates": [1.0, 2.5] } }),
        ),
        (
            Value::Geometry(Geometry::Collection(vec![point])),
            json!({ "type": "GeometryCollection", "geometries": [
                { "type": "Point", "coordinates": [1.0, 2.5] },
            ] }),
            json!({ "$geometry": { "type": "GeometryCollection", "geometries": [
                { "type": "Point", "coordinates": [1.0, 2.5] },
            ] } }),
        ),
        (
            Value::Array(array![1, decimal]),
            json!([1, "12.50"]),
            json!([1, { "$decimal": "12.50" }]),
        ),
        (
            Value::Set(Set::from(vec![2_i64.into_value(), 1_i64.into_value()])),
            json!([1, 2]),
            json!({ "$set": [1, 2] }),
        ),
        (
            Value::Object(object! { a: decimal, b: 1 }),
            json!({ "a": "12.50", "b": 1 }),
            json!({ "a": { "$decimal": "12.50" }, "b": 1 }),
        ),
        (
            Value::Object(object! { "$int": 1 }),
            json!({ "$object": { "$int": 1 } }),
            json!({ "$object": { "$int": 1 } }),
        ),
    ];
    for (value, plain, lossless) in rows {
        assert_eq!(to_json(&value), plain, "{}", value.to_sql());
        assert_eq!(to_json_lossless(&value), lossless, "{}", value.to_sql());
        let number = |value: &Value| matches!(value, Value::Number(Number::Float(f)) if f.is_nan());
        let read = from_json(&lossless, &Kind::Any).unwrap();
        assert!(read == value || number(&read) && number(&value), "{}", value.to_sql());
    }
}
