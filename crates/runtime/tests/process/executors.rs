//! Guests that sleep, read files and connect, on every executor that a host may have.

use std::future::Future;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::pin::Pin;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use async_trait::async_trait;
use surrealdb_types::{Object, SurrealValue, Value};
use surrealism_runtime::{
    DetachedContext, Error, InvocationContext, KVStore, Runtime, SurrealismConfig,
};
use tokio::runtime::{Builder, Handle};

use crate::{builder, builder_with, text};

type CallFuture<'a> = Pin<Box<dyn Future<Output = Result<Value, Error>> + 'a>>;
type Executor = fn(CallFuture<'_>) -> Result<Value, Error>;

const EXECUTORS: [(&str, Executor); 5] = [
    ("no tokio", |call| futures::executor::block_on(call)),
    ("one thread without drivers", |call| {
        Builder::new_current_thread().build().unwrap().block_on(call)
    }),
    ("many threads without drivers", |call| {
        Builder::new_multi_thread().worker_threads(1).build().unwrap().block_on(call)
    }),
    ("time without I/O", |call| {
        Builder::new_current_thread().enable_time().build().unwrap().block_on(call)
    }),
    ("all of tokio", |call| {
        Builder::new_current_thread().enable_all().build().unwrap().block_on(call)
    }),
];

/// Makes a call on every executor. Its result must be the same on all of them.
#[track_caller]
fn on_every_executor(runtime: &Runtime, function: &str, args: &[Value], expected: &str) {
    for (name, executor) in EXECUTORS {
        let call = runtime.call(function, args.to_vec(), DetachedContext::new());
        let call = call.timeout(Duration::from_secs(20));
        let result = executor(Box::pin(async { call.await }));
        let shown = match result {
            Ok(value) => format!("{value:?}"),
            Err(error) => error.to_string(),
        };
        assert!(shown.contains(expected), "{function} on {name}: {shown}");
    }
}

/// Answers every request with `hello`, by TCP and by HTTP.
fn server() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello");
        }
    });
    address
}

#[test]
fn guests_sleep_on_every_executor() {
    let runtime = builder("hostile").build().unwrap();
    on_every_executor(&runtime, "sleep", &[20_i64.into_value()], "None");
    on_every_executor(&runtime, "sleep", &[0_i64.into_value()], "None");
}

#[test]
fn guests_read_files_on_every_executor() {
    let runtime = builder("files").build().unwrap();
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/../../guests/files/data/hello.txt");
    let content = std::fs::read_to_string(source).unwrap();
    on_every_executor(&runtime, "read", &[text("/hello.txt")], content.trim());
    on_every_executor(&runtime, "list", &[text("/")], "hello.txt");
}

#[test]
fn guests_connect_on_every_executor() {
    let address = server();
    let runtime = builder_with("net", &["127.0.0.1", "localhost"]).build().unwrap();
    on_every_executor(&runtime, "talk", &[text(&address), text("hi")], "hello");
    on_every_executor(&runtime, "look_up", &[text("localhost")], "127.0.0.1");
    on_every_executor(&runtime, "talk", &[text("10.0.0.1:1"), text("hi")], "access-denied");
}

#[test]
fn guests_request_on_every_executor() {
    let address = server();
    let get = [text(&address), text("/"), Value::Bool(false)];
    let runtime = builder_with("web", &["127.0.0.1"]).build().unwrap();
    on_every_executor(&runtime, "get", &get, "hello");
    let runtime = builder("web").build().unwrap();
    on_every_executor(&runtime, "get", &get, "HttpRequestDenied");
}

#[test]
fn a_sleep_is_as_long_as_it_was_asked_for() {
    let runtime = builder("hostile").build().unwrap();
    for ms in [1_u64, 5, 25, 100] {
        let start = Instant::now();
        let call = runtime.call("sleep", (ms,), DetachedContext::new());
        futures::executor::block_on(async { call.await }).unwrap();
        assert!(start.elapsed() >= Duration::from_millis(ms), "{ms} ms: {:?}", start.elapsed());
    }
}

#[test]
fn a_deadline_ends_a_sleep_without_tokio() {
    let runtime = builder("hostile").build().unwrap();
    for function in ["sleep", "spin"] {
        let call = runtime.call(function, (60_000_u64,), DetachedContext::new());
        let call = call.timeout(Duration::from_millis(300));
        let error = futures::executor::block_on(async { call.await }).unwrap_err();
        assert!(error.is_timeout(), "{function}: {error}");
    }
}

#[test]
fn what_nothing_can_wake_waits_until_the_deadline() {
    let runtime = builder("hostile").build().unwrap();
    let call = runtime.call("wait_forever", (), DetachedContext::new());
    let call = call.timeout(Duration::from_millis(300));
    let error = futures::executor::block_on(async { call.await }).unwrap_err();
    assert!(error.is_timeout(), "{error}");
}

/// A context that needs the runtime of its caller.
struct NeedsCaller(Handle);

#[async_trait]
impl InvocationContext for NeedsCaller {
    async fn sql(&mut self, _: &SurrealismConfig, _: String, _: Object) -> Result<Value> {
        tokio::time::sleep(Duration::from_millis(1)).await;
        Ok(Value::Bool(Handle::current().id() == self.0.id()))
    }

    async fn run(
        &mut self,
        _: &SurrealismConfig,
        _: String,
        _: Option<String>,
        _: Vec<Value>,
    ) -> Result<Value> {
        bail!("there are no functions")
    }

    fn kv(&mut self) -> Result<&dyn KVStore> {
        bail!("this host has no key-value store")
    }
}

#[tokio::test]
async fn contexts_are_polled_in_the_callers_runtime() {
    for rules in [&[][..], &["127.0.0.1"]] {
        let runtime = builder_with("host", rules).build().unwrap();
        let context = NeedsCaller(Handle::current());
        let same = runtime.call("sql", (text("RETURN 1"),), context).await.unwrap();
        assert_eq!(same, Value::Bool(true), "{rules:?}");
    }
}
