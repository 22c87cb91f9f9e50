//! Panics of the host's own code: none leaves a call, and the next call is served.

use std::fmt;
use std::panic::panic_any;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use surrealdb_types::{Object, Value};
use surrealism_runtime::{
    BTreeMapStore, DetachedContext, Error, ErrorKind, InvocationContext, Isolation, KVStore,
    Runtime, SurrealismConfig,
};

use crate::support::{NO_ARGS, PATIENCE, builder, name, package, text};

/// Long enough for a guest to get to its query.
const SHORT: Duration = Duration::from_millis(100);

/// Panics when it is dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("a drop panicked on purpose");
    }
}

/// An error whose text panics, and maybe its drop.
struct BadError(#[allow(dead_code, reason = "it is dropped")] Option<Bomb>);

impl fmt::Debug for BadError {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("the text of an error panicked on purpose");
    }
}

impl fmt::Display for BadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

impl std::error::Error for BadError {}

/// What of a context panics.
#[derive(Clone, Copy, Debug, PartialEq)]
enum At {
    Query,
    QueryAfterYield,
    QueryWithBomb,
    DropOfQuery,
    TextOfError,
    DropOfError,
    Kv,
    Store,
    OutputReceiver,
    Output,
    DropOfOutput,
    Drop,
    Nothing,
}

struct Context {
    at: At,
    store: BTreeMapStore,
    _bomb: Option<Bomb>,
}

impl Context {
    fn new(at: At) -> Self {
        let _bomb = (at == At::Drop).then(|| Bomb);
        Self { at, store: BTreeMapStore::new(), _bomb }
    }
}

#[async_trait]
impl InvocationContext for Context {
    async fn sql(&mut self, _: &SurrealismConfig, _: String, _: Object) -> anyhow::Result<Value> {
        match self.at {
            At::Query => panic!("a query panicked on purpose"),
            At::QueryAfterYield => {
                tokio::task::yield_now().await;
                panic!("a query panicked on purpose, later");
            }
            At::QueryWithBomb => panic_any(Bomb),
            At::DropOfQuery => {
                let _bomb = Bomb;
                std::future::pending().await
            }
            At::TextOfError => Err(BadError(None).into()),
            At::DropOfError => Err(BadError(Some(Bomb)).into()),
            _ => Ok(Value::None),
        }
    }

    async fn run(
        &mut self,
        _: &SurrealismConfig,
        _: String,
        _: Option<String>,
        _: Vec<Value>,
    ) -> anyhow::Result<Value> {
        Ok(Value::None)
    }

    fn kv(&mut self) -> anyhow::Result<&dyn KVStore> {
        match self.at {
            At::Kv => panic!("the store was asked for, and panicked on purpose"),
            At::Store => Ok(&PanickingStore),
            _ => Ok(&self.store),
        }
    }

    fn stdout_callback(&self) -> Arc<dyn Fn(&str) + Send + Sync> {
        match self.at {
            At::OutputReceiver => panic!("the receiver of output panicked on purpose"),
            At::Output => Arc::new(|_| panic!("output panicked on purpose")),
            At::DropOfOutput => {
                let bomb = Bomb;
                Arc::new(move |_| {
                    let _ = &bomb;
                })
            }
            _ => Arc::new(|_| ()),
        }
    }
}

struct PanickingStore;

type Bound = std::ops::Bound<String>;

#[async_trait]
impl KVStore for PanickingStore {
    async fn get(&self, _: String) -> anyhow::Result<Option<Value>> {
        panic!("a store panicked on purpose")
    }
    async fn set(&self, _: String, _: Value) -> anyhow::Result<()> {
        panic!("a store panicked on purpose")
    }
    async fn del(&self, _: String) -> anyhow::Result<()> {
        unreachable!()
    }
    async fn exists(&self, _: String) -> anyhow::Result<bool> {
        unreachable!()
    }
    async fn del_rng(&self, _: Bound, _: Bound) -> anyhow::Result<()> {
        unreachable!()
    }
    async fn get_batch(&self, _: Vec<String>) -> anyhow::Result<Vec<Option<Value>>> {
        unreachable!()
    }
    async fn set_batch(&self, _: Vec<(String, Value)>) -> anyhow::Result<()> {
        unreachable!()
    }
    async fn del_batch(&self, _: Vec<String>) -> anyhow::Result<()> {
        unreachable!()
    }
    async fn keys(&self, _: Bound, _: Bound) -> anyhow::Result<Vec<String>> {
        unreachable!()
    }
    async fn values(&self, _: Bound, _: Bound) -> anyhow::Result<Vec<Value>> {
        unreachable!()
    }
    async fn entries(&self, _: Bound, _: Bound) -> anyhow::Result<Vec<(String, Value)>> {
        unreachable!()
    }
    async fn count(&self, _: Bound, _: Bound) -> anyhow::Result<u64> {
        unreachable!()
    }
}

fn query() -> Vec<Value> {
    vec![text("RETURN 1")]
}

fn host(isolation: Isolation) -> Runtime {
    builder("host").pool_size(1).max_queue(1).isolation(isolation).build().unwrap()
}

/// Makes sure that the pool's only instance, or a new one, serves the next call.
async fn assert_serves(runtime: &Runtime, after: &str) {
    assert_eq!(runtime.usage().calls, 0, "{after}");
    let next = runtime.call("sql", query(), Context::new(At::Nothing)).timeout(PATIENCE).await;
    assert!(next.is_ok(), "after {after}: {next:?}");
}

#[tokio::test]
async fn a_panic_in_a_call_is_an_error_of_the_host() {
    for isolation in [Isolation::Reuse, Isolation::Fresh] {
        let runtime = host(isolation);
        for (at, function, args) in [
            (At::Query, "sql", query()),
            (At::QueryAfterYield, "sql", query()),
            (At::QueryWithBomb, "sql", query()),
            (At::Kv, "kv::get", vec![text("k")]),
            (At::Store, "kv::get", vec![text("k")]),
            (At::OutputReceiver, "print::line", vec![text("x")]),
            (At::Output, "print::line", vec![text("x")]),
            (At::Output, "print::partial", NO_ARGS),
        ] {
            let error = runtime.call(function, args.clone(), Context::new(at)).await.unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::Host), "{at:?}: {error:?}");
            assert_serves(&runtime, &format!("{at:?}")).await;

            let rows = [args.clone(), args.clone()];
            let error = runtime.call_rows(function, rows, Context::new(at)).await.unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::Host), "{at:?}, rows: {error:?}");

            let context = Box::new(Context::new(at));
            let mut controller = runtime.acquire_controller(context).await.unwrap();
            assert!(controller.invoke(name(function), args).await.unwrap_err().is_trap());
            runtime.release_controller(controller);
            assert_serves(&runtime, &format!("{at:?}, a controller")).await;
        }
    }
}

#[tokio::test]
async fn a_panic_in_a_drop_is_ignored_wherever_a_call_ends() {
    for isolation in [Isolation::Reuse, Isolation::Fresh] {
        let runtime = host(isolation);
        let call =
            |function: &'static str, args| runtime.call(function, args, Context::new(At::Drop));
        call("sql", query()).await.unwrap();
        assert_serves(&runtime, "a success").await;
        let kind = |error: Error| error.kind().as_str();
        assert_eq!(kind(call("sqll", query()).await.unwrap_err()), "unknown_function");
        assert_eq!(kind(call("sql", NO_ARGS).await.unwrap_err()), "arguments");
        let rows = runtime.call_rows("sql", [NO_ARGS], Context::new(At::Drop)).await;
        assert_eq!(kind(rows.unwrap_err()), "arguments");
        let json = runtime.call_json("sql", serde_json::json!(7), Context::new(At::Drop)).await;
        assert_eq!(kind(json.unwrap_err()), "arguments");
        drop(call("sql", query()));
        drop(call("sql", query()).into_future());
        drop(call("sql", query()).with_stats());
        assert_serves(&runtime, "calls that did not begin").await;

        let held = runtime.acquire_controller(Box::new(DetachedContext::new())).await.unwrap();
        let timed_out = call("sql", query()).timeout(SHORT).await.unwrap_err();
        assert_eq!(kind(timed_out), "timed_out_queued");
        let waits = call("sql", query()).into_future();
        tokio::time::timeout(SHORT, waits).await.unwrap_err();
        let (_, refused) = tokio::join!(call("sql", query()).timeout(SHORT).into_future(), async {
            tokio::task::yield_now().await;
            runtime.acquire_controller(Box::new(Context::new(At::Drop))).await.map(drop)
        });
        assert!(refused.unwrap_err().is_busy());
        runtime.release_controller(held);
        assert_serves(&runtime, "a queue").await;

        let printed = runtime.call("print::line", (text("x"),), Context::new(At::DropOfOutput));
        printed.await.unwrap();
        assert_serves(&runtime, "output").await;

        let mut controller =
            runtime.acquire_controller(Box::new(Context::new(At::Drop))).await.unwrap();
        controller.set_context(Box::new(Context::new(At::Drop)));
        controller.clear_context();
        controller.set_context(Box::new(Context::new(At::Drop)));
        runtime.release_controller(controller);
        drop(runtime.new_controller(Box::new(Context::new(At::Drop))).await.unwrap());
        assert_serves(&runtime, "controllers").await;
    }

    let broken = builder("broken-init").build().unwrap();
    let failed = broken.call("unreachable", (), Context::new(At::Drop)).await.unwrap_err();
    assert!(matches!(failed.kind(), ErrorKind::Init { .. }), "{failed:?}");
}

#[tokio::test]
async fn a_panic_in_the_drop_of_a_query_does_not_leave_the_call_that_stops_it() {
    for isolation in [Isolation::Reuse, Isolation::Fresh] {
        let runtime = host(isolation);
        let call = || runtime.call("sql", query(), Context::new(At::DropOfQuery));
        let stopped = call().timeout(SHORT).await.unwrap_err();
        assert!(stopped.is_timeout(), "{stopped:?}");
        assert_serves(&runtime, "a timeout").await;

        tokio::time::timeout(SHORT, call().into_future()).await.unwrap_err();
        assert_serves(&runtime, "a cancellation").await;
    }
}

#[tokio::test]
async fn an_error_that_panics_does_not_leave_its_call() {
    let runtime = host(Isolation::Reuse);
    let error = runtime.call("sql", query(), Context::new(At::TextOfError)).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Host), "{}", error.kind().as_str());
    assert_serves(&runtime, "the text of an error").await;

    // The caller does not get the error, so that the instance drops it.
    let context = Box::new(Context::new(At::DropOfError));
    let mut controller = runtime.acquire_controller(context).await.unwrap();
    controller.invoke(name("sql"), query()).await.unwrap_err();
    runtime.release_controller(controller);
    assert_serves(&runtime, "the drop of an error").await;

    // There, the guest gets the text.
    let published = Runtime::new(package("host"), 1, None, None, None, None).unwrap();
    let context = Box::new(Context::new(At::TextOfError));
    let mut controller = published.acquire_controller(context).await.unwrap();
    let error = controller.invoke(name("sql"), query()).await.unwrap_err();
    assert!(error.is_trap(), "{error}");
    published.release_controller(controller);
}

#[tokio::test]
async fn what_a_caller_converts_panics_in_the_caller_and_costs_nothing() {
    struct BadArgs;

    impl surrealism_runtime::Args for BadArgs {
        fn to_values(self) -> Vec<Value> {
            panic!("arguments panicked on purpose")
        }

        fn from_values(_: Vec<Value>) -> Result<Self, surrealdb_types::Error> {
            Ok(Self)
        }

        fn kinds() -> Vec<surrealism_runtime::Kind> {
            Vec::new()
        }
    }

    let runtime = Arc::new(host(Isolation::Reuse));
    let calling = runtime.clone();
    let call = tokio::spawn(async move {
        calling.call("sql", BadArgs, DetachedContext::new()).await.map(drop)
    });
    assert!(call.await.unwrap_err().is_panic(), "as `Runtime::call` documents");
    assert_serves(&runtime, "arguments").await;
}
