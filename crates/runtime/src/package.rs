//! The `.surli` archive: a tar file under zstd, with a component, its configuration, the list of
//! its functions, and the files it brings.
//!
//! | entry | what it is |
//! |---|---|
//! | `surrealism/mod.wasm` | the component |
//! | `surrealism/surrealism.toml` | the [configuration](self::config) |
//! | `surrealism/exports.toml` | the [functions](self::exports) |
//! | `surrealism/logo.png` | a picture, if there is one |
//! | `surrealism/fs/**` | files that the guest sees, read-only, at `/` |
//!
//! An archive is a stranger's: everything in it is bounded before it is read, and nothing is
//! written outside one temporary folder, which goes with the package. Entries that the format does
//! not know are passed over, within the same bounds. Reading never runs a guest.

pub mod capabilities;
pub mod config;
pub mod exports;
mod reader;
mod tar;
mod writer;

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use tempfile::TempDir;

use crate::SurrealismResult;
use self::config::SurrealismConfig;
use self::exports::ExportsManifest;
use crate::limits::ArchiveLimits;

/// Size of a logo in bytes: 256 KiB.
pub const MAX_LOGO_BYTES: usize = 256 * 1024;

/// Size of all attached files together in bytes, unless [`UnpackOptions`] says otherwise: 100 MiB.
pub const DEFAULT_MAX_FS_BYTES: u64 = 100 * 1024 * 1024;

/// An archive, unpacked.
#[derive(Debug)]
pub struct SurrealismPackage {
    /// The configuration.
    pub config: SurrealismConfig,
    /// The component.
    pub wasm: Vec<u8>,
    /// The functions.
    pub exports: ExportsManifest,
    /// The attached files, if the archive has any.
    pub fs: Option<AttachedFs>,
    /// The logo, if the archive has one.
    pub logo: Option<Vec<u8>>,
}

/// How to unpack an archive.
#[derive(Debug, Clone, Copy)]
pub struct UnpackOptions<'a> {
    /// Where the temporary folder for attached files is made. Default: the system's place.
    pub temp_base: Option<&'a Path>,
    /// What the folder's name begins with. Default: `surrealism-`.
    pub temp_prefix: &'a str,
    /// Size of all attached files together in bytes. Default: [`DEFAULT_MAX_FS_BYTES`].
    pub max_fs_bytes: u64,
}

impl Default for UnpackOptions<'_> {
    fn default() -> Self {
        Self { temp_base: None, temp_prefix: "surrealism-", max_fs_bytes: DEFAULT_MAX_FS_BYTES }
    }
}

/// The attached files of a package, in a temporary folder that is removed when this is dropped.
#[derive(Debug)]
pub struct AttachedFs {
    folder: TempDir,
}

impl AttachedFs {
    /// The folder that the guest sees as `/`.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }
}

impl SurrealismPackage {
    /// Reads an archive from a file, with the default options and limits.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, and as [`from_reader`](Self::from_reader).
    pub fn from_file(file: PathBuf) -> SurrealismResult<Self> {
        let shown = file.display().to_string();
        let file = File::open(&file).with_context(|| format!("cannot open {shown}"))?;
        let package = Self::from_reader(BufReader::new(file), &UnpackOptions::default())
            .with_context(|| format!("{shown} is no usable archive"))?;
        Ok(package)
    }

    /// Reads an archive, with the default limits.
    ///
    /// # Errors
    ///
    /// When it is no archive, lacks a part, holds a core module instead of a component, or breaks
    /// a limit; nothing is left on the disk then.
    pub fn from_reader<R: Read>(reader: R, opts: &UnpackOptions) -> SurrealismResult<Self> {
        Self::from_reader_with_limits(reader, opts, &ArchiveLimits::default())
    }

    /// Reads an archive within limits of the host's own.
    ///
    /// # Errors
    ///
    /// As [`from_reader`](Self::from_reader).
    pub fn from_reader_with_limits<R: Read>(
        reader: R,
        opts: &UnpackOptions,
        limits: &ArchiveLimits,
    ) -> SurrealismResult<Self> {
        Ok(reader::package(reader, opts, limits)?)
    }

    /// Writes an archive: the same package makes the same bytes. `fs_dir` is the folder of files
    /// to attach; without one, those that the package itself has. The file appears whole or not at
    /// all.
    ///
    /// # Errors
    ///
    /// When a file cannot be read or written, or the archive would break a limit that
    /// [`from_reader`](Self::from_reader) keeps.
    pub fn pack(&self, output: PathBuf, fs_dir: Option<&Path>) -> SurrealismResult<()> {
        let attached = fs_dir.or(self.fs.as_ref().map(AttachedFs::path));
        writer::to_file(self, &output, attached)
            .with_context(|| format!("cannot write {}", output.display()))?;
        Ok(())
    }
}

/// Reads only the list of functions of an archive; its attached files are not unpacked and its
/// component is not looked at.
///
/// # Errors
///
/// When it is no archive, has no such list, or breaks a limit.
pub fn exports_manifest_from_reader<R: Read>(reader: R) -> SurrealismResult<ExportsManifest> {
    Ok(reader::exports(reader, &ArchiveLimits::default())?)
}

/// Checks that a logo is a PNG, by its signature, of at most [`MAX_LOGO_BYTES`].
///
/// # Errors
///
/// When it is not.
pub fn verify_logo(bytes: &[u8]) -> SurrealismResult<()> {
    Ok(check_logo(bytes)?)
}

fn check_logo(bytes: &[u8]) -> anyhow::Result<()> {
    const PNG_SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";
    ensure!(
        bytes.len() <= MAX_LOGO_BYTES,
        "the logo takes {} bytes, and {MAX_LOGO_BYTES} are allowed: make it smaller",
        bytes.len()
    );
    ensure!(bytes.starts_with(PNG_SIGNATURE), "the logo is no PNG: convert it to one");
    Ok(())
}

/// Checks that wasm is a component, by its first bytes.
fn check_component(wasm: &[u8]) -> anyhow::Result<()> {
    // The magic number, then a version and a layer: <https://github.com/WebAssembly/component-model>,
    // Binary.md. A core module has version 1 and layer 0.
    ensure!(wasm.starts_with(b"\0asm"), "mod.wasm is no WebAssembly");
    ensure!(
        wasm.get(4..8) != Some(&[1, 0, 0, 0]),
        "mod.wasm is a core module, and a component is needed: pack it with `surrealism build`"
    );
    ensure!(wasm.get(6..8) == Some(&[1, 0]), "mod.wasm is no WebAssembly component");
    Ok(())
}
