//! A guest's standard output and error: passed to the context of the call line by line, up to a limit.

use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamError, StreamResult};

use crate::host::OutputCallback;
use crate::limits::{
    MAX_OUTPUT_BYTES_PER_CALL, MAX_OUTPUT_LINE_BYTES, MIN_OUTPUT_LINE_CHARGE, TRAP_MESSAGE_BYTES,
};
use crate::observer::{GuestStream, InstanceObservers};
use crate::sync::lock;

/// A guest's standard output or error. Clones share it.
#[derive(Clone, Default)]
pub(crate) struct Stdio {
    state: Arc<Mutex<State>>,
    stream: GuestStream,
    observers: InstanceObservers,
}

#[derive(Default)]
struct State {
    /// Receives lines; `None` drops them, while no context is installed.
    sink: Option<OutputCallback>,
    /// The output since the last line feed.
    line: Vec<u8>,
    /// Bytes written during this call.
    printed: usize,
    /// Whether output was dropped, because the call had reached its limit.
    truncated: bool,
    /// The end of the output since the guest was last entered.
    tail: Vec<u8>,
}

impl Stdio {
    pub(crate) fn new(stream: GuestStream, observers: InstanceObservers) -> Self {
        Self { state: Arc::default(), stream, observers }
    }

    /// Replaces the sink, and discards the output of earlier calls.
    pub(crate) fn set_sink(&self, sink: Option<OutputCallback>) {
        let state = State { sink, ..State::default() };
        // The replaced sink is the host's code: it is dropped outside the lock.
        let _replaced = std::mem::replace(&mut *lock(&self.state), state);
    }

    /// Begins another call with the same sink.
    pub(crate) fn reset(&self) {
        let mut state = lock(&self.state);
        *state = State { sink: state.sink.take(), ..State::default() };
    }

    /// Passes on a last line that does not end with a line feed.
    pub(crate) fn flush_line(&self) {
        let (sink, line) = {
            let mut state = lock(&self.state);
            (state.sink.clone(), std::mem::take(&mut state.line))
        };
        if !line.is_empty() {
            self.pass_on(sink, &[decode_line(&line)]);
        }
    }

    /// Discards the tail, before the guest is entered again.
    pub(crate) fn clear_tail(&self) {
        lock(&self.state).tail.clear();
    }

    /// Returns the end of the output since the guest was last entered.
    pub(crate) fn tail(&self) -> String {
        String::from_utf8_lossy(&lock(&self.state).tail).into_owned()
    }

    fn print(&self, bytes: &[u8]) {
        let (sink, lines) = {
            let mut state = lock(&self.state);
            let lines = state.push(bytes);
            (state.sink.clone(), lines)
        };
        self.pass_on(sink, &lines);
    }

    /// Called outside the lock: observers and the sink are the host's code, and the sink may panic.
    fn pass_on(&self, sink: Option<OutputCallback>, lines: &[String]) {
        self.observers.tell_output(self.stream, lines);
        if let Some(sink) = sink {
            lines.iter().for_each(|line| sink(line));
        }
    }
}

impl State {
    /// Adds output, and returns the lines that it completes.
    fn push(&mut self, bytes: &[u8]) -> Vec<String> {
        self.update_tail(bytes);
        let mut lines = Vec::new();
        let mut overflows = false;
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let fits = piece.len().min(MAX_OUTPUT_BYTES_PER_CALL - self.printed);
            if fits < piece.len() {
                overflows = !std::mem::replace(&mut self.truncated, true);
            }
            self.printed += fits;
            self.line.extend_from_slice(&piece[..fits]);
            while self.line.len() > MAX_OUTPUT_LINE_BYTES {
                let rest = self.line.split_off(floor_char_start(&self.line, MAX_OUTPUT_LINE_BYTES));
                lines.push(decode_line(&std::mem::replace(&mut self.line, rest)));
            }
            if self.line.ends_with(b"\n") {
                let surcharge = MIN_OUTPUT_LINE_CHARGE.saturating_sub(self.line.len());
                self.printed = (self.printed + surcharge).min(MAX_OUTPUT_BYTES_PER_CALL);
                lines.push(decode_line(&std::mem::take(&mut self.line)));
            }
            if self.truncated {
                break;
            }
        }
        if overflows {
            if !self.line.is_empty() {
                lines.push(decode_line(&std::mem::take(&mut self.line)));
            }
            lines.push(format!(
                "[output stopped: one call may print {MAX_OUTPUT_BYTES_PER_CALL} bytes]"
            ));
        }
        lines
    }

    fn update_tail(&mut self, bytes: &[u8]) {
        let bytes = &bytes[bytes.len().saturating_sub(TRAP_MESSAGE_BYTES)..];
        let excess = (self.tail.len() + bytes.len()).saturating_sub(TRAP_MESSAGE_BYTES);
        self.tail.drain(..excess);
        self.tail.extend_from_slice(bytes);
    }
}

/// Returns the last index at or before `at` where a UTF-8 character may begin.
fn floor_char_start(line: &[u8], at: usize) -> usize {
    let is_start = |index: &usize| line[*index] & 0xc0 != 0x80;
    (at.saturating_sub(3)..=at).rev().find(is_start).unwrap_or(at)
}

/// Decodes a line, without its line feed.
fn decode_line(line: &[u8]) -> String {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    String::from_utf8_lossy(line).into_owned()
}

impl IsTerminal for Stdio {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Stdio {
    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }

    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }
}

#[async_trait::async_trait]
impl Pollable for Stdio {
    async fn ready(&mut self) {}
}

impl OutputStream for Stdio {
    /// Traps where the guest writes more than `check_write` permits, as the interface says.
    fn write(&mut self, bytes: bytes::Bytes) -> StreamResult<()> {
        if bytes.len() > MAX_OUTPUT_LINE_BYTES {
            return Err(StreamError::Trap(wasmtime::format_err!(
                "it writes {} bytes at once to its output, and {MAX_OUTPUT_LINE_BYTES} are permitted",
                bytes.len()
            )));
        }
        self.print(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(MAX_OUTPUT_LINE_BYTES)
    }
}

impl AsyncWrite for Stdio {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        let bytes = &bytes[..bytes.len().min(MAX_OUTPUT_LINE_BYTES)];
        self.print(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(pieces: &[&[u8]]) -> Vec<String> {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let target = lines.clone();
        let output = Stdio::default();
        output.set_sink(Some(Arc::new(move |line| target.lock().unwrap().push(line.to_string()))));
        pieces.iter().for_each(|piece| output.print(piece));
        output.flush_line();
        output.set_sink(None);
        Arc::try_unwrap(lines).unwrap().into_inner().unwrap()
    }

    #[test]
    fn lines_are_put_together_and_taken_apart() {
        let long = "x".repeat(MAX_OUTPUT_LINE_BYTES + 1);
        let wide = format!("{}é", &long[2..]);
        let cases: [(&[&[u8]], Vec<&str>); 7] = [
            (&[b"a\nb\n"], vec!["a", "b"]),
            (&[b"a", b"b\n", b"c"], vec!["ab", "c"]),
            (&[b"\n\n"], vec!["", ""]),
            (&[b"a\r\n"], vec!["a"]),
            (&[b"\xff\n"], vec!["\u{fffd}"]),
            (&[long.as_bytes()], vec![&long[1..], "x"]),
            (&[wide.as_bytes()], vec![&long[2..], "é"]),
        ];
        for (pieces, expected) in cases {
            assert_eq!(printed(pieces), expected);
        }
    }

    #[test]
    fn one_call_prints_no_more_than_it_may() {
        let line = [b"x".repeat(1023).as_slice(), b"\n"].concat();
        let flood = line.repeat(MAX_OUTPUT_BYTES_PER_CALL / line.len() + 10);
        let lines = printed(&[&flood, b"more\n"]);
        assert_eq!(lines.len(), MAX_OUTPUT_BYTES_PER_CALL / line.len() + 1);
        assert!(lines.last().unwrap().contains("output stopped"));
    }

    #[test]
    fn empty_lines_are_bounded_in_number() {
        let feeds = b"\n".repeat(MAX_OUTPUT_LINE_BYTES);
        let pieces = vec![&feeds[..]; 1_000];
        let lines = printed(&pieces);
        assert_eq!(lines.len(), MAX_OUTPUT_BYTES_PER_CALL / MIN_OUTPUT_LINE_CHARGE + 1);
        assert!(lines.last().unwrap().contains("output stopped"));
    }

    #[test]
    fn a_write_takes_no_more_than_check_write_permits() {
        let mut output = Stdio::default();
        let permitted = output.check_write().unwrap();
        output.write(vec![b'\n'; permitted].into()).unwrap();
        let error = output.write(vec![b'\n'; permitted + 1].into()).unwrap_err();
        assert!(matches!(error, StreamError::Trap(_)), "{error}");
        let mut cx = Context::from_waker(std::task::Waker::noop());
        let taken = Pin::new(&mut output).poll_write(&mut cx, &vec![b'\n'; permitted + 1]);
        assert!(matches!(taken, Poll::Ready(Ok(taken)) if taken == permitted));
    }

    #[test]
    fn a_limit_reached_exactly_is_reported_once() {
        let piece = [b"x".repeat(1023).as_slice(), b"\n"].concat();
        let mut pieces = vec![&piece[..]; MAX_OUTPUT_BYTES_PER_CALL / piece.len()];
        assert!(!printed(&pieces).concat().contains("output stopped"));
        pieces.extend([&piece[..], &piece[..]]);
        assert_eq!(printed(&pieces).concat().matches("output stopped").count(), 1);
    }

    #[test]
    fn the_tail_is_the_end() {
        let output = Stdio::default();
        output.print(&b"a".repeat(TRAP_MESSAGE_BYTES));
        output.print(b"the end");
        assert_eq!(output.tail().len(), TRAP_MESSAGE_BYTES);
        assert!(output.tail().ends_with("the end"));
        output.reset();
        assert_eq!(output.tail(), "");
    }
}
