//! Outbound `wasi:http` against a small server on loopback.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Instant;

use surrealdb_types::SurrealValue;
use surrealism_runtime::{DetachedContext, Error, ErrorKind, Runtime};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::support::{
    AMPLE, PATIENCE, Transcript, assert_error_contains, load, package, value, without_backtrace,
};

/// A server on a free port of loopback that reports what happens.
struct Server {
    address: SocketAddr,
    events: UnboundedReceiver<Event>,
}

#[derive(Debug, PartialEq, Eq)]
enum Event {
    /// The first line of a request, and its `host`.
    Request(String, String),
    /// The body of a request.
    Body(String),
    /// The first byte of something other than HTTP.
    NotHttp(u8),
    /// The client closed the connection before it had its response.
    Closed,
}

impl Server {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, events) = unbounded_channel();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (stream, sender) = (stream.unwrap(), sender.clone());
                thread::spawn(move || serve(stream, sender));
            }
        });
        Self { address, events }
    }

    async fn next_event(&mut self) -> Event {
        let event = tokio::time::timeout(PATIENCE, self.events.recv()).await;
        event.expect("an event in time").unwrap()
    }

    async fn expect_request(&mut self) {
        let event = self.next_event().await;
        assert!(matches!(event, Event::Request(..)), "{event:?}");
    }
}

/// Serves one request; `None` where the client is gone.
fn serve(mut stream: TcpStream, sender: UnboundedSender<Event>) -> Option<()> {
    let mut lines = BufReader::new(stream.try_clone().ok()?);
    let first = *lines.fill_buf().ok()?.first()?;
    if !first.is_ascii_alphabetic() {
        sender.send(Event::NotHttp(first)).ok()?;
        return None;
    }
    let head: Vec<String> =
        lines.by_ref().lines().map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
    let host = head.iter().find_map(|line| line.strip_prefix("host: ")).unwrap_or_default();
    sender.send(Event::Request(head[0].clone(), host.to_string())).ok()?;

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
            sender.send(Event::Body(body)).ok()?;
            write!(stream, "{ok}content-length: 0\r\n\r\n").ok()
        }
        "/begun" => {
            write!(stream, "{ok}content-length: 9\r\n\r\nhello").ok()?;
            wait_for_close(lines, sender)
        }
        _ => wait_for_close(lines, sender),
    }
}

const LARGE: usize = 5 << 20;

/// Sends nothing until the client closes the connection.
fn wait_for_close(mut stream: impl Read, sender: UnboundedSender<Event>) -> Option<()> {
    while matches!(stream.read(&mut [0; 64]), Ok(1..)) {}
    sender.send(Event::Closed).ok()
}

/// The guest, with an `allow_net` in which `PORT` stands for `port`.
fn allowing(rules: &[&str], port: u16) -> Runtime {
    let mut package = package("web");
    let rule = |rule: &&str| rule.replace("PORT", &port.to_string());
    package.config.capabilities.allow_net = rules.iter().map(rule).collect();
    load(package).build().unwrap()
}

async fn get(runtime: &Runtime, authority: &str, path: &str) -> Result<(u16, String), Error> {
    let args = (authority.to_string(), path.to_string(), false);
    let response = runtime.call("get", args, DetachedContext::new()).timeout(PATIENCE).await?;
    Ok(<(u16, String)>::from_value(response).unwrap())
}

#[tokio::test]
async fn requests_go_only_where_the_rules_allow() {
    let (mut server, mut other) = (Server::start(), Server::start());
    let (port, other_port) = (server.address.port(), other.address.port());
    for (rules, hosts) in [
        // Another spelling of an address is that address; a name needs a rule of its own.
        (&["127.0.0.1"][..], &[("127.0.0.1", true), ("0x7f.1", true), ("localhost", false)][..]),
        (&["127.0.0.0/8"], &[("127.0.0.1", true)]),
        (&["10.0.0.0/8"], &[("127.0.0.1", false), ("0x7f.1", false)]),
        (
            &["localhost", "127.0.0.1:PORT"],
            &[("localhost", true), ("LOCALHOST", true), ("example.com", false)],
        ),
        // The owner of a name decides what it resolves to, so a name does not open loopback.
        (&["localhost:PORT"], &[("localhost", false), ("127.0.0.1", false)]),
        (&[], &[("127.0.0.1", false)]),
    ] {
        let runtime = allowing(rules, port);
        for (host, reaches) in hosts {
            let what = format!("{rules:?} to {host}");
            let authority = format!("{host}:{port}");
            match get(&runtime, &authority, "/hello").await {
                Ok(response) => {
                    assert!(*reaches, "{what}");
                    assert_eq!(response, (200, "hello".to_string()), "{what}");
                    let head = "GET /hello HTTP/1.1".to_string();
                    assert_eq!(
                        server.next_event().await,
                        Event::Request(head, authority),
                        "{what}"
                    );
                }
                Err(error) => {
                    assert!(!reaches, "{what}: {error}");
                    assert_error_contains(&error, &["HttpRequestDenied", "does not ask for it"]);
                    assert!(matches!(error.kind(), ErrorKind::Denied(_)), "{what}: {error:?}");
                }
            }
            assert!(server.events.try_recv().is_err(), "{what}");
        }
    }
    let one_port = allowing(&["127.0.0.1:PORT"], port);
    let error = get(&one_port, &format!("127.0.0.1:{other_port}"), "/hello").await.unwrap_err();
    assert_error_contains(&error, &["HttpRequestDenied"]);
    assert!(other.events.try_recv().is_err());
}

#[tokio::test]
async fn responses_of_every_framing_arrive() {
    let mut server = Server::start();
    let authority = server.address.to_string();
    let runtime = allowing(&["127.0.0.1"], 0);
    let hello = || "hello".to_string();
    for (path, expected) in [
        ("/hello", Ok((200, hello()))),
        ("/until-closed", Ok((200, hello()))),
        ("/chunks", Ok((200, hello()))),
        // The host does not follow redirects.
        ("/away", Ok((302, String::new()))),
        ("/cut-short", Err("error reading a body")),
        ("/nonsense", Err("HttpProtocolError")),
        ("/many-headers", Err("HttpProtocolError")),
    ] {
        match (get(&runtime, &authority, path).await, expected) {
            (Ok(response), Ok(expected)) => assert_eq!(response, expected, "{path}"),
            (Err(error), Err(expected)) => assert_error_contains(&error, &[expected]),
            (got, _) => panic!("{path}: {got:?}"),
        }
        server.expect_request().await;
    }
}

#[tokio::test]
async fn bodies_larger_than_a_buffer_stream_in_both_directions() {
    let mut server = Server::start();
    let authority = server.address.to_string();
    let runtime = allowing(&["127.0.0.1"], 0);

    let args = (authority.clone(), "/large".to_string());
    let call = runtime.call("measure", args, DetachedContext::new()).timeout(PATIENCE);
    let size = call.await.unwrap();
    assert_eq!(size, value(LARGE as i64));
    server.expect_request().await;

    let text = "0123456789".repeat(10_000);
    let args = (authority, "/post".to_string(), text.clone());
    runtime.call("post", args, DetachedContext::new()).timeout(PATIENCE).await.unwrap();
    server.expect_request().await;
    assert_eq!(server.next_event().await, Event::Body(text));
}

#[tokio::test]
async fn an_https_request_sends_nothing_but_tls() {
    let mut server = Server::start();
    let runtime = allowing(&["127.0.0.1"], 0);
    let args = (server.address.to_string(), "/hello".to_string(), true);
    let call = runtime.call("get", args, DetachedContext::new()).timeout(PATIENCE);
    assert_error_contains(&call.await.unwrap_err(), &["TlsProtocolError"]);
    const HANDSHAKE: u8 = 22;
    assert_eq!(server.next_event().await, Event::NotHttp(HANDSHAKE));
}

#[tokio::test]
async fn a_timeout_closes_the_connection_of_a_request() {
    let mut server = Server::start();
    let runtime = allowing(&["127.0.0.1"], 0);
    for path in ["/never", "/begun"] {
        let args = (server.address.to_string(), path.to_string(), false);
        let call = runtime.call("get", args, DetachedContext::new()).timeout(AMPLE);
        let began = Instant::now();
        let error = call.await.unwrap_err();
        assert!(error.is_timeout() && began.elapsed() < PATIENCE / 2, "{path}: {error}");
        server.expect_request().await;
        assert_eq!(server.next_event().await, Event::Closed, "{path}");
    }
}

#[tokio::test]
async fn dropping_a_call_closes_the_connection_of_its_request() {
    let mut server = Server::start();
    let runtime = allowing(&["127.0.0.1"], 0);
    for path in ["/never", "/begun"] {
        let args = (server.address.to_string(), path.to_string(), false);
        let call = runtime.call("get", args, DetachedContext::new());
        tokio::select! {
            ended = call.into_future() => panic!("{path} is never served: {ended:?}"),
            () = server.expect_request() => {}
        }
        assert_eq!(server.next_event().await, Event::Closed, "{path}");
    }
}

#[tokio::test]
async fn concurrent_requests_of_one_instance_are_bounded() {
    let server = Server::start();
    let runtime = allowing(&["127.0.0.1"], 0);
    let args = (server.address.to_string(), 1_000_i64);
    let call = runtime.call("flood", args, DetachedContext::new()).timeout(PATIENCE);
    let error = call.await.unwrap_err();
    assert!(error.is_trap() && !error.is_timeout(), "{error}");
    let mut transcript = Transcript::default();
    transcript.add("a thousand requests at once", without_backtrace(&error));
    transcript.assert(|text| insta::assert_snapshot!(text));
    assert_eq!(runtime.usage().instances.current, 0);
}
