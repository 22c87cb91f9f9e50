//! What a host sees of a call that fails.

use std::error::Error as _;
use std::time::Duration;

use surrealdb_types::Value;
use surrealism_runtime::{
    DetachedContext, Error, ErrorKind, InvocationContext, Isolation, Runtime, SurrealismError,
    SurrealismPackage,
};

use crate::support::{
    INVOKE, MEMORY, PATIENCE, Recorder, Transcript, builder, component, load, package, runtime,
    text, value,
};

const SHORT: Duration = Duration::from_millis(50);

/// Describes an error as a row of the table: its kind, status and text, and the host's own error.
fn describe(error: &Error) -> String {
    let source = error.source().map_or(String::new(), |source| format!("\nsource: {source}"));
    let retry = if error.is_retryable() { ", retryable" } else { "" };
    format!(
        "{:?}\nstatus {}{retry}\n{}{source}",
        error.kind(),
        error.http_status(),
        error.to_string().split("\nwasm backtrace:\n").next().unwrap()
    )
}

async fn fail(
    runtime: &Runtime,
    function: &str,
    args: Vec<Value>,
    context: impl InvocationContext + 'static,
) -> Error {
    runtime.call(function, args, context).await.unwrap_err()
}

#[tokio::test]
async fn what_the_host_sees_of_each_outcome() {
    let mut transcript = Transcript::default();
    let hostile = builder("hostile").max_memory_bytes(32 << 20).build().unwrap();
    let query = |query: &str| vec![text(query), value(1_i64)];
    for (outcome, function, args) in [
        ("an unknown function", "alvie", vec![]),
        ("a missing argument", "fail", vec![]),
        ("an argument of another kind", "fail", vec![value(1_i64)]),
        ("an error of the guest", "fail", vec![text("no luck")]),
        ("an error of the context for the guest", "query_often", query("fail")),
        ("an error of the context for the host", "query_often", query("break")),
        ("a panic of the context", "query_often", query("panic")),
        ("a panic of the guest", "panics", vec![text("oh")]),
        ("unreachable code", "unreachable", vec![]),
        ("an exit", "exit", vec![value(3_i64)]),
        ("too deep recursion", "recurse", vec![]),
        ("too much memory", "hog", vec![]),
        ("a loop without an end", "spin_forever", vec![]),
        ("a query without an answer", "query_often", query("wait")),
    ] {
        let call = hostile.call(function, args, Recorder::new());
        let is_stopped = function == "spin_forever" || outcome == "a query without an answer";
        let call = call.timeout(if is_stopped { SHORT } else { PATIENCE });
        transcript.add(outcome, describe(&call.await.unwrap_err()));
    }

    let denied = runtime("no_capabilities");
    let args = || vec![text("RETURN 1")];
    transcript.add("no right", describe(&fail(&denied, "sql", args(), Recorder::new()).await));
    let host = runtime("host");
    let detached = DetachedContext::new;
    transcript.add("no database", describe(&fail(&host, "sql", args(), detached()).await));
    let args = vec![text("k")];
    transcript.add("no store", describe(&fail(&host, "kv::get", args, detached()).await));
    let broken = fail(&runtime("broken-init"), "unreachable", vec![], detached()).await;
    transcript.add("an `init` that fails", describe(&broken));
    let deep = (0..1_000).fold(Value::None, |inner, _| Value::Array(vec![inner].into()));
    let garbled = load(garbled()).build().unwrap();
    for (outcome, args) in [
        ("arguments that are nested too deeply", vec![deep]),
        ("a result that is not a value", vec![]),
    ] {
        transcript.add(outcome, describe(&fail(&garbled, "f", args, detached()).await));
    }
    transcript.assert(|text| insta::assert_snapshot!(text));
}

/// A component whose `invoke` returns three zeros.
fn garbled() -> SurrealismPackage {
    component(&format!(
        r#"
        (core module $m
          {MEMORY}
          (func (export "invoke") (param i32 i32 i32 i32 i32) (result i32)
            (i32.store (i32.const 4) (i32.const 256))
            (i32.store (i32.const 8) (i32.const 3))
            (i32.const 0)))
        (core instance $i (instantiate $m))
        {INVOKE}"#
    ))
}

#[tokio::test]
async fn what_the_host_sees_of_a_call_that_did_not_begin() {
    let mut transcript = Transcript::default();
    let runtime = builder("hostile").pool_size(1).max_queue(1).build().unwrap();
    let held = runtime.acquire_controller(Box::new(DetachedContext::new())).await.unwrap();
    let call = || runtime.call("alive", (), DetachedContext::new());
    let queued = call().timeout(SHORT).await.unwrap_err();
    transcript.add("its time ended in the queue", describe(&queued));
    let waited = call().max_wait(SHORT).await.unwrap_err();
    transcript.add("it waited as long as it may", describe(&waited));
    let (full, _) = tokio::join!(
        async {
            tokio::task::yield_now().await;
            call().await.unwrap_err()
        },
        call().timeout(SHORT)
    );
    transcript.add("the queue is full", describe(&full));
    transcript.assert(|text| insta::assert_snapshot!(text));
    runtime.release_controller(held);

    // The contract's error of each: nothing began, so that no instance has to be dropped.
    for error in [queued, waited, full] {
        let error = SurrealismError::from(error);
        assert!(error.is_busy() && !error.is_trap() && !error.is_timeout(), "{error:?}");
    }
}

#[tokio::test]
async fn what_the_host_sees_of_a_module_that_cannot_be_loaded() {
    let mut transcript = Transcript::default();
    let broken = |change: fn(&mut SurrealismPackage)| {
        let mut package = package("hostile");
        change(&mut package);
        Runtime::builder(package).build().unwrap_err()
    };
    let mut add = |outcome, change: fn(&mut SurrealismPackage)| {
        transcript.add(outcome, describe(&broken(change)));
    };
    add("another ABI", |package| package.config.abi.0 = 1);
    add("no component", |package| package.wasm = b"\0asm".to_vec());
    add("an invalid address", |package| {
        package.config.capabilities.allow_net = vec!["a b".to_string()];
    });
    add("no instances", |package| package.config.capabilities.max_pool_size = Some(0));
    transcript.assert(|text| insta::assert_snapshot!(text));
}

#[tokio::test]
async fn a_guest_learns_nothing_of_an_error_that_is_the_hosts() {
    let runtime = runtime("hostile");
    let query = || (String::from("break"), 1_i64);
    let error = runtime.call("query_often", query(), Recorder::new()).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Host), "{error:?}");
    assert!(!error.to_string().contains("secret"), "{error}");
    assert_eq!(error.source().unwrap().to_string(), "cannot open /var/lib/secret/kv.redb");

    let rows = runtime.call_rows("query_often", [query(), query()], Recorder::new()).await.unwrap();
    for row in rows {
        let error = row.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Host) && error.source().is_some(), "{error:?}");
    }

    // The next caller's error is not explained by this one's.
    let text = "`sql` failed because of an error in the host".to_string();
    let error = runtime.call("fail", (text,), Recorder::new()).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Guest { .. }) && error.source().is_none());
}

#[tokio::test]
async fn the_published_constructor_passes_errors_of_the_context_on() {
    let runtime = Runtime::new(package("hostile"), 1, None, None, None, None).unwrap();
    let mut controller = runtime.acquire_controller(Recorder::new().boxed()).await.unwrap();
    let args = (String::from("break"), 1_i64);
    let error = controller.invoke(Some("query_often".into()), args).await.unwrap_err();
    assert!(error.to_string().contains("cannot open /var/lib/secret"), "{error}");
}

#[tokio::test]
async fn a_panic_while_a_context_is_dropped_does_not_leave_the_call() {
    struct PanicsOnDrop;

    impl Drop for PanicsOnDrop {
        fn drop(&mut self) {
            panic!("the context panicked on purpose while it was dropped");
        }
    }

    for isolation in [Isolation::Reuse, Isolation::Fresh] {
        let runtime = builder("state").isolation(isolation).pool_size(1).build().unwrap();
        for _ in 0..2 {
            let panics = PanicsOnDrop;
            let context = DetachedContext::new().output(move |_| {
                let _ = &panics;
            });
            runtime.call("count", (), context).await.unwrap();
        }
        assert_eq!(runtime.usage().calls, 0);
    }
}
