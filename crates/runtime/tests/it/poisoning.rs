//! No instance that may be broken is used again, and no way to give a call up leaks anything.

mod support;

use std::future::{Future, IntoFuture};
use std::panic::AssertUnwindSafe;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures::FutureExt;
use support::{Recorder, assert_says, builder, name, shared, value};
use surrealdb_types::Value;
use surrealism_runtime::{DetachedContext, Isolation, Runtime};

const NOTHING: Vec<Value> = Vec::new();

fn text(text: &str) -> Value {
    value(text.to_string())
}

/// That a module still serves as many callers as it may, from good instances.
async fn assert_in_order(runtime: &Runtime, pool_size: usize) {
    let mut out = Vec::new();
    for _ in 0..pool_size {
        let acquiring = runtime.acquire_controller(Box::new(DetachedContext::new()));
        let acquired = tokio::time::timeout(Duration::from_secs(20), acquiring).await;
        let mut controller = acquired.expect("a permit leaked").unwrap();
        assert_eq!(controller.invoke(name("alive"), NOTHING).await.unwrap(), value(true));
        out.push(controller);
    }
    assert!(runtime.usage().instances.current <= pool_size, "{:?}", runtime.usage());
    out.into_iter().for_each(|controller| runtime.release_controller(controller));
}

#[tokio::test]
async fn a_lost_instance_is_refused_and_never_pooled_whatever_the_caller_does() {
    let runtime = builder("hostile").pool_size(1).build().unwrap();
    let forever = vec![text("wait"), value(1_i64)];
    let panicking = vec![text("panic"), value(1_i64)];
    let ways: [(&str, &str, Vec<Value>); 4] = [
        ("trap", "panics", vec![text("x")]),
        ("timeout", "spin_forever", vec![]),
        ("cancel", "query_often", forever),
        ("host panic", "query_often", panicking),
    ];
    for (way, function, args) in ways {
        let mut controller = runtime.acquire_controller(Recorder::new().boxed()).await.unwrap();
        let timeout = Some(Duration::from_millis(50)).filter(|_| way == "timeout");
        let invoking = controller.invoke_with_timeout(name(function), args, timeout);
        let invoking = AssertUnwindSafe(invoking).catch_unwind();
        let outcome = tokio::time::timeout(Duration::from_millis(200), invoking).await;
        match way {
            "cancel" => assert!(outcome.is_err()),
            "host panic" => assert!(outcome.unwrap().is_err()),
            _ => assert!(outcome.unwrap().unwrap().unwrap_err().is_trap()),
        }

        let again = controller.invoke(name("alive"), NOTHING).await.unwrap_err();
        assert_says(&again, &["this instance of surrealism/hostile 0.1.0 is lost", "drop it"]);
        controller.init().await.unwrap_or_default();
        controller.list().await.unwrap_err();
        runtime.release_controller(controller);
        assert_eq!(runtime.usage().instances.current, 0, "{way}");
        assert_in_order(&runtime, 1).await;
    }
}

#[tokio::test]
async fn an_error_that_is_no_trap_keeps_the_instance() {
    let runtime = builder("hostile").pool_size(1).build().unwrap();
    for _ in 0..3 {
        let failed = runtime.call("fail", ("no".to_string(),), DetachedContext::new()).await;
        assert!(!failed.unwrap_err().is_trap());
        let refused = runtime.call("nope", (), DetachedContext::new()).await;
        assert!(!refused.unwrap_err().is_trap());
    }
    assert_eq!(runtime.usage().instances.peak, 1);
}

/// Polls a call until it waits for the `polls`-th time, and drops it there.
fn cancel_after<F: Future>(future: F, polls: usize) -> Option<F::Output> {
    let mut future = Box::pin(future);
    let mut cx = Context::from_waker(Waker::noop());
    for _ in 0..polls {
        if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
            return Some(output);
        }
        // Give the clock, and what WASI waits for, time to move.
        std::thread::sleep(Duration::from_millis(2));
    }
    None
}

#[tokio::test]
async fn cancelling_at_every_poll_leaks_nothing() {
    for isolation in [Isolation::Reuse, Isolation::Fresh] {
        let runtime = builder("hostile").pool_size(1).isolation(isolation).build().unwrap();
        let calls: [(&str, Vec<Value>); 4] = [
            ("spin", vec![value(60_i64)]),
            ("sleep", vec![value(20_i64)]),
            ("query_often", vec![text("ok"), value(3_i64)]),
            ("query_often", vec![text("wait"), value(1_i64)]),
        ];
        for (function, args) in calls {
            const MOST: usize = 12;
            let mut cancelled = 0;
            for polls in 0..MOST {
                let call = runtime.call(function, args.clone(), Recorder::new());
                match cancel_after(call.into_future(), polls) {
                    Some(answer) => drop(answer.unwrap()),
                    None => cancelled += 1,
                }
                assert!(runtime.usage().instances.current <= 1, "{:?}", runtime.usage());
            }
            assert!(cancelled > 0, "{function} was never cancelled");
            assert_in_order(&runtime, 1).await;
        }
    }
}

#[tokio::test]
async fn cancelling_in_the_queue_leaves_the_queue() {
    let runtime = builder("hostile").pool_size(1).max_queue(1).build().unwrap();
    let held = runtime.acquire_controller(Box::new(DetachedContext::new())).await.unwrap();
    for _ in 0..5 {
        let waiting = runtime.call("alive", (), DetachedContext::new());
        assert!(cancel_after(waiting.into_future(), 1).is_none());
    }
    runtime.release_controller(held);
    assert_in_order(&runtime, 1).await;
}

#[tokio::test]
async fn an_output_callback_that_panics_costs_only_its_own_call() {
    let runtime = shared("state");
    let context = DetachedContext::new().output(|_| panic!("the callback panicked on purpose"));
    let call = runtime.call("inits", (), context).into_future();
    assert!(AssertUnwindSafe(call).catch_unwind().await.is_err());
    for _ in 0..3 {
        let inits = runtime.call("inits", (), DetachedContext::new()).await.unwrap();
        assert_eq!(inits, value(1_i64));
    }
}
