//! What one call took, and what a module has of calls and instances.

use std::sync::Arc;
use std::time::Duration;

use surrealism_runtime::{DetachedContext, Isolation};

use crate::support::{Recorder, builder};

#[tokio::test]
async fn a_measured_call_says_where_its_time_went() {
    let runtime = builder("hostile").pool_size(1).build().unwrap();
    let call = || runtime.call("sleep", (20_u64,), Recorder::new()).with_stats();
    let (result, first) = call().await;
    result.unwrap();
    assert!(first.fresh && first.prepared > Duration::ZERO, "{first:?}");
    assert!(first.ran >= Duration::from_millis(20) && first.in_host.is_zero(), "{first:?}");
    assert_eq!(first.memory_bytes, runtime.usage().memory_bytes.current);

    let (_, second) = call().await;
    assert!(!second.fresh && second.cpu < second.ran, "sleeping takes no CPU time: {second:?}");
    let (_, spun) = runtime.call("spin", (20_u64,), Recorder::new()).with_stats().await;
    assert!(spun.cpu > Duration::ZERO, "{spun:?}");

    // A call that waits for another one has waited about as long as that ran.
    let (one, other) = tokio::join!(async { call().await.1 }, async { call().await.1 });
    assert!(one.waited.max(other.waited) >= Duration::from_millis(20), "{one:?}, {other:?}");

    let query = runtime.call("query_often", (String::from("ok"), 5_i64), Recorder::new());
    let (_, queried) = query.with_stats().await;
    assert!(queried.in_host > Duration::ZERO && queried.in_host < queried.ran, "{queried:?}");
}

#[tokio::test]
async fn a_call_that_fails_has_what_it_reached() {
    let runtime = builder("hostile").pool_size(1).build().unwrap();
    let context = DetachedContext::new;
    let (result, refused) = runtime.call("nope", (), context()).with_stats().await;
    assert!(result.is_err());
    assert!(refused.waited.is_zero() && refused.ran.is_zero() && !refused.fresh, "{refused:?}");

    let (_, trapped) = runtime.call("unreachable", (), context()).with_stats().await;
    assert!(trapped.fresh && trapped.ran > Duration::ZERO, "{trapped:?}");

    let held = runtime.acquire_controller(Box::new(context())).await.unwrap();
    let queued = runtime.call("alive", (), context()).timeout(Duration::from_millis(20));
    let (result, queued) = queued.with_stats().await;
    assert!(result.unwrap_err().is_timeout());
    assert!(queued.waited >= Duration::from_millis(20) && queued.ran.is_zero(), "{queued:?}");
    runtime.release_controller(held);

    let rows = runtime.call_rows("answer", [(1_i64,), (2_i64,)], context()).with_stats();
    let (results, stats) = rows.await;
    assert!(results.unwrap().len() == 2 && stats.ran > Duration::ZERO, "{stats:?}");
}

#[tokio::test]
async fn usage_counts_calls_and_instances() {
    let runtime = Arc::new(builder("hostile").pool_size(2).build().unwrap());
    let counts = || {
        let usage = runtime.usage();
        (usage.queued, usage.calls, usage.idle, usage.lost)
    };
    assert_eq!(counts(), (0, 0, 0, 0));
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..3 {
        let runtime = runtime.clone();
        calls.spawn(async move { runtime.call("sleep", (100_u64,), DetachedContext::new()).await });
    }
    while counts().0 == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(counts(), (1, 2, 0, 0));
    while let Some(call) = calls.join_next().await {
        call.unwrap().unwrap();
    }
    assert_eq!(counts(), (0, 0, 2, 0));

    runtime.call("unreachable", (), DetachedContext::new()).await.unwrap_err();
    assert_eq!(counts(), (0, 0, 1, 1), "a trap costs an instance");
    let spin = runtime.call("spin_forever", (), DetachedContext::new());
    spin.timeout(Duration::from_millis(20)).await.unwrap_err();
    assert_eq!(counts(), (0, 0, 0, 2), "so does a timeout");
    let wait = runtime.call("query_often", (String::from("wait"), 1_i64), Recorder::new());
    tokio::select! {
        _ = async { wait.await } => panic!("the query never completes"),
        () = async { while counts().1 == 0 { tokio::task::yield_now().await } } => {}
    }
    assert_eq!(counts(), (0, 0, 0, 3), "and a dropped call");
    runtime.call("fail", (String::from("no"),), DetachedContext::new()).await.unwrap_err();
    assert_eq!(counts(), (0, 0, 1, 3), "an error does not");

    let fresh = builder("hostile").isolation(Isolation::Fresh).build().unwrap();
    fresh.call("alive", (), DetachedContext::new()).await.unwrap();
    assert_eq!((fresh.usage().idle, fresh.usage().lost), (0, 0));
}
