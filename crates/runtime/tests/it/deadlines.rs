//! Deadlines hold wherever a call is; memory is bounded; a trap says what happened.

mod support;

use std::time::{Duration, Instant};

use support::{INVOKE, Recorder, assert_says, builder, component, package, runtime, shared, value};
use surrealdb_types::Value;
use surrealism_runtime::epoch::EPOCH_TICK_MS;
use surrealism_runtime::{DetachedContext, Runtime, SurrealismError, SurrealismPackage};

/// Far from what a call may take, and from how late a busy machine is.
const LONG: Duration = Duration::from_secs(10);

#[tokio::test]
async fn a_deadline_ends_whatever_the_call_is_doing() {
    let runtime = shared("hostile");
    let timeout = Duration::from_millis(50);
    let text = |text: &str| value(text.to_string());
    let millis = value(LONG.as_millis() as i64);
    for (function, args) in [
        ("spin_forever", vec![]),
        ("spin", vec![millis.clone()]),
        ("sleep", vec![millis]),
        ("query_often", vec![text("wait"), value(1_i64)]),
        ("query_often", vec![text("ok"), value(i64::MAX)]),
    ] {
        let began = Instant::now();
        let error =
            runtime.call(function, args, Recorder::new()).timeout(timeout).await.unwrap_err();
        assert!(began.elapsed() < LONG / 2, "{function} took {:?}", began.elapsed());
        let SurrealismError::Timeout { effective, context_timeout, module_limit } = error else {
            panic!("{function}: {error}");
        };
        assert!(effective.unwrap() <= timeout && context_timeout.unwrap() <= timeout);
        assert_eq!(module_limit, Some(Duration::from_secs(20)));
    }
}

/// Two ticks, and what a loaded machine may be late on top of them.
const PROMPT: Duration = Duration::from_millis(2 * EPOCH_TICK_MS + 10);

#[tokio::test]
async fn a_timeout_arrives_within_two_ticks() {
    let runtime = shared("hostile");
    let timeout = Duration::from_millis(50);
    let long = value(LONG.as_millis() as i64);
    let wait = vec![value("wait".to_string()), value(1_i64)];
    for (function, args) in [("spin_forever", vec![]), ("sleep", vec![long]), ("query_often", wait)]
    {
        // The best of several, since whatever else this machine does delays some.
        let mut best = Duration::MAX;
        for _ in 0..20 {
            let call = runtime.call(function, args.clone(), Recorder::new()).timeout(timeout);
            let began = Instant::now();
            assert!(call.await.unwrap_err().is_timeout());
            best = best.min(began.elapsed() - timeout);
            if best <= PROMPT {
                break;
            }
        }
        assert!(best <= PROMPT, "{function} was {best:?} late at best");
    }
}

#[tokio::test]
async fn what_the_host_does_for_a_call_ends_with_it() {
    let runtime = shared("hostile");
    let wait = || ("wait".to_string(), 1_i64);
    let context = Recorder::new();
    let call = runtime.call("query_often", wait(), context.clone());
    let call = call.timeout(Duration::from_millis(50));
    assert!(call.await.unwrap_err().is_timeout());
    assert_eq!((context.asked().len(), context.given_up()), (1, 1), "out of time");

    let call = runtime.call("query_often", wait(), context.clone()).into_future();
    tokio::time::timeout(Duration::from_millis(50), call).await.unwrap_err();
    assert_eq!((context.asked().len(), context.given_up()), (2, 2), "cancelled");
}

/// A component that computes without end, before anything of it can be called or in its `init`.
fn spinning(part: &str) -> SurrealismPackage {
    let (start, init) = match part {
        "start" => ("(start $spin)", ""),
        _ => ("", "(call $spin)"),
    };
    component(&format!(
        r#"
        (core module $m
          (memory (export "memory") 1)
          (func $spin (loop $again (br $again)))
          {start}
          (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
          (func (export "invoke") (param i32 i32 i32 i32 i32) (result i32) unreachable)
          (func (export "init") (result i32) {init} (i32.const 0)))
        (core instance $i (instantiate $m))
        (func (export "init") (result (result (error string)))
          (canon lift (core func $i "init") (memory $i "memory") (realloc (func $i "realloc"))))
        {INVOKE}"#
    ))
}

#[tokio::test]
async fn making_an_instance_is_bounded_like_a_call() {
    let timeout = Duration::from_millis(50);
    for what in ["start", "init"] {
        let runtime = Runtime::builder(spinning(what)).build().unwrap();
        let began = Instant::now();
        let call = runtime.call("any", (), DetachedContext::new()).timeout(timeout);
        assert!(call.await.unwrap_err().is_timeout(), "{what}");
        assert!(began.elapsed() < LONG / 2, "{what} took {:?}", began.elapsed());
        assert_eq!(runtime.usage().instances.current, 0, "{what}");

        let runtime = Runtime::builder(spinning(what)).max_execution_time(timeout);
        let runtime = runtime.build().unwrap();
        let acquired = runtime.acquire_controller(Box::new(DetachedContext::new())).await;
        assert!(acquired.unwrap_err().is_timeout(), "{what}");
        assert_eq!(runtime.usage().instances.current, 0, "{what}");
    }
}

#[tokio::test]
async fn the_smallest_of_three_limits_holds() {
    let ms = Duration::from_millis;
    for (module, host, caller, effective) in [
        (Some(ms(30)), LONG, Some(LONG), ms(30)),
        (Some(LONG), ms(30), None, ms(30)),
        (None, LONG, Some(ms(30)), ms(30)),
        (None, ms(30), None, ms(30)),
    ] {
        let mut package = package("hostile");
        package.config.capabilities.max_execution_time = module;
        let runtime = Runtime::builder(package).max_execution_time(host).build().unwrap();
        let mut controller =
            runtime.acquire_controller(Box::new(DetachedContext::new())).await.unwrap();
        let error = controller
            .invoke_with_timeout(support::name("spin_forever"), (), caller)
            .await
            .unwrap_err();
        assert!(error.is_timeout() && error.is_trap());
        let SurrealismError::Timeout { effective: got, .. } = error else { panic!("{error}") };
        assert_eq!(got, Some(effective));
    }
}

#[tokio::test]
async fn no_time_at_all_is_a_timeout() {
    let runtime = shared("hostile");
    let call = runtime.call("alive", (), DetachedContext::new()).timeout(Duration::ZERO);
    assert!(call.await.unwrap_err().is_timeout());
    let endless = runtime.call("alive", (), DetachedContext::new()).timeout(Duration::MAX);
    assert_eq!(endless.await.unwrap(), value(true));
}

#[tokio::test(flavor = "current_thread")]
async fn a_guest_that_computes_lets_others_run() {
    let runtime = shared("hostile");
    let ticks = tokio::spawn(async {
        let mut ticks = 0;
        let began = Instant::now();
        while began.elapsed() < Duration::from_millis(200) {
            tokio::time::sleep(Duration::from_millis(EPOCH_TICK_MS)).await;
            ticks += 1;
        }
        ticks
    });
    runtime.call("spin", (300_i64,), DetachedContext::new()).await.unwrap();
    let ticks = ticks.await.unwrap();
    assert!(ticks >= 4, "the other task ran {ticks} times beside the guest");
}

#[tokio::test]
async fn a_module_that_is_never_interrupted_is_still_bounded_where_it_waits() {
    let mut package = package("hostile");
    package.config.capabilities.strict_timeout = false;
    let runtime = support::load(package).build().unwrap();
    let timeout = Duration::from_millis(20);
    let spun = runtime.call("spin", (60_i64,), DetachedContext::new()).timeout(timeout);
    assert_eq!(spun.await.unwrap(), Value::None);
    let slept = runtime.call("sleep", (10_000_i64,), DetachedContext::new()).timeout(timeout);
    assert!(slept.await.unwrap_err().is_timeout());
}

#[test]
fn deadlines_need_no_timer_of_the_executor() {
    let runtime = shared("hostile");
    let call = runtime.call("spin_forever", (), DetachedContext::new());
    let call = call.timeout(Duration::from_millis(30));
    let error = futures::executor::block_on(call.into_future()).unwrap_err();
    assert!(error.is_timeout());
    let waiting = runtime.call("query_often", ("wait".to_string(), 1_i64), Recorder::new());
    let waiting = waiting.timeout(Duration::from_millis(30));
    assert!(futures::executor::block_on(waiting.into_future()).unwrap_err().is_timeout());
}

#[tokio::test]
async fn a_trap_says_what_happened_and_where() {
    let runtime = builder("hostile").max_memory_bytes(32 << 20).build().unwrap();
    let cases: Vec<(&str, Vec<Value>, &[&str])> = vec![
        (
            "panics",
            vec![value("at the disco".to_string())],
            &[
                "function `panics` of surrealism/hostile 0.1.0 panicked: at the disco",
                "hostile/src/lib.rs:",
                "wasm backtrace",
            ],
        ),
        ("unreachable", vec![], &["function `unreachable`", "trapped", "unreachable"]),
        ("recurse", vec![], &["ran out of stack", "deeper"]),
        ("hog", vec![], &["ran out of memory", "`max_memory_bytes` is 33554432"]),
        ("exit", vec![value(3_i64)], &["function `exit`", "exit"]),
    ];
    for (function, args, parts) in cases {
        let context = Recorder::new();
        let error = runtime.call(function, args, context).await.unwrap_err();
        assert!(error.is_trap(), "{error}");
        assert!(matches!(error, SurrealismError::Wasmtime(_)), "{error:?}");
        assert_says(&error, parts);
        assert_eq!(runtime.usage().instances.current, 0, "the instance is gone after {function}");
    }
}

#[tokio::test]
async fn a_guest_that_minds_its_memory_is_told_no_and_goes_on() {
    let runtime = builder("hostile").max_memory_bytes(32 << 20).build().unwrap();
    let kept = runtime.call("hog_politely", (), DetachedContext::new()).await.unwrap();
    let kept = kept.into_int().unwrap();
    assert!((8..32).contains(&kept), "{kept} MiB");
    assert!(runtime.usage().memory_bytes.peak <= 32 << 20);
    assert_eq!(runtime.usage().instances.current, 1);

    let mut package = package("hostile");
    package.config.capabilities.max_memory_bytes = Some(64 << 10);
    let error = Runtime::builder(package).build().unwrap();
    let error = error.call("alive", (), DetachedContext::new()).await.unwrap_err();
    assert!(matches!(error, SurrealismError::Instantiation(_)), "{error:?}");
    assert_says(&error, &["surrealism/hostile 0.1.0 cannot be instantiated"]);
}

#[tokio::test]
async fn the_store_is_bounded_by_bytes_as_well() {
    let runtime = builder("hostile").max_kv_bytes(1 << 20).build().unwrap();
    let context = DetachedContext::new().kv(runtime.kv_store().clone());
    let fill = runtime.call("fill_store", (1_000_i64, 10_000_i64), context);
    assert_says(&fill.await.unwrap_err(), &["bytes, and the host allows 1048576"]);
    let held = runtime.usage().kv_bytes;
    assert!(held.peak <= 1 << 20 && held.current > 900_000, "{held:?}");
}

#[tokio::test]
async fn an_answer_of_any_size_arrives_or_is_refused() {
    let runtime = runtime("hostile");
    let answer = runtime.call("answer", (1_i64 << 20,), DetachedContext::new()).await.unwrap();
    assert_eq!(answer.into_string().unwrap().len(), 1 << 20);
    let error = runtime.call("answer", (80_i64 << 20,), DetachedContext::new()).await.unwrap_err();
    assert!(error.is_trap(), "{error}");
}
