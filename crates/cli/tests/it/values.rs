//! Values of every kind, through every way into a function: the library, rows, JSON, other modules, the
//! command line and the REPL. All make the same of them.

use std::sync::OnceLock;

use serde_json::{Value as Json, json};
use surrealdb_types::{Array, ToSql, Value};
use surrealism_runtime::json::{from_json, to_json, to_json_lossless};
use surrealism_runtime::{DetachedContext, Runtime, SurrealismPackage};

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
            values("numbers::counted"),
            "1e19f",
            json!([1e19]),
            Err("count: 10000000000000000000 is out of range for a 64-bit signed integer"),
        ),
    ]
}

/// Returns the calls of functions that return their argument, which a plugin in any language can have.
pub(crate) fn rows_of_echo() -> Vec<Row> {
    let is_echo = |row: &Row| row.function.starts_with("echo::") || row.function == "optional";
    rows().into_iter().filter(is_echo).collect()
}

fn runtime(guest: &str) -> &'static Runtime {
    static RUNTIMES: [OnceLock<Runtime>; 2] = [const { OnceLock::new() }; 2];
    let index = usize::from(guest == "values");
    RUNTIMES[index].get_or_init(|| {
        let package = SurrealismPackage::from_file(archive(guest).into()).unwrap();
        Runtime::builder(package).build().unwrap()
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
