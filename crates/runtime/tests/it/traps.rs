//! A trap says what happened and where, and costs the instance.

use surrealdb_types::Value;
use surrealism_runtime::{DetachedContext, Runtime};

use crate::support::{
    INVOKE, MEMORY, Recorder, Transcript, assert_error_contains, builder, component, runtime, text,
    trusted, value, without_backtrace,
};

#[tokio::test]
async fn a_trap_reports_its_cause_and_drops_the_instance() {
    let runtime = runtime("hostile");
    let cases: Vec<(&str, Vec<Value>)> = vec![
        ("panics", vec![text("at the disco")]),
        ("unreachable", vec![]),
        ("recurse", vec![]),
        ("exit", vec![value(3_i64)]),
    ];
    let mut transcript = Transcript::default();
    for (function, args) in cases {
        let error = runtime.call(function, args, Recorder::new()).await.unwrap_err();
        assert!(error.is_trap(), "{error}");
        assert!(error.is_trap(), "{error:?}");
        assert_eq!(runtime.usage().instances.current, 0, "after {function}");
        transcript.add(function, without_backtrace(&error));
    }
    transcript.assert(|text| insta::assert_snapshot!(text));
}

#[tokio::test]
async fn a_trap_for_want_of_memory_reports_the_limit() {
    let runtime = builder("hostile").max_memory_bytes(32 << 20).build().unwrap();
    let error = runtime.call("hog", (), DetachedContext::new()).await.unwrap_err();
    assert!(error.is_trap(), "{error:?}");
    assert_error_contains(&error, &["`hog`", "out of memory", "`max_memory_bytes` is 33554432"]);
    assert_eq!(runtime.usage().instances.current, 0);
}

/// A component that traps in a function that another one calls.
fn trapping(start: &str, invoke: &str) -> Runtime {
    let package = component(&format!(
        r#"
        (core module $m
          {MEMORY}
          (func $inner unreachable)
          (func $outer (call $inner))
          {start}
          (func (export "invoke") (param i32 i32 i32 i32 i32) (result i32)
            {invoke} (i32.const 0)))
        (core instance $i (instantiate $m))
        {INVOKE}"#
    ));
    trusted(package).build().unwrap()
}

#[tokio::test]
async fn a_backtrace_names_functions_and_offsets() {
    let mut transcript = Transcript::default();
    for (case, runtime) in [
        ("in a call", trapping("", "(call $outer)")),
        ("in a start function", trapping("(start $outer)", "")),
    ] {
        let error = runtime.call("any", (), DetachedContext::new()).await.unwrap_err();
        transcript.add(case, error);
    }
    transcript.assert(|text| insta::assert_snapshot!(text));
}
