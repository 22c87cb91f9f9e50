//! `surrealism run`: calls a function of an archive with arguments from the command line.

use std::env;
use std::fs::OpenOptions;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Args;
use serde_json::Value as Json;
use surrealdb_types::{Object, ToSql, Value};
use surrealism_runtime::host::OutputCallback;
use surrealism_runtime::json::to_json;
use surrealism_runtime::record::Recorder;
use surrealism_runtime::{Denied, Error, ErrorKind, InvocationContext, KVStore, Missing, Runtime};
use surrealism_surrealdb::{CallContext, Database, Module};

use crate::answers::{AnsweringContext, Answers};
use crate::args::cache::CacheArgs;
use crate::args::call::CallArgs;
use crate::error::{CliError, CliResult, ExitCode, ExitContext};
use crate::executor::block_on;
use crate::literal;
use crate::load;
use crate::ui::table::Table;
use crate::ui::terminal::{self, Progress, Terminal};
use crate::ui::text::{Text, text};

/// The argument that selects the default export.
const DEFAULT_EXPORT: &str = "-";

/// Bounds the memory for the times of all calls.
const MAX_REPEAT: i64 = 10_000_000;

/// Call a function of an archive
///
/// Prints the result on stdout as SurrealQL, and the guest's output on stderr. Without `--db`, `sql`
/// and `run` return errors, unless `--answers` answers them. Without `--kv`, `kv` is an in-memory store.
#[derive(Debug, Args)]
#[command(after_help = "\
Arguments are SurrealQL literals: 'text' 42 1.5 true NONE [1, 2] { a: 1 } 1h30m person:one
d'2024-01-01T00:00:00Z' u'…'. The shell removes one pair of quotes, so quote text twice.
With `--db`, they may be expressions: \"(SELECT VALUE title FROM ONLY page:one)\". With `--json`,
each is read by the kind of its parameter, as results are printed: '\"2024-01-01T00:00:00Z\"' for a
datetime.

Examples:
  surrealism run demo.surli greet \"'Ada'\"
  surrealism run demo.surli - \"'Ada'\"          Call the default export
  surrealism run demo.surli math::add 1 2
  surrealism run demo.surli --json greet '\"Ada\"'
  surrealism run demo.surli math::add 1 2 --repeat 1000
  surrealism run demo.surli visits --kv demo.redb
  surrealism run demo.surli report --db ws://127.0.0.1:8000 --ns shop --database main")]
pub(crate) struct Run {
    /// Archive that contains the function
    archive: PathBuf,

    /// Name of the function, or `-` for the default export
    #[arg(default_value = DEFAULT_EXPORT)]
    function: String,

    /// Arguments of the function
    #[arg(allow_negative_numbers = true)]
    args: Vec<String>,

    /// Read arguments and print the result as JSON
    #[arg(long)]
    json: bool,

    /// Call the function N times in one instance and print timings
    #[arg(long, value_name = "N", default_value = "1", hide_default_value = true)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=MAX_REPEAT))]
    repeat: u32,

    /// Answer `sql` and `run` by the lines of a file, SurrealQL values in order; `-` asks on stdin
    #[arg(long, value_name = "FILE|-", conflicts_with = "db")]
    answers: Option<PathBuf>,

    /// Record the call and what the host answers, for `surrealism replay`
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,

    /// Blank the value of this environment variable in the recording
    #[arg(long, value_name = "VARIABLE", requires = "record")]
    record_secret: Vec<String>,

    #[command(flatten)]
    call: CallArgs,
}

/// Arguments that are parsed as far as they can be without the function and the database.
enum Arguments {
    SurrealQl(Vec<Argument>),
    Json(Json),
}

enum Argument {
    Constant(Value),
    /// What the database computes.
    Expression(String),
}

impl Run {
    pub(crate) fn run(self, terminal: Terminal, cache: CacheArgs) -> CliResult {
        let args = self.arguments().exit_code(ExitCode::Usage)?;
        self.call.store.check_names(1).exit_code(ExitCode::Usage)?;
        let answers = self.answers.as_deref().map(Answers::open).transpose();
        let answers = answers.exit_code(ExitCode::Usage)?.map(Arc::new);
        let package = load::open(&self.archive)?;
        let CallArgs { grants, limits, store, config, database } = &self.call;
        let digest = package.digest();
        let config = config.values(&package, terminal)?;
        let allowed = (grants.grant(&package, terminal)?, config);
        let recorder = self.recorder().exit_code(ExitCode::Usage)?;
        let runtime =
            load::load_with(
                package,
                allowed,
                *limits,
                cache,
                terminal,
                |builder| match &recorder {
                    Some(recorder) => builder.recorder(recorder.clone()),
                    None => builder,
                },
            );
        let runtime = Arc::new(runtime?);

        let called = block_on(async {
            let (store, database) = (
                store.open().await?.for_module(0, &runtime, digest).await?,
                database.connect(limits.timeout).await?,
            );
            let args = self.values(args, &runtime, database.as_ref()).await?;
            let result = self.call(&runtime, store, args, (database, answers), terminal).await;
            result.map_err(|error| self.call_error(error, &runtime))
        })?;
        if let Some(recorder) = &recorder {
            self.finish(recorder, terminal)?;
        }
        let (value, timing) = called?;
        match self.json {
            true => terminal::print(Text::json(&to_json(&value), false)?)?,
            false => terminal::print_value(&value.to_sql())?,
        }
        if self.repeat > 1 {
            terminal.note(timing.table().text());
        }
        Ok(())
    }

    /// Creates the recording, which other users cannot read.
    fn recorder(&self) -> Result<Option<Recorder>> {
        let Some(path) = &self.record else { return Ok(None) };
        let secrets: Result<Vec<_>> = self.record_secret.iter().map(|name| secret(name)).collect();
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(path);
        let file = file.with_context(|| format!("cannot write {}", path.display()))?;
        Ok(Some(Recorder::new(file).secrets(secrets?)))
    }

    fn finish(&self, recorder: &Recorder, terminal: Terminal) -> CliResult {
        let recorded = recorder.flush().context("cannot write the recording")?;
        if recorded.cut + recorded.left_out > 0 {
            terminal.warn(text!(
                "{} calls were too large to be recorded whole, and {} had no room",
                recorded.cut,
                recorded.left_out
            ));
        }
        Ok(())
    }

    fn function(&self) -> Option<&str> {
        (self.function != DEFAULT_EXPORT).then_some(self.function.as_str())
    }

    fn arguments(&self) -> Result<Arguments> {
        if self.json {
            let args = self.args.iter().map(|text| literal::json(text));
            return Ok(Arguments::Json(args.collect::<Result<_>>()?));
        }
        let has_database = self.call.database.is_set();
        let args = self.args.iter().map(|text| match literal::surrealql(text) {
            Ok(value) => Ok(Argument::Constant(value)),
            Err(_) if has_database => Ok(Argument::Expression(text.clone())),
            Err(error) => Err(error),
        });
        Ok(Arguments::SurrealQl(args.collect::<Result<_>>()?))
    }

    /// Returns the arguments as values: JSON by the kinds of the signature, expressions from the database.
    async fn values(
        &self,
        args: Arguments,
        runtime: &Runtime,
        database: Option<&Database>,
    ) -> CliResult<Vec<Value>> {
        let args = match args {
            Arguments::Json(args) => {
                let args = runtime.arguments_from_json(self.function(), &args);
                return args.map_err(|error| self.call_error(error, runtime));
            }
            Arguments::SurrealQl(args) => args,
        };
        let mut values = Vec::with_capacity(args.len());
        for arg in args {
            values.push(match (arg, database) {
                (Argument::Constant(value), _) => value,
                (Argument::Expression(text), Some(database)) => {
                    let query = format!("RETURN ({text})");
                    database.query(&query, Object::new()).await.map_err(anyhow::Error::from)?
                }
                (Argument::Expression(text), None) => literal::surrealql(&text)?,
            });
        }
        Ok(values)
    }

    /// Converts the error of the call. Adds a hint about `-` if the user may have meant it.
    fn call_error(&self, error: Error, runtime: &Runtime) -> CliError {
        let exists = |name| runtime.get_signature(name).is_ok();
        let default_was_meant =
            self.function != DEFAULT_EXPORT && !exists(Some(&self.function)) && exists(None);
        let lacks_database =
            matches!(error.kind(), ErrorKind::Denied(Denied { missing: Missing::NotProvided, .. }));
        let error = self.call.limits.call_error(error);
        if lacks_database {
            error.with_hint("connect a database with `--db`, or answer with `--answers -`")
        } else if default_was_meant {
            error.with_hint("the name of the default function is `-`")
        } else {
            error
        }
    }

    async fn call(
        &self,
        runtime: &Arc<Runtime>,
        store: Arc<dyn KVStore>,
        args: Vec<Value>,
        (database, answers): (Option<Database>, Option<Arc<Answers>>),
        terminal: Terminal,
    ) -> Result<(Value, Timing), Error> {
        let progress =
            (self.repeat > 1).then(|| terminal.progress_bar(self.repeat.into(), "Calling"));
        let bar = progress.clone();
        let output = move |line: &str| match &bar {
            Some(bar) => bar.print_guest_line(line),
            None => terminal::print_guest_line(line),
        };
        if let Some(answers) = answers {
            let output: OutputCallback = Arc::new(output);
            let [questions, stdout, stderr] = [output.clone(), output.clone(), output];
            let context = AnsweringContext { answers, kv: store, questions, stdout, stderr };
            return self.call_repeatedly(runtime, args, context, progress).await;
        }
        let mut context = CallContext::new(Module::new(runtime.clone()).kv(store)).output(output);
        if let Some(database) = &database {
            context = context.database(database);
        }
        self.call_repeatedly(runtime, args, context, progress).await
    }

    async fn call_repeatedly(
        &self,
        runtime: &Runtime,
        args: Vec<Value>,
        context: impl InvocationContext + Clone + 'static,
        progress: Option<Progress>,
    ) -> Result<(Value, Timing), Error> {
        let name = self.function().map(str::to_string);
        let mut timing = Timing::default();
        loop {
            let call = runtime.call(name.as_deref(), args.clone(), context.clone());
            let (result, stats) = call.timeout(self.call.limits.timeout).with_stats().await;
            let value = result?;
            if stats.fresh {
                timing.start = stats.prepared;
            }
            timing.calls.push(stats.ran);
            if let Some(progress) = &progress {
                progress.step();
            }
            if timing.calls.len() >= self.repeat as usize {
                return Ok((value, timing));
            }
        }
    }
}

/// Returns the value of an environment variable that is to be blanked.
fn secret(name: &str) -> Result<String> {
    let value = env::var(name);
    value.with_context(|| format!("cannot blank the environment variable {name}"))
}

/// Measured times.
#[derive(Default)]
struct Timing {
    /// Time to create the instance and to run `init`.
    start: Duration,
    calls: Vec<Duration>,
}

impl Timing {
    fn table(mut self) -> Table {
        self.calls.sort();
        let total: Duration = self.calls.iter().sum();
        let per_second = self.calls.len() as f64 / total.as_secs_f64();
        let header = ["Calls", "Start", "Min", "Median", "p99", "Max", "Calls per second"];
        let mut table = Table::new().header(header);
        table.row([
            self.calls.len().to_string(),
            format_duration(self.start),
            format_duration(self.quantile(0)),
            format_duration(self.quantile(50)),
            format_duration(self.quantile(99)),
            format_duration(self.quantile(100)),
            format!("{per_second:.0}"),
        ]);
        table
    }

    /// Returns the time that `percent` of the sorted calls did not exceed.
    fn quantile(&self, percent: usize) -> Duration {
        let rank = (self.calls.len() * percent).div_ceil(100).max(1);
        self.calls[rank - 1]
    }
}

fn format_duration(time: Duration) -> String {
    format!("{time:.1?}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_measured_times() {
        let calls = |count: u64| Timing {
            start: Duration::ZERO,
            calls: (1..=count).map(Duration::from_millis).collect(),
        };
        for (count, percent, expected) in
            [(1, 0, 1), (1, 99, 1), (2, 50, 1), (100, 99, 99), (100, 100, 100), (3, 50, 2)]
        {
            let found = calls(count).quantile(percent).as_millis();
            assert_eq!(found, expected, "{percent}% of {count}");
        }
    }
}
