//! A folder of compiled code. What is in it runs as machine code in this process, so it is this
//! user's alone, and nothing but what was written here is taken from it.

use std::fs::{self, DirBuilder, File, Metadata};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context, Result, ensure};
use wasmtime::Engine;
use wasmtime::component::Component;

use crate::SurrealismResult;
use crate::compile::Fingerprint;
use crate::limits::{DEFAULT_MAX_CODE_CACHE_BYTES, STALE_TEMP_FILE_AGE};

/// What the names of whole files end with, and those of files under way begin with. No other file
/// of the folder is touched.
const WHOLE: &str = ".cwasm";
const UNFINISHED: &str = ".unfinished-";

/// The CRC-32 of anything that ends with its own.
const CRC_OF_WHOLE: u32 = 0x2144_df1c;

/// The size of a file without code.
const NOTHING: u64 = 4;

/// A folder of compiled code, so that a module is compiled once and not in every process that loads
/// it. Give it to [`RuntimeBuilder::code_cache`](crate::RuntimeBuilder::code_cache).
///
/// What is in it, this process runs as machine code: it belongs to this user alone, on a disk of
/// this machine. Any number of processes may share it. What is missing, damaged, or was made for
/// another engine, processor or version is compiled anew, and a folder that cannot be written to
/// is no error: [`Usage::code`](crate::Usage::code) tells where a module's code came from. The code
/// of a module whose `init` was [captured](crate::Isolation::Fresh) has a file of its own.
#[derive(Debug, Clone)]
pub struct CodeCache {
    folder: PathBuf,
    max_bytes: u64,
}

impl CodeCache {
    /// Opens a folder, or makes it, for this user only. Whoever may write to a folder that it lies in can
    /// put another folder in its place: choose a place where nobody else can.
    ///
    /// # Errors
    ///
    /// When it cannot be made, or another user owns it or may write to it.
    pub fn open(folder: impl Into<PathBuf>) -> SurrealismResult<Self> {
        let folder = folder.into();
        let opened = make(&folder).and_then(|()| private(&folder));
        let folder = opened.with_context(|| {
            format!("the folder {} cannot be used for compiled code", folder.display())
        })?;
        Ok(Self { folder, max_bytes: DEFAULT_MAX_CODE_CACHE_BYTES })
    }

    /// What all of it may take, in bytes; what was used least recently goes first, whenever
    /// something is added. Default: [`DEFAULT_MAX_CODE_CACHE_BYTES`].
    pub fn max_bytes(mut self, bytes: u64) -> Self {
        self.max_bytes = bytes;
        self
    }

    /// The code of a component, if it is there and whole, for this engine.
    #[allow(unsafe_code, reason = "code from a disk is what a cache of code is")]
    pub(crate) fn get(&self, engine: &Engine, fingerprint: &Fingerprint) -> Option<Component> {
        let name = name(engine, fingerprint);
        let path = self.folder.join(&name);
        let file = self.open_whole(&name)?;
        if file.metadata().ok()?.len() == NOTHING {
            return None;
        }
        // SAFETY: wasmtime wants what `Component::serialize` made, and that nobody changes it while
        // it is mapped. Nobody but this user writes to the file and to its folder, or, as `open` asks
        // of its caller, puts another in the folder's place; and this user's processes write by
        // `put`: under another name first, and never again once it has this one. The checksum holds
        // the content to what `put` wrote for this component and this engine, whatever became of the
        // disk since.
        let component = unsafe { Component::deserialize_file(engine, &path) }.ok()?;
        // Its last use, for what goes first; the code is good without.
        let _ = file.set_modified(SystemTime::now());
        Some(component)
    }

    /// Keeps code. That it cannot, a full disk for one, is no reason to fail a load.
    pub(crate) fn put(&self, engine: &Engine, fingerprint: &Fingerprint, component: &Component) {
        let code = component.serialize().map_err(Into::into);
        let _ = code.and_then(|code| self.write(&name(engine, fingerprint), &code));
    }

    /// Whether it is known that there is no such code.
    pub(crate) fn has_none(&self, engine: &Engine, fingerprint: &Fingerprint) -> bool {
        let Some(file) = self.open_whole(&name(engine, fingerprint)) else { return false };
        let _ = file.set_modified(SystemTime::now());
        file.metadata().is_ok_and(|metadata| metadata.len() == NOTHING)
    }

    /// Keeps that there is none: a file without code.
    pub(crate) fn put_none(&self, engine: &Engine, fingerprint: &Fingerprint) {
        let _ = self.write(&name(engine, fingerprint), &[]);
    }

    /// A file of ours, if all of it is there.
    fn open_whole(&self, name: &str) -> Option<File> {
        let file = File::open(self.folder.join(name)).ok()?;
        check_private(&file.metadata().ok()?).ok()?;
        is_whole(&file, name).ok()?.then_some(file)
    }

    fn write(&self, name: &str, code: &[u8]) -> Result<()> {
        if code.len() as u64 > self.max_bytes {
            return Ok(());
        }
        let mut sum = crc32fast::Hasher::new();
        sum.update(name.as_bytes());
        sum.update(code);
        let mut file = tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(&self.folder)?;
        file.write_all(code)?;
        file.write_all(&sum.finalize().to_le_bytes())?;
        file.persist(self.folder.join(name))?;
        self.evict()?;
        Ok(())
    }

    /// Removes what was used least recently, until the rest fits, and what killed processes left
    /// unfinished. Code that is in use stays mapped.
    fn evict(&self) -> io::Result<()> {
        let mut whole = Vec::new();
        for entry in fs::read_dir(&self.folder)?.flatten() {
            let name = entry.file_name();
            let Some(name) = name.to_str() else { continue };
            // What is gone already, another process has evicted.
            let Ok(metadata) = entry.metadata() else { continue };
            let used = metadata.modified()?;
            if name.ends_with(WHOLE) {
                whole.push((used, metadata.len(), entry.path()));
            } else if name.starts_with(UNFINISHED) && is_abandoned(used) {
                let _ = fs::remove_file(entry.path());
            }
        }
        whole.sort_unstable();
        let mut total: u64 = whole.iter().map(|(_, size, _)| size).sum();
        for (_, size, path) in whole {
            if total <= self.max_bytes {
                break;
            }
            let _ = fs::remove_file(path);
            total -= size;
        }
        Ok(())
    }
}

/// What the code of a component for an engine is called. The name changes with all that the code
/// depends on: the component, the engine's settings, this machine's processor, and wasmtime's
/// version to its last digit.
fn name(engine: &Engine, fingerprint: &Fingerprint) -> String {
    let mut hasher = DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut hasher);
    format!("{}-{:016x}{WHOLE}", hex::encode(fingerprint), hasher.finish())
}

/// Whether a file is what was written under its name. Reading it all takes a part of the time that
/// making the first instance takes; running what a disk or a power cut has damaged takes the
/// process.
fn is_whole(file: &File, name: &str) -> io::Result<bool> {
    const AT_A_TIME: usize = 64 << 10;

    let mut sum = crc32fast::Hasher::new();
    sum.update(name.as_bytes());
    let mut reader = BufReader::with_capacity(AT_A_TIME, file);
    loop {
        let part = reader.fill_buf()?;
        if part.is_empty() {
            return Ok(sum.finalize() == CRC_OF_WHOLE);
        }
        sum.update(part);
        let length = part.len();
        reader.consume(length);
    }
}

fn is_abandoned(used: SystemTime) -> bool {
    used.elapsed().is_ok_and(|age| age > STALE_TEMP_FILE_AGE)
}

fn make(folder: &Path) -> Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    Ok(builder.create(folder)?)
}

/// The folder by a path without links, which may lead elsewhere later.
fn private(folder: &Path) -> Result<PathBuf> {
    let folder = folder.canonicalize()?;
    check_private(&fs::metadata(&folder)?)?;
    Ok(folder)
}

/// Refuses what others may have written.
#[cfg(unix)]
fn check_private(metadata: &Metadata) -> Result<()> {
    use std::os::unix::fs::MetadataExt;

    let (owner, me) = (metadata.uid(), rustix::process::geteuid().as_raw());
    ensure!(owner == me, "it belongs to user {owner}, and this is user {me}: choose another");
    let mode = metadata.mode() & 0o777;
    ensure!(mode & 0o022 == 0, "others may write to it (its mode is {mode:o}): make it 700");
    Ok(())
}

/// Folders of a user's profile are the user's own.
#[cfg(not(unix))]
fn check_private(_: &Metadata) -> Result<()> {
    Ok(())
}
