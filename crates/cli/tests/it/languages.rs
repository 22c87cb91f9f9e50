//! Plugins in TypeScript and JavaScript: the real engine, from the author's files to an answered call.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use surrealdb_types::{ToSql, Value};
use surrealism_runtime::{DetachedContext, ErrorKind, Isolation, Runtime, SurrealismPackage};
use tempfile::TempDir;

use crate::support::{
    Ran, snapshot, surrealism, surrealism_in, surrealism_reading, surrealism_with,
};
use crate::values;

const PROJECTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/languages");

/// Builds a plugin on a machine without any tool.
fn build(project: &Path, args: &[&str]) -> Ran {
    let args = [&["build"], args].concat();
    surrealism_with(project, &args, &[("PATH", OsStr::new(""))])
}

/// Builds a project of the tests once, and returns its archive.
fn archive(name: &'static str) -> String {
    static ARCHIVES: OnceLock<(TempDir, [OnceLock<PathBuf>; 3])> = OnceLock::new();
    let (dir, archives) =
        ARCHIVES.get_or_init(|| (tempfile::tempdir().unwrap(), Default::default()));
    let index = ["values", "interface", "limits"].iter().position(|known| *known == name).unwrap();
    let archive = archives[index].get_or_init(|| {
        let archive = dir.path().join(format!("{name}.surli"));
        let out = archive.display().to_string();
        build(&Path::new(PROJECTS).join(name), &["--out", &out]).code(0);
        archive
    });
    archive.display().to_string()
}

fn runtime(name: &'static str) -> Runtime {
    let package = SurrealismPackage::from_file(archive(name).into()).unwrap();
    Runtime::builder(package).build().unwrap()
}

/// Writes a project with one file, and builds it.
fn build_source(file: &str, source: &str) -> (TempDir, Ran) {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("src")).unwrap();
    fs::copy(
        Path::new(PROJECTS).join("values/surrealism.toml"),
        dir.path().join("surrealism.toml"),
    )
    .unwrap();
    fs::write(dir.path().join("package.json"), format!("{{ \"main\": \"src/{file}\" }}")).unwrap();
    fs::write(dir.path().join("src").join(file), source).unwrap();
    let ran = build(dir.path(), &[]);
    (dir, ran)
}

#[test]
fn a_new_plugin_is_built_without_any_tool_and_called() {
    for lang in ["ts", "js"] {
        let home = tempfile::tempdir().unwrap();
        let new = ["new", "hello", "--organisation", "acme", "--lang", lang];
        let created = surrealism_in(home.path(), &new).code(0);
        created.stderr_contains(&["Created plugin hello", "surrealism build"]);
        let hello = home.path().join("hello");
        let archive = "acme-hello-0.1.0.surli";
        build(&hello, &[]).code(0).stderr_contains(&["Packed 2 functions"]);

        surrealism_in(&hello, &["check", archive]).code(0);
        let int = if lang == "ts" { "int" } else { "number" };
        surrealism_in(&hello, &["info", archive]).code(0).stdout_contains(&[
            "greet      name: string",
            &format!("math::add  a: {int}, b: {int}"),
            "Greets a person by name.",
        ]);
        surrealism_in(&hello, &["run", archive, "greet", "'Ada'"]).code(0).stdout("'Hello, Ada!'");
        surrealism_in(&hello, &["run", archive, "math::add", "1", "2"]).code(0).stdout("3");
        let line = if lang == "ts" { "(src/index.ts:6:33)" } else { "(src/index.js:9:33)" };
        surrealism_in(&hello, &["run", archive, "greet", "''"])
            .code(1)
            .stderr_contains(&["cannot greet: the name is empty", line]);
        let path = hello.join(archive).display().to_string();
        surrealism_reading(&["repl", &path], "mod::hello::math::add(1, 2)\n").code(0).stdout("3");
    }
}

#[test]
fn options_for_rust_are_refused() {
    for option in ["--release", "--debug", "--locked"] {
        build(&Path::new(PROJECTS).join("values"), &[option])
            .code(3)
            .stderr_contains(&[&format!("`{option}` is for plugins in Rust")]);
    }
    let home = tempfile::tempdir().unwrap();
    surrealism_in(home.path(), &["new", "x", "--lang", "ts", "--sdk-path", "."])
        .code(2)
        .stderr_contains(&["`--sdk-path` is for plugins in Rust"]);
}

#[test]
fn the_archive_shows_the_whole_interface() {
    snapshot("language_info", surrealism(&["info", &archive("interface")]).code(0).stdout);
}

/// Runs functions of the project `interface` with what they print or a part of their error.
#[test]
fn functions_of_every_form_are_called() {
    let archive = archive("interface");
    let cases: &[(&[&str], Result<&str, &str>)] = &[
        (&["canDrive", "18"], Ok("true")),
        (&["text::parse", "'12'"], Ok("12")),
        (&["text::parse", "'ff'", "16"], Ok("255")),
        (&["text::parse", "'x'"], Ok("NONE")),
        (&["math::add", "1", "2.5f"], Ok("3.5f")),
        (&["math::deep::three"], Ok("3")),
        (&["-", "'Ada'"], Ok("'Hello, Ada!'")),
        (&["numbers::twice", "4"], Ok("8")),
        (&["numbers"], Ok("42")),
        (&["half", "3"], Ok("1.5f")),
        (&["starts"], Ok("1")),
        (&["flip"], Ok("'large'")),
        (&["flip", "'large'"], Ok("'small'")),
        (&["flip", "'huge'"], Err("'small' | 'large'")),
        (&["raise", "1"], Ok("2")),
        (&["raise", "3"], Err("expected")),
        (&["nothing", "NULL"], Ok("NULL")),
        (&["nothing", "'x'"], Ok("'x'")),
        (&["total", "[1.10dec, 2.20dec]"], Ok("3.30dec")),
        (
            &["birthday", "{ name: 'Ada', age: 36, friends: [] }"],
            Ok("{ age: 37, email: NONE, friends: [], name: 'Ada' }"),
        ),
        (
            &["birthday", "{ name: 'Ada', age: 'x', friends: [] }"],
            Err("age: expected int, got string 'x'"),
        ),
        (&["canDrive", "'x'"], Err("expected int, got string 'x'")),
        (&["fails", "'no luck'"], Err("no luck (src/index.ts:87:19)")),
        (
            &["mistake"],
            Err("TypeError: cannot read property 'name' of undefined (src/index.ts:92:3)"),
        ),
        (&["rejects"], Err("2")),
        (&["throwsItsOwn"], Err("NotFound: no such page (src/index.ts:")),
        (
            &["wrong"],
            Err(
                "wrong returned a value of another type than it declares: expected int, got string 'x'",
            ),
        ),
        (&["adults"], Err("sql")),
    ];
    for (args, expected) in cases {
        let ran = surrealism(&[&["run", &archive], *args].concat());
        match expected {
            Ok(expected) => assert_eq!((ran.code, ran.stdout.trim_end()), (0, *expected), "{ran}"),
            Err(expected) => {
                assert!(ran.code != 0 && ran.stderr.contains(expected), "{expected}\n{ran}");
            }
        }
    }
}

#[test]
fn the_host_is_called() {
    let archive = archive("interface");
    let dir = tempfile::tempdir().unwrap();
    let answers = dir.path().join("answers");
    fs::write(&answers, "[{ name: 'Ada', age: 36, friends: [] }]\n").unwrap();
    let answers = answers.display().to_string();
    surrealism(&["run", &archive, "adults", "--answers", &answers])
        .code(0)
        .stdout("[{ age: 36, friends: [], name: 'Ada' }]");
    fs::write(&answers, "'a-title'\n").unwrap();
    surrealism(&["run", &archive, "slug", "'A title'", "--answers", &answers])
        .code(0)
        .stdout("'a-title'");
    surrealism(&["run", &archive, "store"]).code(0).stdout(
        "[{ n: 1 }, true, [2, NONE], 3, ['b', 'c'], [{ n: 1 }, 2], [['a', { n: 1 }], ['b', 2], ['c', [3]]], \
         2, true, false, 5, true, true, NONE, ['n', 't']]",
    );
    surrealism(&["run", &archive, "prints"])
        .code(0)
        .stderr_contains(&["a line { a: [1, person:ada] }", "an error"]);
}

#[tokio::test]
async fn values_are_those_of_rust_guests() {
    let runtime = runtime("values");
    let mut count = 0;
    for row in values::rows_of_echo() {
        let result = runtime.call(row.name(), values::args(&row), DetachedContext::new()).await;
        row.check("call", result.map(|value| value.to_sql()).map_err(|error| error.to_string()));
        count += 1;
    }
    assert!(count > 35, "{count} rows");
}

#[tokio::test]
async fn every_kind_of_value_crosses_both_ways() {
    let runtime = runtime("values");
    let values = [
        "NONE",
        "NULL",
        "true",
        "0",
        "-1",
        "9007199254740991",
        "9007199254740993",
        "-9223372036854775808",
        "9223372036854775807",
        "1.5f",
        "-0f",
        "1e300f",
        "Infinity",
        "-Infinity",
        "1.10dec",
        "79228162514264337593543950335dec",
        "0.0000000000000000000000000001dec",
        "''",
        "'it\\'s 👍'",
        "b\"00FF\"",
        "b\"\"",
        "0ns",
        "1y2w3d4h5m6s7ms8us9ns",
        "106751991167d",
        "d'2026-01-31T12:00:00.123456789Z'",
        "d'1969-12-31T23:59:59.999999999Z'",
        "d'0001-01-01T00:00:00Z'",
        "u'018f6f6e-1111-7000-8000-000000000000'",
        "person:1",
        "person:ada",
        "person:9007199254740993",
        "person:`a b`",
        "person:u'018f6f6e-1111-7000-8000-000000000000'",
        "person:['a', 1, NONE]",
        "person:{ a: 1, b: [2] }",
        "person:1..5",
        "person:['a']..=['b']",
        "(1f, 2.5f)",
        "{ type: 'LineString', coordinates: [[1f, 2f], [3f, 4f]] }",
        "1..5",
        "1..=5",
        "..",
        "'a'..",
        "1>..2",
        "f\"photos:/cat.png\"",
        "{1, 2}",
        "{,}",
        "[]",
        "[1, [NONE, NULL], { a: [] }]",
        "{}",
        "{ a: NONE, b: NULL }",
        "{ __proto__: 1, constructor: 2, toString: 3, then: 4 }",
        "{ '': 1, 'a b': 2 }",
        "/a+b/",
    ];
    for text in values {
        let value = values::parse(text);
        for value in [value.clone(), Value::Array(vec![value].into())] {
            let result =
                runtime.call(Some("echo::any"), (value.clone(),), DetachedContext::new()).await;
            assert_eq!(result.unwrap().to_sql(), value.to_sql(), "{text}");
        }
    }
    for (function, text) in [
        ("echo::bigint", "1"),
        ("echo::bigint", "9223372036854775807"),
        ("echo::float", "2f"),
        ("echo::regex", "/a+b/"),
        ("echo::person", "person:1"),
    ] {
        let value = values::parse(text);
        let result = runtime.call(Some(function), (value.clone(),), DetachedContext::new()).await;
        assert_eq!(result.unwrap(), value, "{function}({text})");
    }
    for (text, seen) in [
        ("NONE", "undefined undefined"),
        ("NULL", "null"),
        ("9007199254740993", "bigint 9007199254740993"),
        ("1.5dec", "Decimal"),
        ("d'2026-01-31T12:00:00Z'", "DateTime"),
        ("{1,}", "Set"),
    ] {
        let result =
            runtime.call(Some("seen"), (values::parse(text),), DetachedContext::new()).await;
        assert_eq!(result.unwrap(), Value::String(seen.to_string()), "{text}");
    }
}

/// Functions with all types that become kinds, in TypeScript and in comments.
const TYPES: &str = include_str!("../languages/types.ts");

const COMMENTS: &str = include_str!("../languages/comments.js");

#[test]
fn types_become_kinds() {
    let mut text = String::new();
    for (file, source) in [("index.ts", TYPES), ("index.js", COMMENTS)] {
        let (dir, ran) = build_source(file, source);
        ran.code(0);
        let info = surrealism_in(dir.path(), &["info", "test-values-0.1.0.surli"]).code(0).stdout;
        let functions: Vec<_> = info.lines().skip(2).take_while(|line| !line.is_empty()).collect();
        text += &format!("--- {file}\n{}\n", functions.join("\n"));
    }
    snapshot("language_types", text);
}

#[test]
fn mistakes_are_errors_at_the_token() {
    let cases = [
        ("index.ts", "export function f(x: string { return x }\n"),
        ("index.ts", "import { missing } from \"./other.js\";\nexport const f = () => missing;\n"),
        ("index.ts", "import { sqll } from \"surrealism\";\nexport const f = () => sqll;\n"),
        ("index.ts", "import left from \"left-pad\";\nexport const f = () => left;\n"),
        ("index.ts", "export function f(x: Unknown): void {}\n"),
        ("index.ts", "export function f(x: Int): void {}\n"),
        ("index.ts", "export function f({ a }: { a: string }): void {}\n"),
        ("index.ts", "export function f(...xs: string[]): void {}\n"),
        ("index.ts", "export function f(x: () => void): void {}\n"),
        ("index.ts", "class A {}\nexport function f(x: A): void {}\n"),
        ("index.ts", "export function $f(): void {}\n"),
        (
            "index.ts",
            "/** @name a */\nexport function f(): void {}\nexport function a(): void {}\n",
        ),
        ("index.ts", "/** @init */\nexport function f(x: string): void {}\n"),
        ("index.js", "/** @param {strin} x */\nexport function f(x) {}\n"),
        ("index.js", "/** @param {string[} x */\nexport function f(x) {}\n"),
    ];
    let mut text = String::new();
    for (file, source) in cases {
        let (dir, ran) = build_source(file, source);
        text += &format!("--- {file}\n{source}{}\n", ran.code(3).hide(dir.path()).stderr);
    }
    snapshot("language_errors", text);
}

#[test]
fn a_plugin_calls_no_extension_unless_it_names_one() {
    let (plain, ran) = build_source(
        "index.js",
        "import { kv } from 'surrealism'; export const f = () => kv.get('a');",
    );
    ran.code(0);
    surrealism_in(plain.path(), &["check", "test-values-0.1.0.surli"])
        .code(0)
        .stdout_contains(&["imports"]);
    let checked = surrealism_in(plain.path(), &["check", "test-values-0.1.0.surli"]).stdout;
    assert!(!checked.contains("third-party hosts lack"), "{checked}");

    let (extended, ran) = build_source(
        "index.js",
        "import { kv } from 'surrealism'; export const f = () => kv.increment('a');",
    );
    ran.code(0);
    surrealism_in(extended.path(), &["check", "test-values-0.1.0.surli"]).code(0).stdout_contains(
        &["third-party hosts lack surrealism:plugin/kv-atomic, surrealism:plugin/kv-ttl"],
    );
}

#[cfg(unix)]
#[test]
fn imports_stay_within_the_plugin() {
    let secret = tempfile::tempdir().unwrap();
    fs::write(secret.path().join("secret.js"), "export const f = () => 'secret';").unwrap();
    let outside = secret.path().join("secret.js").display().to_string();
    let (dir, ran) = build_source("index.js", "export * from '../../secret.js';");
    ran.code(3).stderr_contains(&["it is outside of the plugin's directory"]);
    let index = dir.path().join("src/index.js");
    fs::write(&index, "export * from '/etc/hosts';").unwrap();
    build(dir.path(), &[]).code(3).stderr_contains(&["it is outside of the plugin's directory"]);
    fs::write(&index, "export * from './link.js';").unwrap();
    std::os::unix::fs::symlink(&outside, dir.path().join("src/link.js")).unwrap();
    build(dir.path(), &[]).code(3).stderr_contains(&["it leads out of the plugin's directory, to"]);
    let manifest = "{ \"main\": \"../secret.js\" }";
    fs::write(dir.path().join("package.json"), manifest).unwrap();
    build(dir.path(), &[]).code(3).stderr_contains(&["it is not a path inside the plugin"]);
}

#[test]
fn attached_files_of_the_author_are_kept() {
    let source = "export const f = () => 1;";
    let (dir, _) = build_source("index.js", source);
    let config = dir.path().join("surrealism.toml");
    fs::write(&config, fs::read_to_string(&config).unwrap() + "\n[attach]\nfs = \"data\"\n")
        .unwrap();
    fs::create_dir_all(dir.path().join("data/words")).unwrap();
    fs::write(dir.path().join("data/words/en.txt"), "a").unwrap();
    build(dir.path(), &[]).code(0);
    let package = SurrealismPackage::from_file(dir.path().join("test-values-0.1.0.surli")).unwrap();
    let files = package.fs.unwrap();
    assert_eq!(fs::read_to_string(files.path().join("words/en.txt")).unwrap(), "a");
    assert!(files.path().join(".surrealism/program").is_file());

    fs::create_dir(dir.path().join("data/.surrealism")).unwrap();
    build(dir.path(), &[])
        .code(3)
        .stderr_contains(&["the plugin's program is there; rename the file"]);
}

/// Each attack ends at the deadline, and the module answers the next call.
#[tokio::test]
async fn a_function_without_an_end_is_ended_at_its_deadline() {
    let runtime = runtime("limits");
    let call = |name: &'static str| runtime.call(Some(name), (), DetachedContext::new());
    // Starts an instance, which may take longer than the deadline.
    call("isPolluted").await.unwrap();
    for name in ["spin", "expression", "chain"] {
        let error = call(name).timeout(Duration::from_millis(200)).await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::TimedOut { .. }), "{name}: {error}");
        assert_eq!(call("isPolluted").await.unwrap(), Value::Bool(false), "{name}");
    }
}

/// Each attack ends with an error of the function: the instance is not lost, and answers the next call.
#[tokio::test]
async fn a_function_ends_at_the_limits_of_memory_and_depth() {
    let package = SurrealismPackage::from_file(archive("limits").into()).unwrap();
    let runtime =
        Runtime::builder(package).max_memory_bytes(32 << 20).pool_size(1).build().unwrap();
    let deep = [
        "const f = () => 1 + f(); f()",
        "const f = () => [1].map(f); f()",
        "const f = () => [2, 1].sort(f); f()",
        "const f = () => 'a'.replace('a', f); f()",
        "const f = () => JSON.parse('[1]', f); f()",
        "const a = { get b() { return this.b } }; a.b",
        "const a = { toString() { return `${this}` } }; `${a}`",
        "const p = new Proxy({}, { get: (_, k, r) => r[k] }); p.a",
        "class A { constructor() { new A() } } new A()",
        "const f = () => Reflect.apply(f, null, []); f()",
        "const f = (...xs) => f(...xs, 1); f()",
        "function* f() { yield* f() } [...f()]",
        "const f = async () => { await f() }; f()",
        "new RegExp('('.repeat(1e5))",
    ];
    let evaluate =
        |code: &str| runtime.call(Some("evaluate"), (code.to_string(),), DetachedContext::new());
    let call = |name: &'static str| runtime.call(Some(name), (), DetachedContext::new());
    for code in deep {
        let error = evaluate(code).await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Guest { .. }), "{code}: {error}");
    }
    for (name, expected) in [
        ("fill", "out of memory"),
        ("recurse", "Maximum call stack size exceeded"),
        ("pending", "never settles"),
        ("cyclic", "more than 128 levels deep, or contains itself"),
        ("deep", "more than 128 levels deep, or contains itself"),
    ] {
        let error = call(name).await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Guest { .. }), "{name}: {error}");
        assert!(error.to_string().contains(expected), "{name}: {error}");
    }
    assert_eq!(evaluate("1 + 1").await.unwrap().to_sql(), "2");
    assert_eq!(runtime.usage().lost, 0);

    // QuickJS itself recurses deeper than its own check allows for: the instance ends, and no more.
    for code in [
        "let a = []; for (let i = 0; i < 1e5; i++) a = [a]; JSON.stringify(a)",
        "let a = []; for (let i = 0; i < 1e5; i++) a = [a]; a.flat(Infinity)",
        "JSON.parse('['.repeat(1e5))",
        "eval('('.repeat(1e5))",
        "eval('[' .repeat(1e4) + ']'.repeat(1e4))",
    ] {
        let error = evaluate(code).await.unwrap_err();
        let is_contained = matches!(error.kind(), ErrorKind::Guest { .. } | ErrorKind::Trap(_));
        assert!(is_contained, "{code}: {error}");
        assert_eq!(evaluate("1 + 1").await.unwrap().to_sql(), "2", "{code}");
    }
}

#[tokio::test]
async fn a_fresh_instance_is_not_polluted() {
    let package = SurrealismPackage::from_file(archive("limits").into()).unwrap();
    let runtime = Runtime::builder(package).isolation(Isolation::Fresh).build().unwrap();
    let call = |name: &'static str| runtime.call(Some(name), (), DetachedContext::new());
    call("pollute").await.unwrap();
    assert_eq!(call("isPolluted").await.unwrap(), Value::Bool(false));
}

/// Prototypes that the author's code changed do not reach the host or the engine's own conversion.
#[tokio::test]
async fn polluted_prototypes_do_not_break_values() {
    let runtime = runtime("limits");
    runtime.call(Some("pollute"), (), DetachedContext::new()).await.unwrap();
    assert_eq!(
        runtime.call(Some("isPolluted"), (), DetachedContext::new()).await.unwrap(),
        Value::Bool(true)
    );
    for text in ["{ a: [1, 2] }", "{1, 2}", "person:1", "1.5dec", "1..2", "d'2026-01-31T12:00:00Z'"]
    {
        let value = values::parse(text);
        let result = runtime.call(Some("echo"), (value.clone(),), DetachedContext::new()).await;
        assert_eq!(result.map_err(|error| error.to_string()), Ok(value), "{text}");
    }
}

#[tokio::test]
async fn eval_is_contained() {
    let runtime = runtime("limits");
    let call =
        |code: &str| runtime.call(Some("evaluate"), (code.to_string(),), DetachedContext::new());
    assert_eq!(call("1 + 1").await.unwrap().to_sql(), "2");
    assert_eq!(call("typeof __surrealism").await.unwrap().to_sql(), "'undefined'");
    for code in [
        "import('fs')",
        "import('./nothing.js')",
        "import('/.surrealism/program')",
        "std",
        "os",
        "require",
    ] {
        let error = call(code).await.unwrap_err().to_string();
        assert!(error.contains("Error"), "{code}: {error}");
    }
}
