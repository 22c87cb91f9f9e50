//! Builds the test guests and the example plugin as archives.

use anyhow::Result;
use xshell::{PushEnv, Shell, cmd};

use crate::{clean_cargo_env, step, toolchain};

/// Where tests look for archives.
const ARCHIVES: &str = "target/guests";

/// The target directory of all plugins, so that they share the standard library and the SDK. Tests that
/// build a plugin use it too.
const PLUGIN_TARGET: &str = "target/plugins";

/// Builds every guest with the `surrealism` command, as an author would.
///
/// # Errors
///
/// When a toolchain is missing, or a guest does not build.
pub(crate) fn build(shell: &Shell) -> Result<()> {
    command(shell)?;
    for project in projects(shell)? {
        archive(shell, &project)?;
    }
    archive(shell, "examples/text")
}

/// Prepares for [`archive`]: a toolchain, the `surrealism` command, and the directory of archives.
///
/// # Errors
///
/// When a toolchain is missing, or the command does not build.
pub(crate) fn command(shell: &Shell) -> Result<()> {
    toolchain::ensure(shell)?;
    step("building the surrealism command; the first time, this takes some minutes");
    clean_cargo_env(cmd!(shell, "cargo build --workspace --bin surrealism")).run()?;
    shell.create_dir(ARCHIVES)?;
    Ok(())
}

/// Lists the directories below `guests/` that hold a plugin.
fn projects(shell: &Shell) -> Result<Vec<String>> {
    let mut projects = Vec::new();
    for directory in shell.read_dir("guests")? {
        if directory.join("surrealism.toml").exists() {
            projects.push(directory.display().to_string());
        }
    }
    projects.sort();
    Ok(projects)
}

/// Sets one target directory for every plugin that is built until this is dropped.
pub(crate) fn shared_target(shell: &Shell) -> PushEnv<'_> {
    shell.push_env("CARGO_TARGET_DIR", format!("{}/../{PLUGIN_TARGET}", env!("CARGO_MANIFEST_DIR")))
}

/// Packs one project as `target/guests/NAME.surli`.
pub(crate) fn archive(shell: &Shell, project: &str) -> Result<()> {
    let name = project.rsplit('/').next().unwrap_or(project);
    step(&format!("building the plugin {name}"));
    let out = format!("{ARCHIVES}/{name}.surli");
    let _shared = shared_target(shell);
    cmd!(shell, "target/debug/surrealism build {project} --release --out {out}").quiet().run()?;
    Ok(())
}
