//! What we depend on: licences and sources, and what is known against it. `deny.toml` has the rules.

use anyhow::Result;
use xshell::{Shell, cmd};

use crate::step;

/// Checks what we depend on, and installs `cargo deny` if it is not there.
///
/// # Errors
///
/// When something is not allowed, or is known to be vulnerable.
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
    step("licences, duplicates and sources");
    // It warns of licences that are told by their text alone.
    cmd!(shell, "cargo deny --log-level error check licenses bans sources").run()?;

    step("fetching the advisories");
    if cmd!(shell, "cargo deny fetch db").run().is_err() {
        step("NOT CHECKED: advisories, for they cannot be fetched from GitHub here");
        return Ok(());
    }
    cmd!(shell, "cargo deny check advisories").run()?;
    Ok(())
}
