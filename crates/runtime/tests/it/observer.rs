//! What observers are told, and that they harm nobody.

#[cfg(feature = "metrics")]
mod metrics;
#[cfg(feature = "tracing")]
mod spans;

use std::panic::panic_any;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::time::Duration;

use serde_json::json;
use surrealism_runtime::observer::{Event, EventKind, ObservedCall};
use surrealism_runtime::{
    CallStats, CodeCache, DetachedContext, Grants, Isolation, Observer, Runtime, SurrealismPackage,
};

use crate::support::{
    AMPLE, NO_ARGS, PATIENCE, Recorder, builder, name, package, package_marked, text, value,
};

/// Short enough to end a guest that loops.
const SHORT: Duration = Duration::from_millis(50);

/// Keeps what it is told, as lines.
#[derive(Default)]
pub(super) struct Diary(Mutex<Vec<String>>, Mutex<Vec<CallStats>>);

impl Diary {
    /// Returns the lines since the last call of this method.
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }

    fn take_stats(&self) -> Vec<CallStats> {
        std::mem::take(&mut self.1.lock().unwrap())
    }

    fn count(&self, what: &str) -> usize {
        self.0.lock().unwrap().iter().filter(|line| line.contains(what)).count()
    }
}

impl Observer for Diary {
    fn observe(&self, event: &Event<'_>) {
        let call = event.call.map_or(String::new(), |call| {
            let function = call.function.as_deref().unwrap_or("default");
            let undeclared = if call.declared { "" } else { "?" };
            let rows = call.rows.map_or(String::new(), |rows| format!(" of {rows} rows"));
            format!("{function}{undeclared}{rows}: ")
        });
        let what = match event.kind {
            EventKind::CallBegun => "begun".to_string(),
            EventKind::CallEnded { outcome, stats, .. } => {
                self.1.lock().unwrap().push(*stats);
                format!("ended, {}", outcome.as_str())
            }
            EventKind::Queued { length, .. } => format!("queued, {length}"),
            EventKind::Dequeued { length, .. } => format!("dequeued, {length}"),
            EventKind::InstanceCreated { .. } => "created".to_string(),
            EventKind::InstanceDropped { cause, .. } => format!("dropped, {}", cause.as_str()),
            EventKind::Denied(denied) => {
                format!("denied {}, {}", denied.capability.as_str(), denied.missing.as_str())
            }
            EventKind::Output { stream, level, line, .. } => {
                format!("{} {}: {line}", stream.as_str(), level.as_str())
            }
            EventKind::Compiled { accepted, .. } => format!("compiled, {accepted}"),
            EventKind::CacheLookup { hit, .. } => format!("looked up, {hit}"),
            EventKind::CacheEvicted { entries, .. } => format!("evicted {entries}"),
            EventKind::Loaded { source, .. } => format!("loaded, {}", source.as_str()),
            EventKind::LoadFailed(error) => format!("failed, {}", error.kind().as_str()),
            _ => "of a kind that this test does not know".to_string(),
        };
        self.0.lock().unwrap().push(format!("{call}{what}"));
    }
}

/// Loads a guest that is observed, and forgets how it was loaded.
fn observed(guest: &str, change: impl FnOnce(Builder) -> Builder) -> (Runtime, Arc<Diary>) {
    let diary = Arc::new(Diary::default());
    let runtime = change(builder(guest).pool_size(1)).observer(diary.clone()).build().unwrap();
    diary.take();
    (runtime, diary)
}

type Builder = surrealism_runtime::RuntimeBuilder;

#[tokio::test]
async fn each_way_to_call_a_function_is_told_from_begin_to_end() {
    let (runtime, diary) = observed("hostile", |builder| builder);
    let detached = DetachedContext::new;
    runtime.call("alive", (), detached()).await.unwrap();
    assert_eq!(diary.take(), ["alive: begun", "created", "alive: ended, returned"]);
    runtime.call("alive", (), detached()).with_stats().await.0.unwrap();
    assert_eq!(diary.take(), ["alive: begun", "alive: ended, returned"], "the instance is reused");
    runtime.call_json("alive", json!([]), detached()).await.unwrap();
    assert_eq!(diary.take(), ["alive: begun", "alive: ended, returned"]);
    let rows = || [(1_i64,), (2_i64,)];
    runtime.call_rows("answer", rows(), detached()).await.unwrap();
    runtime.call_rows("answer", rows(), detached()).with_stats().await.0.unwrap();
    let ended = "answer of 2 rows: ended, returned";
    assert_eq!(diary.take(), [["answer of 2 rows: begun", ended]; 2].concat());

    let mut controller = runtime.acquire_controller(Box::new(detached())).await.unwrap();
    controller.invoke(name("alive"), ()).await.unwrap();
    controller.invoke(name("fail"), (1_i64,)).await.unwrap_err();
    runtime.release_controller(controller);
    assert_eq!(
        diary.take(),
        ["alive: begun", "alive: ended, returned", "fail: begun", "fail: ended, arguments"]
    );

    drop(runtime);
    assert_eq!(diary.take(), ["dropped, unneeded"]);
}

#[tokio::test]
async fn each_outcome_has_its_word_and_each_lost_instance_its_cause() {
    let (runtime, diary) =
        observed("hostile", |builder| builder.grants(Grants::as_requested()).max_queue(0));
    let query = |query: &str| vec![text(query), value(1_i64)];
    for (function, args, word, lost) in [
        ("nope", NO_ARGS, "unknown_function", ""),
        ("fail", NO_ARGS, "arguments", ""),
        ("fail", vec![text("no")], "guest", ""),
        ("query_often", query("fail"), "guest", ""),
        ("query_often", query("break"), "host", ""),
        ("query_often", query("panic"), "host", "host_panicked"),
        ("unreachable", NO_ARGS, "trap", "trapped"),
        ("spin_forever", NO_ARGS, "timed_out", "timed_out"),
        ("query_often", query("wait"), "timed_out", "timed_out"),
    ] {
        let stopped = word == "timed_out";
        let call = runtime.call(function, args, Recorder::new());
        let error = call.timeout(if stopped { SHORT } else { PATIENCE }).await.unwrap_err();
        assert_eq!(error.kind().as_str(), word);
        let mut told = diary.take();
        told.retain(|line| line != "created" && !line.contains("stderr"));
        let mark = if function == "nope" { "nope?" } else { function };
        let mut expected = vec![format!("{mark}: begun")];
        if !lost.is_empty() {
            expected.push(format!("{mark}: dropped, {lost}"));
        }
        expected.push(format!("{mark}: ended, {word}"));
        assert_eq!(told, expected, "{function}");
    }

    let held = runtime.acquire_controller(Box::new(DetachedContext::new())).await.unwrap();
    diary.take();
    runtime.call("alive", (), DetachedContext::new()).await.unwrap_err();
    assert_eq!(diary.take(), ["alive: begun", "alive: ended, busy"]);
    runtime.release_controller(held);

    // A call that its caller drops.
    let context = Recorder::new();
    let call = runtime.call("query_often", query("wait"), context.clone());
    tokio::select! {
        _ = async { call.await } => panic!("the query never completes"),
        () = context.called(1) => {}
    }
    assert_eq!(
        diary.take(),
        ["query_often: begun", "query_often: dropped, cancelled", "query_often: ended, cancelled",]
    );
}

#[tokio::test]
async fn the_other_causes_of_a_drop() {
    let (fresh, diary) = observed("hostile", |builder| builder.isolation(Isolation::Fresh));
    fresh.call("alive", (), DetachedContext::new()).await.unwrap();
    assert_eq!(diary.take()[1..], ["created", "alive: dropped, used", "alive: ended, returned"]);

    let (small, diary) = observed("hostile", |builder| builder.max_idle_growth_bytes(0));
    small.call("answer", (1 << 20,), DetachedContext::new()).await.unwrap();
    assert_eq!(diary.take()[2], "answer: dropped, too_large");

    let (broken, diary) = observed("broken-init", |builder| builder);
    broken.call("unreachable", (), DetachedContext::new()).await.unwrap_err();
    assert_eq!(
        diary.take(),
        [
            "unreachable: begun",
            "created",
            "stdout info: about to fail",
            "dropped, init_failed",
            "unreachable: ended, init",
        ]
    );

    let (drained, diary) = observed("hostile", |builder| builder);
    drained.call("alive", (), DetachedContext::new()).await.unwrap();
    drained.drain(PATIENCE).await;
    assert_eq!(diary.take().last().unwrap(), "dropped, unneeded");
}

#[tokio::test]
async fn a_call_that_waits_is_told() {
    let (runtime, diary) = observed("hostile", |builder| builder);
    let held = runtime.acquire_controller(Box::new(DetachedContext::new())).await.unwrap();
    diary.take();
    let call = || runtime.call("alive", (), DetachedContext::new());
    call().timeout(SHORT).await.unwrap_err();
    assert_eq!(
        diary.take(),
        ["alive: begun", "queued, 1", "dequeued, 0", "alive: ended, timed_out_queued"]
    );
    let release = async {
        while diary.count("queued, 2") == 0 {
            tokio::task::yield_now().await;
        }
        runtime.release_controller(held);
    };
    let (first, second, ()) = tokio::join!(async { call().await }, async { call().await }, release);
    first.unwrap();
    second.unwrap();
    let told = diary.take();
    assert_eq!(told.iter().filter(|line| line.starts_with("queued")).count(), 2, "{told:?}");
    assert_eq!(told.iter().filter(|line| line.starts_with("dequeued")).count(), 2, "{told:?}");
}

#[tokio::test]
async fn what_a_call_took_is_told() {
    let (runtime, diary) = observed("hostile", |builder| builder);
    runtime.call("sleep", (100_u64,), DetachedContext::new()).await.unwrap();
    runtime.call("spin", (20_u64,), DetachedContext::new()).await.unwrap();
    runtime.call("query_often", (String::from("ok"), 5_i64), Recorder::new()).await.unwrap();
    let [slept, spun, asked] = diary.take_stats()[..] else { panic!("three calls have ended") };
    assert!(slept.fresh && slept.ran >= Duration::from_millis(100), "{slept:?}");
    assert!(slept.memory_bytes > 0 && slept.memory_bytes == runtime.usage().memory_bytes.current);
    assert!(slept.cpu < slept.ran, "sleeping takes no CPU time: {slept:?}");
    assert!(!spun.fresh && spun.cpu > Duration::ZERO, "{spun:?}");
    assert!(asked.in_host > Duration::ZERO && asked.in_host < asked.ran, "{asked:?}");

    // A call that is dropped has the times of its parts.
    let held = runtime.acquire_controller(Box::new(DetachedContext::new())).await.unwrap();
    let call = runtime.call("alive", (), DetachedContext::new()).into_future();
    tokio::time::timeout(SHORT, call).await.unwrap_err();
    runtime.release_controller(held);
    let [queued] = diary.take_stats()[..] else { panic!("one call has ended") };
    assert!(queued.waited > Duration::ZERO && queued.ran.is_zero(), "{queued:?}");
}

#[tokio::test]
async fn each_refusal_is_told_with_its_call() {
    let (runtime, diary) = observed("no_capabilities", |builder| builder.grants(Grants::none()));
    let one = || vec![text("RETURN 1")];
    for (function, args, refusal) in [
        ("sql", one(), "denied queries, not_requested"),
        ("run", vec![text("fn::x")], "denied function, not_requested"),
        ("store", NO_ARGS, "denied key_value, not_granted"),
    ] {
        runtime.call(function, args, Recorder::new()).await.unwrap_err();
        assert!(diary.take().contains(&format!("{function}: {refusal}")), "{function}");
    }
    let (runtime, diary) = observed("host", |builder| builder);
    runtime.call("sql", one(), DetachedContext::new()).await.unwrap_err();
    assert!(diary.take().contains(&"sql: denied queries, not_provided".to_string()));

    let mut package = package("net");
    package.config.capabilities.allow_net =
        vec!["127.0.0.1:1".to_string(), "a.example".to_string()];
    let diary = Arc::new(Diary::default());
    let runtime = crate::support::load(package).observer(diary.clone()).build().unwrap();
    for (function, args) in
        [("talk", vec![text("127.0.0.1:2"), text("x")]), ("look_up", vec![text("b.example")])]
    {
        diary.take();
        let _ = runtime.call(function, args, DetachedContext::new()).timeout(PATIENCE).await;
        let told = diary.take();
        let refusal = format!("{function}: denied network, not_requested");
        assert!(told.contains(&refusal), "{told:?}");
    }
}

#[tokio::test]
async fn each_line_of_output_is_told_with_its_level() {
    let (runtime, diary) = observed("host", |builder| builder);
    for (function, text, line) in [
        ("print::line", "hello", "stdout info: hello"),
        ("print::line", "<4>low", "stdout warn: low"),
        ("print::error_line", "oh", "stderr error: oh"),
        ("print::error_line", "<7>x = 1", "stderr debug: x = 1"),
    ] {
        let context = Recorder::new();
        runtime.call(function, (text.to_string(),), context.clone()).await.unwrap();
        assert!(diary.take().contains(&format!("{function}: {line}")), "{function} {text}");
        // The context's own receiver gets the line as it is.
        let lines = [context.stdout(), context.stderr()].concat();
        assert_eq!(lines, [text]);
    }
}

#[tokio::test]
async fn loading_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let cache = || CodeCache::open(directory.path()).unwrap();
    let diary = Arc::new(Diary::default());
    let load = |cache: CodeCache, marker: &str| {
        let package = package_marked("state", marker);
        Runtime::builder(package).code_cache(cache).observer(diary.clone()).build().unwrap()
    };
    let first = load(cache(), "observed");
    assert_eq!(diary.take(), ["looked up, false", "compiled, true", "loaded, compiled"]);
    let second = load(cache(), "observed");
    assert_eq!(diary.take(), ["loaded, shared"]);
    drop((first, second));
    drop(load(cache(), "observed"));
    assert_eq!(diary.take(), ["looked up, true", "loaded, cache"]);

    let size = std::fs::read_dir(directory.path()).unwrap().next().unwrap().unwrap();
    let one = size.metadata().unwrap().len() * 3 / 2;
    drop(load(cache().max_bytes(one), "observes"));
    assert_eq!(
        diary.take(),
        ["looked up, false", "compiled, true", "evicted 1", "loaded, compiled"]
    );

    let mut invalid = package("state");
    invalid.wasm = b"\0asm\x0d\0\x01\0\x01\x02\x03".to_vec();
    Runtime::builder(invalid).observer(diary.clone()).build().unwrap_err();
    assert_eq!(diary.take().last().unwrap(), "failed, load");
}

/// Panics whenever it can, with what panics when it is dropped.
struct Hostile {
    poll: Poll,
    told: AtomicUsize,
}

#[derive(Clone, Copy, Debug)]
enum Poll {
    Never,
    Before,
    After,
    Twice,
    Ordinarily,
}

struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("what the observer panicked with panicked on purpose");
    }
}

impl Observer for Hostile {
    fn observe(&self, _: &Event<'_>) {
        self.told.fetch_add(1, Ordering::Relaxed);
        panic_any(Bomb);
    }

    fn poll_call(&self, _: &ObservedCall, poll: &mut dyn FnMut()) {
        match self.poll {
            Poll::Never => {}
            Poll::Before => panic_any(Bomb),
            Poll::After => {
                poll();
                panic_any(Bomb);
            }
            Poll::Twice => {
                poll();
                poll();
            }
            Poll::Ordinarily => poll(),
        }
    }
}

impl Drop for Hostile {
    fn drop(&mut self) {
        panic!("the observer panicked on purpose while it was dropped");
    }
}

#[tokio::test]
async fn a_panic_of_an_observer_harms_no_call() {
    for poll in [Poll::Never, Poll::Before, Poll::After, Poll::Twice, Poll::Ordinarily] {
        let hostile = Arc::new(Hostile { poll, told: AtomicUsize::new(0) });
        let diary = Arc::new(Diary::default());
        let builder = builder("hostile").pool_size(1).isolation(Isolation::Fresh);
        let builder = builder.observer(hostile.clone()).observer(diary.clone());
        let runtime = builder.build().unwrap();
        assert!(hostile.told.load(Ordering::Relaxed) > 0, "loading was told");
        assert_eq!(runtime.call("alive", (), DetachedContext::new()).await.unwrap(), value(true));
        let queried = runtime.call("query_often", (String::from("yield"), 3_i64), Recorder::new());
        queried.await.unwrap();
        let error = runtime.call("unreachable", (), DetachedContext::new()).await.unwrap_err();
        assert!(error.is_trap(), "{error}");
        let spin = runtime.call("spin_forever", (), DetachedContext::new()).timeout(SHORT);
        assert!(spin.await.unwrap_err().is_timeout());
        assert_eq!(runtime.usage().calls, 0);
        assert_eq!(diary.count("ended"), 4, "{poll:?}: the other observer is told all the same");
        // The runtime has the last reference to the observer.
        drop(hostile);
        drop(runtime);
    }
}

/// Uses the runtime from within, which would hang if a lock were held.
struct Reentrant {
    runtime: OnceLock<Weak<Runtime>>,
    package: Mutex<Option<SurrealismPackage>>,
    calls: AtomicUsize,
}

impl Observer for Reentrant {
    fn observe(&self, _: &Event<'_>) {
        // The same component, whose lock the loader held.
        let package = self.package.lock().unwrap().take();
        if let Some(package) = package {
            builder_of(package).build().unwrap();
        }
        let Some(runtime) = self.runtime.get().and_then(Weak::upgrade) else { return };
        let _ = runtime.usage();
        if self.calls.fetch_add(1, Ordering::Relaxed).is_multiple_of(8) {
            let call = runtime.call("alive", (), DetachedContext::new()).max_wait(SHORT);
            let _ = futures::executor::block_on(call.into_future());
        }
    }
}

fn builder_of(package: SurrealismPackage) -> Builder {
    crate::support::load(package).pool_size(2)
}

#[tokio::test]
async fn an_observer_may_use_the_runtime() {
    let reentrant = Arc::new(Reentrant {
        runtime: OnceLock::new(),
        package: Mutex::new(Some(package_marked("hostile", "reentrant"))),
        calls: AtomicUsize::new(0),
    });
    let package = package_marked("hostile", "reentrant");
    let runtime = Arc::new(builder_of(package).observer(reentrant.clone()).build().unwrap());
    assert!(reentrant.package.lock().unwrap().is_none(), "it loaded the module while it was told");
    reentrant.runtime.set(Arc::downgrade(&runtime)).unwrap();
    let call = |function: &'static str| runtime.call(function, (), DetachedContext::new());
    tokio::time::timeout(PATIENCE, async {
        for _ in 0..8 {
            call("alive").await.unwrap();
            call("unreachable").await.unwrap_err();
            let (one, two, three) =
                tokio::join!(async { call("alive").await }, async { call("alive").await }, async {
                    call("spin_forever").timeout(SHORT).await
                });
            let _ = (one, two, three);
        }
        runtime.drain(AMPLE).await;
    })
    .await
    .expect("no lock is held while an observer is called");
    assert!(reentrant.calls.load(Ordering::Relaxed) > 50);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_begins_ends_once_whatever_happens_to_calls() {
    let (runtime, diary) = observed("hostile", |builder| builder.pool_size(1));
    let runtime = Arc::new(runtime);
    let mut calls = tokio::task::JoinSet::new();
    for index in 0..120_u64 {
        let runtime = runtime.clone();
        calls.spawn(async move {
            let (function, args) = match index % 4 {
                0 => ("sleep", vec![value(2_u64)]),
                1 => ("unreachable", NO_ARGS),
                2 => ("nope", NO_ARGS),
                _ => ("alive", NO_ARGS),
            };
            let call = runtime.call(function, args, DetachedContext::new());
            let wait = Duration::from_micros(index * 37 % 5_000);
            match index % 3 {
                0 => drop(call.timeout(PATIENCE).await),
                1 => drop(call.timeout(wait).await),
                _ => drop(tokio::time::timeout(wait, call.into_future()).await),
            }
        });
    }
    while let Some(call) = calls.join_next().await {
        call.unwrap();
    }
    drop(Arc::into_inner(runtime).expect("no call is left"));
    for (begin, end, count) in
        [(": begun", ": ended", 120), ("created", "dropped, ", 0), ("queued, ", "dequeued, ", 0)]
    {
        let begun = match begin {
            // The word for the end has this one in it.
            "queued, " => diary.count(begin) - diary.count(end),
            begin => diary.count(begin),
        };
        assert_eq!(begun, diary.count(end), "{begin}");
        assert!(begun >= count && begun > 0, "{begin}: {begun}");
    }
}
