//! `allow_net` over real sockets, on loopback: a guest reaches what its rules allow, and nothing else.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use surrealdb_types::{SurrealValue, Value};
use surrealism_runtime::{Capability, DetachedContext, Error, ErrorKind, Missing, Runtime};
use tokio::io::AsyncReadExt as _;

use crate::support::{AMPLE, PATIENCE, assert_error_contains, load, name, package, text};

/// A server on a free port of loopback that sends back what it receives.
struct Echo {
    address: SocketAddr,
    connections: Arc<AtomicUsize>,
}

impl Echo {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let connections = Arc::new(AtomicUsize::new(0));
        let echo =
            Self { address: listener.local_addr().unwrap(), connections: connections.clone() };
        thread::spawn(move || {
            for stream in listener.incoming() {
                connections.fetch_add(1, Ordering::SeqCst);
                let mut stream = stream.unwrap();
                let mut bytes = [0; 64];
                let count = stream.read(&mut bytes).unwrap_or(0);
                let _ = stream.write_all(&bytes[..count]);
            }
        });
        echo
    }

    fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

/// The guest, with an `allow_net` in which `PORT` stands for `port`.
fn allowing(rules: &[&str], port: u16) -> Runtime {
    let mut package = package("net");
    let rule = |rule: &&str| rule.replace("PORT", &port.to_string());
    package.config.capabilities.allow_net = rules.iter().map(rule).collect();
    load(package).build().unwrap()
}

async fn call(runtime: &Runtime, function: &str, args: &[&str]) -> Result<Value, Error> {
    let args: Vec<Value> = args.iter().map(|arg| text(arg)).collect();
    runtime.call(function, args, DetachedContext::new()).timeout(PATIENCE).await
}

#[tokio::test]
async fn connections_go_only_where_the_rules_allow() {
    let (echo, other) = (Echo::start(), Echo::start());
    let port = echo.address.port();
    for (rules, reaches_echo, reaches_other) in [
        (&["127.0.0.1"][..], true, true),
        (&["127.0.0.0/8"], true, true),
        (&["127.0.0.1:PORT"], true, false),
        (&["127.0.0.1:1", "10.0.0.0/8", "[::1]", "127.0.0.2"], false, false),
        // The owner of a name decides what it resolves to, so a name does not open loopback.
        (&["localhost"], false, false),
        (&["localhost", "127.0.0.1:PORT"], true, false),
        (&[], false, false),
    ] {
        let runtime = allowing(rules, port);
        for (server, reaches) in [(&echo, reaches_echo), (&other, reaches_other)] {
            let before = server.connections();
            let address = server.address.to_string();
            match call(&runtime, "talk", &[&address, "hello"]).await {
                Ok(echoed) => assert_eq!(echoed, text("hello")),
                Err(error) => assert!(error.to_string().contains("access-denied"), "{error}"),
            }
            assert_eq!(
                server.connections() - before,
                usize::from(reaches),
                "{rules:?} to {address}"
            );
        }
    }
}

#[tokio::test]
async fn guests_do_not_listen_and_send_no_datagrams() {
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    udp.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    let address = udp.local_addr().unwrap().to_string();
    let runtime = allowing(&["127.0.0.1", "0.0.0.0/0"], 0);
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
async fn only_names_in_a_rule_are_resolved() {
    let loopback = &["127.0.0.1"][..];
    for (rules, name, expected) in [
        // It has only loopback addresses, which no rule allows.
        (&["localhost"][..], "localhost", Ok(&[][..])),
        (&["localhost:80", "127.0.0.1"], "localhost", Ok(loopback)),
        (&["localhost", "127.0.0.1:1"], "LocalHost", Ok(loopback)),
        (&["localhost"], "example.com", Err("access-denied")),
        (&["localhost"], "127.0.0.1", Err("access-denied")),
        (&["127.0.0.1"], "localhost", Err("access-denied")),
        (&[], "localhost", Err("access-denied")),
    ] {
        let what = format!("{rules:?}, {name}");
        match (call(&allowing(rules, 0), "look_up", &[name]).await, expected) {
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

/// WASI says `access-denied` and no more; the host's caller learns what is missing and what to write.
#[tokio::test]
async fn a_refused_connection_has_the_kind_of_a_refusal() {
    let to = "127.0.0.1:9";
    for (rules, function, args, destination, next_step) in [
        (&[][..], "talk", &[to, "hi"][..], "", "add its address to `allow_net`"),
        (&["10.0.0.1"], "talk", &[to, "hi"], to, r#"add "127.0.0.1:9" to `allow_net`"#),
        (&["localhost"], "talk", &[to, "hi"], to, r#"add "127.0.0.1:9" to `allow_net`"#),
        (&[], "look_up", &["a.example"], "a.example", r#"add "a.example" to `allow_net`"#),
        (&["b.example"], "look_up", &["a.example"], "a.example", r#"add "a.example" to"#),
        // The guest's error says so, and so does not hide it.
        (&["b.example"], "give_up", &[to, "denied, alas"], to, r#"add "127.0.0.1:9" to"#),
    ] {
        let error = call(&allowing(rules, 0), function, args).await.unwrap_err();
        let ErrorKind::Denied(denied) = error.kind() else { panic!("{rules:?}: {error:?}") };
        let expected = (Capability::Network(destination.to_string()), Missing::NotRequested);
        assert_eq!((&denied.capability, denied.missing), (&expected.0, expected.1), "{error}");
        assert_error_contains(&error, &["does not ask for it", next_step]);
    }
    // What a guest tried in vain, and what it fails with, are not one.
    for (rules, text) in [(&["10.0.0.1"][..], "no such day"), (&["127.0.0.1"], "denied, alas")] {
        let error = call(&allowing(rules, 0), "give_up", &[to, text]).await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Guest { .. }), "{error:?}");
    }
}

#[tokio::test]
async fn a_pooled_instance_forgets_what_it_resolved() {
    let runtime = allowing(&["localhost", "127.0.0.1"], 0);
    let context = || Box::new(DetachedContext::new());
    let mut guest = runtime.acquire_controller(context()).await.unwrap();
    guest.invoke(name("begin_look_up"), ("localhost".to_string(),)).await.unwrap();
    let address = guest.invoke(name("end_look_up"), ()).await.unwrap();
    assert_eq!(address, text("127.0.0.1"));

    runtime.release_controller(guest);
    let mut guest = runtime.acquire_controller(context()).await.unwrap();
    let error = guest.invoke(name("end_look_up"), ()).await.unwrap_err().to_string();
    assert!(error.contains("access-denied"), "{error}");
    // The instance is the same, and resolves names for this caller as well.
    guest.invoke(name("begin_look_up"), ("localhost".to_string(),)).await.unwrap();
    assert_eq!(guest.invoke(name("end_look_up"), ()).await.unwrap(), address);
    assert_eq!(runtime.usage().instances.peak, 1);
}

// Two threads: one for the server, one to close what was cancelled.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_timeout_closes_a_connection_that_hangs() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let runtime = allowing(&["127.0.0.1"], 0);
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.read_exact(&mut [0; 5]).await.unwrap();
        // A reset ends the connection as well.
        stream.read(&mut [0; 1]).await.unwrap_or(0)
    });
    let talk = runtime.call("talk", (address, "hello".to_string()), DetachedContext::new());
    assert!(talk.timeout(AMPLE).await.unwrap_err().is_timeout());
    let received = tokio::time::timeout(PATIENCE, server).await.expect("the guest's end is closed");
    assert_eq!(received.unwrap(), 0);
}
