//! Every form of the attribute and every kind of value, through the public library.

mod support;

use std::time::Duration;

use support::{INVOKE, assert_says, component, name, runtime, shared, value};
use surrealdb_types as types;
use surrealdb_types::{Kind, Object, Value, object};
use surrealism_runtime::{DetachedContext, Runtime, SurrealismError, SurrealismResult};

fn call(runtime: &Runtime, function: Option<&str>, args: Vec<Value>) -> SurrealismResult<Value> {
    // On no executor at all: a guest that does not wait needs none.
    futures::executor::block_on(runtime.call(function, args, DetachedContext::new()).into_future())
}

fn person(age: i64) -> Value {
    Value::Object(object! { name: "Ada".to_string(), age: age, tags: vec!["x".to_string()] })
}

#[test]
fn functions_answer() {
    let runtime = shared("attribute_matrix");
    let text = |text: &str| value(text.to_string());
    let cases: Vec<(Option<&str>, Vec<Value>, Value)> = vec![
        (None, vec![text("Ada")], text("hello Ada")),
        (Some("documented"), vec![], Value::None),
        (Some("other::renamed"), vec![value(7_i64)], value(7_i64)),
        (Some("optional"), vec![value(1_i64), Value::None], value(1_i64)),
        (Some("optional"), vec![Value::None, value(2_i64)], value(2_i64)),
        (Some("optional"), vec![Value::None, Value::None], Value::None),
        (Some("birthday"), vec![person(36)], person(37)),
        (Some("oldest"), vec![value(vec![person(1), person(2)])], person(2)),
        (Some("oldest"), vec![value(Vec::<Value>::new())], Value::None),
        (
            Some("flip"),
            vec![Value::Object(object! { Small: object! {} })],
            Value::Object(object! { Large: object! {} }),
        ),
        (Some("math"), vec![], value(42_i64)),
        (Some("math::add"), vec![value(1_i64), value(2_i64)], value(3_i64)),
        (Some("math::deep::three"), vec![], value(3_i64)),
        (Some("math::renamed::twice::last"), vec![], value(4_i64)),
    ];
    for (function, args, expected) in cases {
        assert_eq!(call(runtime, function, args).unwrap(), expected, "{function:?}");
    }
    for count in 0..=10 {
        let (function, args) = (format!("sum::of_{count}"), vec![value(1_i64); count]);
        let sum = call(runtime, Some(&function), args).unwrap();
        assert_eq!(sum, value(count as i64), "{function}");
    }
}

#[test]
fn every_kind_of_value_crosses_and_comes_back() {
    let runtime = shared("attribute_matrix");
    let nested = Value::Object(object! { a: vec![Value::None, Value::Null], b: object! {} });
    let long = value("é".repeat(1 << 20));
    let ints = value((0..10_000_i64).collect::<Vec<_>>());
    let cases: Vec<(&str, Value)> = vec![
        ("any", Value::None),
        ("any", Value::Null),
        ("any", nested.clone()),
        ("any", long.clone()),
        ("any", ints),
        ("none", Value::None),
        ("bool", value(true)),
        ("bool", value(false)),
        ("int", value(i64::MIN)),
        ("int", value(i64::MAX)),
        ("small_int", value(255_i64)),
        ("float", value(0.1_f64)),
        ("float", value(f64::INFINITY)),
        ("float", value(-0.0_f64)),
        ("decimal", value(types::Decimal::new(12345, 3))),
        ("number", value(1_i64)),
        ("number", value(1.5_f64)),
        ("string", value(String::new())),
        ("string", value("\0\u{10ffff}".to_string())),
        ("string", long),
        ("bytes", Value::Bytes(vec![0, 255, 7].into())),
        ("datetime", Value::Datetime(types::Datetime::now())),
        ("duration", Value::Duration(Duration::from_nanos(1_000_000_001).into())),
        ("uuid", Value::Uuid(types::Uuid::new_v4())),
        ("record", Value::RecordId(types::RecordId::new("person", "ada"))),
        ("record", Value::RecordId(types::RecordId::new("person", 7_i64))),
        ("object", nested),
        ("array", value(vec![value(1_i64), value("a".to_string())])),
        ("list", value(vec!["a".to_string(), String::new()])),
        ("map", Value::Object(object! { a: 1_i64, b: 2_i64 })),
        ("tuple", value(vec![value(1_i64), value("a".to_string())])),
    ];
    for (kind, sent) in cases {
        let function = format!("echo::{kind}");
        let got = call(runtime, Some(&function), vec![sent.clone()]).unwrap();
        assert!(got == sent, "{function} answered another value");
    }
}

/// Short calls cross in another way than long ones.
#[test]
fn calls_of_every_length_answer_alike() {
    let runtime = shared("attribute_matrix");
    for length in 0..200 {
        let text = "x".repeat(length);
        let greeting = value(format!("hello {text}"));
        assert_eq!(call(runtime, None, vec![value(text.clone())]).unwrap(), greeting, "{length}");
        // The last kind is one for the general codec.
        for sent in [value(text.clone()), value(vec![text.clone()]), regex(&text)] {
            let got = call(runtime, Some("echo::any"), vec![sent.clone()]).unwrap();
            assert!(got == sent, "{sent:?} became {got:?}");
        }
        let error = call(runtime, Some("fail::with_text"), vec![value(format!("no {text}"))]);
        assert_says(&error.unwrap_err(), &[&format!("no {text}")]);
    }
}

/// What is returned to `invoke-inline` lies in the guest, which may say of it what it likes.
#[test]
fn a_short_call_that_is_answered_dishonestly_is_an_error() {
    let cases: [(&str, (u8, u32, u32), &str); 7] = [
        ("bytes that are no value", (0, 32, 2), "cannot decode a value"),
        ("nothing", (0, 0, 0), "cannot decode a value"),
        ("a value that ends outside", (0, 65_530, 8), "out of bounds"),
        ("a value as large as an address", (0, 64, u32::MAX), "out of bounds"),
        ("an error that ends outside", (1, u32::MAX, 8), "out of bounds"),
        ("an error that is no text", (1, 32, 2), "utf-8"),
        ("neither a value nor an error", (2, 64, 8), "discriminant"),
    ];
    for (what, (tag, start, length), expected) in cases {
        let runtime = Runtime::builder(component(&answering_short(tag, start, length)));
        let error = call(&runtime.build().unwrap(), None, vec![]).unwrap_err();
        let text = error.to_string().to_lowercase();
        assert!(text.contains(expected), "{what}: {text:?} lacks {expected:?}");
    }
    // Larger than what one call may copy, though it lies within.
    let large = answering_short(0, 0, 80 << 20).replace("(memory $m 1)", "(memory $m 1300)");
    let error = call(&Runtime::builder(component(&large)).build().unwrap(), None, vec![]);
    assert_says(&error.unwrap_err(), &["fuel"]);
}

/// A component whose `invoke-inline` returns a tag, and where what follows lies.
fn answering_short(tag: u8, start: u32, length: u32) -> String {
    let words = "u64 ".repeat(8);
    let flat = "i64 ".repeat(16);
    format!(
        r#"(core module $m
             (memory $m 1) (export "memory" (memory $m))
             (data (i32.const 32) "\ff\ff")
             (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
             (func (export "invoke") (param i32 i32 i32 i32 i32) (result i32) unreachable)
             (func (export "short") (param {flat}) (result i32)
               (i32.store8 (i32.const 0) (i32.const {tag}))
               (i32.store (i32.const 4) (i32.const {start}))
               (i32.store (i32.const 8) (i32.const {length}))
               (i32.const 0)))
           (core instance $i (instantiate $m))
           (func (export "invoke-inline")
             (param "first" (tuple {words})) (param "second" (tuple {words}))
             (result (result (list u8) (error string)))
             (canon lift (core func $i "short") (memory $i "memory")))
           {INVOKE}"#
    )
}

fn regex(text: &str) -> Value {
    Value::Regex(text.parse().unwrap())
}

#[test]
fn async_functions_have_timers() {
    let runtime = shared("attribute_matrix");
    let executor = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    executor.block_on(async {
        let doubled = runtime.call("later", (4_i64, 5_i64), DetachedContext::new()).await.unwrap();
        assert_eq!(doubled, value(8_i64));
        let late = runtime.call("too_late", (), DetachedContext::new()).await.unwrap_err();
        assert_says(&late, &["deadline has elapsed"]);
    });
}

#[test]
fn a_function_that_fails_says_why_and_harms_nothing() {
    let runtime = &runtime("attribute_matrix");
    let text = |text: &str| vec![value(text.to_string())];
    let cases: Vec<(Option<&str>, Vec<Value>, &[&str])> = vec![
        (Some("fail::with_text"), text("because"), &["because"]),
        (Some("fail::by_alias"), vec![], &["no luck"]),
        (Some("fail::with_context"), vec![], &["outer", "inner"]),
        (Some("fail::parse"), text("x"), &["invalid digit"]),
        (
            Some("math::add"),
            vec![value(1_i64)],
            &["`math::add(a: int, b: int) -> int` takes 2 arguments, and the call has 1"],
        ),
        (Some("math::ad"), vec![], &["surrealism/calls 0.1.0 has no function", "`math::add`"]),
        (Some("maht::add"), vec![], &["did you mean `math::add`"]),
        (Some("quite_another"), vec![], &["has no function `quite_another`; it has `"]),
        (Some("echo::int"), text("x"), &["argument `x`", "int", "string"]),
        (Some("echo::small_int"), vec![value(256_i64)], &["argument `x`"]),
        (Some("birthday"), vec![Value::Object(Object::new())], &["argument `person`"]),
    ];
    for (function, args, parts) in cases {
        let error = call(runtime, function, args).unwrap_err();
        assert!(matches!(error, SurrealismError::FunctionCallError(_)), "{error:?}");
        assert!(!error.is_trap() && !error.is_timeout() && !error.is_busy());
        assert_says(&error, parts);
    }
    assert_eq!(runtime.usage().instances.peak, 1, "one instance has done it all");
}

#[test]
fn signatures_are_in_the_archive_and_the_same_as_the_guests_own() {
    let runtime = shared("attribute_matrix");
    futures::executor::block_on(async {
        let mut guest = runtime.new_controller(Box::new(DetachedContext::new())).await.unwrap();
        let names = guest.list().await.unwrap();
        assert_eq!(names.len(), runtime.exports().functions.len());
        for name in names {
            let export = runtime.get_signature(name.as_deref()).unwrap();
            assert_eq!(guest.args(name.clone()).await.unwrap(), export.args);
            assert_eq!(guest.returns(name.clone()).await.unwrap(), export.returns);
            assert_eq!(guest.writeable(name.clone()).await.unwrap(), export.writeable);
            assert_eq!(guest.comment(name).await.unwrap(), export.comment);
        }
        let error = guest.args(name("nope")).await.unwrap_err();
        assert_says(&error, &["unknown function: nope"]);
    });
}

#[test]
fn signatures_say_what_the_author_wrote() {
    let runtime = shared("attribute_matrix");
    let signature = |name| runtime.get_signature(name).unwrap();
    assert_eq!(signature(None).args_display(), "name: string");
    assert_eq!(signature(Some("other::renamed")).args_display(), "wire: int");
    let optional = signature(Some("optional"));
    assert_eq!(optional.args_display(), "x: none | int, otherwise: none | int");
    assert_eq!(optional.returns_display(), "none | int");
    assert_eq!(signature(Some("documented")).returns, Kind::None);
    assert_eq!(signature(Some("fail::by_alias")).returns, signature(Some("birthday")).returns);
    assert_eq!(
        signature(Some("documented")).comment.as_deref(),
        Some("A doc comment.\n\nIts second paragraph.")
    );
    assert_eq!(signature(Some("commented")).comment.as_deref(), Some("An explicit comment."));
    assert_eq!(signature(Some("flip")).comment, None);
    let writes = |name| signature(Some(name)).writeable;
    assert!(writes("writes") && !writes("flip"));
    assert_says(&runtime.get_signature(Some("mth")).unwrap_err(), &["did you mean `math`"]);
}

#[test]
fn a_component_of_another_interface_is_refused_when_it_is_loaded() {
    const CODE: &str = r#"
        (core module $m
          (memory (export "memory") 1)
          (func (export "realloc") (param i32 i32 i32 i32) (result i32) unreachable)
          (func (export "invoke") (param i32 i32 i32 i32 i32) (result i32) unreachable)
          (func (export "other") unreachable))
        (core instance $i (instantiate $m))
        (func $other (canon lift (core func $i "other")))"#;
    let wrong =
        |name: &str| format!("the component's `{name}` has another type than the interface");
    for (exports, expected) in [
        (INVOKE.to_string(), None),
        (String::new(), Some("the component exports no `invoke`".to_string())),
        (r#"(export "invoke" (func $other))"#.to_string(), Some(wrong("invoke"))),
        (format!(r#"{INVOKE} (export "init" (func $other))"#), Some(wrong("init"))),
        (
            format!(r#"{INVOKE} (export "function-args" (func $other))"#),
            Some(wrong("function-args")),
        ),
        (
            r#"(instance $none) (export "invoke" (instance $none))"#.to_string(),
            Some("the component exports `invoke`, and it is no function".to_string()),
        ),
    ] {
        let package = component(&format!("{CODE} {exports}"));
        match (Runtime::builder(package).build(), expected) {
            (Ok(_), None) => {}
            (Err(error), Some(expected)) => {
                assert!(matches!(error, SurrealismError::Compilation(_)), "{error:?}");
                assert_says(&error, &[&expected]);
            }
            (got, expected) => panic!("{exports}: {got:?}, not {expected:?}"),
        }
    }
}
