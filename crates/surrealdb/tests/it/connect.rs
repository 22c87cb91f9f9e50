//! Databases that cannot be connected to. What one answers that can is tested against a real server,
//! in `tests/drop-in`.

use std::time::{Duration, Instant};

use surrealism_surrealdb::{Credentials, Database, DatabaseError};
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;

const SECRET: &str = "hunter2";

/// Long enough that a busy machine is no reason.
const LATE: Duration = Duration::from_secs(5);

async fn refused(connect: surrealism_surrealdb::ConnectOptions) -> DatabaseError {
    let shown = format!("{connect:?}");
    assert!(!shown.contains(SECRET), "{shown}");
    let error = connect.await.unwrap_err();
    assert!(!format!("{error} {error:?}").contains(SECRET), "{error:?}");
    error
}

#[tokio::test]
async fn nobody_there_is_told_at_once() {
    // Bound and dropped, so that nobody listens there.
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    for scheme in ["ws", "wss", "http", "https"] {
        let began = Instant::now();
        let connect = Database::connect(format!("{scheme}://{free}"))
            .credentials(Credentials::root("root", SECRET));
        let error = refused(connect).await;
        let DatabaseError::Unreachable { address, .. } = &error else { panic!("{error:?}") };
        assert_eq!(address, &format!("{scheme}://{free}/"));
        assert!(error.to_string().contains("cannot be reached"), "{error}");
        assert!(began.elapsed() < LATE, "{scheme}: {:?}", began.elapsed());
    }
}

#[tokio::test]
async fn a_server_that_speaks_no_tls_is_an_error() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(async move {
        loop {
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut hello = [0; 3];
            socket.read_exact(&mut hello).await.unwrap();
            // A handshake, as TLS has it.
            assert_eq!(hello[0], 22);
        }
    });
    for scheme in ["wss", "https"] {
        let error = refused(Database::connect(format!("{scheme}://{address}"))).await;
        assert!(matches!(error, DatabaseError::Unreachable { .. }), "{error:?}");
    }
    server.abort();
    assert!(server.await.unwrap_err().is_cancelled());
}

#[tokio::test]
async fn a_server_that_says_nothing_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    for scheme in ["ws", "http"] {
        let began = Instant::now();
        let connect = Database::connect(format!("{scheme}://{address}"))
            .connect_timeout(Duration::from_millis(100));
        let error = refused(connect).await;
        assert!(error.to_string().contains("no connection within 100ms"), "{error}");
        assert!(began.elapsed() < LATE, "{scheme}: {:?}", began.elapsed());
    }
}

#[tokio::test]
async fn mistakes_are_told_before_anything_is_connected() {
    let there = || Database::connect("ws://127.0.0.1:9");
    let user = || Credentials::database("ada", SECRET);
    for (connect, expected) in [
        (Database::connect(format!("ws://ada:{SECRET}@127.0.0.1")), "has credentials in it"),
        (there().database("d"), "the database \"d\" needs a namespace"),
        (there().credentials(user()), "user \"ada\" need a namespace"),
        (there().namespace("n").credentials(user()), "user \"ada\" need a database"),
        (there().certificate_authority("text"), "no PEM with a certificate"),
    ] {
        let error = refused(connect).await;
        assert!(matches!(error, DatabaseError::InvalidConfig(_)), "{error:?}");
        assert!(error.to_string().contains(expected), "{error}");
    }
}
