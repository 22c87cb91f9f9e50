//! `grants.toml`: what the user granted, by the digest of the archive's component.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use etcetera::BaseStrategy;
use serde::{Deserialize, Serialize};
use surrealism_runtime::{Grants, SurrealismCapabilities};
use tempfile::NamedTempFile;

use crate::ui::terminal::Terminal;
use crate::ui::text::text;

/// The answers of the user.
#[derive(Default)]
pub(super) struct Remembered {
    /// A user without a home directory has none.
    file: Option<PathBuf>,
    answers: BTreeMap<String, Answer>,
}

/// What one archive is granted.
#[derive(Default, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Answer {
    sql: bool,
    functions: Vec<String>,
    net: Vec<String>,
}

impl Remembered {
    /// Reads the file. One that cannot be read grants nothing.
    pub(super) fn open(terminal: Terminal) -> Self {
        let Ok(strategy) = etcetera::choose_base_strategy() else { return Self::default() };
        let file = strategy.config_dir().join("surrealism/grants.toml");
        let answers = read(&file).unwrap_or_else(|error| {
            terminal.warn(text!("{}: {}", file.display(), format!("{error:#}")));
            BTreeMap::new()
        });
        Self { file: Some(file), answers }
    }

    /// Adds what the archive was granted before.
    pub(super) fn granted(&self, digest: &str, grants: Grants) -> Grants {
        let Some(answer) = self.answers.get(digest) else { return grants };
        let grants = grants.functions(&answer.functions).network(&answer.net);
        if answer.sql { grants.queries() } else { grants }
    }

    /// Adds a grant, and writes the file.
    pub(super) fn add(
        &mut self,
        digest: &str,
        granted: &SurrealismCapabilities,
        terminal: Terminal,
    ) {
        let answer = self.answers.entry(digest.to_string()).or_default();
        answer.sql |= granted.allow_arbitrary_queries;
        answer.functions.extend(granted.allow_functions.patterns());
        answer.net.extend(granted.allow_net.iter().cloned());
        let Some(file) = &self.file else { return };
        if let Err(error) = write(file, &self.answers) {
            terminal.warn(text!("the answer is not remembered: {}", format!("{error:#}")));
        }
    }
}

fn read(file: &Path) -> Result<BTreeMap<String, Answer>> {
    if !file.exists() {
        return Ok(BTreeMap::new());
    }
    toml::from_str(&fs::read_to_string(file)?).context("is not valid; mend it or remove it")
}

/// Replaces the file at once, by one that only its user can read.
fn write(file: &Path, answers: &BTreeMap<String, Answer>) -> Result<()> {
    let dir = file.parent().context("the file has no directory")?;
    fs::create_dir_all(dir).with_context(|| format!("cannot create {}", dir.display()))?;
    // A temporary file is its owner's only.
    let mut temporary = NamedTempFile::new_in(dir)?;
    temporary.write_all(toml::to_string(answers)?.as_bytes())?;
    temporary.as_file().sync_all()?;
    temporary.persist(file)?;
    Ok(())
}
