//! Values of every kind, through every way into a function: the library, rows, JSON, other modules, the
//! command line and the REPL. All make the same of them.

use std::sync::OnceLock;

use serde_json::{Value as Json, json};
use surrealdb_types::{Array, ToSql, Value};
use surrealism_runtime::json::{from_json, to_json, to_json_lossless};
use surrealism_runtime::{DetachedContext, Grants, Runtime, SurrealismPackage};

use crate::support::{archive, surrealism, surrealism_reading};

/// A call, with its arguments in SurrealQL and in JSON, and its result or a part of its error.
pub(crate) struct Row {
    guest: &'static str,
    /// `-` is the default export.
    function: &'static str,
    args: &'static str,
    json: Json,
    expected: Result<&'static str, &'static str>,
}

fn row(
    (guest, function): (&'static str, &'static str),
    args: &'static str,
    json: Json,
    expected: Result<&'static str, &'static str>,
) -> Row {
    Row { guest, function, args, json, expected }
}

fn rows() -> Vec<Row> {
    [common(), types(), edges(), geometries()].into_iter().flatten().collect()
}

/// Values that are used every day.
fn common() -> Vec<Row> {
    let echo = |function| ("attribute_matrix", function);
    let values = |function| ("values", function);
    vec![
        row(echo("echo::none"), "NONE", json!([null]), Ok("NONE")),
        row(echo("echo::bool"), "true", json!([true]), Ok("true")),
        row(echo("echo::int"), "-3", json!([-3]), Ok("-3")),
        row(echo("echo::int"), "1f", json!([1.0]), Ok("1")),
        row(echo("echo::int"), "2dec", json!([2]), Ok("2")),
        row(echo("echo::int"), "1.5f", json!([1.5]), Err("it has a fraction")),
        row(echo("echo::int"), "'1'", json!(["1"]), Err("expected int, got string '1'")),
        row(echo("echo::float"), "1", json!([1]), Ok("1f")),
        row(echo("echo::float"), "1.5dec", json!([1.5]), Ok("1.5f")),
        row(echo("echo::float"), "-0f", json!([-0.0]), Ok("-0f")),
        row(echo("echo::float"), "-Infinity", json!(["-Infinity"]), Ok("-Infinity")),
        row(echo("echo::float"), "-1.5f", json!([-1.5]), Ok("-1.5f")),
        row(
            echo("echo::float"),
            "9007199254740993",
            json!([9_007_199_254_740_993_i64]),
            Err("a float does not hold all of its digits"),
        ),
        row(echo("echo::decimal"), "1", json!([1]), Ok("1dec")),
        row(echo("echo::decimal"), "-1.5dec", json!(["-1.5"]), Ok("-1.5dec")),
        row(echo("echo::decimal"), "'x'", json!(["x"]), Err("expected decimal, got string 'x'")),
        row(echo("echo::number"), "1.5f", json!([1.5]), Ok("1.5f")),
        row(echo("echo::string"), "'it\\'s'", json!(["it's"]), Ok("\"it's\"")),
        row(echo("echo::bytes"), "b\"00FF\"", json!(["AP8="]), Ok("b\"00FF\"")),
        row(
            echo("echo::datetime"),
            "d'2026-01-31T12:00:00Z'",
            json!(["2026-01-31T12:00:00Z"]),
            Ok("d'2026-01-31T12:00:00Z'"),
        ),
        row(echo("echo::duration"), "1h30m", json!(["1h30m"]), Ok("1h30m")),
        row(
            echo("echo::uuid"),
            "u'018f6f6e-1111-7000-8000-000000000000'",
            json!(["018f6f6e-1111-7000-8000-000000000000"]),
            Ok("u'018f6f6e-1111-7000-8000-000000000000'"),
        ),
        row(echo("echo::record"), "person:1", json!(["person:1"]), Ok("person:1")),
        row(echo("echo::record"), "r'person:1'", json!(["person:1"]), Ok("person:1")),
        row(echo("echo::record"), "1", json!([1]), Err("expected record, got int 1")),
        row(
            echo("echo::record"),
            "weather:['London', 1]",
            json!([{ "table": "weather", "key": ["London", 1] }]),
            Ok("weather:['London', 1]"),
        ),
        row(
            echo("echo::geometry"),
            "{ type: 'Point', coordinates: [1, 2] }",
            json!([{ "type": "Point", "coordinates": [1, 2] }]),
            Ok("(1f, 2f)"),
        ),
        row(
            values("shape"),
            "{ type: 'Polygon', coordinates: [[[0, 0], [1, 0], [1, 1], [0, 0]]] }",
            json!([{ "type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 0]]] }]),
            Ok("{ type: 'Polygon', coordinates: [[[0f, 0f], [1f, 0f], [1f, 1f], [0f, 0f]]] }"),
        ),
        row(
            values("shape"),
            "{ type: 'Pint', coordinates: [1, 2] }",
            json!([{ "type": "Pint", "coordinates": [1, 2] }]),
            Err("geometry"),
        ),
        row(
            echo("echo::range"),
            "1..5",
            json!([{ "start": { "included": 1 }, "end": { "excluded": 5 } }]),
            Ok("1..5"),
        ),
        row(
            echo("echo::file"),
            "f\"photos:/cat.png\"",
            json!([{ "bucket": "photos", "key": "/cat.png" }]),
            Ok("f\"photos:/cat.png\""),
        ),
        row(echo("echo::set"), "{1, 2}", json!([[2, 1, 2]]), Ok("{1, 2}")),
        row(echo("echo::object"), "{ a: 1 }", json!([{ "a": 1 }]), Ok("{ a: 1 }")),
        row(echo("echo::array"), "[1, 'a']", json!([[1, "a"]]), Ok("[1, 'a']")),
        row(echo("echo::list"), "['a']", json!([["a"]]), Ok("['a']")),
        row(echo("echo::tuple"), "[1f, 'a']", json!([[1, "a"]]), Ok("[1, 'a']")),
        row(echo("echo::map"), "{ a: 1 }", json!([{ "a": 1 }]), Ok("{ a: 1 }")),
        row(echo("echo::any"), "[1, NULL]", json!([[1, null]]), Ok("[1, NULL]")),
        row(echo("optional"), "", json!([]), Ok("NONE")),
        row(echo("optional"), "NONE, 2f", json!({ "otherwise": 2 }), Ok("2")),
        row(echo("math::add"), "1", json!([1]), Err("math::add")),
        row(values("-"), "2", json!([2]), Ok("'2 at none'")),
        row(values("-"), "2, 1f", json!({ "quantity": 2, "discount": "1" }), Ok("'2 at 1'")),
        row(values("ship"), "'normal'", json!(["normal"]), Ok("'express'")),
        row(values("ship"), "'nrmal'", json!(["nrmal"]), Err("'normal' | 'express'")),
        row(
            values("order"),
            "{ placed: d'2026-01-31T12:00:00Z', lines: [{ product: product:tea, unitPrice: 12.5dec, \
             quantity: 2 }] }",
            json!([{
                "placed": "2026-01-31T12:00:00Z",
                "lines": [{ "product": "product:tea", "unitPrice": "12.5", "quantity": 2 }],
            }]),
            Ok(
                "{ lines: [{ product: product:tea, quantity: 2f, unitPrice: 12.5dec }], note: NONE, \
                 placed: d'2026-01-31T12:00:00Z' }",
            ),
        ),
        row(
            values("order"),
            "{ placed: d'2026-01-31T12:00:00Z', lines: [{ product: product:tea, unitPrice: 'x', \
             quantity: 2 }] }",
            json!([{
                "placed": "2026-01-31T12:00:00Z",
                "lines": [{ "product": "product:tea", "unitPrice": "x", "quantity": 2 }],
            }]),
            Err("lines[0].unitPrice: expected decimal, got string 'x'"),
        ),
        row(
            values("count_files"),
            "{ name: 'counted', entries: [{ type: 'File', name: 'a' }, { type: 'Folder', folder: \
             { name: 'b', entries: [] } }] }",
            json!([{
                "name": "counted",
                "entries": [
                    { "type": "File", "name": "a" },
                    { "type": "Folder", "folder": { "name": "b", "entries": [] } },
                ],
            }]),
            Ok("2"),
        ),
        row(values("numbers::byte"), "1f", json!([1.0]), Ok("1")),
        row(values("numbers::byte"), "256", json!([256]), Err("256 is out of range for type u8")),
        row(
            values("numbers::byte"),
            "1.5f",
            json!([1.5]),
            Err("Expected int for type u8, got float"),
        ),
        row(values("numbers::single"), "1", json!([1]), Ok("1f")),
        row(
            values("numbers::single"),
            "1e300f",
            json!([1e300]),
            Err("declare the parameter as f64"),
        ),
        row(values("numbers::bytes"), "[1, 2f]", json!([[1, 2.0]]), Ok("[1, 2]")),
        row(
            values("numbers::floats"),
            "[1, -0f, 0.5f]",
            json!([[1, -0.0, 0.5]]),
            Ok("[1f, -0f, 0.5f]"),
        ),
        row(
            values("numbers::largest"),
            "",
            json!([]),
            Err("18446744073709551615 is out of range for a 64-bit signed integer"),
        ),
        row(values("numbers::counted"), "7", json!([7]), Ok("[{ count: 7, label: 'x' }]")),
        row(
            values("numbers::published_counted"),
            "1e19f",
            json!([1e19]),
            Err("10000000000000000000 is out of range for a 64-bit signed integer"),
        ),
        row(
            values("numbers::stored"),
            "1e19f",
            json!([1e19]),
            Err("10000000000000000000 is out of range for a 64-bit signed integer"),
        ),
        row(
            values("numbers::passed"),
            "1e19f",
            json!([1e19]),
            Err("argument 1: 10000000000000000000 is out of range for a 64-bit signed integer"),
        ),
        row(
            values("numbers::measured"),
            "{ weight: 1.5f, others: [0.5f, NONE, -0f] }",
            json!([{ "weight": 1.5, "others": [0.5, null, -0.0] }]),
            Ok("{ others: [0.5f, NONE, -0f], weight: 1.5f }"),
        ),
        row(
            values("numbers::measured"),
            "{ weight: -1e300f, others: [] }",
            json!([{ "weight": -1e300, "others": [] }]),
            Err("weight: -1e300 is out of range for type f32"),
        ),
        row(
            values("numbers::measured"),
            "{ weight: 1f, others: [1f, NONE, 4e38f] }",
            json!([{ "weight": 1.5, "others": [1.5, null, 4e38] }]),
            Err("others[2]: 4e38 is out of range for type f32"),
        ),
        row(
            values("numbers::published_measured"),
            "{ weights: [1f, 1e39f] }",
            json!([{ "weights": [1.5, 1e39] }]),
            Err("weights[1]: 1e39 is out of range for type f32"),
        ),
        row(
            values("numbers::counted"),
            "1e19f",
            json!([1e19]),
            Err("count: 10000000000000000000 is out of range for a 64-bit signed integer"),
        ),
    ]
}

/// Types of every sort.
fn types() -> Vec<Row> {
    let kinds = |function| ("values", function);
    vec![
        row(kinds("kinds::shape"), "{ Circle: 2 }", json!([{ "Circle": 2 }]), Ok("{ Circle: 2f }")),
        row(
            kinds("kinds::shape"),
            "{ Rect: { width: 1, height: 2.5dec } }",
            json!([{ "Rect": { "width": 1, "height": 2.5 } }]),
            Ok("{ Rect: { height: 2.5f, width: 1f } }"),
        ),
        row(
            kinds("kinds::shape"),
            "{ Point: {} }",
            json!([{ "Point": {} }]),
            Ok("{ Point: {  } }"),
        ),
        row(
            kinds("kinds::shape"),
            "{ Line: [1, 2] }",
            json!([{ "Line": [1, 2] }]),
            Ok("{ Line: [1f, 2f] }"),
        ),
        row(kinds("kinds::shape"), "{ Square: 1 }", json!([{ "Square": 1 }]), Err("Circle")),
        row(kinds("kinds::id"), "1f", json!([1.0]), Ok("1")),
        row(kinds("kinds::id"), "'a'", json!(["a"]), Ok("'a'")),
        row(kinds("kinds::id"), "true", json!([true]), Err("expected int | string, got bool true")),
        row(
            kinds("kinds::event"),
            "{ type: 'Moved', of: { by: 1 } }",
            json!([{ "type": "Moved", "of": { "by": 1 } }]),
            Ok("{ of: { by: 1f }, type: 'Moved' }"),
        ),
        row(
            kinds("kinds::event"),
            "{ type: 'Opened', of: {} }",
            json!([{ "type": "Opened", "of": {} }]),
            Ok("{ of: {  }, type: 'Opened' }"),
        ),
        row(
            kinds("kinds::event"),
            "{ type: 'Opened' }",
            json!([{ "type": "Opened" }]),
            Err("of: expected {}, got nothing: the field is missing"),
        ),
        row(kinds("kinds::level"), "2f", json!([2.0]), Ok("2")),
        row(kinds("kinds::level"), "3", json!([3]), Err("1 | 2")),
        row(kinds("kinds::pair"), "[1f, 'a']", json!([[1.0, "a"]]), Ok("[1, 'a']")),
        row(kinds("kinds::pair"), "[1]", json!([[1]]), Err("[int, string]")),
        row(kinds("kinds::wrapper"), "[1, 2.5f]", json!([[1, 2.5]]), Ok("[1f, 2.5f]")),
        row(kinds("kinds::empty"), "{}", json!([{}]), Ok("{  }")),
        row(
            kinds("kinds::page"),
            "{ items: [[1, 'a']] }",
            json!([{ "items": [[1, "a"]] }]),
            Ok("{ items: [[1, 'a']], next: NONE }"),
        ),
        row(
            kinds("kinds::page"),
            "{ items: [[1, 'a'], [2, 3]], next: 1 }",
            json!([{ "items": [[1, "a"], [2, 3]], "next": 1 }]),
            Err("items[1][1]: expected string, got int 3"),
        ),
        row(
            kinds("kinds::defaulted"),
            "{ name: 'x', floor: 2 }",
            json!([{ "name": "x", "floor": 2 }]),
            Ok("{ floor: 2, name: 'x' }"),
        ),
        row(kinds("kinds::nested_option"), "NONE", json!([null]), Ok("NONE")),
        row(kinds("kinds::nested_option"), "", json!([]), Ok("NONE")),
        row(kinds("kinds::nested_option"), "5f", json!([5.0]), Ok("5")),
        row(
            kinds("kinds::hash_map"),
            "{ a: -1 }",
            json!([{ "a": -1 }]),
            Err("-1 is out of range for type u32"),
        ),
        // The kind says that the field is required, although the type has a default for it.
        row(
            kinds("kinds::defaulted"),
            "{ name: 'x' }",
            json!([{ "name": "x" }]),
            Err("floor: expected int, got nothing"),
        ),
        // Its kind is that of an array.
        row(kinds("kinds::hash_set"), "[3f]", json!([[3.0]]), Ok("[3]")),
        // Maps are of the kind `object`, which says nothing of their values.
        row(
            kinds("kinds::hash_map"),
            "{ a: 1, b: 2 }",
            json!([{ "a": 1, "b": 2 }]),
            Ok("{ a: 1, b: 2 }"),
        ),
        row(
            kinds("kinds::tree_map"),
            "{ a: [1.5f], b: [] }",
            json!([{ "a": [1.5], "b": [] }]),
            Ok("{ a: [1.5f], b: [] }"),
        ),
        row(
            kinds("kinds::tree_map"),
            "{ a: [1] }",
            json!([{ "a": [1] }]),
            Err("Expected float, got number"),
        ),
        row(kinds("kinds::three"), "[1, 2f, 3dec]", json!([[1, 2.0, 3]]), Ok("[1, 2, 3]")),
        row(kinds("kinds::three"), "[1, 2]", json!([[1, 2]]), Err("3")),
        row(kinds("kinds::three"), "[1, 2, 3, 4]", json!([[1, 2, 3, 4]]), Err("3")),
        row(
            kinds("kinds::file"),
            "f\"b:/k\"",
            json!([{ "bucket": "b", "key": "/k" }]),
            Ok("f\"b:/k\""),
        ),
        row(
            kinds("kinds::range"),
            "'a'..=[1f]",
            json!([{ "start": { "included": "a" }, "end": { "included": [{ "$float": 1 }] } }]),
            Ok("'a'..=[1f]"),
        ),
        row(kinds("kinds::range"), "..", json!([{}]), Ok("..")),
        row(kinds("kinds::boxed"), "1f", json!([1.0]), Ok("1")),
        row(kinds("kinds::size"), "-1", json!([-1]), Err("-1 is out of range for type usize")),
        row(kinds("kinds::size"), "4294967295", json!([4_294_967_295_u32]), Ok("4294967295")),
        row(kinds("kinds::signed"), "-2147483648", json!([-2_147_483_648_i64]), Ok("-2147483648")),
        row(kinds("kinds::small"), "-128", json!([-128]), Ok("-128")),
        row(kinds("kinds::small"), "128", json!([128]), Err("128 is out of range for type i8")),
        row(kinds("kinds::nothing"), "NONE", json!([null]), Ok("NONE")),
        row(kinds("kinds::matrix"), "[[1, 2], []]", json!([[[1, 2], []]]), Ok("[[1f, 2f], []]")),
        row(kinds("kinds::options"), "[1f, NONE]", json!([[1.0, null]]), Ok("[1, NONE]")),
        row(
            kinds("kinds::tuple"),
            "[1f, ['a', true], NONE]",
            json!([[1.0, ["a", true], null]]),
            Ok("[1, ['a', true], NONE]"),
        ),
        row(kinds("kinds::time"), "1ns", json!(["1ns"]), Ok("1ns")),
    ]
}

/// Values at the edges of their kinds.
fn edges() -> Vec<Row> {
    let echo = |function| ("attribute_matrix", function);
    vec![
        row(
            echo("echo::datetime"),
            "d'2026-01-31T12:00:00.123456789Z'",
            json!(["2026-01-31T14:00:00.123456789+02:00"]),
            Ok("d'2026-01-31T12:00:00.123456789Z'"),
        ),
        row(
            echo("echo::datetime"),
            "d'-0001-01-01T00:00:00Z'",
            json!(["-0001-01-01T00:00:00Z"]),
            Ok("d'-0001-01-01T00:00:00Z'"),
        ),
        row(
            echo("echo::datetime"),
            "'x'",
            json!(["2026-02-30T00:00:00Z"]),
            Err("expected datetime"),
        ),
        row(
            echo("echo::duration"),
            "1y2w3d4h5m6s7ms8us9ns",
            json!(["1y2w3d4h5m6s7ms8us9ns"]),
            Ok("1y2w3d4h5m6s7ms8µs9ns"),
        ),
        row(echo("echo::duration"), "0ns", json!(["0ns"]), Ok("0ns")),
        row(echo("echo::decimal"), "1e3dec", json!([1e3]), Ok("1000dec")),
        row(
            echo("echo::decimal"),
            "0.0000000000000000000000000001dec",
            json!(["0.0000000000000000000000000001"]),
            Ok("0.0000000000000000000000000001dec"),
        ),
        row(
            echo("echo::decimal"),
            "79228162514264337593543950335dec",
            json!(["79228162514264337593543950335"]),
            Ok("79228162514264337593543950335dec"),
        ),
        row(echo("echo::decimal"), "1e300f", json!([1e300]), Err("out of range for a decimal")),
        row(echo("echo::float"), "NaN", json!(["NaN"]), Ok("NaN")),
        row(echo("echo::int"), "9223372036854775807", json!([i64::MAX]), Ok("9223372036854775807")),
        row(
            echo("echo::int"),
            "-9223372036854775808",
            json!([i64::MIN]),
            Ok("-9223372036854775808"),
        ),
        row(
            echo("echo::int"),
            "18446744073709551615dec",
            json!([u64::MAX]),
            Err("it is out of range for a 64-bit signed integer"),
        ),
        row(echo("echo::int"), "1000f", json!([1e3]), Ok("1000")),
        row(echo("echo::number"), "1.50dec", json!([{ "$decimal": "1.5" }]), Ok("1.5dec")),
        row(
            echo("echo::string"),
            "'a\\n\\t☃\\'\\\\'",
            json!(["a\n\t☃'\\"]),
            Ok("\"a\\n\\t☃'\\\\\""),
        ),
        row(echo("echo::string"), "''", json!([""]), Ok("''")),
        row(echo("echo::bytes"), "b\"\"", json!([""]), Ok("b\"\"")),
        row(echo("echo::bytes"), "'x'", json!(["A"]), Err("expected bytes")),
        row(
            echo("echo::record"),
            "person:{ a: 1, b: [NONE] }",
            json!([{ "table": "person", "key": { "a": 1, "b": [{ "$none": null }] } }]),
            Ok("person:{ a: 1, b: [NONE] }"),
        ),
        row(
            echo("echo::record"),
            "person:['a', [1f]]",
            json!([{ "table": "person", "key": ["a", [{ "$float": 1 }]] }]),
            Ok("person:['a', [1f]]"),
        ),
        row(
            echo("echo::record"),
            "person:u'018f6f6e-1111-7000-8000-000000000000'",
            json!(["person:u'018f6f6e-1111-7000-8000-000000000000'"]),
            Ok("person:u'018f6f6e-1111-7000-8000-000000000000'"),
        ),
        row(echo("echo::record"), "person:`1`", json!(["person:`1`"]), Ok("person:`1`")),
        row(echo("echo::record"), "`a b`:`c d`", json!(["`a b`:`c d`"]), Ok("`a b`:`c d`")),
        row(
            echo("echo::any"),
            "{ '$int': 1 }",
            json!([{ "$object": { "$int": 1 } }]),
            Ok("{ \"$int\": 1 }"),
        ),
        row(echo("echo::set"), "{[2], [1], 'a'}", json!([["a", [2], [1]]]), Ok("{'a', [1], [2]}")),
        row(echo("echo::set"), "{,}", json!([[]]), Ok("{,}")),
        row(echo("echo::array"), "[]", json!([[]]), Ok("[]")),
    ]
}

/// Geometries of each sort.
fn geometries() -> Vec<Row> {
    let line = "[[1f, 2f], [3f, 4f]]";
    let ring = "[[[0f, 0f], [1f, 0f], [1f, 1f], [0f, 0f]]]";
    let simple = [
        ("MultiPoint", line.to_string()),
        ("LineString", line.to_string()),
        ("MultiLineString", format!("[{line}]")),
        ("MultiPolygon", format!("[{ring}]")),
    ];
    let mut texts: Vec<String> = simple
        .iter()
        .map(|(name, coordinates)| format!("{{ type: '{name}', coordinates: {coordinates} }}"))
        .collect();
    texts.push(format!(
        "{{ type: 'GeometryCollection', geometries: [(1f, 2f), {}] }}",
        texts.join(", ")
    ));
    let leak = |text: String| -> &'static str { Box::leak(text.into_boxed_str()) };
    texts
        .into_iter()
        .map(|text| {
            let args = leak(text.replace("(1f, 2f)", "{ type: 'Point', coordinates: [1, 2] }"));
            let json = args
                .replace("type:", "\"type\":")
                .replace("coordinates:", "\"coordinates\":")
                .replace("geometries:", "\"geometries\":")
                .replace('\'', "\"")
                .replace("f,", ".0,")
                .replace("f]", ".0]");
            let json = json!([serde_json::from_str::<Json>(&json).unwrap()]);
            row(("values", "shape"), args, json, Ok(leak(text)))
        })
        .collect()
}

/// Returns the common calls of functions that return their argument, which a plugin in any language can have.
pub(crate) fn rows_of_echo() -> Vec<Row> {
    let is_echo = |row: &Row| row.function.starts_with("echo::") || row.function == "optional";
    common().into_iter().filter(is_echo).collect()
}

fn runtime(guest: &str) -> &'static Runtime {
    static RUNTIMES: [OnceLock<Runtime>; 2] = [const { OnceLock::new() }; 2];
    let index = usize::from(guest == "values");
    RUNTIMES[index].get_or_init(|| {
        let package = SurrealismPackage::from_file(archive(guest).into()).unwrap();
        Runtime::builder(package).grants(Grants::none().key_value()).build().unwrap()
    })
}

impl Row {
    pub(crate) fn name(&self) -> Option<&'static str> {
        (self.function != "-").then_some(self.function)
    }

    fn call(&self) -> String {
        let function = self.name().map_or_else(String::new, |name| format!("::{name}"));
        format!("mod::{}{function}({})", self.guest, self.args)
    }

    pub(crate) fn check(&self, way: &str, result: Result<String, String>) {
        let call = self.call();
        match (&result, self.expected) {
            (Ok(result), Ok(expected)) if same(result, expected) => {}
            (Err(error), Err(expected)) if error.contains(expected) => {}
            _ => panic!("{way} {call}:\n{result:?}\nis not\n{:?}", self.expected),
        }
    }
}

/// Compares what is printed; a geometry and an object print their members in another order.
fn same(result: &str, expected: &str) -> bool {
    let sorted = |text: &str| {
        let mut parts: Vec<&str> = text.split([',', ' ', '{', '}']).collect();
        parts.sort_unstable();
        parts.concat()
    };
    result == expected || sorted(result) == sorted(expected)
}

pub(crate) fn parse(text: &str) -> Value {
    let settings = surrealdb_syn::ParserSettings { files_enabled: true, ..Default::default() };
    surrealdb_syn::parse_with_settings(text.as_bytes(), settings, async |parser, stack| {
        parser.parse_value(stack).await
    })
    .unwrap()
}

/// Returns arguments as a caller of the library has them.
pub(crate) fn args(row: &Row) -> Vec<Value> {
    let text = row.args.replace("r'person:1'", "person:1");
    match parse(&format!("[{text}]")) {
        Value::Array(args) => Array::into_iter(args).collect(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_library_takes_values_rows_and_json() {
    for row in rows() {
        let runtime = runtime(row.guest);
        let context = DetachedContext::new;
        let called = runtime.call(row.name(), args(&row), context()).await;
        let called = called.map_err(|error| error.to_string());
        row.check("call", called.as_ref().map(ToSql::to_sql).map_err(Clone::clone));

        let batch = match runtime.call_rows(row.name(), [args(&row)], context()).await {
            Ok(mut rows) => rows.remove(0),
            Err(error) => Err(error),
        };
        row.check("call_rows", batch.map(|v| v.to_sql()).map_err(|error| error.to_string()));

        let json = runtime.call_json(row.name(), row.json.clone(), context()).await;
        let json = json.map_err(|error| error.to_string());
        let kind = &runtime.get_signature(row.name()).unwrap().returns;
        let read = json.as_ref().map(|json| from_json(json, kind).unwrap().to_sql());
        row.check("call_json", read.map_err(Clone::clone));

        let lossless = runtime.call_json(row.name(), row.json.clone(), context()).lossless().await;
        if let (Ok(value), Ok(json), Ok(lossless)) = (&called, json, lossless)
            && !row.args.contains("1f")
        {
            assert_eq!(json, to_json(value), "{}", row.call());
            assert_eq!(lossless, to_json_lossless(value), "{}", row.call());
        }
    }
}

#[test]
fn the_command_takes_surrealql_and_json_and_reads_what_it_prints() {
    for row in rows() {
        let archive = archive(row.guest);
        // One argument on the line for each in the list.
        let texts = args(&row).into_iter().map(|arg| arg.to_sql()).collect::<Vec<_>>();
        let texts = if texts.len() == 1 { vec![row.args.to_string()] } else { texts };
        let mut line = vec!["run".to_string(), archive.clone(), row.function.to_string()];
        let names = line.clone();
        line.extend(texts);
        row.check("run", outcome(&line));

        let Json::Array(json) = &row.json else { continue };
        let mut line = names.clone();
        line.extend(json.iter().map(Json::to_string).chain(["--json".to_string()]));
        let printed = outcome(&line);
        let kind = &runtime(row.guest).get_signature(row.name()).unwrap().returns;
        let read = printed.clone().map(|printed| {
            from_json(&serde_json::from_str(&printed).unwrap(), kind).unwrap().to_sql()
        });
        row.check("run --json", read);

        if let (Ok(printed), true) = (printed, row.function.starts_with("echo::")) {
            let mut again = names;
            again.extend([printed.clone(), "--json".to_string()]);
            assert_eq!(outcome(&again).as_ref(), Ok(&printed), "{}", row.call());
        }
    }
}

fn outcome(line: &[String]) -> Result<String, String> {
    let ran = surrealism(line);
    if ran.code == 0 { Ok(ran.stdout.trim_end().to_string()) } else { Err(ran.stderr) }
}

#[test]
fn the_repl_and_other_modules_take_the_same() {
    let archives = [archive("attribute_matrix"), archive("values"), archive("host")];
    let repl = [&["repl".to_string()][..], &archives].concat();
    let through = |row: &Row| {
        let function = row.name().map_or_else(String::new, |name| format!("::{name}"));
        format!("mod::host::run('mod::{}{function}', NONE, [{}])", row.guest, row.args)
    };
    let (good, bad): (Vec<_>, Vec<_>) = rows().into_iter().partition(|row| row.expected.is_ok());
    for (way, line) in [
        ("repl", Row::call as fn(&Row) -> String),
        ("through a module", through as fn(&Row) -> String),
    ] {
        let script: Vec<_> = good.iter().map(line).collect();
        let ran = surrealism_reading(&repl, &script.join("\n")).code(0);
        let printed: Vec<_> = ran.stdout.lines().collect();
        assert_eq!(printed.len(), good.len(), "{ran}");
        for (row, printed) in good.iter().zip(printed) {
            row.check(way, Ok(printed.to_string()));
        }
        for row in &bad {
            row.check(way, Err(surrealism_reading(&repl, &line(row)).code(1).stderr));
        }
    }
}

#[test]
fn numbers_in_the_store_keep_their_range() {
    for (function, arg, expected) in [
        ("numbers::stored", "7", Ok("{ count: [7] }")),
        ("numbers::stored", "1e19f", Err("10000000000000000000 is out of range")),
        ("numbers::read", "1.5f", Ok("1.5f")),
        ("numbers::read", "Infinity", Ok("Infinity")),
        ("numbers::read", "1e39f", Err("1e39 is out of range for type f32")),
    ] {
        let ran = surrealism(&["run", &archive("values"), function, arg]);
        match expected {
            Ok(expected) => ran.code(0).stdout(expected),
            Err(expected) => ran.code(1).stderr_contains(&[expected]),
        };
    }
}

#[test]
fn arguments_of_the_command_may_be_constants() {
    let (matrix, values) = (archive("attribute_matrix"), archive("values"));
    for (archive, function, arg, expected) in [
        (&matrix, "echo::float", "-1.5f", Ok("-1.5f")),
        // The parser of SurrealQL removes the zero.
        (&matrix, "echo::decimal", "-1.10dec", Ok("-1.1dec")),
        (&matrix, "echo::float", "-Infinity", Ok("-Infinity")),
        (&matrix, "echo::int", "-1", Ok("-1")),
        (&matrix, "echo::int", "(- 1)", Ok("-1")),
        (&matrix, "echo::int", "(-(-2))", Ok("2")),
        (&matrix, "echo::int", "1 + 1", Ok("2")),
        (&matrix, "echo::any", "[r'person:1', (- 1)]", Ok("[person:1, -1]")),
        (&matrix, "echo::record", "'person:1'", Err("write r'person:1'")),
        (&matrix, "echo::int", "math::abs(-1)", Err("set one with `--db`, or pass its value")),
        (&values, "numbers::bytes", "b\"00FF\"", Err("declare the parameter as `Bytes`")),
        (&values, "price", "2", Err("the name of the default function is `-`")),
    ] {
        let ran = surrealism(&["run", archive, function, arg]);
        match expected {
            Ok(expected) => ran.code(0).stdout(expected),
            Err(expected) => {
                assert_ne!(ran.code, 0, "{ran}");
                ran.stderr_contains(&[expected])
            }
        };
    }
    let lines = "mod::attribute_matrix::echo::any([-1.5f, (- 1), 1 + 1, r'person:1'])";
    surrealism_reading(&["repl", &matrix], lines).code(0).stdout("[-1.5f, -1, 2, person:1]");
}
