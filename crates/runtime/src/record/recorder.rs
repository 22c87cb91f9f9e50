//! Writes recordings.

use std::cmp::Reverse;
use std::fmt;
use std::io::{self, BufWriter, Write};
use std::sync::{Arc, Mutex};

use surrealdb_types::Value;
use surrealism_types::json::to_json_lossless;

use super::format::{CallLine, Header, Outcome, VERSION};
use crate::error::Error;
use crate::limits::{
    DEFAULT_MAX_RECORDED_CALL_BYTES, DEFAULT_MAX_RECORDING_BYTES, MAX_RECORDED_LINE_BYTES,
};
use crate::sync::lock;
use crate::tape::{Tape, blank};

/// Writes calls and what the host answered. Clones write to the same recording, so that several modules may
/// share one.
///
/// Each call is written when it ends, on the thread that polls it. When writing fails, calls go on and are
/// not recorded; [`flush`](Self::flush) returns the error.
#[derive(Clone)]
pub struct Recorder {
    output: Arc<Mutex<Output>>,
    secrets: Arc<[String]>,
    max_call_bytes: usize,
}

struct Output {
    writer: BufWriter<Box<dyn Write + Send>>,
    has_header: bool,
    left_bytes: u64,
    recorded: Recorded,
    failure: Option<io::Error>,
}

/// What a recorder has written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Recorded {
    /// Calls of the recording.
    pub calls: u64,
    /// Those of them that were cut, since they were too large.
    pub cut: u64,
    /// Calls that had no room in the recording any more.
    pub left_out: u64,
}

impl Recorder {
    /// Returns a recorder that writes to `writer`.
    pub fn new(writer: impl Write + Send + 'static) -> Self {
        let output = Output {
            writer: BufWriter::new(Box::new(writer)),
            has_header: false,
            left_bytes: DEFAULT_MAX_RECORDING_BYTES,
            recorded: Recorded::default(),
            failure: None,
        };
        Self {
            output: Arc::new(Mutex::new(output)),
            secrets: Arc::default(),
            max_call_bytes: DEFAULT_MAX_RECORDED_CALL_BYTES,
        }
    }

    /// Replaces these texts by `[secret]`, wherever they are in what is recorded.
    pub fn secrets(mut self, secrets: impl IntoIterator<Item = String>) -> Self {
        let mut secrets: Vec<_> = secrets.into_iter().filter(|secret| !secret.is_empty()).collect();
        // One that contains another goes first.
        secrets.sort_by_key(|secret| Reverse(secret.len()));
        self.secrets = secrets.into();
        self
    }

    /// Limits the size of one call, in bytes of the recording. A larger one is cut, and cannot be replayed.
    /// Default: [`DEFAULT_MAX_RECORDED_CALL_BYTES`]. At most [`MAX_RECORDED_LINE_BYTES`].
    pub fn max_call_bytes(mut self, bytes: usize) -> Self {
        self.max_call_bytes = bytes.min(MAX_RECORDED_LINE_BYTES);
        self
    }

    /// Limits the size of the recording, in bytes. Later calls are left out. Default:
    /// [`DEFAULT_MAX_RECORDING_BYTES`].
    pub fn max_bytes(self, bytes: u64) -> Self {
        lock(&self.output).left_bytes = bytes;
        self
    }

    /// Writes what is still buffered, and returns what was recorded.
    ///
    /// # Errors
    ///
    /// When something could not be written, now or before.
    pub fn flush(&self) -> io::Result<Recorded> {
        let mut output = lock(&self.output);
        output.ensure_header()?;
        if let Some(failure) = output.failure.take() {
            return Err(failure);
        }
        output.writer.flush()?;
        Ok(output.recorded)
    }

    /// Begins to record a call.
    pub(crate) fn begin(
        &self,
        module: String,
        function: Option<&str>,
        args: &[Value],
    ) -> CallRecorder {
        let mut args: Vec<_> = args.iter().map(to_json_lossless).collect();
        args.iter_mut().for_each(|arg| blank(arg, &self.secrets));
        let line = CallLine {
            module,
            function: function.map(str::to_string),
            args,
            host: Vec::new(),
            cut: false,
            outcome: Outcome::Cancelled,
        };
        let tape = Tape::record(self.max_call_bytes, self.secrets.clone());
        CallRecorder { recorder: self.clone(), line: Some(line), tape: Arc::new(tape) }
    }
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorder")
            .field("recorded", &lock(&self.output).recorded)
            .field("max_call_bytes", &self.max_call_bytes)
            .finish_non_exhaustive()
    }
}

impl Output {
    fn ensure_header(&mut self) -> io::Result<()> {
        if !std::mem::replace(&mut self.has_header, true) {
            self.write_line(&serde_json::to_vec(&Header { surrealism_recording: VERSION })?)?;
        }
        Ok(())
    }

    fn write_line(&mut self, line: &[u8]) -> io::Result<()> {
        self.writer.write_all(line)?;
        self.writer.write_all(b"\n")
    }

    fn write_call(&mut self, line: &[u8], is_cut: bool) -> io::Result<()> {
        self.ensure_header()?;
        let Some(left) = self.left_bytes.checked_sub(line.len() as u64 + 1) else {
            // A smaller call that comes later would look like the next one.
            self.left_bytes = 0;
            self.recorded.left_out += 1;
            return Ok(());
        };
        self.left_bytes = left;
        self.write_line(line)?;
        self.recorded.calls += 1;
        self.recorded.cut += u64::from(is_cut);
        Ok(())
    }
}

/// Records one call. When it is dropped before the call ends, the call was cancelled.
pub(crate) struct CallRecorder {
    recorder: Recorder,
    /// `None` once it is written.
    line: Option<CallLine>,
    tape: Arc<Tape>,
}

impl CallRecorder {
    pub(crate) fn tape(&self) -> Arc<Tape> {
        self.tape.clone()
    }

    /// Writes the call, unless it never began.
    pub(crate) fn finish(mut self, result: &Result<Value, Error>) {
        if result.as_ref().is_err_and(Error::is_retryable) {
            self.line = None;
        } else {
            self.write(Outcome::new(result));
        }
    }

    fn write(&mut self, mut outcome: Outcome) {
        let Some(mut line) = self.line.take() else { return };
        outcome.blank(&self.recorder.secrets);
        let recorded = self.tape.take_recorded();
        (line.host, line.cut, line.outcome) = (recorded.calls, recorded.is_cut, outcome);
        let json = self.to_json(line);
        let mut output = lock(&self.recorder.output);
        if output.failure.is_some() {
            return;
        }
        if let Err(error) = json.and_then(|(json, cut)| output.write_call(&json, cut)) {
            output.failure = Some(error);
        }
    }

    /// Returns the line, and whether it is cut.
    fn to_json(&self, line: CallLine) -> io::Result<(Vec<u8>, bool)> {
        let json = serde_json::to_vec(&line)?;
        if json.len() <= self.recorder.max_call_bytes {
            return Ok((json, line.cut));
        }
        let (host, args, outcome) = (Vec::new(), Vec::new(), Outcome::Cancelled);
        Ok((serde_json::to_vec(&CallLine { host, args, outcome, cut: true, ..line })?, true))
    }
}

impl Drop for CallRecorder {
    fn drop(&mut self) {
        self.write(Outcome::Cancelled);
    }
}
