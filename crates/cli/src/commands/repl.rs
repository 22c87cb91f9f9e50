//! `surrealism repl`: functions and queries, line by line.

mod complete;
mod line;
mod session;
mod shown;

use std::fs;
use std::io::{self, BufRead, IsTerminal};
use std::path::PathBuf;
use std::sync::Arc;

use anstream::eprintln;
use anyhow::{Context, Result, anyhow};
use clap::Args;
use etcetera::BaseStrategy;
use rustyline::error::ReadlineError;
use rustyline::history::FileHistory;
use rustyline::{Config, Editor};
use surrealdb_types::{ToSql, Value};
use surrealism_surrealdb::{Module, ModuleRegistry};
use tokio::runtime::Runtime;

use crate::cache::Cache;
use crate::database::DatabaseArgs;
use crate::exit::{Code, OrExit, Outcome};
use crate::guest::{self, Bounds};
use crate::repl::complete::Completion;
use crate::repl::line::Line;
use crate::repl::session::Session;
use crate::store::{StoreArgs, Stores};
use crate::terminal::{self, DIM, Terminal};

/// Lines of history that are kept.
const MAX_HISTORY: usize = 1_000;

/// Call functions of archives and run queries, line by line
///
/// Each archive is a module, by the name in its surrealism.toml (with `_` for `-`, and before a digit that it
/// begins with), and modules can call each other. A line
/// that calls a function of one, such as `mod::text::slug('Hi')`, is answered here; every other line
/// goes to the database, if there is one. Its arguments may be queries then.
///
/// Where the input is no terminal, lines are read to the first that fails.
#[derive(Debug, Args)]
#[command(after_help = "\
Lines:
  mod::text::slug('Hi')            A function of the module `text`
  mod::text::slug((SELECT VALUE title FROM ONLY page:one))
                                   With arguments from the database
  SELECT * FROM page               A query
  :functions  :help  :quit         What can be called; this; the end

The history is kept in `surrealism/history` in your state folder ($XDG_STATE_HOME, ~/.local/state), for
you alone; a line that begins with a space is not.

Examples:
  surrealism repl text.surli
  surrealism repl counters.surli --kv counters.redb
  surrealism repl text.surli mail.surli --db ws://127.0.0.1:8000 --ns shop --database main
  echo \"mod::text::slug('Hi')\" | surrealism repl text.surli")]
pub(crate) struct Repl {
    /// The archives
    #[arg(required = true, value_name = "ARCHIVE")]
    archives: Vec<PathBuf>,

    #[command(flatten)]
    bounds: Bounds,

    #[command(flatten)]
    store: StoreArgs,

    #[command(flatten)]
    database: DatabaseArgs,
}

impl Repl {
    pub(crate) fn run(self, terminal: Terminal, cache: Cache) -> Outcome {
        // A thread of its own keeps the connection alive while a person thinks.
        let executor = guest::executor()?;
        let outcome = self.run_on(&executor, terminal, cache);
        executor.shutdown_background();
        outcome
    }

    fn run_on(self, executor: &Runtime, terminal: Terminal, cache: Cache) -> Outcome {
        let stores = executor.block_on(self.store.open())?;
        let modules = self.modules(&stores, terminal, cache)?;
        let database = executor.block_on(self.database.connect(self.bounds.timeout))?;
        let session = Session { modules, database, bounds: self.bounds };
        let answer = |line: &str| executor.block_on(session.answer(line));
        if io::stdin().is_terminal() {
            let names = executor.block_on(session.function_names());
            Ok(converse(names, answer, terminal)?)
        } else {
            read(answer)
        }
    }

    fn modules(
        &self,
        stores: &Stores,
        terminal: Terminal,
        cache: Cache,
    ) -> Outcome<ModuleRegistry> {
        let modules = ModuleRegistry::new();
        for archive in &self.archives {
            let package = guest::open(archive)?;
            let name = module_name(&package.config.meta.name);
            let runtime = Arc::new(guest::load(package, self.bounds, cache, terminal)?);
            let module = Module::new(runtime.clone()).kv(stores.of(&runtime)?);
            let before = modules.add(&name, module).map_err(anyhow::Error::from);
            let before = before.or_exit(Code::Archive)?;
            if before.is_some() {
                let twice =
                    anyhow!("two archives are called {name}, the second {}", archive.display());
                return Err(twice).or_exit(Code::Usage);
            }
        }
        Ok(modules)
    }
}

/// What a package is called in a path: a word that SurrealQL takes for one.
fn module_name(package: &str) -> String {
    let name = package.replace('-', "_");
    if name.starts_with(|c: char| c.is_ascii_digit()) { format!("_{name}") } else { name }
}

/// Reads lines from a script, and stops at the first that fails.
fn read(answer: impl Fn(&str) -> Outcome<Option<Value>>) -> Outcome {
    for (number, line) in io::stdin().lock().lines().enumerate() {
        let line = line.context("cannot read the input")?;
        if matches!(Line::parse(&line), Line::Quit) {
            break;
        }
        let told = answer(&line).map_err(|failure| failure.in_line(number + 1))?;
        if let Some(value) = told {
            terminal::print_value(&value.to_sql())?;
        }
    }
    Ok(())
}

/// Talks with a person.
fn converse(
    names: Vec<String>,
    answer: impl Fn(&str) -> Outcome<Option<Value>>,
    terminal: Terminal,
) -> Result<()> {
    let config =
        Config::builder().history_ignore_space(true).max_history_size(MAX_HISTORY)?.build();
    let mut editor: Editor<Completion, FileHistory> = Editor::with_config(config)?;
    editor.set_helper(Some(Completion::new(names)));
    let history = history();
    if let Some(file) = &history {
        // The first time, there is none.
        let _ = editor.load_history(file);
    }
    terminal.note(format!("{DIM}:help tells what can be said, :quit ends it{DIM:#}"));
    loop {
        let line = match editor.readline("> ") {
            Ok(line) => line,
            Err(ReadlineError::Interrupted) => continue,
            Err(ReadlineError::Eof) => break,
            Err(error) => return Err(error.into()),
        };
        editor.add_history_entry(&line)?;
        if matches!(Line::parse(&line), Line::Quit) {
            break;
        }
        match answer(&line) {
            Ok(Some(value)) => terminal::print(shown::shown(&value))?,
            Ok(None) => (),
            Err(failure) => eprintln!("{failure}"),
        }
    }
    if let Some(file) = &history {
        let kept = editor.save_history(file);
        kept.unwrap_or_else(|error| terminal.warn(format!("the history is not kept: {error}")));
    }
    Ok(())
}

/// Where the history is kept; who has no home has none.
fn history() -> Option<PathBuf> {
    let strategy = etcetera::choose_base_strategy().ok()?;
    let folder = strategy.state_dir().unwrap_or_else(|| strategy.data_dir()).join("surrealism");
    fs::create_dir_all(&folder).ok()?;
    Some(folder.join("history"))
}
