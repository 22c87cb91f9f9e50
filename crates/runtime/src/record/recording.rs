//! Reads recordings, which are untrusted.

use std::io::{BufRead, Read};

use anyhow::{Context, Result, bail, ensure};
use surrealdb_types::{Kind, Value};
use surrealism_types::json::from_json;

use super::format::{CallLine, Header, Outcome, VERSION};
use crate::limits::MAX_RECORDED_LINE_BYTES;
use crate::tape::HostCall;

/// The calls of a recording, read one after the other.
#[derive(Debug)]
pub struct Recording<R> {
    /// `None` after a line that is too long: the next one does not begin where it ends.
    reader: Option<R>,
    line: usize,
}

/// A call of a recording.
#[derive(Debug, Clone)]
pub struct RecordedCall {
    line: CallLine,
    number: usize,
}

impl<R: BufRead> Recording<R> {
    /// Begins to read a recording.
    ///
    /// # Errors
    ///
    /// When it cannot be read, or its first line is not that of a recording of this version.
    pub fn open(reader: R) -> Result<Self> {
        let mut recording = Self { reader: Some(reader), line: 0 };
        let Some(first) = recording.read_line()? else {
            bail!("it is not a recording: it is empty");
        };
        let header: Header = serde_json::from_slice(&first)
            .context("it is not a recording: its first line says something else")?;
        let version = header.surrealism_recording;
        ensure!(
            version == VERSION,
            "the recording has the version {version}, and this program reads version {VERSION}: use the \
             program that wrote it"
        );
        Ok(recording)
    }

    /// Reads a line without its line feed; `None` at the end.
    fn read_line(&mut self) -> Result<Option<Vec<u8>>> {
        let Some(mut reader) = self.reader.take() else { return Ok(None) };
        let mut line = Vec::new();
        let most = MAX_RECORDED_LINE_BYTES as u64 + 1;
        if reader.by_ref().take(most).read_until(b'\n', &mut line)? == 0 {
            return Ok(None);
        }
        self.line += 1;
        if line.last() == Some(&b'\n') {
            line.pop();
        }
        ensure!(
            line.len() <= MAX_RECORDED_LINE_BYTES,
            "line {} takes more than {MAX_RECORDED_LINE_BYTES} bytes: it was not written by a recorder",
            self.line
        );
        self.reader = Some(reader);
        Ok(Some(line))
    }

    fn next_call(&mut self) -> Result<Option<RecordedCall>> {
        let Some(line) = self.read_line()? else { return Ok(None) };
        let number = self.line - 1;
        let line = serde_json::from_slice(&line)
            .with_context(|| format!("line {} is not a recorded call", self.line))?;
        Ok(Some(RecordedCall { line, number }))
    }
}

impl<R: BufRead> Iterator for Recording<R> {
    type Item = Result<RecordedCall>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_call().transpose()
    }
}

impl RecordedCall {
    /// Returns the number of the call in the recording, from 1.
    pub fn number(&self) -> usize {
        self.number
    }

    /// Returns the module that was called, as `acme/demo 0.1.0`.
    pub fn module(&self) -> &str {
        &self.line.module
    }

    /// Returns the name of the function; `None` is the default export.
    pub fn function(&self) -> Option<&str> {
        self.line.function.as_deref()
    }

    /// Returns the call as text: the function, and its arguments as JSON.
    pub fn text(&self) -> String {
        let function = self.function().unwrap_or("default");
        HostCall::new(function, self.line.args.clone()).shown()
    }

    /// Returns the arguments.
    pub(crate) fn args(&self) -> Result<Vec<Value>> {
        self.line.args.iter().map(|arg| Ok(from_json(arg, &Kind::Any)?)).collect()
    }

    pub(crate) fn host_calls(&self) -> &[HostCall] {
        &self.line.host
    }

    pub(crate) fn outcome(&self) -> &Outcome {
        &self.line.outcome
    }

    pub(crate) fn is_cut(&self) -> bool {
        self.line.cut
    }
}
