//! Reads an archive.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use anyhow::{Context, Result, anyhow, ensure};

use super::config::SurrealismConfig;
use super::exports::ExportsManifest;
use super::tar::{Entry, each_entry};
use super::unpack_dir::{UnpackDir, sweep_once};
use super::{AttachedFs, MAX_LOGO_BYTES, SurrealismPackage, UnpackOptions};
use super::{check_component, check_logo};
use crate::limits::ArchiveLimits;

/// The entries that the format defines.
enum Part<'a> {
    Wasm,
    Config,
    Exports,
    Logo,
    /// An attached file or directory, by the path that the guest sees.
    Attached(&'a str),
    Unknown,
}

impl<'a> Part<'a> {
    fn at(path: &'a str) -> Self {
        match path.strip_prefix("surrealism/") {
            Some("mod.wasm") => Self::Wasm,
            Some("surrealism.toml") => Self::Config,
            Some("exports.toml") => Self::Exports,
            Some("logo.png") => Self::Logo,
            Some("fs") => Self::Attached(""),
            Some(rest) => rest.strip_prefix("fs/").map_or(Self::Unknown, Self::Attached),
            None => Self::Unknown,
        }
    }
}

pub(super) fn package(
    archive: impl Read,
    opts: &UnpackOptions,
    limits: &ArchiveLimits,
) -> Result<SurrealismPackage> {
    let (mut wasm, mut config, mut exports, mut logo) = (None, None, None, None);
    let mut files = Files { opts, left: opts.max_fs_bytes, attached: None };
    let mut unknown_left = opts.max_fs_bytes;
    sweep_once(opts);

    each_entry(archive, limits, |entry| {
        match Part::at(entry.path) {
            Part::Wasm => wasm = Some(entry.bytes(limits.max_wasm_bytes)?),
            Part::Config => config = Some(text(entry, limits.max_config_bytes)?),
            Part::Exports => exports = Some(text(entry, limits.max_exports_bytes)?),
            Part::Logo => logo = Some(entry.bytes(MAX_LOGO_BYTES as u64)?),
            Part::Attached(path) => files.add(path, entry)?,
            Part::Unknown => skip(&entry, &mut unknown_left)?,
        }
        Ok(())
    })?;

    let config = SurrealismConfig::parse(&config.ok_or_else(|| missing("surrealism.toml"))?)?;
    let exports = ExportsManifest::parse(&exports.ok_or_else(|| missing("exports.toml"))?)?;
    let wasm = wasm.ok_or_else(|| missing("mod.wasm"))?;
    check_component(&wasm)?;
    if let Some(logo) = &logo {
        check_logo(logo)?;
    }
    Ok(SurrealismPackage { config, wasm, exports, fs: files.attached, logo })
}

pub(super) fn exports(archive: impl Read, limits: &ArchiveLimits) -> Result<ExportsManifest> {
    let mut exports = None;
    let mut rest_left = super::DEFAULT_MAX_FS_BYTES.saturating_add(limits.max_wasm_bytes);
    each_entry(archive, limits, |entry| {
        match Part::at(entry.path) {
            Part::Exports => exports = Some(text(entry, limits.max_exports_bytes)?),
            _ => skip(&entry, &mut rest_left)?,
        }
        Ok(())
    })?;
    let exports = exports.ok_or_else(|| missing("exports.toml"))?;
    Ok(ExportsManifest::parse(&exports)?)
}

fn missing(part: &str) -> anyhow::Error {
    anyhow!("the archive has no surrealism/{part}: pack it with `surrealism build`")
}

fn text(entry: Entry<'_>, max_bytes: u64) -> Result<String> {
    let path = entry.path.to_string();
    String::from_utf8(entry.bytes(max_bytes)?).with_context(|| format!("{path:?} is not UTF-8"))
}

/// Skips an entry that the format does not define. Skipping costs time, so it is limited too.
fn skip(entry: &Entry<'_>, left: &mut u64) -> Result<()> {
    *left = left.checked_sub(entry.size).with_context(|| {
        format!(
            "{:?} takes {} bytes, and {left} are left for entries that the format does not define",
            entry.path, entry.size
        )
    })?;
    Ok(())
}

/// Unpacks attached files into a directory that is created with the first one.
struct Files<'a> {
    opts: &'a UnpackOptions<'a>,
    left: u64,
    attached: Option<AttachedFs>,
}

impl Files<'_> {
    fn add(&mut self, path: &str, entry: Entry<'_>) -> Result<()> {
        let size = entry.size;
        let max = self.opts.max_fs_bytes;
        self.left = self.left.checked_sub(size).with_context(|| {
            format!("the attached files take more than {max} bytes, with {path:?} of {size}")
        })?;
        let target = self.root()?.join(path);
        if entry.is_directory {
            return fs::create_dir_all(&target)
                .with_context(|| format!("cannot unpack the directory {path:?}"));
        }
        ensure!(!path.is_empty(), "\"surrealism/fs\" is a file, and a directory is expected");
        unpack(&target, entry).with_context(|| format!("cannot unpack {path:?}"))
    }

    fn root(&mut self) -> Result<&Path> {
        let attached = match self.attached.take() {
            Some(attached) => attached,
            None => {
                let directory = UnpackDir::create(self.opts)
                    .context("cannot create a temporary directory for attached files")?;
                AttachedFs { directory }
            }
        };
        Ok(self.attached.insert(attached).path())
    }
}

fn unpack(target: &Path, entry: Entry<'_>) -> Result<()> {
    if let Some(parent) = target.parent() {
        fs::create_dir_all(parent)?;
    }
    let size = entry.size;
    let written = io::copy(&mut entry.content(), &mut File::create_new(target)?)?;
    ensure!(written == size, "the entry holds {written} bytes instead of {size}");
    Ok(())
}
