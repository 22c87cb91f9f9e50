//! A call ends at its deadline, whatever it is doing.

use std::time::{Duration, Instant};

use surrealdb_types::Value;
use surrealism_runtime::epoch::EPOCH_TICK_MS;
use surrealism_runtime::{DetachedContext, SurrealismError, SurrealismPackage};

use crate::support::{
    AMPLE, INVOKE, MEMORY, PATIENCE, Recorder, component, load, name, package, runtime, shared,
    text, trusted, value,
};

/// Much more than a call may take, and than a busy machine is late.
const LONG: Duration = Duration::from_secs(10);

fn millis(duration: Duration) -> Value {
    value(duration.as_millis() as i64)
}

#[tokio::test]
async fn a_deadline_ends_a_call_whatever_it_is_doing() {
    let runtime = shared("hostile");
    let timeout = Duration::from_millis(50);
    for (function, args) in [
        ("spin_forever", vec![]),
        ("spin", vec![millis(LONG)]),
        ("sleep", vec![millis(LONG)]),
        ("query_often", vec![text("wait"), value(1_i64)]),
        ("query_often", vec![text("ok"), value(i64::MAX)]),
    ] {
        let began = Instant::now();
        let error =
            runtime.call(function, args, Recorder::new()).timeout(timeout).await.unwrap_err();
        assert!(began.elapsed() < LONG / 2, "{function} took {:?}", began.elapsed());
        let SurrealismError::Timeout { effective, context_timeout, module_limit } = error.into()
        else {
            panic!("{function}");
        };
        assert!(effective.unwrap() <= timeout && context_timeout.unwrap() <= timeout);
        assert_eq!(module_limit, Some(PATIENCE), "the limit that the runtime was built with");
    }
}

#[tokio::test]
async fn a_timeout_arrives_within_two_ticks() {
    /// Two ticks, and how late a loaded machine may be on top of them.
    const PROMPT: Duration = Duration::from_millis(2 * EPOCH_TICK_MS + 10);
    /// The best of several counts, since anything else that the machine does delays some.
    const ATTEMPTS: usize = 40;

    let runtime = runtime("hostile");
    let timeout = Duration::from_millis(50);
    for (function, args) in [
        ("spin_forever", vec![]),
        ("sleep", vec![millis(LONG)]),
        ("query_often", vec![text("wait"), value(1_i64)]),
    ] {
        let mut best = Duration::MAX;
        for _ in 0..ATTEMPTS {
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
async fn a_timeout_cancels_what_the_host_does_for_the_call() {
    let runtime = runtime("hostile");
    let context = Recorder::new();
    let call = runtime.call("query_often", ("wait".to_string(), 1_i64), context.clone());
    assert!(call.timeout(AMPLE).await.unwrap_err().is_timeout());
    assert_eq!((context.calls().len(), context.cancelled()), (1, 1));
}

#[tokio::test]
async fn dropping_a_call_cancels_what_the_host_does_for_it() {
    let runtime = runtime("hostile");
    let context = Recorder::new();
    let call = runtime.call("query_often", ("wait".to_string(), 1_i64), context.clone());
    tokio::select! {
        ended = call.into_future() => panic!("the query never completes: {ended:?}"),
        () = context.called(1) => {}
    }
    assert_eq!((context.calls().len(), context.cancelled()), (1, 1));
}

/// A component that computes without end, in its start function or in its `init`.
fn spinning(part: &str) -> SurrealismPackage {
    let (start, init) = match part {
        "start" => ("(start $spin)", ""),
        "init" => ("", "(call $spin)"),
        _ => unreachable!("{part} cannot spin"),
    };
    component(&format!(
        r#"
        (core module $m
          {MEMORY}
          (func $spin (loop $again (br $again)))
          {start}
          (func (export "invoke") (param i32 i32 i32 i32 i32) (result i32) unreachable)
          (func (export "init") (result i32) {init} (i32.const 0)))
        (core instance $i (instantiate $m))
        (func (export "init") (result (result (error string)))
          (canon lift (core func $i "init") (memory $i "memory") (realloc (func $i "realloc"))))
        {INVOKE}"#
    ))
}

#[tokio::test]
async fn instantiation_and_init_count_towards_the_deadline() {
    let timeout = Duration::from_millis(50);
    for part in ["start", "init"] {
        let runtime = trusted(spinning(part)).build().unwrap();
        let began = Instant::now();
        let call = runtime.call("any", (), DetachedContext::new()).timeout(timeout);
        assert!(call.await.unwrap_err().is_timeout(), "{part}");
        assert!(began.elapsed() < LONG / 2, "{part} took {:?}", began.elapsed());
        assert_eq!(runtime.usage().instances.current, 0, "{part}");

        let runtime = trusted(spinning(part)).max_execution_time(timeout).build().unwrap();
        let acquired = runtime.acquire_controller(Box::new(DetachedContext::new())).await;
        assert!(acquired.unwrap_err().is_timeout(), "{part}");
        assert_eq!(runtime.usage().instances.current, 0, "{part}");
    }
}

#[tokio::test]
async fn the_smallest_of_module_host_and_caller_limits_holds() {
    // Enough for a busy machine to make an instance, which counts towards the limits as well.
    let short = Duration::from_millis(200);
    for (module, host, caller) in [
        (Some(short), LONG, Some(LONG)),
        (Some(LONG), short, None),
        (None, LONG, Some(short)),
        (None, short, None),
    ] {
        let mut package = package("hostile");
        package.config.capabilities.max_execution_time = module;
        let runtime = load(package).max_execution_time(host).build().unwrap();
        let mut controller =
            runtime.acquire_controller(Box::new(DetachedContext::new())).await.unwrap();
        let error =
            controller.invoke_with_timeout(name("spin_forever"), (), caller).await.unwrap_err();
        assert!(error.is_timeout() && error.is_trap());
        let SurrealismError::Timeout { effective, .. } = error else { panic!("{error}") };
        assert_eq!(effective, Some(short), "{module:?}, {host:?}, {caller:?}");
    }
}

#[tokio::test]
async fn the_shortest_and_the_longest_timeout_are_valid() {
    let runtime = shared("hostile");
    let call = runtime.call("alive", (), DetachedContext::new()).timeout(Duration::ZERO);
    assert!(call.await.unwrap_err().is_timeout());
    let call = runtime.call("alive", (), DetachedContext::new()).timeout(Duration::MAX);
    assert_eq!(call.await.unwrap(), value(true));
}

#[tokio::test(flavor = "current_thread")]
async fn a_guest_that_computes_yields_to_other_tasks() {
    let runtime = runtime("hostile");
    let other_task = tokio::spawn(async {
        for _ in 0..10 {
            tokio::time::sleep(Duration::from_millis(EPOCH_TICK_MS)).await;
        }
    });
    let spinning = runtime.call("spin_forever", (), DetachedContext::new()).into_future();
    // Without a yield, the guest would keep the thread until its time is up.
    tokio::select! {
        ended = spinning => panic!("the other task had no turn: {ended:?}"),
        done = other_task => done.unwrap(),
    }
}

#[tokio::test]
async fn without_strict_timeout_only_waiting_ends_at_the_deadline() {
    let mut package = package("hostile");
    package.config.capabilities.strict_timeout = false;
    let runtime = load(package).build().unwrap();
    // So that no time is spent on an instance later.
    runtime.call("alive", (), DetachedContext::new()).await.unwrap();
    let timeout = Duration::from_millis(100);
    let spun = runtime.call("spin", (200_i64,), DetachedContext::new()).timeout(timeout);
    assert_eq!(spun.await.unwrap(), Value::None);
    let slept = runtime.call("sleep", (10_000_i64,), DetachedContext::new()).timeout(timeout);
    assert!(slept.await.unwrap_err().is_timeout());
}

#[test]
fn deadlines_need_no_timer_of_the_executor() {
    let runtime = shared("hostile");
    let timeout = Duration::from_millis(30);
    let spinning = runtime.call("spin_forever", (), DetachedContext::new()).timeout(timeout);
    let error = futures::executor::block_on(spinning.into_future()).unwrap_err();
    assert!(error.is_timeout());
    let waiting = runtime.call("query_often", ("wait".to_string(), 1_i64), Recorder::new());
    let waiting = waiting.timeout(timeout);
    assert!(futures::executor::block_on(waiting.into_future()).unwrap_err().is_timeout());
}
