//! Everything that CI runs on Linux.

use anyhow::{Context, Result};
use xshell::{Shell, cmd};

use crate::{
    clean_cargo_env, count, demo, deny, features, fuzz, guests, readme, step, tidy, toolchain,
    workflows,
};

/// Runs every step, the fast ones first, and stops at the first failure.
///
/// # Errors
///
/// When a step fails.
pub(crate) fn run(shell: &Shell) -> Result<()> {
    tidy::run(shell)?;
    workflows::run(shell)?;
    step("format");
    cmd!(shell, "cargo fmt --all --check").run()?;
    cmd!(shell, "cargo fmt --all --check --manifest-path guests/Cargo.toml").run()?;
    cmd!(shell, "cargo fmt --check --manifest-path engines/javascript/Cargo.toml").run()?;
    cmd!(shell, "cargo fmt --check --manifest-path engines/typescript/Cargo.toml").run()?;

    toolchain::ensure_program(shell, toolchain::CPP)?;
    step("lints");
    clean_cargo_env(cmd!(shell, "cargo clippy --workspace --all-targets -- --deny warnings"))
        .run()?;

    features::run(shell)?;
    deny::run(shell)?;
    guests::build(shell)?;

    toolchain::ensure_program(shell, toolchain::REDIS)?;
    toolchain::ensure_program(shell, toolchain::PROMTOOL)?;
    step("tests");
    clean_cargo_env(cmd!(shell, "cargo test --workspace")).run()?;
    clean_cargo_env(cmd!(
        shell,
        "cargo test --manifest-path guests/Cargo.toml --target-dir target"
    ))
    .run()?;

    count::run(shell, false)?;
    fuzz::briefly(shell)?;
    demo::run(shell)?;
    readme::check(shell)?;

    step("documentation");
    let _strict = shell.push_env("RUSTDOCFLAGS", "--deny warnings");
    clean_cargo_env(cmd!(shell, "cargo doc --workspace --no-deps")).run()?;
    Ok(())
}

/// Runs the soak test for this many minutes.
///
/// # Errors
///
/// When something leaks, or the minutes are not a number.
pub(crate) fn soak(shell: &Shell, minutes: Option<&str>) -> Result<()> {
    let minutes: u64 =
        minutes.unwrap_or("10").parse().context("the minutes must be a whole number")?;
    guests::build(shell)?;
    step(&format!("soaking for {minutes} minutes"));
    let _seconds = shell.push_env("SOAK_SECONDS", (minutes * 60).to_string());
    clean_cargo_env(cmd!(shell, "cargo test --workspace --test soak")).run()?;
    Ok(())
}
