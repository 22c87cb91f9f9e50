//! The languages that plugins are written in: a module for each, selected by the project's files.

pub(crate) mod javascript;
pub(crate) mod rust;

use std::path::Path;

use anyhow::{Result, bail};
use clap::ValueEnum;
use tempfile::TempDir;

use crate::args::cache::CacheArgs;
use crate::languages::javascript::JavaScript;
use crate::languages::rust::{Rust, RustArgs};
use crate::project::{CONFIG_FILE, Project};
use crate::ui::terminal::Terminal;

/// A language. Another one is a module with an implementation, and an entry in [`LANGUAGES`] and [`Lang`].
trait Language {
    /// Whether a directory has a project of this language.
    fn is_project(&self, dir: &Path) -> bool;

    /// Compiles a project.
    fn compile(&self, project: &Project, options: Options<'_>) -> Result<Compiled>;
}

/// In the order in which a project is tried.
const LANGUAGES: [&dyn Language; 2] = [&Rust, &JavaScript];

/// What the command line says about compiling.
#[derive(Clone, Copy)]
pub(crate) struct Options<'a> {
    pub(crate) rust: &'a RustArgs,
    pub(crate) cache: CacheArgs,
    pub(crate) terminal: Terminal,
}

/// What a language makes of a project.
pub(crate) struct Compiled {
    /// A core module or a component.
    pub(crate) wasm: Vec<u8>,
    /// The directory of files to attach, with the project's own, if the language adds files.
    pub(crate) files: Option<TempDir>,
}

/// Compiles a project.
///
/// # Errors
///
/// Fails if the language is unknown, has no toolchain here, or the project does not compile.
pub(crate) fn compile(project: &Project, options: Options<'_>) -> Result<Compiled> {
    if let Some(language) = LANGUAGES.iter().find(|language| language.is_project(&project.dir)) {
        return language.compile(project, options);
    }
    bail!(
        "cannot compile the plugin: no Cargo.toml beside {CONFIG_FILE} in {}, and no package.json; pack the \
         output of another build tool with `--wasm FILE`",
        project.dir.display()
    )
}

/// The language of a new plugin.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Lang {
    #[default]
    Rust,
    /// TypeScript
    Ts,
    /// JavaScript
    Js,
}

/// The files of a new plugin. `Plugin::render` in `new` replaces `{{…}}` in them.
pub(crate) struct Template {
    pub(crate) files: &'static [(&'static str, &'static str)],
    /// The commands to run next, below the plugin's directory.
    pub(crate) next: &'static str,
}

impl Lang {
    pub(crate) fn template(self) -> &'static Template {
        match self {
            Self::Rust => &rust::TEMPLATE,
            Self::Ts => &javascript::TYPESCRIPT,
            Self::Js => &javascript::JAVASCRIPT,
        }
    }
}
