//! Licenses, sources and security advisories of the dependencies; `deny.toml` has the rules.

use anyhow::Result;
use xshell::{Shell, cmd};

use crate::step;

/// Checks the dependencies, and installs `cargo deny` if it is missing.
///
/// # Errors
///
/// When a dependency breaks a rule or has an advisory.
pub(crate) fn run(shell: &Shell) -> Result<()> {
    if !is_installed(shell) {
        step("installing cargo-deny, which takes some minutes");
        cmd!(shell, "cargo install cargo-deny --locked").run()?;
    }
    check(shell)
}

fn is_installed(shell: &Shell) -> bool {
    cmd!(shell, "cargo deny --version").quiet().ignore_stdout().ignore_stderr().run().is_ok()
}

fn check(shell: &Shell) -> Result<()> {
    step("licenses, duplicates and sources");
    // Without warnings about licenses that are recognized by their text.
    cmd!(shell, "cargo deny --log-level error check licenses bans sources").run()?;

    step("fetching the advisories");
    if cmd!(shell, "cargo deny fetch db").run().is_err() {
        step("NOT CHECKED: advisories, since GitHub cannot be reached to fetch them");
        return Ok(());
    }
    cmd!(shell, "cargo deny check advisories").run()?;
    Ok(())
}
