//! Values coerced to kinds: one row for each thing that a value may be given for.

use surrealdb_types::{
    Array, Bytes, Datetime, Decimal, Duration, File, Kind, Number, RecordId, Set, ToSql, Uuid,
    Value, array, kind, object,
};
use surrealism_types::coerce::{
    ArgumentError, CoerceReason, MAX_DEPTH, PathSegment, coerce, coerce_arguments,
};

use super::{Expected, check_result};

type Signature = [(String, Kind)];

fn dec(text: &str) -> Value {
    Value::Number(Number::Decimal(Decimal::from_str_exact(text).unwrap()))
}

fn float(float: f64) -> Value {
    Value::Number(Number::Float(float))
}

fn int(int: i64) -> Value {
    Value::Number(Number::Int(int))
}

fn text(text: &str) -> Value {
    Value::String(text.to_string())
}

fn list(items: impl IntoIterator<Item = Value>) -> Value {
    Value::Array(Array::from(items.into_iter().collect::<Vec<_>>()))
}

fn set(items: impl IntoIterator<Item = Value>) -> Value {
    Value::Set(Set::from(items.into_iter().collect::<Vec<_>>()))
}

fn geojson(name: &str, coordinates: Value) -> Value {
    Value::Object(object! { "type": name, "coordinates": coordinates })
}

fn ring(points: &[(i32, i32)]) -> Value {
    list(points.iter().map(|(x, y)| Value::Array(array![*x, *y])))
}

#[track_caller]
fn check(rows: impl IntoIterator<Item = (Kind, Value, Expected)>) {
    for (kind, value, expected) in rows {
        let shown = format!("{} for {}", value.to_sql(), kind.to_sql());
        if let Some(coerced) = check_result(coerce(value, &kind), expected, &shown) {
            assert!(coerced.is_kind(&kind), "{shown} became {coerced:?}");
            assert_eq!(coerce(coerced.clone(), &kind).unwrap(), coerced, "{shown}, twice");
        }
    }
}

#[test]
fn numbers() {
    check([
        (kind!(float), int(1), Ok("1f")),
        (kind!(float), dec("1.5"), Ok("1.5f")),
        (kind!(float), dec("0.1"), Ok("0.1f")),
        (kind!(float), float(-0.0), Ok("-0f")),
        (kind!(float), float(f64::NAN), Ok("NaN")),
        (kind!(float), float(f64::INFINITY), Ok("Infinity")),
        (kind!(float), float(f64::NEG_INFINITY), Ok("-Infinity")),
        (kind!(float), int(1 << 53), Ok("9007199254740992f")),
        (
            kind!(float),
            int((1 << 53) + 1),
            Err(
                "expected float, got int 9007199254740993: a float does not hold all of its digits",
            ),
        ),
        (
            kind!(float),
            dec("0.1234567890123456789"),
            Err("expected float, got decimal 0.1234567890123456789dec: a float does not hold all"),
        ),
        (kind!(float), text("1.5"), Err("expected float, got string '1.5': write 1.5")),
        (kind!(float), text("x"), Err("expected float, got string 'x': write a float as 1.5f")),
        (kind!(float), Value::Bool(true), Err("expected float, got bool true")),
        (kind!(float), Value::None, Err("expected float, got none")),
        (kind!(float), Value::Null, Err("expected float, got null")),
        (kind!(int), float(1.0), Ok("1")),
        (kind!(int), float(-0.0), Ok("0")),
        (kind!(int), dec("1.00"), Ok("1")),
        (kind!(int), float(1.5), Err("expected int, got float 1.5f: it has a fraction")),
        (kind!(int), dec("1.5"), Err("expected int, got decimal 1.5dec: it has a fraction")),
        (
            kind!(int),
            float(f64::NAN),
            Err("expected int, got float NaN: it is not a finite number"),
        ),
        (
            kind!(int),
            float(9_223_372_036_854_775_808.0),
            Err(
                "expected int, got float 9223372036854776000f: it is out of range for a 64-bit signed",
            ),
        ),
        (
            kind!(int),
            dec("18446744073709551615"),
            Err(
                "expected int, got decimal 18446744073709551615dec: it is out of range for a 64-bit",
            ),
        ),
        (kind!(int), text("12"), Err("expected int, got string '12': write 12")),
        (kind!(decimal), int(i64::MAX), Ok("9223372036854775807dec")),
        (kind!(decimal), float(0.1), Ok("0.1dec")),
        (kind!(decimal), float(-0.0), Ok("0dec")),
        (
            kind!(decimal),
            float(1e30),
            Err("expected decimal, got float 1000000000000000000000000000000f: it is out of range"),
        ),
        (kind!(decimal), float(1e-30), Err("expected decimal, got float 0.0000000000000000000000")),
        (
            kind!(decimal),
            float(f64::NAN),
            Err("expected decimal, got float NaN: it is not a finite"),
        ),
        (
            kind!(decimal),
            text("12.50"),
            Err("expected decimal, got string '12.50': write 12.50dec"),
        ),
        (
            kind!(decimal),
            text("x"),
            Err("expected decimal, got string 'x': write a decimal as 1.50dec"),
        ),
        (kind!(number), int(1), Ok("1")),
        (kind!(number), float(-0.0), Ok("-0f")),
        (kind!(number), dec("1.50"), Ok("1.50dec")),
        (kind!(number), text("1"), Err("expected number, got string '1': write 1")),
    ]);
}

#[test]
fn floats_keep_their_bits() {
    let nan = f64::from_bits(0x7ff8_0000_0000_1234);
    for value in [0.0, -0.0, nan, -nan, f64::INFINITY, f64::MIN_POSITIVE, 5e-324] {
        for kind in
            [kind!(float), kind!(number), kind!(any), kind!(none | float), kind!(int | float)]
        {
            let Value::Number(Number::Float(kept)) = coerce(float(value), &kind).unwrap() else {
                panic!("{value} became another kind for {kind}");
            };
            assert_eq!(kept.to_bits(), value.to_bits(), "{kind}");
        }
    }
}

#[test]
fn texts_are_never_taken_for_what_they_name() {
    check([
        (
            kind!(record),
            text("person:1"),
            Err("expected record, got string 'person:1': write r'person:1'"),
        ),
        (
            kind!(record<person>),
            text("person:`a b`"),
            Err("expected record<person>, got string 'person:`a b`': write r'person:`a b`'"),
        ),
        (
            kind!(record),
            text("tobie"),
            Err("expected record, got string 'tobie': write a record id as r'person:1'"),
        ),
        (
            kind!(none | record<person>),
            text("person:1"),
            Err("expected none | record<person>, got string 'person:1': write r'person:1'"),
        ),
        (
            kind!(datetime),
            text("2026-01-31T12:00:00Z"),
            Err(
                "expected datetime, got string '2026-01-31T12:00:00Z': write d'2026-01-31T12:00:00Z'",
            ),
        ),
        (
            kind!(datetime),
            text("tomorrow"),
            Err(
                "expected datetime, got string 'tomorrow': write a datetime as d'2026-01-31T12:00:00Z'",
            ),
        ),
        (kind!(duration), text("90m"), Err("expected duration, got string '90m': write 1h30m")),
        (
            kind!(uuid),
            text("018f6f6e-1111-7000-8000-000000000000"),
            Err(
                "expected uuid, got string '018f6f6e-1111-7000-8000-000000000000': write u'018f6f6e-",
            ),
        ),
        (kind!(bytes), text("x"), Err("expected bytes, got string 'x': write bytes as b\"00FF\"")),
        (kind!(bool), text("true"), Err("expected bool, got string 'true': write true")),
        (
            kind!(regex),
            text("a+"),
            Err("expected regex, got string 'a+': write a regular expression"),
        ),
        (kind!(file), text("a:/b"), Err("expected file, got string 'a:/b': write a file as f\"")),
        (
            kind!(range),
            text("1..5"),
            Err("expected range, got string '1..5': write a range as 1..5"),
        ),
        (
            kind!(geometry),
            text("POINT(1 2)"),
            Err(
                "expected geometry, got string 'POINT(1 2)': write a geometry as { type: 'Point', ",
            ),
        ),
        (kind!(table), text("person"), Err("expected table, got string 'person'")),
        (kind!(object), text("{}"), Err("expected object, got string '{}'")),
        (kind!(string), int(1), Err("expected string, got int 1")),
    ]);
}

#[test]
fn values_of_their_kind_stay_as_they_are() {
    let datetime: Datetime = "2026-01-31T12:00:00.5Z".parse().unwrap();
    let uuid: Uuid = "018f6f6e-1111-7000-8000-000000000000".parse().unwrap();
    check([
        (kind!(any), Value::None, Ok("NONE")),
        (kind!(none), Value::None, Ok("NONE")),
        (kind!(null), Value::Null, Ok("NULL")),
        (kind!(none), Value::Null, Err("expected none, got null")),
        (kind!(null), Value::None, Err("expected null, got none")),
        (kind!(bool), Value::Bool(false), Ok("false")),
        (kind!(string), text("x"), Ok("'x'")),
        (kind!(bytes), Value::Bytes(Bytes::from(vec![0, 255])), Ok("b\"00FF\"")),
        (kind!(datetime), Value::Datetime(datetime), Ok("d'2026-01-31T12:00:00.500Z'")),
        (kind!(duration), Value::Duration(Duration::from_secs(5400)), Ok("1h30m")),
        (kind!(uuid), Value::Uuid(uuid), Ok("u'018f6f6e-1111-7000-8000-000000000000'")),
        (kind!(regex), Value::Regex("a+".parse().unwrap()), Ok("/a+/")),
        (kind!(object), Value::Object(object! { a: 1 }), Ok("{ a: 1 }")),
        (kind!(range), Value::from_t(surrealdb_types::Range::from(1..5)), Ok("1..5")),
        (kind!(table), Value::Table("person".into()), Ok("person")),
        (kind!(table<person>), Value::Table("person".into()), Ok("person")),
        (
            kind!(table<person>),
            Value::Table("animal".into()),
            Err("expected table<person>, got table animal"),
        ),
        (kind!(record), Value::RecordId(RecordId::new("person", 1)), Ok("person:1")),
        (
            kind!(record<person | animal>),
            Value::RecordId(RecordId::new("animal", 1)),
            Ok("animal:1"),
        ),
        (
            kind!(record<person | animal>),
            Value::RecordId(RecordId::new("plant", "a b")),
            Err("expected record<person | animal>, got record plant:a b"),
        ),
        (
            kind!(record),
            Value::Object(object! { id: RecordId::new("person", 1) }),
            Err("expected record, got object"),
        ),
        (kind!(file), Value::File(File::new("photos", "cat.png")), Ok("f\"photos:/cat.png\"")),
        (
            Kind::File(vec!["photos".into()]),
            Value::File(File::new("photos", "cat.png")),
            Ok("f\"photos:/cat.png\""),
        ),
        (
            Kind::File(vec!["photos".into()]),
            Value::File(File::new("films", "cat.png")),
            Err("expected file<photos>, got file of bucket films"),
        ),
        (Kind::Function(None, None), Value::None, Err("expected function, got none")),
        (Kind::Either(Vec::new()), Value::None, Err("expected , got none")),
    ]);
}

#[test]
fn collections() {
    check([
        (kind!(array<float>), list([int(1), float(0.5), int(0)]), Ok("[1f, 0.5f, 0f]")),
        (kind!(array<float>), list([]), Ok("[]")),
        (kind!(array), list([int(1), text("x")]), Ok("[1, 'x']")),
        (kind!(array<int, 2>), list([int(1), float(2.0)]), Ok("[1, 2]")),
        (kind!(array<int, 2>), list([int(1)]), Ok("[1]")),
        (
            kind!(array<int, 2>),
            list([int(1), int(2), int(3)]),
            Err("expected at most 2 elements, got 3 elements"),
        ),
        (
            kind!(array<float>),
            list([int(1), text("x")]),
            Err("[1]: expected float, got string 'x': write a float as 1.5f (in array<float>)"),
        ),
        (kind!(array<float>), set([int(1)]), Err("expected array<float>, got set of 1 element")),
        (kind!(array<float>), int(1), Err("expected array<float>, got int 1")),
        (kind!(array<array<float>>), list([list([int(1)])]), Ok("[[1f]]")),
        (kind!(set<float>), set([int(1), int(2)]), Ok("{1f, 2f}")),
        (kind!(set<int>), set([float(1.0)]), Ok("{1,}")),
        (
            kind!(set<int, 1>),
            set([int(1), int(2)]),
            Err("expected at most 1 element, got 2 elements"),
        ),
        (kind!(set<int>), set([float(0.5)]), Err("[0]: expected int, got float 0.5f: it has a")),
        // As SurrealDB 3 refuses it.
        (
            kind!(set<int>),
            list([int(1)]),
            Err("expected set<int>, got array of 1 element: write a set as {1, 2}, {1,} or {,}"),
        ),
        (kind!([int, float]), list([float(1.0), int(1)]), Ok("[1, 1f]")),
        (kind!([int, float]), list([int(1)]), Err("expected 2 elements, got 1 element")),
        (
            kind!([int, float]),
            list([int(1), text("x")]),
            Err("[1]: expected float, got string 'x'"),
        ),
        (kind!([int]), Value::None, Err("expected [int], got none")),
    ]);
}

#[test]
fn objects() {
    let point = || kind!({ x: float, y: float, label: none | string });
    check([
        (
            point(),
            Value::Object(object! { x: 1, y: 2.5, label: "a" }),
            Ok("{ label: 'a', x: 1f, y: 2.5f }"),
        ),
        // What is left out and may be NONE is NONE, as a trailing argument is.
        (point(), Value::Object(object! { x: 1, y: 2 }), Ok("{ label: NONE, x: 1f, y: 2f }")),
        (
            point(),
            Value::Object(object! { x: 1 }),
            Err(
                "y: expected float, got nothing: the field is missing (in {label: none | string, x:",
            ),
        ),
        (
            point(),
            Value::Object(object! { x: 1, y: 2, z: 3 }),
            Err("z: unknown field: the fields are label, x, y (in {label"),
        ),
        (
            point(),
            Value::Object(object! { x: 1, y: 2, lable: "a" }),
            Err("lable: unknown field: did you mean `label`?"),
        ),
        (
            kind!({ unit_price: decimal }),
            Value::Object(object! { unitPrice: 1 }),
            Err(
                "unit_price: expected decimal, got nothing: the field is missing, and there is `unitPrice`",
            ),
        ),
        (
            point(),
            Value::Null,
            Err("expected {label: none | string, x: float, y: float}, got null"),
        ),
        (kind!({}), Value::Object(object! {}), Ok("{  }")),
        (kind!({}), Value::Object(object! { a: 1 }), Err("a: unknown field: the fields are none")),
        // Fields of `object` have no kinds.
        (kind!(object), Value::Object(object! { a: dec("1") }), Ok("{ a: 1dec }")),
    ]);
}

#[test]
fn unions() {
    check([
        (kind!(none | float), int(1), Ok("1f")),
        (kind!(none | float), Value::None, Ok("NONE")),
        (kind!(none | float), Value::Null, Err("expected none | float, got null")),
        (kind!(none | array<float>), list([int(1)]), Ok("[1f]")),
        // Of one of the kinds already.
        (kind!(float | int), int(1), Ok("1")),
        (kind!(float | decimal | int), int(1), Ok("1")),
        (kind!(array<float> | array<int>), list([int(1)]), Ok("[1]")),
        // The first that takes it.
        (kind!(float | decimal), int(1), Ok("1f")),
        (kind!(decimal | float), int(1), Ok("1dec")),
        (kind!(int | decimal), float(1.5), Ok("1.5dec")),
        (kind!(array<float> | array<decimal>), list([int(1)]), Ok("[1f]")),
        // The part of the first kind that can be converted is not left in what the second makes.
        (kind!([float, int] | [decimal, string]), list([int(1), text("x")]), Ok("[1dec, 'x']")),
        (
            kind!(int | bool),
            text("x"),
            Err("expected int | bool, got string 'x': write an int as 12"),
        ),
        (
            kind!(int | bool),
            float(1.5),
            Err("expected int | bool, got float 1.5f: it has a fraction"),
        ),
        (
            kind!({ "type": "card", number: string } | { "type": "cash", sum: decimal }),
            Value::Object(object! { type: "cash", sum: "5" }),
            Err("sum: expected decimal, got string '5': write 5dec"),
        ),
        (
            kind!({ card: { number: string } } | { cash: { sum: decimal } }),
            Value::Object(object! { cash: object! { sum: "5" } }),
            Err("cash.sum: expected decimal, got string '5': write 5dec"),
        ),
        (
            kind!({ "type": "a", x: int } | { "type": "b", x: int }),
            Value::Object(object! { "type": "b", x: true }),
            Err("x: expected int, got bool true"),
        ),
        (
            kind!(none | { a: int }),
            Value::Object(object! { a: true }),
            Err("a: expected int, got bool true (in none | {a: int})"),
        ),
    ]);
}

#[test]
fn literals() {
    use surrealdb_types::KindLiteral::{
        Array, Bool, Decimal as Dec, Duration as Dur, Float, Integer,
    };
    let literal = Kind::Literal;
    let second = Duration::from_secs(1);
    check([
        (kind!("a" | "b"), text("b"), Ok("'b'")),
        (kind!("a" | "b"), text("c"), Err("expected 'a' | 'b', got string 'c'")),
        (literal(Integer(1)), int(1), Ok("1")),
        (literal(Integer(1)), float(1.0), Ok("1")),
        (literal(Integer(1)), int(2), Err("expected 1, got int 2")),
        (literal(Float(1.5)), dec("1.5"), Ok("1.5f")),
        (literal(Dec(Decimal::from(2))), int(2), Ok("2dec")),
        (literal(Bool(true)), Value::Bool(true), Ok("true")),
        (literal(Bool(true)), Value::Bool(false), Err("expected true, got bool false")),
        (literal(Dur(second)), Value::Duration(second), Ok("1s")),
        (literal(Array(vec![kind!(float)])), list([int(1)]), Ok("[1f]")),
    ]);
}

#[test]
fn geojson_is_taken_for_geometries() {
    let triangle = || ring(&[(0, 0), (1, 0), (1, 1), (0, 0)]);
    let drawn = "[[0f, 0f], [1f, 0f], [1f, 1f], [0f, 0f]]";
    let collection =
        |parts: Value| Value::Object(object! { "type": "GeometryCollection", geometries: parts });
    let point = || geojson("Point", list([int(1), int(2)]));
    let polygon = format!("{{ type: 'Polygon', coordinates: [{drawn}] }}").leak();
    let multi = format!("{{ type: 'MultiPolygon', coordinates: [[{drawn}]] }}").leak();
    check([
        (kind!(geometry), point(), Ok("(1f, 2f)")),
        (kind!(geometry<point>), point(), Ok("(1f, 2f)")),
        (
            kind!(geometry<point>),
            geojson("Point", list([dec("1.5"), float(2.5)])),
            Ok("(1.5f, 2.5f)"),
        ),
        (kind!(array<geometry>), list([point()]), Ok("[(1f, 2f)]")),
        (kind!(none | geometry), point(), Ok("(1f, 2f)")),
        // An object is an object where the kind has one.
        (kind!(geometry | object), point(), Ok("{ coordinates: [1, 2], type: 'Point' }")),
        (
            kind!(geometry<line>),
            geojson("LineString", ring(&[(0, 0), (1, 1)])),
            Ok("{ type: 'LineString', coordinates: [[0f, 0f], [1f, 1f]] }"),
        ),
        (kind!(geometry<polygon>), geojson("Polygon", list([triangle()])), Ok(polygon)),
        // SurrealDB closes it as well.
        (kind!(geometry), geojson("Polygon", list([ring(&[(0, 0), (1, 0), (1, 1)])])), Ok(polygon)),
        (
            kind!(geometry<multipoint>),
            geojson("MultiPoint", ring(&[(0, 0), (1, 1)])),
            Ok("{ type: 'MultiPoint', coordinates: [[0f, 0f], [1f, 1f]] }"),
        ),
        (
            kind!(geometry<multiline>),
            geojson("MultiLineString", list([ring(&[(0, 0), (1, 1)])])),
            Ok("{ type: 'MultiLineString', coordinates: [[[0f, 0f], [1f, 1f]]] }"),
        ),
        (
            kind!(geometry<multipolygon>),
            geojson("MultiPolygon", list([list([triangle()])])),
            Ok(multi),
        ),
        (
            kind!(geometry<collection>),
            collection(list([point(), collection(list([point()]))])),
            Ok("{ type: 'GeometryCollection', geometries: [(1f, 2f), \
                { type: 'GeometryCollection', geometries: [(1f, 2f)] }] }"),
        ),
        (kind!(geometry<line>), point(), Err("expected geometry<line>, got geometry<point>")),
        (
            kind!(geometry),
            geojson("Circle", list([])),
            Err(
                "type: expected a GeoJSON type, got string 'Circle': the types are Point, LineString,",
            ),
        ),
        (
            kind!(geometry),
            geojson("point", list([])),
            Err("type: expected a GeoJSON type, got string"),
        ),
        (
            kind!(geometry),
            Value::Object(object! {}),
            Err("type: expected a GeoJSON type, got nothing"),
        ),
        (
            kind!(geometry),
            Value::Object(object! { "type": "Point" }),
            Err("coordinates: expected an array, got nothing: the field is missing"),
        ),
        (
            kind!(geometry),
            Value::Object(object! { "type": "Point", coordinates: array![1, 2], crs: "x" }),
            Err(
                "crs: unknown field: a GeoJSON object has `type` and `coordinates` and nothing else",
            ),
        ),
        (
            kind!(geometry),
            geojson("Point", list([int(1), int(2), int(3)])),
            Err("coordinates: expected 2 numbers, longitude and latitude, got 3 elements"),
        ),
        (
            kind!(geometry),
            geojson("Point", list([int(1), text("2")])),
            Err("coordinates[1]: expected float, got string '2': write 2"),
        ),
        (
            kind!(geometry),
            geojson("Polygon", list([list([int(1)])])),
            Err("coordinates[0][0]: expected a position of 2 numbers, got int 1"),
        ),
        (
            kind!(geometry),
            geojson("Polygon", list([])),
            Err("coordinates: expected the coordinates of"),
        ),
        (
            kind!(geometry),
            collection(list([point(), geojson("Point", list([]))])),
            Err(
                "geometries[1].coordinates: expected 2 numbers, longitude and latitude, got 0 elements",
            ),
        ),
        (
            kind!(geometry),
            collection(int(1)),
            Err("geometries: expected an array of geometries, got"),
        ),
    ]);
}

fn order() -> Kind {
    let item = kind!({ name: string, unit_price: decimal, tags: array<string> });
    kind!({ customer: record<customer>, items: array<(item)>, placed: datetime, note: none | string })
}

#[test]
fn a_wrong_field_deep_inside_is_named_first() {
    let item = || object! { name: "x", unit_price: dec("1"), tags: list([]) };
    let mut wrong = item();
    wrong.insert("unit_price", "12.50");
    let items = list([item(), item(), item(), wrong].map(Value::Object));
    let order_value = Value::Object(object! {
        customer: RecordId::new("customer", 1),
        placed: "2026-01-31T12:00:00Z".parse::<Datetime>().unwrap(),
        items: items,
    });
    let error = coerce(order_value.clone(), &order()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "items[3].unit_price: expected decimal, got string '12.50': write 12.50dec (in {customer: \
         record<customer>, items: array<{name: string, tags: array<string>, unit_price: decimal}>, \
         note: none | string…)"
    );
    assert_eq!(error.reason(), CoerceReason::WrongKind);
    assert_eq!((error.expected(), error.got()), ("decimal", "string '12.50'"));
    let path: Vec<_> = error.path().cloned().collect();
    let field = |name: &str| PathSegment::Field(name.to_string());
    assert_eq!(path, [field("items"), PathSegment::Index(3), field("unit_price")]);

    let signature = [("id".to_string(), Kind::Int), ("order".to_string(), order())];
    let error = coerce_arguments(vec![int(1), order_value], &signature).unwrap_err();
    let text = error.to_string();
    assert!(
        text.starts_with("argument 2 (order): items[3].unit_price: expected decimal, got"),
        "{text}"
    );
    let ArgumentError::Value { index: 1, name, error } = error else { panic!("{error:?}") };
    assert_eq!((name.as_str(), error.expected()), ("order", "decimal"));
}

#[test]
fn reasons_can_be_matched() {
    let reason = |value, kind| coerce(value, &kind).unwrap_err().reason();
    let deep = (0..=MAX_DEPTH).fold(int(1), |value, _| list([value]));
    let deep_kind = (0..=MAX_DEPTH).fold(Kind::Int, |kind, _| Kind::Array(Box::new(kind), None));
    for (value, kind, expected) in [
        (text("x"), kind!(int), CoerceReason::WrongKind),
        (text("x"), kind!("y"), CoerceReason::WrongLiteral),
        (float(1.5), kind!(int), CoerceReason::Inexact),
        (float(1e300), kind!(int), CoerceReason::OutOfRange),
        (float(1e300), kind!(decimal), CoerceReason::OutOfRange),
        (float(1e-300), kind!(decimal), CoerceReason::Inexact),
        (list([int(1)]), kind!([int, int]), CoerceReason::Length),
        (Value::Object(object! {}), kind!({ a: int }), CoerceReason::MissingField),
        (Value::Object(object! { a: 1 }), kind!({}), CoerceReason::UnknownField),
        (Value::Object(object! {}), kind!(geometry), CoerceReason::InvalidGeometry),
        (deep, deep_kind, CoerceReason::TooDeep),
    ] {
        assert_eq!(reason(value, kind), expected);
    }
}

#[test]
fn arguments() {
    let signature = |kinds: &[(&str, Kind)]| -> Vec<(String, Kind)> {
        kinds.iter().map(|(name, kind)| (name.to_string(), kind.clone())).collect()
    };
    let none = signature(&[]);
    let one = signature(&[("price", kind!(float))]);
    let two = signature(&[("a", kind!(float)), ("b", kind!(none | int))]);
    let three = signature(&[("a", kind!(none | int)), ("b", kind!(int)), ("c", kind!(any))]);
    let cases: [(Vec<Value>, &Signature, Expected); 14] = [
        (vec![], &none, Ok("[]")),
        (vec![int(1)], &none, Err("expected no arguments (), got 1")),
        (vec![int(1)], &one, Ok("[1f]")),
        (vec![], &one, Err("expected 1 argument (price: float), got 0")),
        (vec![int(1); 2], &one, Err("expected 1 argument (price: float), got 2")),
        // Trailing arguments that may be NONE may be left out.
        (vec![int(1)], &two, Ok("[1f, NONE]")),
        (vec![int(1), int(2)], &two, Ok("[1f, 2]")),
        (vec![int(1), Value::None], &two, Ok("[1f, NONE]")),
        (vec![], &two, Err("expected 1 to 2 arguments (a: float, b: none | int), got 0")),
        (vec![int(1); 3], &two, Err("expected 1 to 2 arguments (a: float, b: none | int), got 3")),
        (vec![Value::None, int(1)], &three, Ok("[NONE, 1, NONE]")),
        // Only at the end.
        (
            vec![int(1)],
            &three,
            Err("expected 2 to 3 arguments (a: none | int, b: int, c: any), got 1"),
        ),
        (vec![text("x")], &one, Err("argument 1 (price): expected float, got string 'x'")),
        (vec![int(1), text("x")], &two, Err("argument 2 (b): expected none | int, got string 'x'")),
    ];
    for (args, signature, expected) in cases {
        match (coerce_arguments(args, signature), expected) {
            (Ok(args), Ok(expected)) => assert_eq!(list(args).to_sql(), expected),
            (Err(error), Err(expected)) => {
                let error = error.to_string();
                assert!(error.starts_with(expected), "{error} is not {expected}");
            }
            (result, expected) => panic!("{result:?} is not {expected:?}"),
        }
    }
}
