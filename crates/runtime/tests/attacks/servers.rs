//! Servers on loopback that answer as no client likes.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

/// How long a server that does not answer keeps a connection: longer than an attack takes.
const HELD: Duration = Duration::from_secs(2);

/// What a server does with each connection.
#[derive(Debug, Clone, Copy)]
pub(super) enum Answer {
    /// It reads nothing and sends nothing.
    Never,
    /// It closes it.
    Closed,
    /// A head, and then one part over and over.
    Endless { head: &'static str, part: &'static str },
    /// One byte of a response at a time.
    Slowly,
}

/// Starts a server on a free port, which it returns.
pub(super) fn start(answer: Answer) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            if !matches!(answer, Answer::Closed) {
                thread::spawn(move || respond(stream, answer));
            }
        }
    });
    port
}

fn respond(mut stream: TcpStream, answer: Answer) -> Option<()> {
    if let Answer::Never = answer {
        thread::sleep(HELD);
        return None;
    }
    let _request = stream.read(&mut [0; 4096]).ok()?;
    match answer {
        Answer::Endless { head, part } => {
            stream.write_all(head.as_bytes()).ok()?;
            let parts = part.repeat((16 << 10) / part.len());
            while stream.write_all(parts.as_bytes()).is_ok() {}
        }
        Answer::Slowly => {
            for byte in b"HTTP/1.1 200 OK\r\n".iter().chain(b"x: y\r\n".iter().cycle()) {
                stream.write_all(&[*byte]).ok()?;
                thread::sleep(Duration::from_millis(5));
            }
        }
        Answer::Never | Answer::Closed => {}
    }
    stream.shutdown(Shutdown::Both).ok()
}
