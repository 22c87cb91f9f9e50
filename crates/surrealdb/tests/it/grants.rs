//! What guests have on every way: what their archives ask for and the host grants, and nothing else.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use proptest::prelude::*;
use surrealdb_types::{SurrealValue, Value};
use surrealism_runtime::{Error, ErrorKind, FunctionTargets, Grants, Runtime};
use surrealism_surrealdb::{CallContext, ModuleRegistry};

use crate::support::{cached, package, running, runtime, text};

/// A server on every address of the machine. It answers requests over HTTP, and echoes everything else.
struct Server {
    port: u16,
    connections: Arc<AtomicUsize>,
}

impl Server {
    fn start() -> Self {
        let listener = TcpListener::bind("0.0.0.0:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let connections = Arc::new(AtomicUsize::new(0));
        let server = Self { port, connections: connections.clone() };
        thread::spawn(move || {
            for stream in listener.incoming() {
                connections.fetch_add(1, Ordering::SeqCst);
                let mut stream = stream.unwrap();
                let mut bytes = [0; 1024];
                let count = stream.read(&mut bytes).unwrap_or(0);
                let response: &[u8] = match &bytes[..count] {
                    request if request.starts_with(b"GET") => {
                        b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello"
                    }
                    other => other,
                };
                let _ = stream.write_all(response);
            }
        });
        server
    }

    fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

const METADATA: IpAddr = IpAddr::V4(Ipv4Addr::new(169, 254, 169, 254));
const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const OTHER_LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));

/// Entries of `allow_net`; `PORT` is the server's.
const NETWORK: [&str; 9] = [
    "127.0.0.1",
    "127.0.0.1:PORT",
    "127.0.0.0/8",
    "127.0.0.2:1",
    "0.0.0.0/0",
    "localhost",
    "localhost:PORT",
    "169.254.169.254",
    "169.254.0.0/16",
];

/// Entries of `allow_functions`.
const FUNCTIONS: [&str; 5] = ["fn::a", "fn", "mod::net::talk", "mod::*", "*"];

/// One side: what an archive asks for, or what a host grants.
#[derive(Debug, Clone)]
struct Side {
    queries: bool,
    key_value: bool,
    functions: Vec<&'static str>,
    network: Vec<&'static str>,
}

/// What one module asks for and is granted.
#[derive(Debug, Clone)]
struct Policy {
    asked: Side,
    granted: Side,
    as_requested: bool,
}

fn side() -> impl Strategy<Value = Side> {
    let subset = |all: &'static [&'static str]| prop::sample::subsequence(all, 0..=3);
    (any::<bool>(), any::<bool>(), subset(&FUNCTIONS), subset(&NETWORK)).prop_map(
        |(queries, key_value, functions, network)| Side { queries, key_value, functions, network },
    )
}

fn policy() -> impl Strategy<Value = Policy> {
    (side(), side(), prop::bool::weighted(0.3)).prop_map(|(asked, granted, as_requested)| Policy {
        asked,
        granted,
        as_requested,
    })
}

// What the documentation says, without the rules of the implementation.

impl Side {
    fn has_function(&self, name: &str) -> bool {
        self.functions.iter().any(|pattern| match *pattern {
            "*" => true,
            "fn" => name.starts_with("fn::"),
            "mod::*" => name.starts_with("mod::"),
            exact => exact == name,
        })
    }

    fn has_name(&self) -> bool {
        self.network.iter().any(|entry| entry.starts_with("localhost"))
    }

    fn has_address(&self, ip: IpAddr, port: u16, server: u16) -> bool {
        self.network.iter().any(|entry| match *entry {
            "127.0.0.1" => ip == LOOPBACK,
            "127.0.0.1:PORT" => ip == LOOPBACK && port == server,
            "127.0.0.0/8" => ip == LOOPBACK || ip == OTHER_LOOPBACK,
            "127.0.0.2:1" => ip == OTHER_LOOPBACK && port == 1,
            "0.0.0.0/0" => true,
            "169.254.169.254" | "169.254.0.0/16" => ip == METADATA,
            _ => false,
        })
    }

    fn names_metadata(&self) -> bool {
        self.network.iter().any(|entry| entry.starts_with("169.254"))
    }
}

impl Policy {
    fn has(&self, has: impl Fn(&Side) -> bool) -> bool {
        has(&self.asked) && (self.as_requested || has(&self.granted))
    }

    fn has_key_value(&self) -> bool {
        self.as_requested || self.granted.key_value
    }

    fn connects(&self, ip: IpAddr, port: u16, server: u16) -> bool {
        self.has(|side| side.has_address(ip, port, server))
            && (ip != METADATA || self.granted.names_metadata())
    }

    fn resolves(&self) -> bool {
        self.has(Side::has_name)
    }

    fn load(&self, guest: &str, server: u16) -> Arc<Runtime> {
        let entries = |side: &Side| -> Vec<String> {
            side.network.iter().map(|entry| entry.replace("PORT", &server.to_string())).collect()
        };
        let mut package = package(guest);
        let capabilities = &mut package.config.capabilities;
        capabilities.allow_arbitrary_queries = self.asked.queries;
        let functions: Vec<_> = self.asked.functions.iter().map(ToString::to_string).collect();
        capabilities.allow_functions = FunctionTargets::from(functions);
        capabilities.allow_net = entries(&self.asked);

        let mut grants = if self.as_requested { Grants::as_requested() } else { Grants::none() };
        grants = grants.functions(self.granted.functions.clone()).network(entries(&self.granted));
        if self.granted.queries {
            grants = grants.queries();
        }
        if self.granted.key_value {
            grants = grants.key_value();
        }
        Arc::new(cached(Runtime::builder(package).grants(grants)).build().unwrap())
    }
}

/// How a guest was refused, as errors say it.
const REFUSED: [&str; 3] = ["is denied", "access-denied", "HttpRequestDenied"];

struct Calls {
    host: Arc<Runtime>,
    modules: ModuleRegistry,
}

impl Calls {
    /// Calls a function of a module directly.
    async fn direct(&self, module: &str, function: &str, args: Vec<Value>) -> Result<Value, Error> {
        let module = self.modules.get(module).unwrap();
        let context = CallContext::new(&module).modules(&self.modules);
        module.runtime().call(function, args, context).await
    }

    /// Lets `host` call a function by `run`.
    async fn run(&self, function: &str, args: Vec<Value>) -> Result<Value, Error> {
        let context = CallContext::new(&self.host).modules(&self.modules);
        self.host.call("run", running(function, args), context).await
    }
}

/// Asserts that a call was refused, or was not; it may fail for another reason.
#[track_caller]
fn assert_allowed(what: &str, result: &Result<Value, Error>, allowed: bool) {
    let refused = match result {
        Ok(_) => false,
        Err(error) => REFUSED.iter().any(|part| error.to_string().contains(part)),
    };
    assert_eq!(!refused, allowed, "{what}: {result:?}");
    if let (Err(error), false) = (result, allowed) {
        let text = error.to_string();
        let is_explained =
            ["does not ask for it", "does not grant it"].iter().any(|part| text.contains(part));
        assert!(is_explained, "{what}: {text}");
    }
}

async fn check(server: &Server, host: Policy, inner: Policy) {
    let port = server.port;
    let modules = ModuleRegistry::new();
    for name in ["net", "web"] {
        modules.add(name, inner.load(name, port)).unwrap();
    }
    modules.add("inner", inner.load("host", port)).unwrap();
    let calls = Calls { host: host.load("host", port), modules };
    calls.modules.add("host", &calls.host).unwrap();
    let query = || vec![text("RETURN 1")];

    // What a guest does itself.
    for (module, policy) in [("host", &host), ("inner", &inner)] {
        let sql = calls.direct(module, "sql", query()).await;
        assert_allowed("sql", &sql, policy.has(|side| side.queries));
        for function in ["fn::a", "fn::b", "http::get"] {
            let run = calls.direct(module, "run", running(function, vec![])).await;
            assert_allowed(function, &run, policy.has(|side| side.has_function(function)));
        }
        for (function, args) in [
            ("kv::get", vec![text("k")]),
            ("kv::set", vec![text("k"), text("v")]),
            ("kv::keys", vec![text("..")]),
            ("kv::del_batch", vec![vec!["k".to_string()].into_value()]),
        ] {
            let kv = calls.direct(module, function, args).await;
            assert_allowed(function, &kv, policy.has_key_value());
        }
    }
    let is_connected = async |what: &str, allowed: bool, call: Result<Value, Error>, before| {
        assert_allowed(what, &call, allowed);
        let is_denied =
            call.as_ref().is_err_and(|error| matches!(error.kind(), ErrorKind::Denied(_)));
        assert_eq!(is_denied, !allowed, "{what}: {call:?}");
        let expected = usize::from(allowed);
        assert_eq!(server.connections() - before, expected, "{what}: {call:?}");
    };
    for ip in [LOOPBACK, OTHER_LOOPBACK, METADATA] {
        let allowed = inner.connects(ip, port, port);
        if allowed && ip == METADATA {
            // It is the machine's own metadata service.
            continue;
        }
        let address = format!("{ip}:{port}");
        let before = server.connections();
        let talk = calls.direct("net", "talk", vec![text(&address), text("hi")]).await;
        is_connected(&address, allowed, talk, before).await;
        let before = server.connections();
        let get = vec![text(&address), text("/"), Value::Bool(false)];
        let get = calls.direct("web", "get", get).await;
        is_connected(&format!("http://{address}"), allowed, get, before).await;
    }

    // Names, and what they resolve to: an address needs a rule of its own on both sides.
    let found = calls.direct("net", "look_up", vec![text("localhost")]).await;
    assert_allowed("look_up", &found, inner.resolves());
    let some_port = [port, 1, 2].iter().any(|port_| inner.connects(LOOPBACK, *port_, port));
    if let Ok(found) = found {
        let found = Vec::<String>::from_value(found).unwrap();
        assert_eq!(found.contains(&"127.0.0.1".to_string()), some_port, "{found:?}");
    }
    let before = server.connections();
    let by_name = vec![text(&format!("localhost:{port}")), text("/"), Value::Bool(false)];
    let get = calls.direct("web", "get", by_name).await;
    let allowed = inner.resolves() && inner.connects(LOOPBACK, port, port);
    assert_eq!(get.is_ok(), allowed, "http://localhost: {get:?}");
    assert_eq!(server.connections() - before, usize::from(allowed), "http://localhost");

    // Through a second module: the first one's functions, and then what the second one has itself.
    for (function, args, has) in [
        ("mod::inner::sql", query(), inner.has(|side| side.queries)),
        ("mod::inner::kv::get", vec![text("k")], inner.has_key_value()),
        ("mod::inner::run", running("fn::a", vec![]), inner.has(|s| s.has_function("fn::a"))),
        (
            "mod::net::talk",
            vec![text(&format!("127.0.0.1:{port}")), text("hi")],
            inner.connects(LOOPBACK, port, port),
        ),
    ] {
        let is_reachable = host.has(|side| side.has_function(function));
        let result = calls.run(function, args).await;
        assert_allowed(function, &result, is_reachable && has);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..Default::default() })]

    #[test]
    fn guests_have_what_is_asked_for_and_granted(host in policy(), inner in policy()) {
        // Keep the code of the guests loaded from case to case.
        let _loaded: Vec<_> = ["host", "net", "web"].map(runtime).into();
        let server = Server::start();
        let executor = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        executor.block_on(check(&server, host, inner));
    }
}
