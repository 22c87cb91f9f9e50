//! What a guest prints: line by line to the context of the call, and not without bound.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

use crate::host::OutputCallback;
use crate::limits::{MAX_OUTPUT_BYTES_PER_CALL, MAX_OUTPUT_LINE_BYTES, TRAP_MESSAGE_BYTES};

/// One of a guest's two outputs. Clones share it.
#[derive(Clone, Default)]
pub(crate) struct Output(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    /// Where lines go; nowhere while no context is installed.
    callback: Option<OutputCallback>,
    /// What was printed since the last line feed.
    line: Vec<u8>,
    /// What was printed in this call, in bytes.
    printed: usize,
    /// Whether more than a call may print was printed.
    stopped: bool,
    /// The end of what was printed since the guest was entered.
    tail: Vec<u8>,
}

impl Output {
    /// Output goes to `callback` from now on, or nowhere, and nothing of the calls before is left.
    pub(crate) fn install(&self, callback: Option<OutputCallback>) {
        let state = State { callback, ..State::default() };
        // The callback before is the host's, and is dropped outside the lock.
        let _before = std::mem::replace(&mut *self.state(), state);
    }

    /// Begins another call.
    pub(crate) fn renew(&self) {
        let mut state = self.state();
        *state = State { callback: state.callback.take(), ..State::default() };
    }

    /// Hands on a last line that has no line feed.
    pub(crate) fn finish(&self) {
        let (callback, rest) = {
            let mut state = self.state();
            (state.callback.clone(), std::mem::take(&mut state.line))
        };
        if let Some(callback) = callback.filter(|_| !rest.is_empty()) {
            callback(&String::from_utf8_lossy(&rest));
        }
    }

    /// Begins another of a call's ways into the guest.
    pub(crate) fn forget_tail(&self) {
        self.state().tail.clear();
    }

    /// The end of what was printed since the guest was entered.
    pub(crate) fn tail(&self) -> String {
        String::from_utf8_lossy(&self.state().tail).into_owned()
    }

    fn print(&self, bytes: &[u8]) {
        let (callback, lines) = {
            let mut state = self.state();
            let lines = state.take_in(bytes);
            (state.callback.clone(), lines)
        };
        // Outside the lock: the callback is the host's, and may panic.
        if let Some(callback) = callback {
            lines.iter().for_each(|line| callback(line));
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Takes bytes in and answers the lines that they complete.
    fn take_in(&mut self, bytes: &[u8]) -> Vec<String> {
        self.keep_tail(bytes);
        let fits = bytes.len().min(MAX_OUTPUT_BYTES_PER_CALL - self.printed);
        let overflows = bytes.len() > fits && !std::mem::replace(&mut self.stopped, true);
        self.printed += fits;

        let mut lines = Vec::new();
        for piece in bytes[..fits].split_inclusive(|byte| *byte == b'\n') {
            self.line.extend_from_slice(piece);
            while self.line.len() > MAX_OUTPUT_LINE_BYTES {
                let rest = self.line.split_off(character_start(&self.line, MAX_OUTPUT_LINE_BYTES));
                lines.push(text(&std::mem::replace(&mut self.line, rest)));
            }
            if self.line.ends_with(b"\n") {
                lines.push(text(&std::mem::take(&mut self.line)));
            }
        }
        if overflows {
            if !self.line.is_empty() {
                lines.push(text(&std::mem::take(&mut self.line)));
            }
            lines.push(format!(
                "[output stopped: one call may print {MAX_OUTPUT_BYTES_PER_CALL} bytes]"
            ));
        }
        lines
    }

    fn keep_tail(&mut self, bytes: &[u8]) {
        let bytes = &bytes[bytes.len().saturating_sub(TRAP_MESSAGE_BYTES)..];
        let excess = (self.tail.len() + bytes.len()).saturating_sub(TRAP_MESSAGE_BYTES);
        self.tail.drain(..excess);
        self.tail.extend_from_slice(bytes);
    }
}

/// The last place at or before `at` where a UTF-8 character may begin.
fn character_start(line: &[u8], at: usize) -> usize {
    let begins = |place: &usize| line[*place] & 0xc0 != 0x80;
    (at.saturating_sub(3)..=at).rev().find(begins).unwrap_or(at)
}

/// A line as text, without its line feed.
fn text(line: &[u8]) -> String {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    String::from_utf8_lossy(line).into_owned()
}

impl IsTerminal for Output {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Output {
    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }

    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }
}

#[async_trait::async_trait]
impl Pollable for Output {
    async fn ready(&mut self) {}
}

impl OutputStream for Output {
    fn write(&mut self, bytes: bytes::Bytes) -> StreamResult<()> {
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

impl AsyncWrite for Output {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
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
        let sink = lines.clone();
        let output = Output::default();
        output.install(Some(Arc::new(move |line| sink.lock().unwrap().push(line.to_string()))));
        pieces.iter().for_each(|piece| output.print(piece));
        output.finish();
        output.install(None);
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
    fn a_flood_in_even_pieces_is_noted_as_well() {
        let piece = [b"x".repeat(1023).as_slice(), b"\n"].concat();
        let mut pieces = vec![&piece[..]; MAX_OUTPUT_BYTES_PER_CALL / piece.len()];
        assert!(!printed(&pieces).concat().contains("output stopped"));
        pieces.extend([&piece[..], &piece[..]]);
        assert_eq!(printed(&pieces).concat().matches("output stopped").count(), 1);
    }

    #[test]
    fn the_tail_is_the_end() {
        let output = Output::default();
        output.print(&b"a".repeat(TRAP_MESSAGE_BYTES));
        output.print(b"the end");
        assert_eq!(output.tail().len(), TRAP_MESSAGE_BYTES);
        assert!(output.tail().ends_with("the end"));
        output.renew();
        assert_eq!(output.tail(), "");
    }
}
