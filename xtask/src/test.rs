//! All that CI runs.

use anyhow::{Context, Result};
use xshell::{Shell, cmd};

use crate::{bare, count, demo, deny, fuzz, guests, readme, step, toolchain};

/// Stops at the first failure.
///
/// # Errors
///
/// When anything is not as it should be.
pub(crate) fn run(shell: &Shell) -> Result<()> {
    step("format");
    cmd!(shell, "cargo fmt --all --check").run()?;
    cmd!(shell, "cargo fmt --all --check --manifest-path guests/Cargo.toml").run()?;

    toolchain::ensure_program(shell, toolchain::CPP)?;
    step("lints");
    bare(cmd!(shell, "cargo clippy --workspace --all-targets -- --deny warnings")).run()?;

    deny::run(shell)?;
    guests::build(shell)?;

    toolchain::ensure_program(shell, toolchain::REDIS)?;
    step("tests");
    bare(cmd!(shell, "cargo test --workspace")).run()?;
    bare(cmd!(shell, "cargo test --manifest-path guests/Cargo.toml --target-dir target")).run()?;

    count::run(shell, false)?;
    fuzz::briefly(shell)?;
    demo::run(shell)?;
    readme::check(shell)?;

    step("documentation");
    let _strict = shell.push_env("RUSTDOCFLAGS", "--deny warnings");
    bare(cmd!(shell, "cargo doc --workspace --no-deps")).run()?;
    Ok(())
}

/// Runs the soak test for so many minutes.
///
/// # Errors
///
/// When something leaks.
pub(crate) fn soak(shell: &Shell, minutes: Option<&str>) -> Result<()> {
    let minutes: u64 = minutes.unwrap_or("10").parse().context("the minutes are a whole number")?;
    guests::build(shell)?;
    step(&format!("soaking for {minutes} minutes"));
    let _seconds = shell.push_env("SOAK_SECONDS", (minutes * 60).to_string());
    bare(cmd!(shell, "cargo test --workspace --test soak")).run()?;
    Ok(())
}
