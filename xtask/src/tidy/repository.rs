//! The files and packages that the checks look at.

use anyhow::{Context, Result};
use cargo_metadata::MetadataCommand;
use xshell::{Shell, cmd};

/// Extensions of the files whose text is read.
const TEXT: [&str; 4] = ["rs", "md", "toml", "wit"];

/// Everything that is under version control or about to be.
#[derive(Default)]
pub(super) struct Repository {
    pub(super) files: Vec<SourceFile>,
    pub(super) published: Vec<PublishedCrate>,
}

pub(super) struct SourceFile {
    /// Relative to the root, with `/` between its parts.
    pub(super) path: String,
    /// Empty for files that are not text.
    pub(super) text: String,
    pub(super) is_symlink: bool,
}

/// A crate that may go to a registry.
pub(super) struct PublishedCrate {
    pub(super) name: String,
    /// The directory of its manifest, relative to the root.
    pub(super) directory: String,
}

impl Repository {
    /// Lists the files with git, so that ignored ones are left out, and the packages with Cargo.
    pub(super) fn read(shell: &Shell) -> Result<Self> {
        let root = shell.current_dir();
        let listed =
            cmd!(shell, "git ls-files --cached --others --exclude-standard").quiet().read()?;
        let mut files = Vec::new();
        for path in listed.lines() {
            // A file that was deleted and not yet committed is listed all the same.
            let Ok(metadata) = root.join(path).symlink_metadata() else { continue };
            let is_text = TEXT.iter().any(|extension| has_extension(path, extension));
            let text = match is_text && metadata.is_file() {
                true => shell.read_file(path)?,
                false => String::new(),
            };
            files.push(SourceFile {
                path: path.to_string(),
                text,
                is_symlink: metadata.is_symlink(),
            });
        }

        let metadata = MetadataCommand::new().current_dir(&root).no_deps().exec()?;
        let mut published = Vec::new();
        for package in metadata.packages.iter().filter(|package| package.publish.is_none()) {
            let directory =
                package.manifest_path.parent().context("a manifest is in a directory")?;
            let directory = directory.strip_prefix(&metadata.workspace_root)?.as_str();
            published.push(PublishedCrate {
                name: package.name.to_string(),
                directory: directory.replace('\\', "/"),
            });
        }
        Ok(Self { files, published })
    }

    /// Files with this extension.
    pub(super) fn with_extension(&self, extension: &str) -> impl Iterator<Item = &SourceFile> {
        self.files.iter().filter(move |file| has_extension(&file.path, extension))
    }

    pub(super) fn file(&self, path: &str) -> Option<&SourceFile> {
        self.files.iter().find(|file| file.path == path)
    }

    /// Returns whether a file in any directory has this name.
    pub(super) fn has_file_named(&self, name: &str) -> bool {
        self.files.iter().any(|file| file.path.rsplit('/').next() == Some(name))
    }

    /// Returns whether a file or a directory with files has this path.
    pub(super) fn exists(&self, path: &str) -> bool {
        let path = path.trim_end_matches('/');
        let below = format!("{path}/");
        self.files.iter().any(|file| file.path == path || file.path.starts_with(&below))
    }
}

fn has_extension(path: &str, extension: &str) -> bool {
    path.rsplit_once('.').is_some_and(|(_, found)| found == extension)
}

#[cfg(test)]
impl Repository {
    /// A repository of these files, for unit tests.
    pub(super) fn of(files: &[(&str, &str)]) -> Self {
        let files = files.iter().map(|(path, text)| SourceFile {
            path: path.to_string(),
            text: text.to_string(),
            is_symlink: false,
        });
        Self { files: files.collect(), published: Vec::new() }
    }
}
