//! Builds one plugin twice, as two users would, and compares the archives.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use xshell::{Shell, cmd};

use crate::{guests, step};

/// The users' directories, of different lengths.
const USERS: [&str; 2] = ["ada", "grace/with/a/longer/path"];

/// Builds a new plugin in two directories, with two homes, from the same sources and lock file.
///
/// # Errors
///
/// When a build fails, or the archives differ.
pub(crate) fn check(shell: &Shell) -> Result<()> {
    guests::command(shell)?;
    step("building a plugin as two users; each compiles the SDK anew");
    let root = shell.current_dir();
    let command = root.join("target/debug/surrealism");
    let scratch = shell.create_temp_dir()?;
    let [one, other] = USERS.map(|user| scratch.path().join(user));
    shell.create_dir(&one)?;
    let new = ["new", "plugin", "--organisation", "acme", "--sdk-path"];
    {
        let _there = shell.push_dir(&one);
        cmd!(shell, "{command} {new...} {root}/crates/sdk").quiet().run()?;
        let _here = shell.push_dir("plugin");
        cmd!(shell, "cargo generate-lockfile --offline").quiet().run()?;
    }
    let parent = other.parent().context("a user has a directory")?;
    shell.create_dir(parent)?;
    cmd!(shell, "cp -r {one} {other}").quiet().run()?;

    let archives = [&one, &other].map(|user| build(shell, &command, user));
    let [first, second] = archives.map(|archive| archive.context("cannot build"));
    let (first, second) = (first?, second?);
    ensure!(first == second, "the archives differ: {} and {} bytes", first.len(), second.len());
    eprintln!("both archives have the same {} bytes", first.len());
    Ok(())
}

/// Builds the plugin below a user's directory, with a home there. Registries are those of this machine.
fn build(shell: &Shell, command: &Path, user: &Path) -> Result<Vec<u8>> {
    let home = std::env::home_dir().context("the home directory is unknown")?;
    let of_machine = |variable: &str, directory: &str| {
        shell.var_os(variable).map_or(home.join(directory), Into::into)
    };
    let (cargo, rustup) =
        (of_machine("CARGO_HOME", ".cargo"), of_machine("RUSTUP_HOME", ".rustup"));
    let own_cargo = user.join("cargo");
    shell.create_dir(&own_cargo)?;
    for entry in shell.read_dir(&cargo)? {
        cmd!(shell, "ln -s {entry} {own_cargo}/").quiet().run()?;
    }
    let archive = user.join("plugin.surli");
    cmd!(shell, "{command} --quiet build {user}/plugin --release --locked --out {archive}")
        .env("HOME", user)
        .env("CARGO_HOME", &own_cargo)
        .env("RUSTUP_HOME", rustup)
        .env("CARGO_TARGET_DIR", user.join("target"))
        .env("XDG_CACHE_HOME", user.join("cache"))
        .quiet()
        .run()?;
    Ok(shell.read_binary_file(archive)?)
}
