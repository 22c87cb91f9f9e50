//! Loading in asynchronous programs: it blocks no executor, and a load that is given up leaves nothing.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Waker};
use std::time::{Duration, Instant};

use surrealism_runtime::limits::MAX_LOADING_THREADS;
use surrealism_runtime::usage::CodeSource;
use surrealism_runtime::{CodeCache, DetachedContext, ErrorKind, LoadError};

use crate::support::{PATIENCE, Transcript, package, package_marked, trusted, value};

#[tokio::test(flavor = "current_thread")]
async fn other_tasks_of_the_thread_run_while_a_module_compiles() {
    let package = package_marked("attribute_matrix", "compiles beside other tasks");
    let mut loading = pin!(trusted(package).build_async());
    let mut ticks = 0;
    let runtime = loop {
        tokio::select! {
            loaded = &mut loading => break loaded.unwrap(),
            () = tokio::time::sleep(Duration::from_millis(1)) => ticks += 1,
        }
    };
    assert_eq!(runtime.usage().code, CodeSource::Compiled);
    // It compiles for hundreds of milliseconds.
    assert!(ticks >= 5, "{ticks} ticks while it compiled");
    let sum = runtime.call("math::add", (1_i64, 2_i64), DetachedContext::new()).await;
    assert_eq!(sum.unwrap(), value(3_i64));
}

#[test]
fn any_executor_loads_a_module() {
    let build = || trusted(package("state"));
    let runtime = futures::executor::block_on(build().build_async()).unwrap();
    let count = runtime.call("count", (), DetachedContext::new()).into_future();
    assert_eq!(futures::executor::block_on(count).unwrap(), value(1_i64));

    let mut truncated = package("state");
    truncated.wasm.truncate(1_000);
    let error = futures::executor::block_on(trusted(truncated).build_async()).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Load(LoadError::InvalidComponent)), "{error:?}");

    let error = futures::executor::block_on(build().pool_size(0).build_async()).unwrap_err();
    let mut transcript = Transcript::default();
    transcript.add("a pool of no instances", error);
    transcript.assert(|text| insta::assert_snapshot!(text));
}

#[test]
fn a_load_that_is_given_up_completes_in_the_background() {
    let directory = tempfile::tempdir().unwrap();
    let load = || {
        let cache = CodeCache::open(directory.path()).unwrap();
        trusted(package_marked("files", "given up")).code_cache(cache).build_async()
    };
    {
        let mut loading = pin!(load());
        let poll = loading.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert!(poll.is_pending());
    }
    // It is compiled to the end, and cached for the next load.
    let began = Instant::now();
    while std::fs::read_dir(directory.path()).unwrap().count() == 0 {
        assert!(began.elapsed() < PATIENCE, "nothing was cached");
        std::thread::sleep(Duration::from_millis(10));
    }
    let source = futures::executor::block_on(load()).unwrap().usage().code;
    assert_ne!(source, CodeSource::Compiled);
}

#[test]
fn more_loads_than_loading_threads_all_complete() {
    let load = |_| {
        let package = package_marked("no_capabilities", "many loads at once");
        trusted(package).build_async()
    };
    let loads = (0..3 * MAX_LOADING_THREADS).map(load);
    let loaded = futures::executor::block_on(futures::future::join_all(loads));
    let sources: Vec<_> = loaded.iter().map(|r| r.as_ref().unwrap().usage().code).collect();
    let compiled = sources.iter().filter(|source| **source == CodeSource::Compiled);
    assert_eq!(compiled.count(), 1, "{sources:?}");
}
