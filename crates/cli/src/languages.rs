//! The languages that plugins are written in: a module for each, selected by the project's files.

pub(crate) mod rust;

use std::path::PathBuf;

use anyhow::{Result, bail};

use crate::languages::rust::RustArgs;
use crate::project::{CONFIG_FILE, Project};
use crate::ui::terminal::Terminal;

/// Compiles a project and returns the path of its WebAssembly, a core module or a component.
///
/// # Errors
///
/// Fails if the language is unknown, has no toolchain here, or the project does not compile.
pub(crate) fn compile(project: &Project, args: &RustArgs, terminal: Terminal) -> Result<PathBuf> {
    if rust::is_project(&project.dir) {
        return rust::compile(&project.dir, args, terminal);
    }
    bail!(
        "cannot compile the plugin: no Cargo.toml beside {CONFIG_FILE} in {}; pack the output of \
         another build tool with `--wasm FILE`",
        project.dir.display()
    )
}
