//! The test guests and the example plugin, from source to archives.

use anyhow::Result;
use xshell::{Shell, cmd};

use crate::{step, toolchain};

/// Where the tests look for archives.
const ARCHIVES: &str = "target/guests";

/// Builds every guest with the `surrealism` command, as an author would.
///
/// # Errors
///
/// When there is no toolchain, or a guest does not build.
pub(crate) fn build(shell: &Shell) -> Result<()> {
    toolchain::ensure(shell)?;
    step("building the surrealism command");
    cmd!(shell, "cargo build --package surrealism-cli").quiet().run()?;
    shell.create_dir(ARCHIVES)?;
    for project in projects(shell)? {
        archive(shell, &project)?;
    }
    archive(shell, "examples/text")
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

/// Packs one project as `target/guests/NAME.surli`.
pub(crate) fn archive(shell: &Shell, project: &str) -> Result<()> {
    let name = project.rsplit('/').next().unwrap_or(project);
    step(&format!("building the plugin {name}"));
    let out = format!("{ARCHIVES}/{name}.surli");
    cmd!(shell, "target/debug/surrealism build {project} --out {out}").quiet().run()?;
    Ok(())
}
