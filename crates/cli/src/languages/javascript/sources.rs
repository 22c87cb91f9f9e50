//! The author's files, as far as the program imports them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use bytesize::ByteSize;

/// How many files a program may have. More would be a whole `node_modules`.
const MAX_FILES: usize = 2_000;

/// How large all files of a program may be: what the front end holds in memory, with what it makes of them.
const MAX_BYTES: u64 = 16 << 20;

/// Text of files, by their path from the plugin's directory.
pub(super) struct Sources<'a> {
    dir: &'a Path,
    files: BTreeMap<String, String>,
    bytes: u64,
}

impl<'a> Sources<'a> {
    pub(super) fn new(dir: &'a Path) -> Self {
        Self { dir, files: BTreeMap::new(), bytes: 0 }
    }

    pub(super) fn files(&self) -> &BTreeMap<String, String> {
        &self.files
    }

    /// Reads the first of the paths that is a file. Returns whether one is.
    ///
    /// # Errors
    ///
    /// Fails if the file cannot be read, is outside of the plugin's directory, or is one too many.
    pub(super) fn add_first(&mut self, paths: &[String]) -> Result<bool> {
        let Some(path) = paths.iter().find(|path| self.dir.join(path).is_file()) else {
            return Ok(false);
        };
        if self.files.contains_key(path) {
            return Ok(true);
        }
        ensure!(
            self.files.len() < MAX_FILES,
            "the plugin imports more than {MAX_FILES} files; bundle what it needs of its packages"
        );
        let file = self.real(path)?;
        let size = fs::metadata(&file)?.len();
        self.bytes += size;
        ensure!(
            self.bytes <= MAX_BYTES,
            "the files that the plugin imports are too large: {} with {path}, and {} are allowed",
            ByteSize(self.bytes),
            ByteSize(MAX_BYTES)
        );
        let text =
            fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
        self.files.insert(path.clone(), text);
        Ok(true)
    }

    /// Resolves links. A plugin must not contain other files of who builds it.
    fn real(&self, path: &str) -> Result<PathBuf> {
        let file = self.dir.join(path);
        let real =
            file.canonicalize().with_context(|| format!("cannot find {}", file.display()))?;
        ensure!(
            real.starts_with(self.dir),
            "cannot import {path}: it leads out of the plugin's directory, to {}",
            real.display()
        );
        Ok(real)
    }
}
