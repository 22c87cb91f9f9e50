//! Outbound `wasi:http` against a server of a few lines, on loopback.

#![cfg(feature = "http")]

mod support;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use support::{assert_says, value};
use surrealdb_types::SurrealValue;
use surrealism_runtime::{DetachedContext, Runtime, SurrealismResult};

/// Far from what anything here takes.
const LONG: Duration = Duration::from_secs(20);

/// A server on a free port of loopback, which tells what it sees.
struct Server {
    address: SocketAddr,
    seen: Receiver<Seen>,
}

#[derive(Debug, PartialEq, Eq)]
enum Seen {
    /// The first line of a request, and its `host`.
    Request(String, String),
    /// A body, as it came.
    Body(String),
    /// What is no HTTP.
    Other(u8),
    /// The client has gone before it was answered.
    Gone,
}

impl Server {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (tell, seen) = channel();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (stream, tell) = (stream.unwrap(), tell.clone());
                thread::spawn(move || serve(stream, tell));
            }
        });
        Self { address, seen }
    }

    fn saw(&self) -> Seen {
        self.seen.recv_timeout(LONG).unwrap()
    }
}

fn serve(mut stream: TcpStream, tell: Sender<Seen>) -> Option<()> {
    let mut lines = BufReader::new(stream.try_clone().ok()?);
    let first = *lines.fill_buf().ok()?.first()?;
    if !first.is_ascii_alphabetic() {
        tell.send(Seen::Other(first)).ok()?;
        return None;
    }
    let head: Vec<String> =
        lines.by_ref().lines().map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
    let host = head.iter().find_map(|line| line.strip_prefix("host: ")).unwrap_or_default();
    tell.send(Seen::Request(head[0].clone(), host.to_string())).ok()?;

    let ok = "HTTP/1.1 200 OK\r\n";
    match head[0].split(' ').nth(1)? {
        "/hello" => write!(stream, "{ok}content-length: 5\r\n\r\nhello").ok(),
        "/until-closed" => write!(stream, "{ok}\r\nhello").ok(),
        "/chunks" => {
            write!(stream, "{ok}transfer-encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n")
                .ok()
        }
        "/cut-short" => write!(stream, "{ok}content-length: 9\r\n\r\nhello").ok(),
        "/nonsense" => write!(stream, "hello\r\n\r\n").ok(),
        "/away" => {
            write!(stream, "HTTP/1.1 302 Found\r\nlocation: /hello\r\ncontent-length: 0\r\n\r\n")
                .ok()
        }
        "/many-headers" => {
            let many: String = (0..1_000).map(|n| format!("x-{n}: y\r\n")).collect();
            write!(stream, "{ok}{many}\r\n").ok()
        }
        "/large" => {
            write!(stream, "{ok}content-length: {LARGE}\r\n\r\n").ok()?;
            stream.write_all(&vec![b'x'; LARGE]).ok()
        }
        "/post" => {
            let chunked = lines.lines().map_while(Result::ok).take_while(|line| line != "0");
            let body: String = chunked.skip(1).step_by(2).collect();
            tell.send(Seen::Body(body)).ok()?;
            write!(stream, "{ok}content-length: 0\r\n\r\n").ok()
        }
        "/begun" => {
            write!(stream, "{ok}content-length: 9\r\n\r\nhello").ok()?;
            wait_for_end(lines, tell)
        }
        _ => wait_for_end(lines, tell),
    }
}

const LARGE: usize = 5 << 20;

/// Says nothing until the client goes.
fn wait_for_end(mut stream: impl Read, tell: Sender<Seen>) -> Option<()> {
    while matches!(stream.read(&mut [0; 64]), Ok(1..)) {}
    tell.send(Seen::Gone).ok()
}

/// The guest, under rules in which `PORT` stands for a port.
fn granted(rules: &[&str], port: u16) -> Runtime {
    let mut package = support::package("web");
    let rule = |rule: &&str| rule.replace("PORT", &port.to_string());
    package.config.capabilities.allow_net = rules.iter().map(rule).collect();
    support::load(package).build().unwrap()
}

async fn get(runtime: &Runtime, authority: &str, path: &str) -> SurrealismResult<(u16, String)> {
    let args = (authority.to_string(), path.to_string(), false);
    let answer = runtime.call("get", args, DetachedContext::new()).timeout(LONG).await?;
    Ok(<(u16, String)>::from_value(answer).unwrap())
}

#[tokio::test]
async fn requests_go_where_the_rules_say() {
    let (server, other) = (Server::start(), Server::start());
    let (port, other_port) = (server.address.port(), other.address.port());
    for (rules, hosts) in [
        // An address in another spelling is that address; a name needs a rule for itself.
        (&["127.0.0.1"][..], &[("127.0.0.1", true), ("0x7f.1", true), ("localhost", false)][..]),
        (&["127.0.0.0/8"], &[("127.0.0.1", true)]),
        (&["10.0.0.0/8"], &[("127.0.0.1", false), ("0x7f.1", false)]),
        (
            &["localhost", "127.0.0.1:PORT"],
            &[("localhost", true), ("LOCALHOST", true), ("example.com", false)],
        ),
        // What a name resolves to is its owner's word: it opens nothing of this machine's.
        (&["localhost:PORT"], &[("localhost", false), ("127.0.0.1", false)]),
        (&[], &[("127.0.0.1", false)]),
    ] {
        let runtime = granted(rules, port);
        for (host, reaches) in hosts {
            let what = format!("{rules:?} to {host}");
            let authority = format!("{host}:{port}");
            match get(&runtime, &authority, "/hello").await {
                Ok(answer) => {
                    assert!(*reaches, "{what}");
                    assert_eq!(answer, (200, "hello".to_string()), "{what}");
                    let head = "GET /hello HTTP/1.1".to_string();
                    assert_eq!(server.saw(), Seen::Request(head, authority), "{what}");
                }
                Err(error) => {
                    assert!(!reaches, "{what}: {error}");
                    assert_says(&error, &["HttpRequestDenied"]);
                }
            }
            assert!(server.seen.try_recv().is_err(), "{what}");
        }
    }
    let one_port = granted(&["127.0.0.1:PORT"], port);
    let error = get(&one_port, &format!("127.0.0.1:{other_port}"), "/hello").await.unwrap_err();
    assert_says(&error, &["HttpRequestDenied"]);
    assert!(other.seen.try_recv().is_err());
}

#[tokio::test]
async fn answers_arrive_as_they_are() {
    let server = Server::start();
    let authority = server.address.to_string();
    let runtime = granted(&["127.0.0.1"], 0);
    let hello = || "hello".to_string();
    for (path, expected) in [
        ("/hello", Ok((200, hello()))),
        ("/until-closed", Ok((200, hello()))),
        ("/chunks", Ok((200, hello()))),
        // Nobody follows it but the guest, which would have to ask again.
        ("/away", Ok((302, String::new()))),
        ("/cut-short", Err("error reading a body")),
        ("/nonsense", Err("HttpProtocolError")),
        ("/many-headers", Err("HttpProtocolError")),
    ] {
        match (get(&runtime, &authority, path).await, expected) {
            (Ok(answer), Ok(expected)) => assert_eq!(answer, expected, "{path}"),
            (Err(error), Err(expected)) => assert_says(&error, &[expected]),
            (got, _) => panic!("{path}: {got:?}"),
        }
        server.saw();
    }

    let args = (authority.clone(), "/large".to_string());
    let size = runtime.call("measure", args, DetachedContext::new()).timeout(LONG).await.unwrap();
    assert_eq!(size, value(LARGE as i64));
    server.saw();

    let text = "0123456789".repeat(10_000);
    let args = (authority, "/post".to_string(), text.clone());
    runtime.call("post", args, DetachedContext::new()).timeout(LONG).await.unwrap();
    server.saw();
    assert_eq!(server.saw(), Seen::Body(text));
}

#[tokio::test]
async fn a_secure_request_speaks_tls_or_not_at_all() {
    let server = Server::start();
    let runtime = granted(&["127.0.0.1"], 0);
    let args = (server.address.to_string(), "/hello".to_string(), true);
    let call = runtime.call("get", args, DetachedContext::new()).timeout(LONG);
    assert_says(&call.await.unwrap_err(), &["TlsProtocolError"]);
    const HANDSHAKE: u8 = 22;
    assert_eq!(server.saw(), Seen::Other(HANDSHAKE));
}

// Two threads: one waits for the server to tell, one ends what was cancelled.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_ends_with_its_call() {
    let server = Server::start();
    let authority = server.address.to_string();
    let runtime = granted(&["127.0.0.1"], 0);
    for path in ["/never", "/begun"] {
        let args = (authority.clone(), path.to_string(), false);
        let began = Instant::now();
        let call = runtime.call("get", args.clone(), DetachedContext::new());
        let error = call.timeout(Duration::from_millis(200)).await.unwrap_err();
        assert!(error.is_timeout() && began.elapsed() < LONG / 2, "{path}: {error}");
        server.saw();
        assert_eq!(server.saw(), Seen::Gone, "{path}, out of time");

        let call = runtime.call("get", args, DetachedContext::new()).into_future();
        tokio::time::timeout(Duration::from_millis(200), call).await.unwrap_err();
        server.saw();
        assert_eq!(server.saw(), Seen::Gone, "{path}, cancelled");
    }
}

#[tokio::test]
async fn there_are_only_so_many_requests_at_a_time() {
    let server = Server::start();
    let runtime = granted(&["127.0.0.1"], 0);
    let args = (server.address.to_string(), 1_000_i64);
    let error = runtime.call("flood", args, DetachedContext::new()).timeout(LONG).await;
    let error = error.unwrap_err();
    assert!(error.is_trap(), "{error}");
    assert_eq!(runtime.usage().instances.current, 0);
}
