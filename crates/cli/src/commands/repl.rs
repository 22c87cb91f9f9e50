//! `surrealism repl`: calls functions and runs queries, line by line.

mod completer;
mod history;
mod interrupt;
mod line;
mod prompt;
mod render;
mod session;

use std::io::{self, BufRead, IsTerminal};
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, anyhow};
use clap::Args;
use surrealdb_types::{ToSql, Value};
use surrealism_surrealdb::{Module, ModuleRegistry};
use tokio::runtime::Runtime;

use crate::args::cache::CacheArgs;
use crate::args::call::CallArgs;
use crate::args::store::Stores;
use crate::commands::repl::interrupt::Interrupts;
use crate::commands::repl::line::{Line, is_balanced, units};
use crate::commands::repl::session::Session;
use crate::error::{CliResult, ExitCode, ExitContext};
use crate::executor;
use crate::load;
use crate::ui::terminal::{self, Terminal};

/// Call functions of archives and run queries, line by line
///
/// Each archive becomes a module with the name in its surrealism.toml; `-` becomes `_`, and a leading
/// digit gets a `_` in front. Modules can call each other. A line that calls a module's function, such
/// as `mod::text::slug('Hi')`, runs here, and with `--db` its arguments may be queries. All other lines
/// are queries to the database of `--db`.
///
/// If stdin is not a terminal, runs its lines as a script and stops at the first error.
#[derive(Debug, Args)]
#[command(after_help = "\
Lines:
  mod::text::slug('Hi')            Call a function of the module `text`
  mod::text::slug((SELECT VALUE title FROM ONLY page:one))
                                   Call it with arguments from the database
  SELECT * FROM page               Run a query
  :functions  :help  :quit         List the functions; show help; quit

The history is saved in `surrealism/history` in your state directory ($XDG_STATE_HOME or
~/.local/state). Only your user can read it. Lines that begin with a space are not saved.

Examples:
  surrealism repl text.surli
  surrealism repl counters.surli --kv counters.redb
  surrealism repl text.surli mail.surli --db ws://127.0.0.1:8000 --ns shop --database main
  echo \"mod::text::slug('Hi')\" | surrealism repl text.surli")]
pub(crate) struct Repl {
    /// Archives to load as modules
    #[arg(required = true, value_name = "ARCHIVE")]
    archives: Vec<PathBuf>,

    #[command(flatten)]
    call: CallArgs,
}

impl Repl {
    pub(crate) fn run(self, terminal: Terminal, cache: CacheArgs) -> CliResult {
        // The worker keeps the connection alive while the user types.
        let executor = executor::with_worker()?;
        let result = self.run_on(&executor, terminal, cache);
        executor.shutdown_background();
        result
    }

    fn run_on(self, executor: &Runtime, terminal: Terminal, cache: CacheArgs) -> CliResult {
        self.call.store.check_names(self.archives.len()).exit_code(ExitCode::Usage)?;
        let stores = executor.block_on(self.call.store.open())?;
        let modules = self.load_modules(executor, &stores, terminal, cache)?;
        let database = executor.block_on(self.call.database.connect(self.call.limits.timeout))?;
        let session = Session { modules, database, limits: self.call.limits };
        if !io::stdin().is_terminal() {
            return run_script(|line| executor.block_on(session.evaluate(line)));
        }
        let interrupts = Interrupts::install()?;
        let evaluate = |line: &str| {
            let evaluated = executor.block_on(interrupts.stop(session.evaluate(line)));
            evaluated.unwrap_or_else(|| Err(anyhow!("interrupted").into()))
        };
        let names = executor.block_on(session.function_names());
        Ok(prompt::run(names, || interrupts.forget(), evaluate, terminal)?)
    }

    fn load_modules(
        &self,
        executor: &Runtime,
        stores: &Stores,
        terminal: Terminal,
        cache: CacheArgs,
    ) -> CliResult<ModuleRegistry> {
        let modules = ModuleRegistry::new();
        let packages: Vec<_> =
            self.archives.iter().map(|archive| load::open(archive)).collect::<CliResult<_>>()?;
        let borrowed: Vec<_> = packages.iter().collect();
        let configs = self.call.config.values_of_all(&borrowed, terminal)?;
        let loading = self.archives.iter().zip(packages.into_iter().zip(configs)).enumerate();
        for (index, (archive, (package, config))) in loading {
            let digest = package.digest();
            let name = module_name(&package.config.meta.name);
            let grants = self.call.grants.grant(&package, terminal)?;
            let allowed = (grants, config);
            let runtime = load::load(package, allowed, self.call.limits, cache, terminal)?;
            let runtime = Arc::new(runtime);
            let store = executor.block_on(stores.for_module(index, &runtime, digest))?;
            let module = Module::new(runtime.clone()).kv(store);
            let previous = modules.add(&name, module).map_err(anyhow::Error::from);
            if previous.exit_code(ExitCode::Archive)?.is_some() {
                let duplicate = anyhow!(
                    "duplicate module name {name}: {} has the name of another archive",
                    archive.display()
                );
                return Err(duplicate).exit_code(ExitCode::Usage);
            }
        }
        Ok(modules)
    }
}

/// Returns the name of a package's module: an identifier of SurrealQL.
fn module_name(package: &str) -> String {
    let name = package.replace('-', "_");
    if name.starts_with(|c: char| c.is_ascii_digit()) { format!("_{name}") } else { name }
}

/// Runs the lines of stdin, up to the first that fails. A line goes on until its brackets are closed.
fn run_script(evaluate: impl Fn(&str) -> CliResult<Option<Value>>) -> CliResult {
    let mut lines = io::stdin().lock().lines().enumerate();
    while let Some((index, line)) = lines.next() {
        let mut open = line.context("cannot read stdin")?;
        while !is_balanced(&open)
            && let Some((_, next)) = lines.next()
        {
            open.push('\n');
            open.push_str(&next.context("cannot read stdin")?);
        }
        for line in units(&open) {
            if matches!(Line::parse(&line), Line::Quit) {
                return Ok(());
            }
            let value = evaluate(&line).map_err(|error| error.at_line(index + 1))?;
            if let Some(value) = value {
                terminal::print_value(&value.to_sql())?;
            }
        }
    }
    Ok(())
}
