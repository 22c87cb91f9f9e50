//! Reads an archive.

use std::io::Read;

use anyhow::{Context, Result, anyhow, ensure};

use super::config::SurrealismConfig;
use super::exports::ExportsManifest;
use super::file_tree::FileTree;
use super::tar::{Entry, each_entry};
use super::unpack_dir::sweep_once;
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
    let mut files = Files { left: opts.max_fs_bytes, max: opts.max_fs_bytes, tree: None };
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
    let fs = files.tree.map(|tree| AttachedFs::new(tree, opts));
    Ok(SurrealismPackage { config, wasm, exports, fs, logo })
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

/// Collects the attached files. There is a tree once an entry for one was seen.
struct Files {
    left: u64,
    max: u64,
    tree: Option<FileTree>,
}

impl Files {
    fn add(&mut self, path: &str, entry: Entry<'_>) -> Result<()> {
        let (size, max) = (entry.size, self.max);
        self.left = self.left.checked_sub(size).with_context(|| {
            format!("the attached files take more than {max} bytes, with {path:?} of {size}")
        })?;
        let tree = self.tree.get_or_insert_default();
        if entry.is_directory {
            tree.add_directory(path)
                .with_context(|| format!("cannot unpack the directory {path:?}"))?;
            return Ok(());
        }
        ensure!(!path.is_empty(), "\"surrealism/fs\" is a file, and a directory is expected");
        let content = entry.bytes(size)?;
        let got = content.len() as u64;
        ensure!(got == size, "{path:?} holds {got} bytes instead of {size}");
        tree.add_file(path, content.into()).with_context(|| format!("cannot unpack {path:?}"))
    }
}
