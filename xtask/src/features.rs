//! Each published crate with each of its features alone.
//!
//! A build of the workspace turns on the features that any member asks for, and hides what a crate forgot
//! to ask for itself. Users build one crate with the features that they chose.

use anyhow::{Context, Result};
use cargo_metadata::MetadataCommand;
use xshell::{Shell, cmd};

use crate::{clean_cargo_env, step};

/// Features that bring a whole database engine, which takes tens of minutes to compile. `cargo xtask
/// drop-in` compiles and tests them.
const TESTED_ELSEWHERE: [&str; 1] = ["embedded"];

/// Checks all combinations: no feature, and each feature alone. The default features are what the rest of
/// the tests use.
///
/// # Errors
///
/// When a crate does not compile.
pub(crate) fn run(shell: &Shell) -> Result<()> {
    step("each feature of each published crate by itself");
    let metadata = MetadataCommand::new().current_dir(shell.current_dir()).no_deps().exec()?;
    for package in metadata.packages.iter().filter(|package| package.publish.is_none()) {
        let features = package.features.keys().map(String::as_str);
        let is_checked =
            |feature: &&str| *feature != "default" && !TESTED_ELSEWHERE.contains(feature);
        for features in std::iter::once("").chain(features.filter(is_checked)) {
            check(shell, &package.name, features)?;
        }
    }
    Ok(())
}

/// Compiles one package without its default features, and with these.
fn check(shell: &Shell, package: &str, features: &str) -> Result<()> {
    let cargo = cmd!(
        shell,
        "cargo check --quiet --package {package} --no-default-features --features {features}"
    );
    clean_cargo_env(cargo)
        .env("RUSTFLAGS", std::env::var("RUSTFLAGS").unwrap_or_default())
        .run()
        .with_context(|| format!("{package} does not compile with only the features [{features}]"))
}
