//! `docs/values.md`: its tables are those of the cases here, and what its rows say holds.
//!
//! `BLESS=1 cargo test --workspace --test it document` writes the tables anew.

use std::collections::{BTreeMap, HashSet};
use std::{env, fs};

use serde_json::json;
use surrealdb_types::{
    Array, Bytes, Datetime, Decimal, Duration, File, Geometry, Kind, Number, Object, Range,
    RecordId, Set, SurrealValue, Table, ToSql, Uuid, Value, array, kind, object,
};
use surrealism_types::coerce::coerce;
use surrealism_types::json::{from_json, to_json, to_json_lossless};

const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/values.md");

#[derive(SurrealValue)]
#[surreal(crate = "surrealdb_types")]
struct Money {
    amount: Decimal,
    currency: String,
}

#[derive(SurrealValue)]
#[surreal(crate = "surrealdb_types")]
struct Line {
    product: RecordId,
    note: Option<String>,
}

#[derive(SurrealValue)]
#[surreal(crate = "surrealdb_types")]
#[surreal(untagged, lowercase)]
#[allow(dead_code, reason = "one is enough for a row")]
enum Size {
    Small,
    Large,
}

#[derive(SurrealValue)]
#[surreal(crate = "surrealdb_types")]
#[allow(dead_code, reason = "one is enough for a row")]
enum Delivery {
    Physical { weight: f64 },
    Digital { url: String },
}

#[derive(SurrealValue)]
#[surreal(crate = "surrealdb_types")]
#[surreal(tag = "type")]
#[allow(dead_code, reason = "one is enough for a row")]
enum Payment {
    Card { number: String },
    Cash { sum: Decimal },
}

/// A row of the first table: a Rust type, its kind, and one value as SurrealQL and JSON write it.
struct Row {
    rust: &'static str,
    kind: Kind,
    value: Value,
    /// Whether the type takes what was made of the value by way of JSON.
    takes: fn(Value) -> bool,
}

macro_rules! row {
    ($rust:literal: $type:ty = $value:expr) => {{
        let value: $type = $value;
        Row {
            rust: $rust,
            kind: <$type as SurrealValue>::kind_of(),
            value: value.into_value(),
            takes: |value| <$type as SurrealValue>::from_value(value).is_ok(),
        }
    }};
    ($type:ty = $value:expr) => {
        row!(@ stringify!($type), $type, $value)
    };
    (@ $rust:expr, $type:ty, $value:expr) => {{
        let value: $type = $value;
        Row {
            rust: $rust,
            kind: <$type as SurrealValue>::kind_of(),
            value: value.into_value(),
            takes: |value| <$type as SurrealValue>::from_value(value).is_ok(),
        }
    }};
}

fn types() -> Vec<Row> {
    let decimal = |text: &str| Decimal::from_str_exact(text).unwrap();
    let text = |text: &str| text.to_string();
    vec![
        row!(() = ()),
        row!(bool = true),
        row!(i64 = 42),
        row!("`i8` … `u64`": u8 = 42),
        row!(f64 = 1.5),
        row!(f32 = 1.5),
        row!(Decimal = decimal("12.50")),
        row!(String = text("text")),
        row!(Datetime = "2026-01-31T12:00:00Z".parse().unwrap()),
        row!("`Duration`, `std::time::Duration`": Duration = Duration::from_secs(5400)),
        row!(Uuid = "018f6f6e-1111-7000-8000-000000000000".parse().unwrap()),
        row!(Bytes = Bytes::from(vec![0, 255])),
        row!(RecordId = RecordId::new("person", 1)),
        row!(Table = Table::new("person")),
        row!(File = File::new("photos", "cat.png")),
        row!(Range = Range::from(1..5)),
        row!(Geometry = Geometry::Point((1.0, 2.5).into())),
        row!("`Option<i64>`: `None`": Option<i64> = None),
        row!("`Option<i64>`: `Some`": Option<i64> = Some(42)),
        row!(Vec<f64> = vec![1.0, 0.5]),
        row!([i64; 2] = [1, 2]),
        row!(HashSet<String> = HashSet::from([text("a")])),
        row!(Set = Set::from(vec![2_i64.into_value(), 1_i64.into_value()])),
        row!((i64, String) = (1, text("a"))),
        row!(BTreeMap<String, i64> = BTreeMap::from([(text("a"), 1)])),
        row!(Object = object! { a: 1 }),
        row!(Value = Value::Array(array![1, "a"])),
        row!(Money = Money { amount: decimal("12.50"), currency: text("EUR") }),
        row!(Line = Line { product: RecordId::new("product", "tea"), note: None }),
        row!(Size = Size::Large),
        row!(Delivery = Delivery::Digital { url: text("a.zip") }),
        row!(Payment = Payment::Cash { sum: decimal("5") }),
    ]
}

/// A row of the second table: what a value becomes for a kind, or why it does not.
fn conversions() -> Vec<(Value, Kind, String)> {
    let float = |float: f64| Value::Number(Number::Float(float));
    let dec = |text: &str| Value::Number(Number::Decimal(Decimal::from_str_exact(text).unwrap()));
    let text = |text: &str| Value::String(text.to_string());
    let point = object! { "type": "Point", coordinates: array![1, 2] };
    let cases = [
        (Value::from_t(1_i64), kind!(float)),
        (dec("1.5"), kind!(float)),
        (Value::Array(array![1, 0.5]), kind!(array<float>)),
        (Value::from_t((1_i64 << 53) + 1), kind!(float)),
        (float(1.0), kind!(int)),
        (float(1.5), kind!(int)),
        (dec("18446744073709551615"), kind!(int)),
        (Value::from_t(1_i64), kind!(decimal)),
        (float(0.1), kind!(decimal)),
        (float(-0.0), kind!(number)),
        (Value::None, kind!(none | int)),
        (Value::Null, kind!(none | int)),
        (Value::Object(object! { a: 1 }), kind!({ a: float, b: none | int })),
        (Value::Object(object! { a: 1, c: 2 }), kind!({ a: float, b: none | int })),
        (Value::from_t(1_i64), kind!(decimal | float)),
        (text("person:1"), kind!(record)),
        (text("2026-01-31T12:00:00Z"), kind!(datetime)),
        (Value::Array(array![1, 2, 3]), kind!(array<int, 2>)),
        (Value::Array(array![1, 2]), kind!(set<int>)),
        (Value::Bytes(vec![0, 255].into()), kind!(array<number>)),
        (Value::Object(point), kind!(geometry)),
    ];
    let result = |(value, kind): (Value, Kind)| {
        let result = match coerce(value.clone(), &kind) {
            Ok(value) => code(&value.to_sql()),
            Err(error) => format!("error: {}", code(&error.to_string())),
        };
        (value, kind, result)
    };
    cases.map(result).to_vec()
}

/// A row of the third table: a value and the two forms of JSON.
fn forms() -> Vec<(Value, Kind)> {
    let decimal = Decimal::from_str_exact("12.50").unwrap();
    let weather =
        RecordId::new("weather", Array::from(vec!["London".into_value(), decimal.into_value()]));
    vec![
        (Value::None, kind!(none)),
        (Value::from_t(i64::MAX), kind!(int)),
        (Value::from_t(1.0_f64), kind!(float)),
        (Value::from_t(f64::NAN), kind!(float)),
        (Value::from_t(decimal), kind!(decimal)),
        (Value::RecordId(RecordId::new("person", "1")), kind!(record)),
        (Value::RecordId(weather), kind!(record)),
        (Value::from_t(Range::from(1..5)), kind!(range)),
        (Value::Set(Set::from(vec![1_i64.into_value()])), kind!(set<int>)),
        (Value::Object(object! { "$int": 1 }), kind!({ "$int": int })),
    ]
}

fn code(text: &str) -> String {
    let text = text.replace('|', "\\|");
    if text.contains('`') { format!("`` {text} ``") } else { format!("`{text}`") }
}

fn table(head: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let head: Vec<_> = head.iter().map(|cell| cell.to_string()).collect();
    let rule = format!("|{}\n", "---|".repeat(head.len()));
    let rows: String = rows.into_iter().map(|cells| line(&cells)).collect();
    line(&head) + &rule + &rows
}

fn tables() -> [(&'static str, String); 3] {
    let types = types().into_iter().map(|row| {
        let rust = if row.rust.contains('`') { row.rust.to_string() } else { code(row.rust) };
        let [kind, literal] = [row.kind.to_sql(), row.value.to_sql()].map(|text| code(&text));
        vec![rust, kind, literal, code(&to_json(&row.value).to_string())]
    });
    let conversions = conversions()
        .into_iter()
        .map(|(value, kind, result)| vec![code(&value.to_sql()), code(&kind.to_sql()), result]);
    let forms = forms().into_iter().map(|(value, _)| {
        let [plain, lossless] = [to_json(&value), to_json_lossless(&value)];
        [value.to_sql(), plain.to_string(), lossless.to_string()].map(|text| code(&text)).to_vec()
    });
    [
        ("types", table(&["Rust", "kind", "SurrealQL", "JSON"], types)),
        ("conversions", table(&["given", "for the kind", "becomes"], conversions)),
        ("forms", table(&["SurrealQL", "plain", "lossless"], forms)),
    ]
}

/// The document, with each table between the marks of its name.
fn with_tables(document: &str) -> String {
    tables().iter().fold(document.to_string(), |document, (name, table)| {
        let (begin, end) = (format!("<!-- {name} -->\n"), format!("<!-- end of {name} -->"));
        let (before, rest) = document.split_once(&begin).unwrap_or_else(|| panic!("no {begin}"));
        let (_, after) = rest.split_once(&end).unwrap_or_else(|| panic!("no {end}"));
        format!("{before}{begin}\n{table}\n{end}{after}")
    })
}

#[test]
fn the_tables_are_those_of_the_cases() {
    let document = fs::read_to_string(DOCUMENT).unwrap();
    let expected = with_tables(&document);
    if env::var_os("BLESS").is_some() {
        fs::write(DOCUMENT, expected).unwrap();
        return;
    }
    assert_eq!(document, expected, "BLESS=1 writes the tables anew");
}

#[test]
fn the_definitions_are_those_of_the_cases() {
    let document = fs::read_to_string(DOCUMENT).unwrap();
    let source = include_str!("document.rs");
    // Where `surrealdb` is compiled too, as in this workspace, the derive has to be told of the crate.
    const CRATE: &str = "#[surreal(crate = \"surrealdb_types\")]";
    let (_, block) = document.split_once("```rust\n").unwrap();
    let (block, _) = block.split_once("```").unwrap();
    let source: String = source
        .lines()
        .filter(|line| !line.starts_with("#[allow") && *line != CRATE)
        .map(|line| format!("{line}\n"))
        .collect();
    let definitions = block.split("\n\n").filter(|part| part.contains("#[derive"));
    assert_eq!(definitions.clone().count(), 5);
    for definition in definitions {
        assert!(source.contains(definition.trim_end()), "{definition} is not in the test");
    }
}

#[test]
fn every_row_holds() {
    for Row { rust, kind, value, takes } in types() {
        let json = to_json(&value);
        assert!(value.is_kind(&kind), "{rust}: {value:?} is not a {kind}");
        assert_eq!(coerce(value.clone(), &kind).unwrap(), value, "{rust}");
        assert_eq!(from_json(&json, &kind).unwrap(), value, "{rust}: {json}");
        assert!(takes(from_json(&json, &kind).unwrap()), "{rust}: {json}");
    }
    for (value, kind) in forms() {
        let is_nan = matches!(&value, Value::Number(number) if number.is_nan());
        for (json, kind) in [
            (to_json(&value), &kind),
            (to_json_lossless(&value), &kind),
            (to_json_lossless(&value), &Kind::Any),
        ] {
            let read = from_json(&json, kind).unwrap();
            assert!(read == value || is_nan, "{json} for {kind} is {read:?}");
        }
    }
    // What the document says in words.
    assert_eq!(from_json(&json!(12.0), &Kind::Int).unwrap(), 12_i64.into_value());
}
