//! Loading in async programs: nothing blocks, and nothing is left when it is given up.

mod support;

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Waker};
use std::time::{Duration, Instant};

use support::{assert_says, package, value};
use surrealism_runtime::limits::MAX_LOADING_THREADS;
use surrealism_runtime::usage::CodeSource;
use surrealism_runtime::{CodeCache, DetachedContext, Runtime, RuntimeBuilder, SurrealismError};

/// A guest that takes a while to compile, without what has been kept of it.
fn load(name: &str) -> RuntimeBuilder {
    Runtime::builder(package(name))
}

#[tokio::test(flavor = "current_thread")]
async fn other_tasks_of_the_thread_run_on_while_a_module_is_compiled() {
    let ticks = Arc::new(AtomicUsize::new(0));
    let counter = ticks.clone();
    let ticker = tokio::spawn(async move {
        loop {
            tokio::time::sleep(Duration::from_millis(1)).await;
            counter.fetch_add(1, Ordering::Relaxed);
        }
    });
    // The first tick of all does not count.
    tokio::time::sleep(Duration::from_millis(10)).await;
    let before = ticks.load(Ordering::Relaxed);
    let runtime = load("attribute_matrix").build_async().await.unwrap();
    let during = ticks.load(Ordering::Relaxed) - before;
    ticker.abort();
    assert_eq!(runtime.usage().code, CodeSource::Compiled);
    assert!(during >= 5, "{during} ticks while it was compiled");
    let sum = runtime.call("math::add", (1_i64, 2_i64), DetachedContext::new()).await;
    assert_eq!(sum.unwrap(), value(3_i64));
}

#[test]
fn any_executor_will_do() {
    let runtime = futures::executor::block_on(load("state").build_async()).unwrap();
    let count = runtime.call("count", (), DetachedContext::new()).into_future();
    assert_eq!(futures::executor::block_on(count).unwrap(), value(1_i64));

    let mut broken = package("state");
    broken.wasm.truncate(1_000);
    let error = futures::executor::block_on(Runtime::builder(broken).build_async()).unwrap_err();
    assert!(matches!(error, SurrealismError::Compilation(_)), "{error:?}");
    let error = futures::executor::block_on(load("state").pool_size(0).build_async());
    assert_says(
        &error.unwrap_err(),
        &["the pool of surrealism/state 0.1.0 would have 0 instances"],
    );
}

#[test]
fn a_load_that_is_given_up_ends_by_itself() {
    let folder = tempfile::tempdir().unwrap();
    let cache = || CodeCache::open(folder.path()).unwrap();
    {
        let mut loading = pin!(load("files").code_cache(cache()).build_async());
        let poll = loading.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert!(poll.is_pending());
    }
    // It is compiled to the end, and not for nothing.
    let began = Instant::now();
    while std::fs::read_dir(folder.path()).unwrap().count() == 0 {
        assert!(began.elapsed() < Duration::from_secs(30), "nothing was kept");
        std::thread::sleep(Duration::from_millis(10));
    }
    let again = load("files").code_cache(cache()).build_async();
    let source = futures::executor::block_on(again).unwrap().usage().code;
    assert_ne!(source, CodeSource::Compiled);

    drop(load("files").build_async());
}

#[test]
fn more_loads_than_threads_all_come_to_an_end() {
    let loads = (0..3 * MAX_LOADING_THREADS).map(|_| load("no_capabilities").build_async());
    let loaded = futures::executor::block_on(futures::future::join_all(loads));
    let sources: Vec<_> = loaded.iter().map(|r| r.as_ref().unwrap().usage().code).collect();
    let compiled = sources.iter().filter(|source| **source == CodeSource::Compiled);
    assert_eq!(compiled.count(), 1, "{sources:?}");
}
