//! All that CI runs.

use anyhow::Result;
use xshell::{Shell, cmd};

use crate::{demo, guests, readme, step};

/// Stops at the first failure.
///
/// # Errors
///
/// When anything is not as it should be.
pub(crate) fn run(shell: &Shell) -> Result<()> {
    step("format");
    cmd!(shell, "cargo fmt --all --check").run()?;
    cmd!(shell, "cargo fmt --all --check --manifest-path guests/Cargo.toml").run()?;

    step("lints");
    cmd!(shell, "cargo clippy --workspace --all-targets -- --deny warnings").run()?;

    guests::build(shell)?;

    step("tests");
    cmd!(shell, "cargo test --workspace").run()?;
    cmd!(shell, "cargo test --manifest-path guests/Cargo.toml --target-dir target").run()?;

    demo::run(shell)?;
    readme::check(shell)?;

    step("documentation");
    let _strict = shell.push_env("RUSTDOCFLAGS", "--deny warnings");
    cmd!(shell, "cargo doc --workspace --no-deps").run()?;
    Ok(())
}
