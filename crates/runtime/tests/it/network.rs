//! `allow_net` over real sockets, on loopback: what a guest reaches is what its rules admit.

mod support;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use support::value;
use surrealdb_types::{SurrealValue, Value};
use surrealism_runtime::{DetachedContext, Runtime, SurrealismResult};

/// A server on a free port of loopback, which sends back what it is sent.
struct Echo {
    address: SocketAddr,
    visitors: Arc<AtomicUsize>,
}

impl Echo {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let visitors = Arc::new(AtomicUsize::new(0));
        let echo = Self { address: listener.local_addr().unwrap(), visitors: visitors.clone() };
        thread::spawn(move || {
            for stream in listener.incoming() {
                visitors.fetch_add(1, Ordering::SeqCst);
                let mut stream = stream.unwrap();
                let mut bytes = [0; 64];
                let count = stream.read(&mut bytes).unwrap_or(0);
                let _ = stream.write_all(&bytes[..count]);
            }
        });
        echo
    }

    fn visitors(&self) -> usize {
        self.visitors.load(Ordering::SeqCst)
    }
}

/// The guest, under rules in which `PORT` stands for a port.
fn granted(rules: &[&str], port: u16) -> Runtime {
    let mut package = support::package("net");
    let rule = |rule: &&str| rule.replace("PORT", &port.to_string());
    package.config.capabilities.allow_net = rules.iter().map(rule).collect();
    support::load(package).build().unwrap()
}

async fn call(runtime: &Runtime, function: &str, args: &[&str]) -> SurrealismResult<Value> {
    let args: Vec<Value> = args.iter().map(|arg| value(arg.to_string())).collect();
    runtime.call(function, args, DetachedContext::new()).timeout(Duration::from_secs(20)).await
}

#[tokio::test]
async fn connections_go_where_the_rules_say() {
    let (echo, other) = (Echo::start(), Echo::start());
    let port = echo.address.port();
    for (rules, reaches_echo, reaches_other) in [
        (&["127.0.0.1"][..], true, true),
        (&["127.0.0.0/8"], true, true),
        (&["127.0.0.1:PORT"], true, false),
        (&["127.0.0.1:1", "10.0.0.0/8", "[::1]", "127.0.0.2"], false, false),
        // What a name resolves to is its owner's word: it opens nothing of this machine's.
        (&["localhost"], false, false),
        (&["localhost", "127.0.0.1:PORT"], true, false),
        (&[], false, false),
    ] {
        let runtime = granted(rules, port);
        for (server, reaches) in [(&echo, reaches_echo), (&other, reaches_other)] {
            let before = server.visitors();
            let address = server.address.to_string();
            let answer = call(&runtime, "talk", &[&address, "hello"]).await;
            match answer {
                Ok(answer) => assert_eq!(answer, value("hello".to_string())),
                Err(error) => assert!(error.to_string().contains("access-denied"), "{error}"),
            }
            assert_eq!(server.visitors() - before, usize::from(reaches), "{rules:?} to {address}");
        }
    }
}

#[tokio::test]
async fn nothing_listens_and_nothing_is_sent_by_udp() {
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    udp.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    let address = udp.local_addr().unwrap().to_string();
    let runtime = granted(&["127.0.0.1", "0.0.0.0/0"], 0);
    for (function, args) in [
        ("bind", &["127.0.0.1:0"][..]),
        ("bind", &["0.0.0.0:9"]),
        ("listen", &[]),
        ("send_datagram", &[&address]),
    ] {
        let error = call(&runtime, function, args).await.unwrap_err().to_string();
        assert!(error.contains("access-denied"), "{function} {args:?}: {error}");
    }
    udp.recv(&mut [0; 8]).unwrap_err();
}

#[tokio::test]
async fn names_are_looked_up_only_where_a_rule_has_them() {
    let loopback = &["127.0.0.1"][..];
    for (rules, name, expected) in [
        // Nothing but loopback is known of it, and that is not told.
        (&["localhost"][..], "localhost", Ok(&[][..])),
        (&["localhost:80", "127.0.0.1"], "localhost", Ok(loopback)),
        (&["localhost", "127.0.0.1:1"], "LocalHost", Ok(loopback)),
        (&["localhost"], "example.com", Err("access-denied")),
        (&["localhost"], "127.0.0.1", Err("access-denied")),
        (&["127.0.0.1"], "localhost", Err("access-denied")),
        (&[], "localhost", Err("access-denied")),
    ] {
        let what = format!("{rules:?}, {name}");
        match (call(&granted(rules, 0), "look_up", &[name]).await, expected) {
            (Ok(found), Ok(expected)) => {
                assert_eq!(Vec::<String>::from_value(found).unwrap(), expected, "{what}");
            }
            (Err(error), Err(expected)) => {
                assert!(error.to_string().contains(expected), "{what}: {error}");
            }
            (got, _) => panic!("{what}: {got:?}"),
        }
    }
}

#[tokio::test]
async fn what_one_caller_asked_is_not_told_to_the_next() {
    let runtime = granted(&["localhost", "127.0.0.1"], 0);
    let context = || Box::new(DetachedContext::new());
    let mut guest = runtime.acquire_controller(context()).await.unwrap();
    let name = |name: &str| Some(name.to_string());
    guest.invoke(name("begin_look_up"), ("localhost".to_string(),)).await.unwrap();
    let address = guest.invoke(name("end_look_up"), ()).await.unwrap();
    assert_eq!(address, value("127.0.0.1".to_string()));

    runtime.release_controller(guest);
    let mut guest = runtime.acquire_controller(context()).await.unwrap();
    let error = guest.invoke(name("end_look_up"), ()).await.unwrap_err().to_string();
    assert!(error.contains("access-denied"), "{error}");
    // The instance is the same, and the next look-up of this caller's is its own.
    guest.invoke(name("begin_look_up"), ("localhost".to_string(),)).await.unwrap();
    assert_eq!(guest.invoke(name("end_look_up"), ()).await.unwrap(), address);
    assert_eq!(runtime.usage().instances.peak, 1);
}

// Two threads: one waits for the other side, one ends what was cancelled.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_hangs_ends_with_the_call() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let runtime = granted(&["127.0.0.1"], 0);
    let other_side = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.read_exact(&mut [0; 5]).unwrap();
        // It sees the end, by a close or by a reset.
        matches!(stream.read(&mut [0; 1]), Ok(0) | Err(_))
    });
    let talk = runtime.call("talk", (address, "hello".to_string()), DetachedContext::new());
    let talk = talk.timeout(Duration::from_millis(500)).await;
    assert!(talk.unwrap_err().is_timeout());
    assert!(other_side.join().unwrap());
}
