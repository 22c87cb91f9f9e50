//! The sizes of an archive and its parts.

use std::fmt;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use bytesize::ByteSize;
use serde::Serialize;
use surrealism_runtime::SurrealismPackage;

/// The sizes of an archive's parts in bytes.
#[derive(Debug, Serialize)]
pub(crate) struct Sizes {
    pub(crate) archive: u64,
    pub(crate) component: u64,
    pub(crate) files: Option<Files>,
    pub(crate) logo: Option<u64>,
}

/// The number and the total size of attached files.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Files {
    count: u64,
    bytes: u64,
}

impl Sizes {
    pub(crate) fn measure(package: &SurrealismPackage, archive: &Path) -> Result<Self> {
        let archive = fs::metadata(archive)?.len();
        let component = package.wasm.len() as u64;
        let files = package.fs.as_ref().map(|files| Files::in_dir(files.path())).transpose()?;
        let logo = package.logo.as_ref().map(|logo| logo.len() as u64);
        Ok(Self { archive, component, files, logo })
    }
}

impl Files {
    fn in_dir(dir: &Path) -> Result<Self> {
        let mut files = Self::default();
        let entries = fs::read_dir(dir);
        for entry in entries.with_context(|| format!("cannot read {}", dir.display()))? {
            let entry = entry?;
            let (count, bytes) = if entry.file_type()?.is_dir() {
                let Self { count, bytes } = Self::in_dir(&entry.path())?;
                (count, bytes)
            } else {
                (1, entry.metadata()?.len())
            };
            files.count += count;
            files.bytes += bytes;
        }
        Ok(files)
    }
}

impl fmt::Display for Files {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let noun = if self.count == 1 { "file" } else { "files" };
        write!(f, "{} in {} {noun}", ByteSize(self.bytes), self.count)
    }
}
