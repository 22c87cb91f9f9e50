//! `surrealism run`: one function of an archive, with arguments from the command line.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;
use clap::Args;
use surrealdb_types::{ToSql, Value};
use surrealism_runtime::{KVStore, Runtime, SurrealismError, SurrealismResult};
use surrealism_surrealdb::{CallContext, Database, Module};

use crate::cache::Cache;
use crate::database::DatabaseArgs;
use crate::exit::{Code, Failure, OrExit, Outcome};
use crate::guest::{self, Bounds};
use crate::literal;
use crate::store::StoreArgs;
use crate::table::Columns;
use crate::terminal::{self, Terminal};

/// The function name that stands for the default export.
const DEFAULT: &str = "-";

/// Each call's time is kept.
const MOST_CALLS: i64 = 10_000_000;

/// Call a function of an archive
///
/// The result is printed on stdout as SurrealQL; what the guest prints goes to stderr. Without `--db`
/// there is no database: `sql` and `run` are refused. `kv` is an empty store that ends with the
/// command, or with `--kv` one that lasts.
#[derive(Debug, Args)]
#[command(after_help = "\
Arguments are SurrealQL literals: 'text' 42 1.5 true NONE [1, 2] { a: 1 } 1h30m person:one
d'2024-01-01T00:00:00Z' u'…'. Mind that the shell takes one pair of quotes away.

Examples:
  surrealism run demo.surli greet \"'Ada'\"
  surrealism run demo.surli - \"'Ada'\"          The default export
  surrealism run demo.surli math::add 1 2
  surrealism run demo.surli --json greet '\"Ada\"'
  surrealism run demo.surli math::add 1 2 --repeat 1000
  surrealism run demo.surli visits --kv demo.redb
  surrealism run demo.surli report --db ws://127.0.0.1:8000 --ns shop --database main")]
pub(crate) struct Run {
    /// The archive
    archive: PathBuf,

    /// The function's name, or `-` for the default export
    #[arg(default_value = DEFAULT)]
    function: String,

    /// Its arguments
    #[arg(allow_negative_numbers = true)]
    args: Vec<String>,

    /// Take arguments and print the result as JSON
    #[arg(long)]
    json: bool,

    /// Call it N times in one instance and show how long that took
    #[arg(long, value_name = "N", default_value = "1", hide_default_value = true)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=MOST_CALLS))]
    repeat: u32,

    #[command(flatten)]
    bounds: Bounds,

    #[command(flatten)]
    store: StoreArgs,

    #[command(flatten)]
    database: DatabaseArgs,
}

impl Run {
    pub(crate) fn run(self, terminal: Terminal, cache: Cache) -> Outcome {
        let args = self.arguments().or_exit(Code::Usage)?;
        let package = guest::open(&self.archive)?;
        let runtime = Arc::new(guest::load(package, self.bounds, cache, terminal)?);

        let (value, timing) = guest::block_on(async {
            let (store, database) = (
                self.store.open().await?.of(&runtime)?,
                self.database.connect(self.bounds.timeout).await?,
            );
            let answer = self.call(&runtime, store, args, database, terminal).await;
            answer.map_err(|error| self.with_help(error, &runtime))
        })??;
        let result = if self.json { value.into_json_value().to_string() } else { value.to_sql() };
        terminal::print_value(&result)?;
        if self.repeat > 1 {
            terminal.note(timing.table());
        }
        Ok(())
    }

    fn arguments(&self) -> Result<Vec<Value>> {
        let parse = if self.json { literal::json } else { literal::surrealql };
        self.args.iter().map(|text| parse(text)).collect()
    }

    fn with_help(&self, error: SurrealismError, runtime: &Runtime) -> Failure {
        let has = |name| runtime.get_signature(name).is_ok();
        let is_meant = self.function != DEFAULT && !has(Some(&self.function)) && has(None);
        let failure = self.bounds.failure(error);
        if is_meant {
            failure.with_help("the name of the default function is `-`")
        } else {
            failure
        }
    }

    async fn call(
        &self,
        runtime: &Arc<Runtime>,
        store: Arc<dyn KVStore>,
        args: Vec<Value>,
        database: Option<Database>,
        terminal: Terminal,
    ) -> SurrealismResult<(Value, Timing)> {
        let name = (self.function != DEFAULT).then(|| self.function.clone());
        let progress = (self.repeat > 1).then(|| terminal.count(self.repeat.into(), "Calling"));
        let above = progress.clone();
        let output = move |line: &str| match &above {
            Some(progress) => progress.line(line),
            None => terminal::print_line(line),
        };
        let mut context = CallContext::new(Module::new(runtime.clone()).kv(store)).output(output);
        if let Some(database) = &database {
            context = context.database(database);
        }

        let started = Instant::now();
        let mut guest = runtime.acquire_controller(Box::new(context)).await?;
        let mut timing = Timing { start: started.elapsed(), calls: Vec::new() };
        loop {
            let called = Instant::now();
            let value = guest
                .invoke_with_timeout(name.clone(), args.clone(), Some(self.bounds.timeout))
                .await?;
            timing.calls.push(called.elapsed());
            if let Some(progress) = &progress {
                progress.step();
            }
            if timing.calls.len() >= self.repeat as usize {
                return Ok((value, timing));
            }
        }
    }
}

/// How long things took.
struct Timing {
    /// Making the instance, `init` included.
    start: Duration,
    calls: Vec<Duration>,
}

impl Timing {
    fn table(mut self) -> Columns {
        self.calls.sort();
        let total: Duration = self.calls.iter().sum();
        let per_second = self.calls.len() as f64 / total.as_secs_f64();
        let header = ["Calls", "Start", "Min", "Median", "p99", "Max", "Calls per second"];
        let mut table = Columns::new().header(header);
        table.row([
            self.calls.len().to_string(),
            told(self.start),
            told(self.quantile(0)),
            told(self.quantile(50)),
            told(self.quantile(99)),
            told(self.quantile(100)),
            format!("{per_second:.0}"),
        ]);
        table
    }

    /// The time that `percent` of the calls did not exceed.
    fn quantile(&self, percent: usize) -> Duration {
        let rank = (self.calls.len() * percent).div_ceil(100).max(1);
        self.calls[rank - 1]
    }
}

fn told(time: Duration) -> String {
    format!("{time:.1?}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_of_calls_that_were_made() {
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
