//! An instance that may be broken serves no other call, and no way to give up a call leaks anything.

use std::future::{Future, IntoFuture};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use surrealdb_types::Value;
use surrealism_runtime::{Controller, DetachedContext, ErrorKind, Isolation, Runtime};

use crate::support::{
    NO_ARGS, PATIENCE, Recorder, Transcript, builder, name, runtime, text, value,
};

fn runtime_with_one_instance() -> Runtime {
    builder("hostile").pool_size(1).build().unwrap()
}

/// Asserts that a module serves as many callers at a time as its pool has room for.
async fn assert_serves(runtime: &Runtime, pool_size: usize) {
    let mut controllers = Vec::new();
    for _ in 0..pool_size {
        let acquiring = runtime.acquire_controller(Box::new(DetachedContext::new()));
        let acquired = tokio::time::timeout(PATIENCE, acquiring).await;
        let mut controller = acquired.expect("no permit has leaked").unwrap();
        assert_eq!(controller.invoke(name("alive"), NO_ARGS).await.unwrap(), value(true));
        controllers.push(controller);
    }
    assert!(runtime.usage().instances.current <= pool_size, "{:?}", runtime.usage());
    controllers.into_iter().for_each(|controller| runtime.release_controller(controller));
}

/// Asserts that an instance refuses calls, and that the runtime drops it when it is released.
async fn assert_poisoned(runtime: &Runtime, mut controller: Controller) {
    let error = controller.invoke(name("alive"), NO_ARGS).await.unwrap_err();
    let mut transcript = Transcript::default();
    transcript.add("a call of a poisoned instance", error);
    transcript.assert(|text| insta::assert_snapshot!("poisoned_instance", text));
    // Nor does `init` make it serve again.
    let _ = controller.init().await;
    controller.list().await.unwrap_err();

    runtime.release_controller(controller);
    assert_eq!(runtime.usage().instances.current, 0);
    assert_serves(runtime, 1).await;
}

#[tokio::test]
async fn a_trap_poisons_the_instance() {
    let runtime = runtime_with_one_instance();
    let mut controller = runtime.acquire_controller(Recorder::new().boxed()).await.unwrap();
    let error = controller.invoke(name("panics"), (text("x"),)).await.unwrap_err();
    assert!(error.is_trap(), "{error}");
    assert_poisoned(&runtime, controller).await;
}

#[tokio::test]
async fn a_timeout_poisons_the_instance() {
    let runtime = runtime_with_one_instance();
    let mut controller = runtime.acquire_controller(Recorder::new().boxed()).await.unwrap();
    let timeout = Some(Duration::from_millis(50));
    let error =
        controller.invoke_with_timeout(name("spin_forever"), (), timeout).await.unwrap_err();
    assert!(error.is_timeout() && error.is_trap(), "{error}");
    assert_poisoned(&runtime, controller).await;
}

#[tokio::test]
async fn a_cancelled_call_poisons_the_instance() {
    let runtime = runtime_with_one_instance();
    let context = Recorder::new();
    let mut controller = runtime.acquire_controller(context.boxed()).await.unwrap();
    tokio::select! {
        ended = controller.invoke(name("query_often"), (text("wait"), 1_i64)) => {
            panic!("the query never completes: {ended:?}")
        }
        () = context.called(1) => {}
    }
    assert_poisoned(&runtime, controller).await;
}

#[tokio::test]
async fn a_panic_of_the_host_poisons_the_instance() {
    let runtime = runtime_with_one_instance();
    let mut controller = runtime.acquire_controller(Recorder::new().boxed()).await.unwrap();
    let panicked = controller.invoke(name("query_often"), (text("panic"), 1_i64)).await;
    assert!(panicked.unwrap_err().is_trap());
    assert_poisoned(&runtime, controller).await;
}

#[tokio::test]
async fn an_error_that_is_not_a_trap_keeps_the_instance() {
    let runtime = runtime_with_one_instance();
    for _ in 0..3 {
        let failed = runtime.call("fail", ("no".to_string(),), DetachedContext::new()).await;
        assert!(!failed.unwrap_err().is_trap());
        let unknown = runtime.call("nope", (), DetachedContext::new()).await;
        assert!(!unknown.unwrap_err().is_trap());
    }
    let usage = runtime.usage().instances;
    assert_eq!((usage.current, usage.peak), (1, 1));
    let alive = runtime.call("alive", (), DetachedContext::new()).await.unwrap();
    assert_eq!(alive, value(true));
}

/// Polls a future at most `polls` times, and drops it if it is still pending then.
fn poll_and_drop<F: Future>(future: F, polls: usize) -> Option<F::Output> {
    let mut future = Box::pin(future);
    let mut cx = Context::from_waker(Waker::noop());
    for _ in 0..polls {
        if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
            return Some(output);
        }
        // Lets the epoch, and the timers that the guest waits for, move on.
        std::thread::sleep(Duration::from_millis(2));
    }
    None
}

#[tokio::test]
async fn cancelling_at_any_poll_leaks_nothing() {
    const MAX_POLLS: usize = 12;
    for isolation in [Isolation::Reuse, Isolation::Fresh] {
        let runtime = builder("hostile").pool_size(1).isolation(isolation).build().unwrap();
        let calls: [(&str, Vec<Value>); 4] = [
            ("spin", vec![value(60_i64)]),
            ("sleep", vec![value(20_i64)]),
            ("query_often", vec![text("yield"), value(3_i64)]),
            ("query_often", vec![text("wait"), value(1_i64)]),
        ];
        for (function, args) in calls {
            let mut cancelled_inside = 0;
            for polls in 0..MAX_POLLS {
                let call = runtime.call(function, args.clone(), Recorder::new());
                match poll_and_drop(call.into_future(), polls) {
                    Some(result) => drop(result.unwrap()),
                    None if polls > 0 => cancelled_inside += 1,
                    None => {}
                }
                assert!(runtime.usage().instances.current <= 1, "{:?}", runtime.usage());
            }
            assert!(cancelled_inside > 0, "{function} {args:?} was never pending");
            assert_serves(&runtime, 1).await;
        }
    }
}

#[tokio::test]
async fn cancelling_a_queued_call_leaves_the_queue() {
    let runtime = builder("hostile").pool_size(1).max_queue(1).build().unwrap();
    let held = runtime.acquire_controller(Box::new(DetachedContext::new())).await.unwrap();
    for _ in 0..5 {
        let queued = runtime.call("alive", (), DetachedContext::new());
        assert!(poll_and_drop(queued.into_future(), 1).is_none());
    }
    runtime.release_controller(held);
    assert_serves(&runtime, 1).await;
}

#[tokio::test]
async fn a_panicking_output_callback_fails_only_its_own_call() {
    let runtime = runtime("state");
    let context = DetachedContext::new().output(|_| panic!("the callback panicked on purpose"));
    let error = runtime.call("inits", (), context).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Host), "{error:?}");
    for _ in 0..3 {
        let inits = runtime.call("inits", (), DetachedContext::new()).await.unwrap();
        assert_eq!(inits, value(1_i64));
    }
}
