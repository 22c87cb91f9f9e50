//! Reads a tar file under zstd entry by entry, and limits every entry before it is read.

use std::cell::Cell;
use std::collections::HashSet;
use std::io::{self, BufReader, Read};
use std::rc::Rc;

use anyhow::{Context, Result, bail, ensure};
use tar::EntryType;

use super::foreign;
use crate::limits::{
    ArchiveLimits, COMPRESSION_RATIO_GRACE_BYTES, MAX_ENTRY_METADATA_BYTES, MAX_ZSTD_WINDOW_LOG,
};

const BLOCK_BYTES: u64 = 512;

/// Calls `visit` with each entry of an archive.
///
/// # Errors
///
/// Those of `visit`, and when the archive is corrupt or exceeds a limit.
pub(super) fn each_entry(
    archive: impl Read,
    limits: &ArchiveLimits,
    mut visit: impl FnMut(Entry<'_>) -> Result<()>,
) -> Result<()> {
    let budget = Rc::new(Budget::new(limits.max_compression_ratio));
    let packed = Counting { inner: foreign::reject(archive)?, budget: budget.clone() };
    let mut unpacked = zstd::Decoder::new(packed).context("the archive is not zstd")?;
    unpacked.window_log_max(MAX_ZSTD_WINDOW_LOG)?;
    let unpacked = Bounded { inner: unpacked, budget: budget.clone() };
    let mut tar = tar::Archive::new(BufReader::with_capacity(BLOCK_BYTES as usize, unpacked));

    let mut seen = HashSet::new();
    let mut directories = HashSet::new();
    for (before, entry) in tar.entries()?.enumerate() {
        ensure!(
            before < limits.max_entries,
            "the archive has more than {} entries",
            limits.max_entries
        );
        let mut entry = entry.context("the archive is corrupt")?;
        check_attributes(&mut entry)?;
        if entry.header().entry_type() == EntryType::XGlobalHeader {
            // Attributes of the whole archive, which some tools write.
            budget.allow_attributes(entry.size())?;
            continue;
        }
        let path = checked_path(&entry.path_bytes(), limits)?;
        let is_directory = checked_type(entry.header().entry_type(), &path)?;
        ensure!(seen.insert(path.clone()), "the archive has two entries {path:?}");
        // A file creates the directories above it, whether or not they have entries.
        directories.extend(path.match_indices('/').map(|(end, _)| path[..end].to_string()));
        ensure!(
            seen.len() + directories.len() <= limits.max_entries,
            "the archive has more than {} entries, the directories above them included",
            limits.max_entries
        );
        let size = entry.size();
        // The visitor may read the entry, tar skips the rest, and reads the next header.
        budget.allow(size.saturating_add(BLOCK_BYTES));
        visit(Entry { path: &path, is_directory, size, content: &mut entry })?;
    }
    Ok(())
}

/// A file or directory of an archive.
pub(super) struct Entry<'a> {
    /// The path: relative, separated by `/`, without `..`.
    pub(super) path: &'a str,
    pub(super) is_directory: bool,
    /// The declared size, in bytes. Nothing has been read yet.
    pub(super) size: u64,
    content: &'a mut dyn Read,
}

impl<'a> Entry<'a> {
    /// Reads a file of at most `max` bytes.
    pub(super) fn bytes(self, max: u64) -> Result<Vec<u8>> {
        ensure!(!self.is_directory, "{:?} is a directory, and a file is expected", self.path);
        ensure!(
            self.size <= max,
            "{:?} takes {} bytes, and {max} are allowed",
            self.path,
            self.size
        );
        let path = self.path;
        let mut bytes = Vec::new();
        self.content
            .take(max)
            .read_to_end(&mut bytes)
            .with_context(|| format!("{path:?} cannot be read"))?;
        Ok(bytes)
    }
}

/// Refuses extended attributes that cannot be parsed: another reader could interpret them differently.
fn check_attributes(entry: &mut tar::Entry<'_, impl Read>) -> Result<()> {
    if let Some(attributes) = entry.pax_extensions()? {
        for attribute in attributes {
            attribute.context("the attributes of an entry are corrupt")?;
        }
    }
    Ok(())
}

/// Checks a path, and returns it without `./` and a trailing `/`.
fn checked_path(bytes: &[u8], limits: &ArchiveLimits) -> Result<String> {
    let shown = || String::from_utf8_lossy(&bytes[..bytes.len().min(64)]).into_owned();
    ensure!(
        bytes.len() <= limits.max_path_bytes,
        "the path {:?}… takes {} bytes, and {} are allowed",
        shown(),
        bytes.len(),
        limits.max_path_bytes
    );
    let Ok(path) = std::str::from_utf8(bytes) else {
        bail!("the path {:?} is not UTF-8", shown());
    };
    let path = path.strip_prefix("./").unwrap_or(path);
    let path = path.strip_suffix('/').unwrap_or(path);
    let is_plain = |part: &str| {
        // A colon names a drive or a stream on Windows.
        let is_unsafe = |c: char| matches!(c, '\\' | ':') || c.is_control();
        !matches!(part, "" | "." | "..") && !part.contains(is_unsafe)
    };
    // A tool that packs `.` writes an entry for the directory itself.
    ensure!(
        path == "." || path.is_empty() || path.split('/').all(is_plain),
        "the path {path:?} is not allowed: it must be relative, without `..`, `.`, `\\`, `:` or \
         control characters"
    );
    let depth = path.split('/').count();
    ensure!(
        depth <= limits.max_path_depth,
        "the path {path:?} is {depth} levels deep, and {} are allowed",
        limits.max_path_depth
    );
    Ok(path.to_string())
}

/// Returns whether an entry is a directory, and refuses everything but files and directories.
fn checked_type(entry_type: EntryType, path: &str) -> Result<bool> {
    match entry_type {
        EntryType::Regular | EntryType::Continuous => Ok(false),
        EntryType::Directory => Ok(true),
        EntryType::Symlink | EntryType::Link => {
            bail!("{path:?} is a link, and an archive may hold only files and directories")
        }
        other => {
            bail!(
                "{path:?} is a {other:?} entry, and an archive may hold only files and directories"
            )
        }
    }
}

/// Limits how much is unpacked before the size of an entry is known.
struct Budget {
    /// Bytes that may be unpacked until the next call of [`Budget::allow`].
    left: Cell<u64>,
    packed: Cell<u64>,
    unpacked: Cell<u64>,
    max_ratio: u64,
}

impl Budget {
    fn new(max_ratio: u64) -> Self {
        let left = Cell::new(MAX_ENTRY_METADATA_BYTES);
        Self { left, packed: Cell::new(0), unpacked: Cell::new(0), max_ratio }
    }

    /// Allows `bytes` of an entry, and the metadata of the next one.
    fn allow(&self, bytes: u64) {
        self.left.set(bytes.saturating_add(MAX_ENTRY_METADATA_BYTES));
    }

    /// Allows attributes of the whole archive to be skipped.
    fn allow_attributes(&self, bytes: u64) -> Result<()> {
        ensure!(
            bytes <= MAX_ENTRY_METADATA_BYTES,
            "the attributes of the archive take {bytes} bytes, and {MAX_ENTRY_METADATA_BYTES} are \
             allowed"
        );
        self.allow(bytes);
        Ok(())
    }

    fn spend(&self, bytes: u64) -> Result<()> {
        let Some(left) = self.left.get().checked_sub(bytes) else {
            bail!("the metadata of an entry takes more than {MAX_ENTRY_METADATA_BYTES} bytes");
        };
        self.left.set(left);
        let unpacked = self.unpacked.get() + bytes;
        self.unpacked.set(unpacked);
        let allowed = self.packed.get().saturating_mul(self.max_ratio);
        ensure!(
            unpacked <= COMPRESSION_RATIO_GRACE_BYTES || unpacked <= allowed,
            "the archive unpacks to more than {} times its size",
            self.max_ratio
        );
        Ok(())
    }
}

/// Counts the packed bytes that are read.
struct Counting<R> {
    inner: R,
    budget: Rc<Budget>,
}

impl<R: Read> Read for Counting<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.budget.packed.set(self.budget.packed.get() + read as u64);
        Ok(read)
    }
}

/// Charges unpacked bytes to the budget.
struct Bounded<R> {
    inner: R,
    budget: Rc<Budget>,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer).map_err(explain)?;
        self.budget.spend(read as u64).map_err(io::Error::other)?;
        Ok(read)
    }
}

/// Says what the decompressor's errors mean for a file.
fn explain(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => {
            io::Error::new(error.kind(), "the file ends too early: copy or download it again")
        }
        _ => error,
    }
}
