//! The `.surli` archive: a tar file, compressed with zstd.
//!
//! | entry | content |
//! |---|---|
//! | `surrealism/mod.wasm` | the component |
//! | `surrealism/surrealism.toml` | the [configuration](crate::config) |
//! | `surrealism/exports.toml` | the [signatures](crate::exports) of its functions |
//! | `surrealism/logo.png` | a logo, optional |
//! | `surrealism/fs/**` | files that the guest sees read-only at `/`, optional |
//!
//! Archives are untrusted: the size of every entry is checked before the entry is read. Entries that the
//! format does not define are skipped, within the same limits. Reading never runs a guest and writes nothing.

mod attached;
pub mod capabilities;
pub mod config;
pub(crate) mod config_key;
pub mod exports;
pub(crate) mod file_tree;
mod foreign;
mod reader;
mod tar;
mod target;
mod units;
mod unpack_dir;
mod writer;

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use sha2::{Digest, Sha256};
use surrealism_types::err::SurrealismResult;

pub use self::attached::AttachedFs;
use self::config::SurrealismConfig;
use self::exports::ExportsManifest;
use crate::limits::ArchiveLimits;

/// Maximal size of a logo in bytes: 256 KiB.
pub const MAX_LOGO_BYTES: usize = 256 * 1024;

/// Default of [`UnpackOptions::max_fs_bytes`]: 100 MiB.
pub const DEFAULT_MAX_FS_BYTES: u64 = 100 * 1024 * 1024;

/// An unpacked archive.
///
/// ```no_run
/// use surrealism_runtime::SurrealismPackage;
///
/// let package = SurrealismPackage::from_file("demo.surli".into())?;
/// for function in &package.exports.functions {
///     println!("{function}");
/// }
/// # Ok::<(), surrealism_runtime::SurrealismError>(())
/// ```
#[derive(Debug)]
pub struct SurrealismPackage {
    /// The configuration.
    pub config: SurrealismConfig,
    /// The component.
    pub wasm: Vec<u8>,
    /// The signatures of the functions.
    pub exports: ExportsManifest,
    /// The attached files, if the archive has any.
    pub fs: Option<AttachedFs>,
    /// The logo, if the archive has one.
    pub logo: Option<Vec<u8>>,
}

/// How to unpack an archive.
///
/// ```no_run
/// use std::fs::File;
/// use std::path::Path;
///
/// use surrealism_runtime::{SurrealismPackage, UnpackOptions};
///
/// fn unpack() -> Result<SurrealismPackage, Box<dyn std::error::Error>> {
///     let options = UnpackOptions {
///         temp_base: Some(Path::new("/var/lib/app/unpacked")),
///         max_fs_bytes: 10 << 20,
///         ..UnpackOptions::default()
///     };
///     Ok(SurrealismPackage::from_reader(File::open("demo.surli")?, &options)?)
/// }
/// ```
#[derive(Debug, Clone, Copy)]
pub struct UnpackOptions<'a> {
    /// Where [`AttachedFs::unpack`] creates the temporary directory for attached files. Default: the
    /// system's directory for temporary files.
    pub temp_base: Option<&'a Path>,
    /// The prefix of the temporary directory's name; `unpacked-` and random characters follow. Default:
    /// `surrealism-`.
    pub temp_prefix: &'a str,
    /// Size of all attached files together in bytes. Default: [`DEFAULT_MAX_FS_BYTES`].
    pub max_fs_bytes: u64,
}

impl Default for UnpackOptions<'_> {
    fn default() -> Self {
        Self { temp_base: None, temp_prefix: "surrealism-", max_fs_bytes: DEFAULT_MAX_FS_BYTES }
    }
}

impl SurrealismPackage {
    /// Reads an archive from a file, with the default options and limits.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, and those of [`from_reader`](Self::from_reader).
    pub fn from_file(file: PathBuf) -> SurrealismResult<Self> {
        let shown = file.display().to_string();
        let file = File::open(file).with_context(|| format!("cannot open {shown}"))?;
        let package = Self::from_reader(BufReader::new(file), &UnpackOptions::default())
            .with_context(|| format!("{shown} is not a usable archive"))?;
        Ok(package)
    }

    /// Reads an archive, with the default limits.
    ///
    /// # Errors
    ///
    /// When the bytes are not an archive, a part is missing, the component is a core module, or a limit
    /// is exceeded. Nothing is left on disk then.
    pub fn from_reader<R: Read>(reader: R, opts: &UnpackOptions) -> SurrealismResult<Self> {
        Self::from_reader_with_limits(reader, opts, &ArchiveLimits::default())
    }

    /// Reads an archive within the host's own limits.
    ///
    /// # Errors
    ///
    /// Those of [`from_reader`](Self::from_reader).
    pub fn from_reader_with_limits<R: Read>(
        reader: R,
        opts: &UnpackOptions,
        limits: &ArchiveLimits,
    ) -> SurrealismResult<Self> {
        Ok(reader::package(reader, opts, limits)?)
    }

    /// Returns the SHA-256 of the component, which identifies its code.
    pub fn digest(&self) -> [u8; 32] {
        Sha256::digest(&self.wasm).into()
    }

    /// Writes an archive. The same package results in the same bytes, and the file is replaced
    /// atomically.
    ///
    /// A new file has the permissions that the umask leaves, and one that is replaced keeps its own. A
    /// link stays, and what it refers to is replaced. A character device or a FIFO is written to.
    ///
    /// `fs_dir` is the directory of files to attach; `None` attaches the package's own files.
    ///
    /// # Errors
    ///
    /// When a file cannot be read or written, or the archive would exceed a default limit of
    /// [`from_reader`](Self::from_reader).
    pub fn pack(&self, output: PathBuf, fs_dir: Option<&Path>) -> SurrealismResult<()> {
        writer::to_file(self, &output, fs_dir)
            .with_context(|| format!("cannot write {}", output.display()))?;
        Ok(())
    }
}

/// Reads only the signatures of an archive's functions. Attached files are not unpacked, and the
/// component is not read.
///
/// # Errors
///
/// When the bytes are not an archive, the signatures are missing, or a limit is exceeded.
pub fn exports_manifest_from_reader<R: Read>(reader: R) -> SurrealismResult<ExportsManifest> {
    Ok(reader::exports(reader, &ArchiveLimits::default())?)
}

/// Checks that a logo has the signature of a PNG, and at most [`MAX_LOGO_BYTES`].
///
/// # Errors
///
/// When it has not.
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
    ensure!(bytes.starts_with(PNG_SIGNATURE), "the logo is not a PNG: convert it");
    Ok(())
}

/// Checks by its header that wasm is a component.
fn check_component(wasm: &[u8]) -> anyhow::Result<()> {
    // The magic number, then a version and a layer: <https://github.com/WebAssembly/component-model>,
    // Binary.md. A core module has version 1 and layer 0.
    ensure!(wasm.starts_with(b"\0asm"), "mod.wasm is not WebAssembly");
    ensure!(
        wasm.get(4..8) != Some(&[1, 0, 0, 0]),
        "mod.wasm is a core module, and a component is needed: pack it with `surrealism build`"
    );
    ensure!(wasm.get(6..8) == Some(&[1, 0]), "mod.wasm is not a WebAssembly component");
    Ok(())
}
