//! `surrealism diff`: what a new archive changes for callers and operators.

mod changes;

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use crate::commands::diff::changes::{Change, changes};
use crate::error::{CliError, CliResult, ExitCode};
use crate::load;
use crate::ui::table::Table;
use crate::ui::terminal::{self, Terminal};
use crate::ui::text::{Text, text};

/// Show what a new archive changes for callers and operators
///
/// Breaking are: a function that is gone, an argument or a key of [config] that takes less, a result that
/// may be more, a capability that is asked for newly, a limit that is smaller, and another name. Neither
/// archive runs.
///
/// Fails with the exit code 1 if a change is breaking.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  surrealism diff demo-1.0.0.surli demo-1.1.0.surli
  surrealism diff old.surli new.surli --json | jq '.changes[] | select(.breaking)'")]
pub(crate) struct Diff {
    /// Archive that is in use
    old: PathBuf,

    /// Archive to replace it with
    new: PathBuf,

    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// The JSON output.
#[derive(Serialize)]
struct Report {
    breaking: bool,
    changes: Vec<Change>,
}

impl Diff {
    pub(crate) fn run(self, _: Terminal) -> CliResult {
        let changes = changes(&load::open(&self.old)?, &load::open(&self.new)?);
        let report = Report { breaking: changes.iter().any(|change| change.breaking), changes };
        let text = if self.json { Text::json(&report, true)? } else { describe(&report.changes) };
        terminal::print(text)?;
        if report.breaking { Err(CliError::already_reported(ExitCode::Failed)) } else { Ok(()) }
    }
}

fn describe(changes: &[Change]) -> Text {
    if changes.is_empty() {
        return "no difference".into();
    }
    let mut table = Table::new();
    for Change { breaking, area, name, change } in changes {
        let breaking = if *breaking { "BREAKING" } else { "" };
        table.row([breaking, area, name, change]);
    }
    let breaking = changes.iter().filter(|change| change.breaking).count();
    text!("{}\n\n{} of {} changes are breaking", table.text(), breaking, changes.len())
}
