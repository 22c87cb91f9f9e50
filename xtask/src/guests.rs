//! The test guests and the example plugin, from source to archives.

use anyhow::Result;
use xshell::{PushEnv, Shell, cmd};

use crate::{bare, step, toolchain};

/// Where the tests look for archives.
const ARCHIVES: &str = "target/guests";

/// Where plugins are built: all in one place, so that they share the standard library and the SDK.
/// The tests that build a plugin know it too.
const PLUGIN_TARGET: &str = "target/plugins";

/// Builds every guest with the `surrealism` command, as an author would.
///
/// # Errors
///
/// When there is no toolchain, or a guest does not build.
pub(crate) fn build(shell: &Shell) -> Result<()> {
    command(shell)?;
    for project in projects(shell)? {
        archive(shell, &project)?;
    }
    archive(shell, "examples/text")
}

/// Makes ready for [`archive`]: a toolchain, the `surrealism` command, and where archives go.
///
/// # Errors
///
/// When there is no toolchain, or the command does not build.
pub(crate) fn command(shell: &Shell) -> Result<()> {
    toolchain::ensure(shell)?;
    step("building the surrealism command; the first time, this takes some minutes");
    bare(cmd!(shell, "cargo build --workspace --bin surrealism")).run()?;
    shell.create_dir(ARCHIVES)?;
    Ok(())
}

/// The folders below `guests/` that hold a plugin.
fn projects(shell: &Shell) -> Result<Vec<String>> {
    let mut projects = Vec::new();
    for folder in shell.read_dir("guests")? {
        if folder.join("surrealism.toml").exists() {
            projects.push(folder.display().to_string());
        }
    }
    projects.sort();
    Ok(projects)
}

/// Lets what is built until this is dropped share one target folder.
pub(crate) fn shared_target(shell: &Shell) -> PushEnv<'_> {
    shell.push_env("CARGO_TARGET_DIR", format!("{}/../{PLUGIN_TARGET}", env!("CARGO_MANIFEST_DIR")))
}

/// Packs one project as `target/guests/NAME.surli`.
pub(crate) fn archive(shell: &Shell, project: &str) -> Result<()> {
    let name = project.rsplit('/').next().unwrap_or(project);
    step(&format!("building the plugin {name}"));
    let out = format!("{ARCHIVES}/{name}.surli");
    let _shared = shared_target(shell);
    cmd!(shell, "target/debug/surrealism build {project} --out {out}").quiet().run()?;
    Ok(())
}
