//! The attached files of a package.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::{fs, io};

use anyhow::Context;
use surrealism_types::err::SurrealismResult;

use super::UnpackOptions;
use super::file_tree::{FileTree, Node};
use super::unpack_dir::UnpackDir;

/// The attached files of a package. They are in memory, where the guest reads them; all instances of a
/// module share them.
///
/// ```no_run
/// use surrealism_runtime::SurrealismPackage;
///
/// fn print_attached_files() -> Result<(), Box<dyn std::error::Error>> {
///     let package = SurrealismPackage::from_file("demo.surli".into())?;
///     if let Some(files) = &package.fs {
///         for (path, content) in files.files() {
///             println!("{path}: {} bytes", content.len());
///         }
///     }
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct AttachedFs {
    tree: Arc<FileTree>,
    /// What [`UnpackOptions`] said.
    temp_base: Option<PathBuf>,
    temp_prefix: String,
    unpacked: OnceLock<UnpackDir>,
}

impl AttachedFs {
    pub(super) fn new(tree: FileTree, opts: &UnpackOptions<'_>) -> Self {
        Self {
            tree: Arc::new(tree),
            temp_base: opts.temp_base.map(Path::to_path_buf),
            temp_prefix: opts.temp_prefix.to_string(),
            unpacked: OnceLock::new(),
        }
    }

    /// Returns the path of each file, as the guest sees it but without the leading `/`, and its content.
    pub fn files(&self) -> impl Iterator<Item = (String, &[u8])> {
        self.tree.walk().filter_map(|(path, node)| match node {
            Node::File(content) => Some((path, &**content)),
            Node::Directory(_) => None,
        })
    }

    /// Writes the files to a temporary directory, if that was not done before, and returns its path.
    /// Guests do not see the directory. It is removed with the package; on Unix only this user can enter
    /// it, and the next start removes it if its process was killed.
    ///
    /// # Errors
    ///
    /// When the directory or a file cannot be written. Nothing is left then.
    pub fn unpack(&self) -> SurrealismResult<&Path> {
        if let Some(directory) = self.unpacked.get() {
            return Ok(directory.path());
        }
        let directory = self.write().context("cannot unpack the attached files")?;
        Ok(self.unpacked.get_or_init(|| directory).path())
    }

    /// Returns the path of the directory that [`unpack`](Self::unpack) writes.
    ///
    /// # Panics
    ///
    /// When it cannot be written. [`unpack`](Self::unpack) returns the error instead.
    pub fn path(&self) -> &Path {
        self.unpack().unwrap_or_else(|error| panic!("{error}"))
    }

    fn write(&self) -> io::Result<UnpackDir> {
        let directory = UnpackDir::create(self.temp_base.as_deref(), &self.temp_prefix)?;
        for (path, node) in self.tree.walk() {
            let target = directory.path().join(path);
            match node {
                Node::File(content) => fs::write(target, content)?,
                Node::Directory(_) => fs::create_dir(target)?,
            }
        }
        Ok(directory)
    }

    pub(crate) fn tree(&self) -> &Arc<FileTree> {
        &self.tree
    }
}
