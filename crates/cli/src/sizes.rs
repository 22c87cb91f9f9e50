//! The sizes of an archive and its parts.

use std::fmt;
use std::fs;
use std::path::Path;

use anyhow::Result;
use bytesize::ByteSize;
use serde::Serialize;
use surrealism_runtime::{AttachedFs, SurrealismPackage};

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
        let files = package.fs.as_ref().map(Files::measure);
        let logo = package.logo.as_ref().map(|logo| logo.len() as u64);
        Ok(Self { archive, component, files, logo })
    }
}

impl Files {
    fn measure(attached: &AttachedFs) -> Self {
        attached.files().fold(Self::default(), |files, (_, content)| Self {
            count: files.count + 1,
            bytes: files.bytes + content.len() as u64,
        })
    }
}

impl fmt::Display for Files {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let noun = if self.count == 1 { "file" } else { "files" };
        write!(f, "{} in {} {noun}", ByteSize(self.bytes), self.count)
    }
}
