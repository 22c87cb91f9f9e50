//! Answers for `sql` and `run` without a database: a value of SurrealQL on each line.

use std::fs::File;
use std::io::{self, BufRead, Read};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use std::vec;

use anyhow::{Context, Result, bail, ensure};
use async_trait::async_trait;
use bytesize::ByteSize;
use surrealdb_types::{Object, ToSql, Value};
use surrealism_runtime::host::OutputCallback;
use surrealism_runtime::{InvocationContext, KVStore, Runtime, SurrealismConfig};

use crate::error::{dedup_chain, with_source};
use crate::executor::block_on;
use crate::literal;

/// Bytes of a file with answers.
const MAX_ANSWERS_BYTES: u64 = 64 << 20;

/// The name of stdin on the command line.
const STDIN: &str = "-";

/// Lines that answer in order.
pub(crate) struct Answers(Mutex<Source>);

enum Source {
    Lines(vec::IntoIter<String>),
    Stdin,
}

impl Answers {
    pub(crate) fn from_text(text: &str) -> Self {
        let lines: Vec<_> = text.lines().map(str::to_string).collect();
        Self(Mutex::new(Source::Lines(lines.into_iter())))
    }

    /// Reads lines from stdin when they are needed, so that a user can read the question first.
    pub(crate) fn from_stdin() -> Self {
        Self(Mutex::new(Source::Stdin))
    }

    /// Opens a file, or stdin for `-`.
    pub(crate) fn open(location: &Path) -> Result<Self> {
        if location.as_os_str() == STDIN {
            return Ok(Self::from_stdin());
        }
        let text = read(location)
            .with_context(|| format!("cannot read the answers in {}", location.display()))?;
        Ok(Self::from_text(&text))
    }

    /// Returns the next line, or `None` after the last one.
    fn next_line(&self) -> io::Result<Option<String>> {
        match &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            Source::Lines(lines) => Ok(lines.next()),
            Source::Stdin => {
                let mut line = String::new();
                let length = io::stdin().lock().read_line(&mut line)?;
                Ok((length > 0).then_some(line))
            }
        }
    }
}

/// Reads a file, which may be a pipe or a device, within the limit.
fn read(location: &Path) -> Result<String> {
    let mut text = String::new();
    File::open(location)?.take(MAX_ANSWERS_BYTES + 1).read_to_string(&mut text)?;
    ensure!(
        text.len() as u64 <= MAX_ANSWERS_BYTES,
        "it has more than {}, which is the limit: pass the lines by `--answers -`",
        ByteSize(MAX_ANSWERS_BYTES)
    );
    Ok(text)
}

/// The host's side of a call that is answered by lines.
#[derive(Clone)]
pub(crate) struct AnsweringContext {
    pub(crate) answers: Arc<Answers>,
    pub(crate) kv: Arc<dyn KVStore>,
    /// Receives each question, and why a line did not answer it.
    pub(crate) questions: OutputCallback,
    pub(crate) stdout: OutputCallback,
    pub(crate) stderr: OutputCallback,
}

impl AnsweringContext {
    /// Returns a context that writes questions and the guest's lines as the published command does.
    pub(crate) fn as_published(
        answers: Answers,
        kv: Arc<dyn KVStore>,
        out: OutputCallback,
        err: OutputCallback,
    ) -> Self {
        let questions = out.clone();
        let stdout: OutputCallback = Arc::new(move |line| out(&format!("[surli::out] {line}")));
        let stderr: OutputCallback = Arc::new(move |line| err(&format!("[surli::err] {line}")));
        Self { answers: Arc::new(answers), kv, questions, stdout, stderr }
    }

    /// Calls a function. Returns its result, or its error as text, with its causes.
    pub(crate) fn call(
        self,
        runtime: &Runtime,
        function: Option<&str>,
        args: Vec<Value>,
        timeout: Duration,
    ) -> io::Result<Result<Value, String>> {
        let called = block_on(runtime.call(function, args, self).timeout(timeout).into_future())?;
        Ok(called.map_err(|error| dedup_chain(&with_source(error)).join(": ")))
    }

    async fn answer(&self, question: String) -> Result<Value> {
        (self.questions)(&question);
        loop {
            let answers = self.answers.clone();
            // On another thread, so that the call's deadline ends the wait for a line.
            let line = tokio::task::spawn_blocking(move || answers.next_line()).await??;
            let Some(line) = line else {
                bail!("no answer: the lines of answers are at their end; add one for: {question}")
            };
            match literal::surrealql(line.trim()) {
                Ok(value) => return Ok(value),
                Err(error) => (self.questions)(&format!("{error}; the next line has to answer")),
            }
        }
    }
}

#[async_trait]
impl InvocationContext for AnsweringContext {
    async fn sql(&mut self, _: &SurrealismConfig, query: String, vars: Object) -> Result<Value> {
        let vars = match vars.is_empty() {
            true => String::new(),
            false => format!(" with {}", vars.to_sql()),
        };
        self.answer(format!("sql: {query}{vars}")).await
    }

    async fn run(
        &mut self,
        _: &SurrealismConfig,
        fnc: String,
        version: Option<String>,
        args: Vec<Value>,
    ) -> Result<Value> {
        let version = version.map_or(String::new(), |version| format!("<{version}>"));
        let args: Vec<_> = args.iter().map(ToSql::to_sql).collect();
        self.answer(format!("run: {fnc}{version}({})", args.join(", "))).await
    }

    fn kv(&mut self) -> Result<&dyn KVStore> {
        Ok(&*self.kv)
    }

    fn stdout_callback(&self) -> OutputCallback {
        self.stdout.clone()
    }

    fn stderr_callback(&self) -> OutputCallback {
        self.stderr.clone()
    }
}
