//! The attacks of the guest `greedy`, with 8 MiB of memory. Those without an end of their own have a deadline
//! of 100 ms.

use std::fs;
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::Result;
use async_trait::async_trait;
use surrealdb_types::{Object, SurrealValue, Value};
use surrealism_runtime::config::SurrealismConfig;
use surrealism_runtime::{
    BTreeMapStore, Error, InvocationContext, KVStore, Runtime, SurrealismPackage,
};

use super::cost::{Cost, alone, open_files};
use super::servers::{Answer, start};
use crate::it::support::{PATIENCE, load, package, text};

const DEADLINE: Duration = Duration::from_millis(100);
const MAX_MEMORY_BYTES: usize = 8 << 20;

/// What any attack may cost. Two threads may be busy until the deadline, a step that is not interrupted may
/// go on after it, and servers of the test take CPU time as well.
const MAX_COST: Cost = Cost { cpu: Duration::from_millis(1_500), bytes: 64 << 20 };

/// How an attack ends.
#[derive(Debug, Clone, Copy)]
enum Outcome {
    /// The guest had what it asked for this often.
    Had(u64),
    /// The guest had what it asked for at most this often.
    HadAtMost(u64),
    /// The deadline ended it.
    TimedOut,
    /// The host refused it, with this text, and the instance may be used again.
    Refused(&'static str),
    /// The guest was stopped, with this text.
    Trapped(&'static str),
    /// Any of these before the deadline, or the deadline: it depends on how fast the machine is.
    Ends,
}

use Outcome::{Ends, Had, HadAtMost, Refused, TimedOut, Trapped};

impl Outcome {
    #[track_caller]
    fn assert(self, name: &str, result: &Result<Value, Error>) {
        let is_right = match (self, result) {
            (Had(expected), Ok(value)) => number(value) == expected,
            (HadAtMost(most), Ok(value)) => number(value) <= most,
            (TimedOut, Err(error)) => error.is_timeout(),
            (Refused(part), Err(error)) => !error.is_trap() && error.to_string().contains(part),
            (Trapped(part), Err(error)) => {
                error.is_trap() && !error.is_timeout() && error.to_string().contains(part)
            }
            (Ends, _) => true,
            _ => false,
        };
        assert!(is_right, "{name}: {self:?} is expected: {result:?}");
    }
}

fn number(value: &Value) -> u64 {
    u64::try_from(value.clone().into_int().unwrap()).unwrap()
}

/// Describes how an attack ended, in a few words.
fn outcome(result: &Result<Value, Error>) -> String {
    match result {
        Ok(value) => format!("had {}", number(value)),
        Err(error) if error.is_timeout() => "timed out".to_string(),
        Err(error) => error.to_string().lines().next().unwrap_or_default().to_string(),
    }
}

/// Returns large results, and ignores output.
struct Context {
    store: Arc<BTreeMapStore>,
    answer: Value,
}

#[async_trait]
impl InvocationContext for Context {
    async fn sql(&mut self, _: &SurrealismConfig, _: String, _: Object) -> Result<Value> {
        Ok(self.answer.clone())
    }

    async fn run(
        &mut self,
        _: &SurrealismConfig,
        _: String,
        _: Option<String>,
        mut args: Vec<Value>,
    ) -> Result<Value> {
        Ok(args.pop().unwrap_or(Value::None))
    }

    fn kv(&mut self) -> Result<&dyn KVStore> {
        Ok(&*self.store)
    }

    fn stdout_callback(&self) -> Arc<dyn Fn(&str) + Send + Sync> {
        Arc::new(|_| {})
    }

    fn stderr_callback(&self) -> Arc<dyn Fn(&str) + Send + Sync> {
        Arc::new(|_| {})
    }
}

/// The guest with as many attached files in one directory, with as long names, as an archive can have.
fn greedy() -> SurrealismPackage {
    let directory = tempfile::tempdir().unwrap();
    let files = directory.path().join("files");
    fs::create_dir_all(files.join("deep")).unwrap();
    fs::write(files.join("data"), vec![b'x'; 1 << 20]).unwrap();
    for number in 0..9_900 {
        fs::write(files.join(format!("{number:0>240}")), "").unwrap();
    }
    let archive = directory.path().join("greedy.surli");
    package("greedy").pack(archive.clone(), Some(&files)).unwrap();
    SurrealismPackage::from_file(archive).unwrap()
}

fn build(mut package: SurrealismPackage, allow_net: &[&str]) -> Runtime {
    package.config.capabilities.allow_net = allow_net.iter().map(ToString::to_string).collect();
    load(package).pool_size(1).max_memory_bytes(MAX_MEMORY_BYTES).build().unwrap()
}

/// A module under attack.
struct Target {
    runtime: Runtime,
    executor: tokio::runtime::Runtime,
}

impl Target {
    fn new(runtime: Runtime) -> Self {
        let mut executor = tokio::runtime::Builder::new_multi_thread();
        let executor = executor.worker_threads(1).enable_all().build().unwrap();
        let target = Self { runtime, executor };
        target.assert_alive("before all attacks");
        target
    }

    fn call(
        &self,
        function: &str,
        args: Vec<Value>,
        answer: &str,
        limit: Duration,
    ) -> Result<Value, Error> {
        let store = self.runtime.kv_store().clone();
        let context = Context { store, answer: text(answer) };
        let call = self.runtime.call(function, args, context).timeout(limit);
        self.executor.block_on(call.into_future())
    }

    #[track_caller]
    fn assert_alive(&self, after: &str) {
        let alive = self.call("alive", vec![], "", PATIENCE);
        assert_eq!(alive.unwrap(), Value::Bool(true), "{after}");
        assert!(self.runtime.usage().instances.current <= 1, "{after}");
    }

    /// Attacks three times, since what one call leaves behind may be what another builds on.
    #[track_caller]
    fn attack(&self, name: &str, size: usize, argument: &str, expected: Outcome) {
        let answer = "y".repeat(if name.starts_with("host") { 2 << 20 } else { 0 });
        let limit = if matches!(expected, TimedOut | Ends) { DEADLINE } else { PATIENCE };
        for _ in 0..3 {
            let args = vec![text(name), (size as i64).into_value(), text(argument)];
            let (result, cost) = Cost::of(|| self.call("attack", args, &answer, limit));
            cost.print(name, &outcome(&result));
            expected.assert(name, &result);
            cost.assert_within(MAX_COST, name);
        }
        self.assert_alive(name);
    }
}

#[test]
fn no_attack_through_wasi_passes_a_bound() {
    let _alone = alone();
    let target = Target::new(build(greedy(), &[]));
    let (before, full) = (open_files(), Trapped("host resources"));
    for (name, size, expected) in [
        ("files: hold directories", 0, full),
        ("files: list for ever", 0, TimedOut),
        ("files: hold descriptors", 0, full),
        ("files: hold what was read", 0, full),
        ("files: read all at once", 0, HadAtMost(1 << 20)),
        ("files: read behind the end", 0, TimedOut),
        ("files: skip for ever", 0, TimedOut),
        ("files: long paths", 4 << 20, TimedOut),
        ("files: long paths", 4 << 10, TimedOut),
        ("files: paths of dots", 4 << 20, TimedOut),
        ("files: a long name", 4 << 20, TimedOut),
        ("files: ask for ever", 0, TimedOut),
        ("files: change", 0, Had(0)),
        ("streams: lines to stdout", 0, TimedOut),
        ("streams: lines to stderr", 0, TimedOut),
        ("streams: a line without an end", 0, TimedOut),
        ("streams: write nothing for ever", 0, TimedOut),
        ("streams: write more than is permitted", 4 << 20, Trapped("8192 are permitted")),
        ("streams: write zeroes without an end", 0, Trapped("zeroes")),
        ("streams: flush for ever", 0, TimedOut),
        ("streams: splice for ever", 0, TimedOut),
        ("streams: read a closed input for ever", 0, TimedOut),
        ("streams: hold outputs", 0, full),
        ("streams: hold timers", 0, full),
        ("streams: poll many for ever", 9_000, TimedOut),
        ("streams: poll many for ever", 500_000, Trapped("handles to resources")),
        ("streams: ask for timers for ever", 0, TimedOut),
        ("streams: sleep for ever", 0, TimedOut),
        ("streams: ask for the time for ever", 0, TimedOut),
        ("streams: random for ever", 64 << 10, TimedOut),
        ("streams: random without an end", 0, Trapped("requested len")),
        ("streams: insecure random without an end", 0, Trapped("requested len")),
        ("streams: seeds for ever", 0, TimedOut),
        ("http: hold methods", 2 << 20, Had(0)),
        ("http: hold methods", 64, full),
        ("http: hold authorities", 2 << 20, Had(0)),
        ("http: hold authorities", 1 << 10, full),
        ("http: hold paths", 2 << 20, Had(0)),
        ("http: hold paths", 60 << 10, full),
        ("http: hold schemes", 2 << 20, Had(0)),
        ("http: headers without an end", 0, Trapped("total size")),
        ("http: headers without an end", 10_000, Trapped("total size")),
        ("http: hold headers", 0, full),
        ("http: hold headers", 1_000, full),
        ("http: hold copies of headers", 0, full),
        ("http: hold bodies", 0, full),
        ("http: hold options", 0, full),
        ("http: hold requests", 0, full),
        ("sockets: hold", 0, Had(0)),
        ("sockets: hold datagram sockets", 0, Had(0)),
        ("sockets: resolve for ever", 0, Refused("access-denied")),
        ("sockets: a long name", 4 << 20, Refused("invalid-argument")),
    ] {
        target.attack(name, size, "a.example", expected);
    }
    drop(target);
    assert_files_are_closed(before);
}

#[test]
fn no_attack_through_a_granted_network_passes_a_bound() {
    let _alone = alone();
    let before = open_files();
    let target = Target::new(build(package("greedy"), &["127.0.0.1", "localhost"]));
    let endless = |head, part| start(Answer::Endless { head, part });
    let ok = "HTTP/1.1 200 OK\r\n";
    let (silent, closing) = (start(Answer::Never), start(Answer::Closed));
    for (name, port, expected) in [
        ("sockets: hold", 0, Trapped("host resources")),
        ("sockets: create for ever", 0, TimedOut),
        ("sockets: hold datagram sockets", 0, Had(0)),
        ("sockets: connect for ever", closing, TimedOut),
        ("sockets: hold connections", silent, Ends),
        ("sockets: fill connections", silent, Ends),
        ("sockets: resolve for ever", 0, TimedOut),
        ("sockets: hold lookups", 0, Trapped("host resources")),
        ("http: hold requests", silent, Trapped("host resources")),
        ("http: request for ever", silent, TimedOut),
        ("http: request for ever", closing, TimedOut),
        ("http: read the answer", silent, TimedOut),
        ("http: read the answer", start(Answer::Slowly), TimedOut),
        ("http: read the answer", endless("", "HTTP/1.1 100 Continue\r\n\r\n"), Refused("Http")),
        ("http: read the answer", endless(ok, "x: y\r\n"), Refused("Http")),
        ("http: read the answer", endless("", "x"), Refused("Http")),
        ("http: read the answer", endless("HTTP/1.1 200 OK\r\n\r\n", "x"), TimedOut),
        (
            "http: read the answer",
            endless("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", "1\r\nx\r\n"),
            TimedOut,
        ),
        (
            "http: read the answer",
            endless("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1;", "x"),
            Ends,
        ),
        (
            "http: read the answer",
            endless("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n", "x: y\r\n"),
            Ends,
        ),
    ] {
        let argument =
            if name.starts_with("http") { format!("127.0.0.1:{port}") } else { "localhost".into() };
        target.attack(name, port.into(), &argument, expected);
    }
    drop(target);
    // The two listeners that are kept, and those of the other rows.
    assert_files_are_closed(before + 16);
}

#[test]
fn no_attack_through_the_functions_of_the_host_passes_a_bound() {
    let _alone = alone();
    let target = Target::new(build(package("greedy"), &[]));
    let store = target.runtime.kv_store().clone();
    let fill = || {
        futures::executor::block_on(async {
            for key in 0..200_000 {
                let ttl = Duration::from_secs(1_000);
                store.set_with_ttl(format!("{key:08}"), Value::None, ttl).await.unwrap();
            }
        });
    };
    fill();
    let argument = "z".repeat(512 << 10);
    for (name, size, expected) in [
        ("host: query for ever", 0, TimedOut),
        ("host: a long query", 4 << 20, Refused("1048576 are allowed")),
        ("host: call for ever", 0, TimedOut),
        ("host: a long argument", 2 << 20, Ends),
        ("host: count for ever", 0, TimedOut),
        ("host: list keys for ever", 0, Ends),
        ("host: list entries for ever", 0, Ends),
        ("host: many keys", 10_001, Refused("10000 are allowed")),
        ("host: many keys", 250_000, Ends),
        ("host: the same key", 8, Refused("a key has at most")),
        ("host: many entries", 10_000, Had(1)),
        ("host: a large value", 2 << 20, Had(1)),
        ("host: fill", 0, TimedOut),
        ("host: keep large values", 1 << 20, Ends),
        ("host: delete all", 0, Ends),
    ] {
        target.attack(name, size, &argument, expected);
    }
}

/// Waits for what is closed in the background.
#[track_caller]
fn assert_files_are_closed(most: usize) {
    let began = Instant::now();
    while open_files() > most && began.elapsed() < PATIENCE {
        sleep(Duration::from_millis(10));
    }
    assert!(open_files() <= most, "{} files are open, and {most} were", open_files());
}
