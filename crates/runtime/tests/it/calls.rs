//! Calls of functions: every form of the attribute, every kind of value, errors and signatures.

use std::time::Duration;

use surrealdb_types as types;
use surrealdb_types::{Kind, Object, Value, object};
use surrealism_runtime::{DetachedContext, Error, ErrorKind, LoadError, Runtime};

use crate::support::{
    INVOKE, MEMORY, Transcript, assert_error_contains, component, name, runtime, shared, text,
    trusted, value,
};

fn call(runtime: &Runtime, function: Option<&str>, args: Vec<Value>) -> Result<Value, Error> {
    // A guest that does not wait needs no executor.
    futures::executor::block_on(runtime.call(function, args, DetachedContext::new()).into_future())
}

fn person(age: i64) -> Value {
    Value::Object(object! { name: "Ada".to_string(), age: age, tags: vec!["x".to_string()] })
}

#[test]
fn every_form_of_the_attribute_makes_a_callable_function() {
    let runtime = shared("attribute_matrix");
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
        (Some("flip"), vec![value("small".to_string())], value("large".to_string())),
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
fn every_kind_of_value_survives_the_round_trip() {
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
        ("string", text("")),
        ("string", text("\0\u{10ffff}")),
        ("string", long),
        ("bytes", Value::Bytes(vec![0, 255, 7].into())),
        ("datetime", Value::Datetime(types::Datetime::now())),
        ("duration", Value::Duration(Duration::from_nanos(1_000_000_001).into())),
        ("uuid", Value::Uuid(types::Uuid::new_v4())),
        ("record", Value::RecordId(types::RecordId::new("person", "ada"))),
        ("record", Value::RecordId(types::RecordId::new("person", 7_i64))),
        ("object", nested),
        ("array", value(vec![value(1_i64), text("a")])),
        ("list", value(vec!["a".to_string(), String::new()])),
        ("map", Value::Object(object! { a: 1_i64, b: 2_i64 })),
        ("tuple", value(vec![value(1_i64), text("a")])),
    ];
    for (kind, sent) in cases {
        let function = format!("echo::{kind}");
        let got = call(runtime, Some(&function), vec![sent.clone()]).unwrap();
        // Not `assert_eq`, which would print megabytes.
        assert!(got == sent, "{function} returned another value");
    }
}

/// Short calls cross by `invoke-inline`, longer ones by `invoke`; no length may show which.
#[test]
fn calls_of_every_length_behave_alike() {
    let runtime = shared("attribute_matrix");
    for length in 0..200 {
        let word = "x".repeat(length);
        let greeting = text(&format!("hello {word}"));
        assert_eq!(call(runtime, None, vec![text(&word)]).unwrap(), greeting, "{length}");
        // A regex is encoded by the general codec.
        let regex = Value::Regex(word.parse().unwrap());
        for sent in [text(&word), value(vec![word.clone()]), regex] {
            let got = call(runtime, Some("echo::any"), vec![sent.clone()]).unwrap();
            assert!(got == sent, "{sent:?} became {got:?}");
        }
        let message = format!("no {word}");
        let error = call(runtime, Some("fail::with_text"), vec![text(&message)]).unwrap_err();
        assert_error_contains(&error, &[&message]);
    }
}

/// What `invoke-inline` returns lies in the guest's memory, at an address that the guest claims.
#[test]
fn a_malformed_inline_result_is_an_error() {
    let cases: [(&str, (u8, u32, u32), &str); 7] = [
        ("bytes that are not a value", (0, 32, 2), "cannot decode a value"),
        ("no bytes", (0, 0, 0), "cannot decode a value"),
        ("a value that ends outside of memory", (0, 65_530, 8), "out of bounds"),
        ("a value of the largest length", (0, 64, u32::MAX), "out of bounds"),
        ("an error that ends outside of memory", (1, u32::MAX, 8), "out of bounds"),
        ("an error that is not text", (1, 32, 2), "utf-8"),
        ("neither a value nor an error", (2, 64, 8), "discriminant"),
    ];
    for (what, (tag, start, length), expected) in cases {
        let package = component(&returning_inline(tag, start, length));
        let error = call(&trusted(package).build().unwrap(), None, vec![]).unwrap_err();
        let message = error.to_string().to_lowercase();
        assert!(message.contains(expected), "{what}: {message:?} lacks {expected:?}");
    }
}

#[test]
fn an_inline_result_larger_than_a_call_may_copy_is_an_error() {
    let inside = returning_inline(0, 0, 80 << 20)
        .replace(r#"(memory (export "memory") 1)"#, r#"(memory (export "memory") 1300)"#);
    let runtime = trusted(component(&inside)).build().unwrap();
    assert_error_contains(&call(&runtime, None, vec![]).unwrap_err(), &["fuel"]);
}

/// A component whose `invoke-inline` returns a tag, and the address and length of what follows it.
fn returning_inline(tag: u8, start: u32, length: u32) -> String {
    let words = "u64 ".repeat(8);
    let flat = "i64 ".repeat(16);
    format!(
        r#"(core module $m
             {MEMORY}
             (data (i32.const 32) "\ff\ff")
             (func (export "invoke") (param i32 i32 i32 i32 i32) (result i32) unreachable)
             (func (export "inline") (param {flat}) (result i32)
               (i32.store8 (i32.const 0) (i32.const {tag}))
               (i32.store (i32.const 4) (i32.const {start}))
               (i32.store (i32.const 8) (i32.const {length}))
               (i32.const 0)))
           (core instance $i (instantiate $m))
           (func (export "invoke-inline")
             (param "first" (tuple {words})) (param "second" (tuple {words}))
             (result (result (list u8) (error string)))
             (canon lift (core func $i "inline") (memory $i "memory")))
           {INVOKE}"#
    )
}

#[test]
fn async_functions_have_timers() {
    let runtime = shared("attribute_matrix");
    let executor = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    executor.block_on(async {
        let doubled = runtime.call("later", (4_i64, 5_i64), DetachedContext::new()).await.unwrap();
        assert_eq!(doubled, value(8_i64));
        let late = runtime.call("too_late", (), DetachedContext::new()).await.unwrap_err();
        assert_error_contains(&late, &["deadline has elapsed"]);
    });
}

#[test]
fn a_failing_function_reports_why_and_keeps_its_instance() {
    let runtime = &runtime("attribute_matrix");
    let cases: Vec<(&str, Option<&str>, Vec<Value>)> = vec![
        ("an error of text", Some("fail::with_text"), vec![text("because")]),
        ("an error behind an alias", Some("fail::by_alias"), vec![]),
        ("an error with context", Some("fail::with_context"), vec![]),
        ("an error of std", Some("fail::parse"), vec![text("x")]),
        ("too few arguments", Some("math::add"), vec![value(1_i64)]),
        ("a function with a near name", Some("math::ad"), vec![]),
        ("a function with transposed letters", Some("maht::add"), vec![]),
        ("a function unlike any other", Some("quite_another"), vec![]),
        ("an argument of another kind", Some("echo::int"), vec![text("x")]),
        ("an argument out of range", Some("echo::small_int"), vec![value(256_i64)]),
        ("an object without fields", Some("birthday"), vec![Value::Object(Object::new())]),
    ];
    let mut transcript = Transcript::default();
    for (case, function, args) in cases {
        let error = call(runtime, function, args).unwrap_err();
        let kind = matches!(
            error.kind(),
            ErrorKind::UnknownFunction { .. }
                | ErrorKind::Arguments { .. }
                | ErrorKind::Guest { .. }
        );
        assert!(kind && !error.is_retryable(), "{error:?}");
        transcript.add(case, error);
    }
    transcript.assert(|text| insta::assert_snapshot!(text));
    assert_eq!(runtime.usage().instances.peak, 1, "one instance served every call");
}

#[test]
fn signatures_of_the_archive_equal_the_guests_own() {
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
        assert_error_contains(&error, &["unknown function: nope"]);
    });
}

#[test]
fn signatures_show_what_the_author_wrote() {
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
    let unknown = runtime.get_signature(Some("mth")).unwrap_err();
    assert_error_contains(&unknown, &["did you mean `math`"]);
}

#[test]
fn a_component_of_another_interface_is_refused_at_load() {
    let code = format!(
        r#"
        (core module $m
          {MEMORY}
          (func (export "invoke") (param i32 i32 i32 i32 i32) (result i32) unreachable)
          (func (export "other") unreachable))
        (core instance $i (instantiate $m))
        (func $other (canon lift (core func $i "other")))"#
    );
    let load = |exports: &str| trusted(component(&format!("{code} {exports}"))).build().map(drop);
    load(INVOKE).unwrap();

    let mut transcript = Transcript::default();
    for (case, exports) in [
        ("no `invoke`", String::new()),
        ("`invoke` of another type", r#"(export "invoke" (func $other))"#.to_string()),
        ("`init` of another type", format!(r#"{INVOKE} (export "init" (func $other))"#)),
        (
            "`function-args` of another type",
            format!(r#"{INVOKE} (export "function-args" (func $other))"#),
        ),
        (
            "`invoke` as an instance",
            r#"(instance $none) (export "invoke" (instance $none))"#.to_string(),
        ),
    ] {
        let error = load(&exports).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Load(LoadError::InvalidComponent)), "{error:?}");
        transcript.add(case, error);
    }
    transcript.assert(|text| insta::assert_snapshot!(text));
}
