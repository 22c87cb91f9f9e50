//! Spans and events for `tracing`.

use std::io;

use async_trait::async_trait;
use surrealdb_types::{Object, Value};
use surrealism_runtime::observer::TracingObserver;
use surrealism_runtime::{InvocationContext, KVStore, SurrealismConfig};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::format::FmtSpan;

use super::*;

/// What a subscriber has written.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// Makes a subscriber that writes here, for this thread.
    fn subscribe(&self) -> tracing::subscriber::DefaultGuard {
        let log = self.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(LevelFilter::TRACE)
            .with_ansi(false)
            .without_time()
            .with_span_events(FmtSpan::CLOSE)
            .with_writer(move || log.clone())
            .finish();
        tracing::subscriber::set_default(subscriber)
    }

    /// Returns the lines since the last call of this method.
    fn take(&self) -> Vec<String> {
        let bytes = std::mem::take(&mut *self.0.lock().unwrap());
        String::from_utf8(bytes).unwrap().lines().map(str::to_string).collect()
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[track_caller]
fn assert_line(lines: &[String], parts: &[&str]) {
    let found = lines.iter().any(|line| parts.iter().all(|part| line.contains(part)));
    assert!(found, "no line has all of {parts:?}:\n{}", lines.join("\n"));
}

fn traced(guest: &str) -> Runtime {
    let builder = builder(guest).pool_size(1).observer(Arc::new(TracingObserver::new()));
    builder.build().unwrap()
}

#[tokio::test]
async fn a_call_is_a_span_with_its_outcome() {
    let log = Log::default();
    let _subscribed = log.subscribe();
    let runtime = traced("hostile");
    assert_line(&log.take(), &[" INFO surrealism: loaded", "surrealism.source"]);

    runtime.call("alive", (), DetachedContext::new()).await.unwrap();
    let lines = log.take();
    assert_line(
        &lines,
        &[
            " INFO surrealism.call{otel.name=\"surrealism/hostile alive\"",
            "otel.kind=\"internal\"",
            "code.function.name=\"alive\"",
            "surrealism.module.name=\"surrealism/hostile\"",
            "surrealism.module.version=0.1.0",
            "surrealism.outcome=\"returned\"",
            "faas.coldstart=true",
            "surrealism.run.duration=",
            "surrealism.cpu.time=",
            "surrealism: close",
        ],
    );
    assert_line(&lines, &["DEBUG surrealism.call{", "surrealism: instance created"]);
    assert!(!lines.iter().any(|line| line.contains("error.type")), "{lines:?}");

    runtime.call("unreachable", (), DetachedContext::new()).await.unwrap_err();
    let lines = log.take();
    let failed = ["error.type=\"trap\"", "otel.status_code=\"ERROR\"", "surrealism: close"];
    assert_line(&lines, &failed);
    assert_line(&lines, &[" WARN surrealism.call{", "instance dropped", "trapped"]);

    let call = runtime.call("spin_forever", (), DetachedContext::new()).into_future();
    tokio::time::timeout(SHORT, call).await.unwrap_err();
    assert_line(&log.take(), &["surrealism.outcome=\"cancelled\"", "surrealism: close"]);
}

/// A context that traces what it does.
struct Traced;

#[async_trait]
impl InvocationContext for Traced {
    async fn sql(&mut self, _: &SurrealismConfig, _: String, _: Object) -> anyhow::Result<Value> {
        tracing::info!("the database is asked");
        tokio::task::yield_now().await;
        tracing::info!("the database has answered");
        Ok(Value::None)
    }

    async fn run(
        &mut self,
        _: &SurrealismConfig,
        _: String,
        _: Option<String>,
        _: Vec<Value>,
    ) -> anyhow::Result<Value> {
        anyhow::bail!("not asked for")
    }

    fn kv(&mut self) -> anyhow::Result<&dyn KVStore> {
        anyhow::bail!("not asked for")
    }
}

#[tokio::test]
async fn what_a_context_traces_belongs_to_the_span_of_its_call() {
    let log = Log::default();
    let _subscribed = log.subscribe();
    let runtime = traced("hostile");
    let query = (String::from("RETURN 1"), 1_i64);
    // Two calls that take turns on one thread.
    let request = tracing::info_span!("request", id = 7);
    let traced = async {
        let call = request.in_scope(|| runtime.call("query_often", query, Traced).into_future());
        tracing::Instrument::instrument(call, request.clone()).await
    };
    let other = runtime.call("nope", (), DetachedContext::new()).into_future();
    let (result, _) = tokio::join!(traced, other);
    result.unwrap();
    let lines = log.take();
    for what in ["the database is asked", "the database has answered"] {
        assert_line(&lines, &["request{id=7}:surrealism.call{", "query_often", what]);
    }
    let is_leaked = |line: &&String| line.contains("nope") && line.contains("query_often");
    assert_eq!(lines.iter().find(is_leaked), None);
}

#[tokio::test]
async fn refusals_and_output_are_events_that_command_no_terminal() {
    let log = Log::default();
    let _subscribed = log.subscribe();
    let runtime = traced("no_capabilities");
    runtime.call("sql", (text("RETURN 1"),), Recorder::new()).await.unwrap_err();
    let denied = [" WARN surrealism.call{", "denied", "queries", "not_requested"];
    assert_line(&log.take(), &denied);

    let runtime = traced("host");
    let printed = "<4>low\u{1b}[2J\u{9b}".to_string();
    runtime.call("print::line", (printed,), Recorder::new()).await.unwrap();
    let lines = log.take();
    assert_line(
        &lines,
        &[
            " WARN surrealism.call{",
            "log.iostream=\"stdout\"",
            r"surrealism.line=low\u{1b}[2J\u{9b}",
        ],
    );
    runtime.call("no\u{1b}[2Jpe", (), Recorder::new()).await.unwrap_err();
    assert_line(&log.take(), &[r"no\\u{1b}[2Jpe"]);
}
