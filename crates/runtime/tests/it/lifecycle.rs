//! Instances: created, initialized, pooled, queued for, dropped.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use surrealdb_types::Value;
use surrealism_runtime::{DetachedContext, ErrorKind, Isolation, Runtime, TimeoutStage};

use crate::support::{
    NO_ARGS, Recorder, Transcript, assert_error_contains, builder, name, runtime, value,
};

async fn call(runtime: &Runtime, function: &str) -> Value {
    runtime.call(function, NO_ARGS, DetachedContext::new()).await.unwrap()
}

#[tokio::test]
async fn statics_last_and_init_runs_once_in_each_instance() {
    let runtime = runtime("state");
    for expected in 1..=3_i64 {
        assert_eq!(call(&runtime, "count").await, value(expected));
        assert_eq!(call(&runtime, "inits").await, value(1_i64));
    }
    let context = || Box::new(DetachedContext::new());
    let mut first = runtime.acquire_controller(context()).await.unwrap();
    let mut second = runtime.acquire_controller(context()).await.unwrap();
    assert_eq!(first.invoke(name("count"), NO_ARGS).await.unwrap(), value(4_i64));
    assert_eq!(second.invoke(name("count"), NO_ARGS).await.unwrap(), value(1_i64));
    first.init().await.unwrap();
    assert_eq!(first.invoke(name("inits"), NO_ARGS).await.unwrap(), value(1_i64));
    runtime.release_controller(first);
    runtime.release_controller(second);
    assert_eq!(runtime.usage().instances.current, 2);
}

#[tokio::test]
async fn init_prints_to_the_context_that_its_instance_was_created_for() {
    let runtime = runtime("state");
    let (first, second) = (Recorder::new(), Recorder::new());
    runtime.call("count", (), first.clone()).await.unwrap();
    runtime.call("count", (), second.clone()).await.unwrap();
    assert_eq!((first.stdout(), second.stdout()), (vec!["init".to_string()], vec![]));
}

#[tokio::test]
async fn a_controller_outside_the_pool_joins_it_once_it_is_initialized() {
    let runtime = runtime("state");
    let mut own = runtime.new_controller(Box::new(DetachedContext::new())).await.unwrap();
    assert_eq!(own.invoke(name("inits"), NO_ARGS).await.unwrap(), value(0_i64));
    own.init().await.unwrap();
    own.init().await.unwrap();
    assert_eq!(own.invoke(name("inits"), NO_ARGS).await.unwrap(), value(1_i64));
    runtime.release_controller(own);
    assert_eq!(call(&runtime, "inits").await, value(1_i64));
    assert_eq!(runtime.usage().instances.peak, 1, "the call took it from the pool");

    let uninitialized = runtime.new_controller(Box::new(DetachedContext::new())).await.unwrap();
    runtime.release_controller(uninitialized);
    assert_eq!(runtime.usage().instances.current, 1, "without `init`, it was dropped");
}

#[tokio::test]
async fn a_controller_released_to_another_runtime_is_dropped() {
    let (one, other) = (runtime("state"), runtime("state"));
    let stray = one.acquire_controller(Box::new(DetachedContext::new())).await.unwrap();
    other.release_controller(stray);
    assert_eq!(one.usage().instances.current, 0);
    assert_eq!(other.usage().instances.peak, 0);
    // Its own runtime has the permit back: there are two, and three calls.
    for _ in 0..3 {
        call(&one, "count").await;
    }
}

#[tokio::test]
async fn a_failing_init_fails_every_call_and_leaves_no_instance() {
    let runtime = runtime("broken-init");
    for _ in 0..3 {
        let context = Recorder::new();
        let error = runtime.call("unreachable", (), context.clone()).await.unwrap_err();
        assert_error_contains(
            &error,
            &["`init` of surrealism/broken-init 0.1.0 failed", "the configuration is missing"],
        );
        assert_eq!(context.stdout(), ["about to fail"]);
    }
    assert_eq!(runtime.usage().instances.current, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixty_four_callers_share_two_instances() {
    let runtime = Arc::new(runtime("state"));
    let calls = (0..64).map(|_| {
        let runtime = runtime.clone();
        tokio::spawn(async move { call(&runtime, "count").await })
    });
    let mut counts = Vec::new();
    for call in calls.collect::<Vec<_>>() {
        counts.push(call.await.unwrap().into_int().unwrap());
    }
    let usage = runtime.usage().instances;
    assert!((1..=2).contains(&usage.peak), "{usage:?}");
    // Each instance counts its own calls from one, and none was replaced.
    assert_eq!(counts.iter().filter(|count| **count == 1).count(), usage.peak, "{counts:?}");
    assert_eq!(usage.current, usage.peak);
    assert_eq!(counts.len(), 64);
}

#[tokio::test]
async fn queued_callers_are_served_in_order() {
    let runtime = Arc::new(builder("state").pool_size(1).build().unwrap());
    let held = runtime.acquire_controller(Box::new(DetachedContext::new())).await.unwrap();
    let served = Arc::new(AtomicUsize::new(0));
    let mut queued = Vec::new();
    for place in 0..8 {
        let (runtime, served) = (runtime.clone(), served.clone());
        queued.push(tokio::spawn(async move {
            call(&runtime, "count").await;
            (place, served.fetch_add(1, Ordering::SeqCst))
        }));
        // Lets the task join the queue before the next one does.
        tokio::task::yield_now().await;
    }
    runtime.release_controller(held);
    for caller in queued {
        let (place, order) = caller.await.unwrap();
        assert_eq!(place, order);
    }
}

#[tokio::test]
async fn a_full_queue_refuses_callers_as_busy() {
    let runtime = Arc::new(builder("state").pool_size(1).max_queue(1).build().unwrap());
    let held = runtime.acquire_controller(Box::new(DetachedContext::new())).await.unwrap();
    let queued = tokio::spawn({
        let runtime = runtime.clone();
        async move { call(&runtime, "count").await }
    });
    tokio::task::yield_now().await;
    let error = runtime.call("count", (), DetachedContext::new()).await.unwrap_err();
    assert!(error.is_busy() && !error.is_trap());
    let mut transcript = Transcript::default();
    transcript.add("one instance, a queue of one", error);
    transcript.assert(|text| insta::assert_snapshot!(text));
    runtime.release_controller(held);
    queued.await.unwrap();
    call(&runtime, "count").await;
}

#[tokio::test]
async fn waiting_for_an_instance_counts_towards_the_callers_timeout() {
    let runtime = builder("state").pool_size(1).build().unwrap();
    let held = runtime.acquire_controller(Box::new(DetachedContext::new())).await.unwrap();
    let queued = runtime.call("count", (), DetachedContext::new());
    let timeout = Duration::from_millis(30);
    let error = queued.timeout(timeout).await.unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::TimedOut { stage: TimeoutStage::Queued, limit: Some(limit) }
            if *limit == timeout),
        "{error:?}"
    );
    assert!(error.is_retryable());
    let mut transcript = Transcript::default();
    transcript.add("a timeout in the queue", error);
    transcript.assert(|text| insta::assert_snapshot!(text));
    runtime.release_controller(held);
    call(&runtime, "count").await;
}

#[tokio::test]
async fn a_call_that_cannot_succeed_takes_no_instance() {
    let runtime = builder("state").pool_size(1).isolation(Isolation::Fresh).build().unwrap();
    let context = DetachedContext::new;
    for (function, args) in [("cuont", 0), ("count", 1)] {
        let args = vec![Value::None; args];
        runtime.call(function, args.clone(), context()).await.unwrap_err();
        runtime.call_rows(function, [args], context()).await.unwrap_err();
    }
    assert_eq!(runtime.usage().instances.peak, 0);
}

#[tokio::test]
async fn fresh_instances_share_no_state() {
    let runtime = builder("state").isolation(Isolation::Fresh).build().unwrap();
    for _ in 0..3 {
        assert_eq!(call(&runtime, "count").await, value(1_i64));
        assert_eq!(call(&runtime, "inits").await, value(1_i64));
    }
    assert_eq!(runtime.usage().instances.current, 0);
}

#[tokio::test]
async fn usage_follows_instances() {
    let runtime = runtime("state");
    assert_eq!(runtime.usage().memory_bytes.peak, 0);
    runtime.call("grow", (10_i64 << 20,), DetachedContext::new()).await.unwrap();
    let usage = runtime.usage();
    assert!(usage.memory_bytes.current > 10 << 20, "{usage:?}");
    drop(runtime.acquire_controller(Box::new(DetachedContext::new())).await.unwrap());
    let after = runtime.usage();
    assert_eq!((after.instances.current, after.memory_bytes.current), (0, 0));
    assert_eq!(after.memory_bytes.peak, usage.memory_bytes.peak);
}
