//! The interactive session: reads lines with completion and history.

use anyhow::Result;
use rustyline::error::ReadlineError;
use rustyline::history::MemHistory;
use rustyline::{Config, Editor};
use surrealdb_types::Value;

use crate::commands::repl::completer::NameCompleter;
use crate::commands::repl::history::History;
use crate::commands::repl::line::{Line, units};
use crate::commands::repl::render::render;
use crate::error::CliResult;
use crate::ui::terminal::{self, DIM, Terminal};
use crate::ui::text::{Text, text};

/// Prompts for lines until the user quits. Prints errors and continues.
pub(super) fn run(
    function_names: Vec<String>,
    forget_interrupts: impl Fn(),
    evaluate: impl Fn(&str) -> CliResult<Option<Value>>,
    terminal: Terminal,
) -> Result<()> {
    let config = Config::builder().history_ignore_space(true).build();
    let memory = MemHistory::with_config(&config);
    let mut editor: Editor<NameCompleter, MemHistory> = Editor::with_history(config, memory)?;
    editor.set_helper(Some(NameCompleter::new(function_names)));

    let mut history = usable(History::open(), terminal).flatten();
    if let Some(lines) = history.as_mut().and_then(|file| usable(file.lines(), terminal)) {
        for line in lines {
            editor.add_history_entry(line)?;
        }
    }
    let hint = ":help lists the commands, Ctrl-C stops a call, :quit ends the session";
    terminal.note(Text::from(hint).styled(DIM));
    loop {
        forget_interrupts();
        let lines = match editor.readline("> ") {
            Ok(lines) => lines,
            Err(ReadlineError::Interrupted) => continue,
            Err(ReadlineError::Eof) => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        let is_kept = editor.add_history_entry(&lines)?;
        if let Some(file) = history.as_mut().filter(|_| is_kept)
            && usable(file.append(&lines), terminal).is_none()
        {
            history = None;
        }
        for line in units(&lines) {
            if matches!(Line::parse(&line), Line::Quit) {
                return Ok(());
            }
            match evaluate(&line) {
                Ok(Some(value)) => terminal::print(render(&value))?,
                Ok(None) => (),
                Err(error) => {
                    terminal::print_error(error.text());
                    break;
                }
            }
        }
    }
}

/// Warns if the history failed. The session works without it.
fn usable<T>(result: Result<T>, terminal: Terminal) -> Option<T> {
    let warn = |error| terminal.warn(text!("the history is not saved: {}", format!("{error:#}")));
    result.map_err(warn).ok()
}
