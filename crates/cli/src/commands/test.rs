//! `surrealism test`: calls the functions of an archive as `tests.toml` says.

mod like;
mod report;
mod suite;

use std::collections::BTreeMap;
use std::num::NonZero;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, available_parallelism};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use bytesize::ByteSize;
use clap::Args;
use surrealdb_types::{ToSql, Value};
use surrealism_runtime::host::OutputCallback;
use surrealism_runtime::{ConfigValues, Grants};

use crate::answers::{AnsweringContext, Answers};
use crate::args::cache::CacheArgs;
use crate::args::config::ConfigArgs;
use crate::args::limits::LimitArgs;
use crate::args::parse::parse;
use crate::commands::build::Build;
use crate::commands::test::report::{Report, TestResult};
use crate::commands::test::suite::{Test, Transcript};
use crate::error::{CliError, CliResult, ExitCode, ExitContext, dedup_chain};
use crate::load;
use crate::project::Project;
use crate::ui::terminal::{self, Terminal};
use crate::ui::text::text;

/// The file beside `surrealism.toml`.
const TESTS_FILE: &str = "tests.toml";

/// Memory of an instance under test.
const MEMORY: ByteSize = ByteSize(1 << 30);

/// Test an archive as tests.toml says
///
/// Builds the plugin first if a directory is given. Each test has an instance and a key-value store of
/// its own. No database is used: the lines of a test's `stdin` answer `sql` and `run`, in order.
#[derive(Debug, Args)]
#[command(after_help = "\
A test in tests.toml, of which only `fn` is required:
  [[test]]
  name = \"a title becomes a slug\"
  fn = \"slug\"
  args = [\"'Hello, World'\"]   # SurrealQL
  expect = \"'hello-world'\"    # the result; or `like = \"'hello-*'\"`, where `*` is any text,
                              # or `contains = \"hello\"`, a part of the output,
                              # or `error = true`, or `error = \"a part of the error\"`
  stdin = \"1\"                 # a line of SurrealQL for each `sql` and `run` of the function
  timeout = 5                 # seconds, 120 by default

Examples:
  surrealism test                          Build and test the plugin of the current directory
  surrealism test demo.surli               Test an archive by the tests.toml beside it
  surrealism test --filter slug --junit results.xml")]
pub(crate) struct TestArgs {
    /// Directory of a plugin, or an archive with tests.toml beside it
    #[arg(default_value = ".", value_name = "DIR|ARCHIVE")]
    path: PathBuf,

    /// Run the tests whose name contains this text
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    filter: String,

    /// Write what came into the `expect` of the tests that fail
    #[arg(long)]
    bless: bool,

    /// Number of tests at a time [default: the number of hardware threads]
    #[arg(long, value_name = "N")]
    jobs: Option<NonZero<usize>>,

    /// Write the results as JUnit XML
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,

    #[command(flatten)]
    config: ConfigArgs,
}

impl TestArgs {
    pub(crate) fn run(self, terminal: Terminal, cache: CacheArgs) -> CliResult {
        let file = self.tests_file()?;
        let (tests, text) = suite::read(&file)?;
        let count = tests.len();
        let tests: Vec<_> =
            tests.into_iter().filter(|test| test.name().contains(&self.filter)).collect();
        if tests.is_empty() {
            let (filter, file) = (&self.filter, TESTS_FILE);
            Err(anyhow::anyhow!("no test of {file} contains {filter:?}: it has {count} tests"))?;
        }
        let archive = match self.path.is_dir() {
            true => {
                parse::<Build>([&self.path]).build(terminal, cache).exit_code(ExitCode::Build)?
            }
            false => self.path.clone(),
        };
        // Names the archive if it cannot be used, and not each test. Tests share the code while this lives.
        let limits = LimitArgs { timeout: Duration::MAX, memory: MEMORY };
        let package = load::open(&archive)?;
        let config = self.config.values(&package, terminal)?;
        let allowed = (Grants::none(), config.clone());
        let _compiled = load::load(package, allowed, limits, cache, terminal)?;

        let mut report = Report::new(&archive, count - tests.len());
        let mut blessed = Vec::new();
        let quiet = Terminal { quiet: true };
        let jobs = self.jobs.or(available_parallelism().ok()).map_or(1, NonZero::get);
        let run = |test: &Test| -> CliResult<_> {
            let started = Instant::now();
            Ok((call(&archive, test, config.clone(), cache, quiet)?, started.elapsed()))
        };
        in_parallel(&tests, jobs, run, |test, ((transcript, outcome), time)| {
            let mut failure = test.judge(&transcript, &outcome);
            if let (true, Some(_), Some(at), Ok(value)) =
                (self.bless, &failure, test.expected_at(), &outcome)
            {
                blessed.push((at, value.to_sql()));
                failure = None;
            }
            let result = TestResult { name: test.name().to_string(), time, failure };
            terminal::print(result.text())?;
            report.results.push(result);
            Ok(())
        })?;
        terminal::print(report.summary())?;
        if !blessed.is_empty() {
            terminal.status("Blessed", text!("{} results in {}", blessed.len(), file.display()));
            std::fs::write(&file, with_results(text, blessed))
                .with_context(|| format!("cannot write {}", file.display()))?;
        }
        if let Some(file) = &self.junit {
            std::fs::write(file, report.junit())
                .with_context(|| format!("cannot write {}", file.display()))?;
        }
        match report.failed() {
            0 => Ok(()),
            _ => Err(CliError::already_reported(ExitCode::Failed)),
        }
    }

    fn tests_file(&self) -> CliResult<PathBuf> {
        let dir = match self.path.is_dir() {
            true => Project::find(&self.path).exit_code(ExitCode::Build)?.dir,
            false => self.path.parent().unwrap_or(Path::new("")).to_path_buf(),
        };
        let file = dir.join(TESTS_FILE);
        let check = || {
            ensure!(
                file.is_file(),
                "no tests: {} does not exist; `surrealism test --help` shows an example",
                file.display()
            );
            Ok(())
        };
        check().exit_code(ExitCode::Usage)?;
        Ok(file)
    }
}

/// Replaces expected results by what came. Each has its place in the text, in ascending order.
fn with_results(mut text: String, results: Vec<(Range<usize>, String)>) -> String {
    for (at, result) in results.into_iter().rev() {
        text.replace_range(at, &toml::Value::String(result).to_string());
    }
    text
}

/// Runs items on threads, and passes each result on in order.
fn in_parallel<I: Sync, T: Send>(
    items: &[I],
    threads: usize,
    run: impl Fn(&I) -> CliResult<T> + Sync,
    mut pass: impl FnMut(&I, T) -> CliResult,
) -> CliResult {
    let (next, (sender, receiver)) = (AtomicUsize::new(0), channel());
    let work = |sender: Sender<(usize, CliResult<T>)>| {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(index) else { return };
            // Nobody receives after an error.
            if sender.send((index, run(item))).is_err() {
                return;
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..threads.min(items.len()) {
            let sender = sender.clone();
            let work = &work;
            scope.spawn(move || work(sender));
        }
        drop(sender);
        let (mut early, mut shown) = (BTreeMap::new(), 0);
        for (index, result) in receiver {
            early.insert(index, result);
            while let Some(result) = early.remove(&shown) {
                pass(&items[shown], result?)?;
                shown += 1;
            }
        }
        Ok(())
    })
}

/// Calls the function of a test in a module of its own: no test sees what another left.
fn call(
    archive: &Path,
    test: &Test,
    config: ConfigValues,
    cache: CacheArgs,
    terminal: Terminal,
) -> CliResult<(Transcript, Result<Value, String>)> {
    let limits = LimitArgs { timeout: test.timeout(), memory: MEMORY };
    // What is answered by the test. A test never needs the network.
    let grants = Grants::none().queries().functions(["*"]).key_value();
    let runtime = load::load(load::open(archive)?, (grants, config), limits, cache, terminal)?;
    let transcript = Arc::new(Mutex::new(Transcript::default()));
    let writer = |append: fn(&mut Transcript, &str)| -> OutputCallback {
        let transcript = transcript.clone();
        Arc::new(move |line: &str| {
            append(&mut transcript.lock().unwrap_or_else(PoisonError::into_inner), line)
        })
    };
    let context = AnsweringContext::as_published(
        Answers::from_text(test.stdin()),
        runtime.kv_store().clone(),
        writer(Transcript::out),
        writer(Transcript::err),
    );
    let outcome = match test.args() {
        Ok(args) => context.call(&runtime, test.function(), args, limits.timeout)?,
        Err(error) => Err(dedup_chain(&error).join(": ")),
    };
    let mut transcript =
        std::mem::take(&mut *transcript.lock().unwrap_or_else(PoisonError::into_inner));
    match &outcome {
        Ok(value) => transcript.out(&format!("✅ {}", value.to_sql())),
        Err(error) => transcript.err(&format!("❌ {error}")),
    }
    Ok((transcript, outcome))
}

/// Formats a time for people.
fn seconds(time: Duration) -> String {
    format!("{:.2}", time.as_secs_f64())
}
