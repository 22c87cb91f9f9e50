//! Helpers of the tests with a real database: a server, guests, and a suite that every database passes.

#![allow(dead_code, reason = "each test binary uses a part")]

use std::future::IntoFuture;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use surrealdb_types::{Object, SurrealValue, ToSql, Value};
use surrealism_runtime::{Error, Grants, Runtime, SurrealismPackage};
use surrealism_surrealdb::{CallContext, ConnectOptions, Credentials, Database};

pub(crate) const PASSWORD: &str = "hunter2";

/// An empty SurrealDB server. Dropping it stops the server.
pub(crate) struct Server {
    process: Child,
    pub(crate) port: u16,
}

impl Server {
    pub(crate) fn start() -> Self {
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        Self::start_at(free.port(), &[])
    }

    pub(crate) fn start_at(port: u16, options: &[&str]) -> Self {
        let process = Command::new(env!("CARGO_BIN_EXE_surreal"))
            .args(["start", "--no-banner", "--log", "error"])
            .args(["--bind", &format!("127.0.0.1:{port}"), "--user", "root"])
            .args(options)
            .arg("memory")
            .env("SURREAL_PASS", PASSWORD)
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let server = Self { process, port };
        server.wait_until_it_listens();
        server
    }

    fn wait_until_it_listens(&self) {
        let began = Instant::now();
        while !self.is_ready() {
            assert!(began.elapsed() < Duration::from_secs(60), "the server does not listen");
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Whether the server takes connections. It listens before it does.
    fn is_ready(&self) -> bool {
        let executor = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let connect = self.connect("ws", "test");
        // On a thread of its own, since a test may be within an executor.
        thread::spawn(move || executor.block_on(connect.into_future()).is_ok()).join().unwrap()
    }

    pub(crate) fn address(&self, scheme: &str) -> String {
        format!("{scheme}://127.0.0.1:{}", self.port)
    }

    /// Returns the options of a connection to a database of this server, as root.
    pub(crate) fn connect(&self, scheme: &str, name: &str) -> ConnectOptions {
        Database::connect(self.address(scheme))
            .namespace("test")
            .database(name)
            .credentials(Credentials::root("root", PASSWORD))
    }

    pub(crate) fn kill(mut self) -> u16 {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        self.port
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Errors are ignored: the process may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Returns the archive of a guest that `cargo xtask guests` built.
pub(crate) fn archive(name: &str) -> PathBuf {
    let target = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/guests"));
    let path = target.join(format!("{name}.surli"));
    assert!(path.exists(), "{} is missing: run `cargo xtask guests` first", path.display());
    path
}

pub(crate) fn runtime(name: &str) -> Arc<Runtime> {
    let package = SurrealismPackage::from_file(archive(name)).unwrap();
    Arc::new(Runtime::builder(package).grants(Grants::as_requested()).pool_size(4).build().unwrap())
}

pub(crate) fn text(text: &str) -> Value {
    text.to_string().into_value()
}

/// Lets a guest send a query.
pub(crate) async fn sql(
    guest: &Arc<Runtime>,
    database: &Database,
    query: &str,
    variables: Object,
) -> Result<Value, Error> {
    let args = vec![text(query), Value::Object(variables)];
    guest.call("sql_with_vars", args, CallContext::new(guest).database(database)).await
}

/// Lets a guest run a function.
pub(crate) async fn run(
    guest: &Arc<Runtime>,
    database: &Database,
    function: &str,
    args: Vec<Value>,
) -> Result<Value, Error> {
    let args = vec![text(function), Value::None, args.into_value()];
    guest.call("run", args, CallContext::new(guest).database(database)).await
}

/// Runs the suite that every database passes, whatever its address.
///
/// The database must have one connection, so that state which a call leaves behind reaches the next call.
pub(crate) async fn run_suite(database: &Database) {
    let guest = runtime("host");
    queries_return_values(&guest, database).await;
    failures_are_reported(&guest, database).await;
    functions_return_values(&guest, database).await;
    run_calls_only_functions(&guest, database).await;
    queries_leave_no_state(&guest, database).await;
}

async fn queries_return_values(guest: &Arc<Runtime>, database: &Database) {
    let vars = Object::from_iter([("x".to_string(), 7_i64.into_value())]);
    for (query, expected) in [
        ("RETURN 1", "1"),
        ("RETURN 1; RETURN 2", "2"),
        ("", "NONE"),
        ("LET $y = 2; RETURN $x * $y", "14"),
        ("RETURN [1]", "[1]"),
        ("RETURN { a: NONE, b: NULL }", "{ a: NONE, b: NULL }"),
        (
            "RETURN [1.5f, 1.5dec, 1h, d'2024-01-01T00:00:00Z']",
            "[1.5f, 1.5dec, 1h, d'2024-01-01T00:00:00Z']",
        ),
        ("CREATE person:ada SET age = $x", "[{ age: 7, id: person:ada }]"),
        ("SELECT * FROM person", "[{ age: 7, id: person:ada }]"),
        ("SELECT VALUE age FROM ONLY person:ada", "7"),
        ("UPDATE person:ada SET age += 1; SELECT VALUE age FROM person", "[8]"),
        ("DELETE person; SELECT * FROM person", "[]"),
        // The value of `COMMIT` is NONE. A block is a transaction with a value.
        ("BEGIN; CREATE person:ben; RETURN 5; COMMIT", "NONE"),
        ("RETURN { CREATE person:eva; RETURN 5 }", "5"),
        ("SELECT VALUE id FROM person", "[person:ben, person:eva]"),
        ("RETURN 1; KILL u'018f6f6e-1111-7000-8000-000000000000'; RETURN 2", "2"),
    ] {
        let answer = sql(guest, database, query, vars.clone()).await;
        let answer = answer.unwrap_or_else(|error| panic!("{query}: {error}"));
        assert_eq!(answer.to_sql(), expected, "{query}");
    }
}

async fn failures_are_reported(guest: &Arc<Runtime>, database: &Database) {
    for (query, expected) in [
        ("RETURN", "Parse error"),
        ("THROW 'no luck'", "no luck"),
        ("THROW 'first'; RETURN 2", "first"),
        ("RETURN 1; THROW 'second'", "second"),
        ("BEGIN; CREATE gone:one; THROW 'inside'; COMMIT", "inside"),
        ("RETURN fn::nobody()", "nobody"),
        ("LET $auth = 1", "auth"),
    ] {
        match sql(guest, database, query, Object::new()).await {
            Ok(answer) => panic!("{query}: {answer:?}"),
            Err(error) => assert!(error.to_string().contains(expected), "{query}: {error}"),
        }
    }
}

async fn functions_return_values(guest: &Arc<Runtime>, database: &Database) {
    let define = "
        DEFINE FUNCTION fn::list($x: any) { RETURN [$x]; };
        DEFINE FUNCTION fn::deep::sum($a: int, $b: int) { RETURN $a + $b; };
        DEFINE FUNCTION fn::fails() { THROW 'it fails'; };";
    sql(guest, database, define, Object::new()).await.unwrap();
    let quoted = "'); DELETE person; ('";
    let two = vec![1_i64.into_value(), 2_i64.into_value()];
    for (function, args, expected) in [
        ("fn::list", vec![1_i64.into_value()], Ok(vec![1_i64].into_value())),
        ("fn::list", vec![text(quoted)], Ok(vec![quoted.to_string()].into_value())),
        ("fn::deep::sum", two, Ok(3_i64.into_value())),
        ("string::len", vec![text("four")], Ok(4_i64.into_value())),
        ("count", vec![vec![1_i64, 2].into_value()], Ok(2_i64.into_value())),
        ("fn::fails", vec![], Err("it fails")),
        ("fn::nobody", vec![], Err("nobody")),
        ("fn::deep::sum", vec![], Err("sum")),
    ] {
        match (run(guest, database, function, args).await, expected) {
            (Ok(answer), Ok(expected)) => assert_eq!(answer, expected, "{function}"),
            (Err(error), Err(part)) => assert!(error.to_string().contains(part), "{error}"),
            (answer, _) => panic!("{function}: {answer:?}"),
        }
    }
}

/// `run` cannot execute other statements.
async fn run_calls_only_functions(guest: &Arc<Runtime>, database: &Database) {
    sql(guest, database, "CREATE kept:one", Object::new()).await.unwrap();
    let record = "kept:one";
    for function in
        ["delete", "DELETE", "fn::x(); DELETE kept; fn::x", "delete::x", "select", "mod"]
    {
        run(guest, database, function, vec![text(record)]).await.unwrap_err();
    }
    let kept = sql(guest, database, "SELECT VALUE id FROM kept", Object::new()).await.unwrap();
    assert_eq!(kept.to_sql(), "[kept:one]");
}

/// Every query starts in the same state.
async fn queries_leave_no_state(guest: &Arc<Runtime>, database: &Database) {
    let here = "RETURN [session::ns(), session::db(), $left]";
    let before = sql(guest, database, here, Object::new()).await.unwrap();
    for query in [
        "USE NS elsewhere DB elsewhere; RETURN session::db()",
        "LET $left = 1; RETURN $left",
        "BEGIN; CREATE undone:one; RETURN 1",
    ] {
        // Some databases refuse such a query; only the state after it matters.
        let _ = sql(guest, database, query, Object::new()).await;
        let after = sql(guest, database, here, Object::new()).await.unwrap();
        assert_eq!(after, before, "{query}");
    }
    let undone = sql(guest, database, "SELECT * FROM undone", Object::new()).await;
    assert!(undone.map_or(true, |rows| rows.to_sql() == "[]"));
}
