//! Databases that cannot be connected to. `tests/drop-in` has the tests against a real server.

use std::time::{Duration, Instant};

use surrealism_surrealdb::{ConnectOptions, Credentials, Database, DatabaseError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

const SECRET: &str = "hunter2";

/// Far more than a failure takes on a busy machine.
const LATE: Duration = Duration::from_secs(5);

/// Connects in vain and returns the error, without a secret in it.
async fn connect_error(connect: ConnectOptions) -> DatabaseError {
    let shown = format!("{connect:?}");
    assert!(!shown.contains(SECRET), "{shown}");
    let error = connect.await.unwrap_err();
    assert!(!format!("{error} {error:?}").contains(SECRET), "{error:?}");
    error
}

#[tokio::test]
async fn a_closed_port_fails_at_once() {
    // Bound and dropped, so the port is closed.
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    for scheme in ["ws", "wss", "http", "https"] {
        let began = Instant::now();
        let connect = Database::connect(format!("{scheme}://{free}"))
            .credentials(Credentials::root("root", SECRET));
        let error = connect_error(connect).await;
        let DatabaseError::Unreachable { address, .. } = &error else { panic!("{error:?}") };
        assert_eq!(address, &format!("{scheme}://{free}/"));
        assert!(error.to_string().contains("cannot be reached"), "{error}");
        assert!(began.elapsed() < LATE, "{scheme}: {:?}", began.elapsed());
    }
}

#[tokio::test]
async fn a_server_without_tls_is_an_error() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(async move {
        loop {
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut hello = [0; 3];
            socket.read_exact(&mut hello).await.unwrap();
            const TLS_HANDSHAKE: u8 = 22;
            assert_eq!(hello[0], TLS_HANDSHAKE);
        }
    });
    for scheme in ["wss", "https"] {
        let error = connect_error(Database::connect(format!("{scheme}://{address}"))).await;
        assert!(matches!(error, DatabaseError::Unreachable { .. }), "{error:?}");
    }
    server.abort();
    assert!(server.await.unwrap_err().is_cancelled());
}

/// A server that goes away while a client connects, or is none.
#[tokio::test]
async fn a_server_that_hangs_up_is_an_error() {
    for response in [
        &b""[..],
        b"\0\x01\x02",
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhello",
        b"HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nlocation: /elsewhere\r\ncontent-length: 0\r\n\r\n",
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(async move {
            loop {
                let (mut socket, _) = listener.accept().await.unwrap();
                let _ = socket.read(&mut [0; 4096]).await;
                let _ = socket.write_all(response).await;
            }
        });
        for scheme in ["ws", "http"] {
            let began = Instant::now();
            let connect = Database::connect(format!("{scheme}://{address}"))
                .credentials(Credentials::root("root", SECRET))
                .connect_timeout(LATE);
            let error = connect_error(connect).await;
            let shown = String::from_utf8_lossy(response);
            let is_unreachable = matches!(error, DatabaseError::Unreachable { .. });
            assert!(is_unreachable, "{scheme}, {shown:?}: {error}");
            assert!(began.elapsed() < 2 * LATE, "{scheme}, {shown:?}: {:?}", began.elapsed());
        }
        server.abort();
    }
}

#[tokio::test]
async fn a_silent_server_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    for scheme in ["ws", "http"] {
        let began = Instant::now();
        let connect = Database::connect(format!("{scheme}://{address}"))
            .connect_timeout(Duration::from_millis(100));
        let error = connect_error(connect).await;
        assert!(error.to_string().contains("no connection within 100ms"), "{error}");
        assert!(began.elapsed() < LATE, "{scheme}: {:?}", began.elapsed());
    }
}

#[tokio::test]
async fn invalid_options_fail_before_anything_is_connected() {
    let server = || Database::connect("ws://127.0.0.1:9");
    let user = || Credentials::database("ada", SECRET);
    for (connect, expected) in [
        (
            Database::connect(format!("ws://ada:{SECRET}@127.0.0.1")),
            "as credentials and options would",
        ),
        (server().database("d"), "the database \"d\" needs a namespace"),
        (server().credentials(user()), "user \"ada\" need a namespace"),
        (server().namespace("n").credentials(user()), "user \"ada\" need a database"),
        (server().certificate_authority("text"), "contains no PEM certificate"),
    ] {
        let error = connect_error(connect).await;
        assert!(matches!(error, DatabaseError::InvalidConfig(_)), "{error:?}");
        assert!(error.to_string().contains(expected), "{error}");
    }
}
