//! A directory of compiled code. The process runs its content as machine code, so it must belong to
//! this user alone, and nothing is loaded from it but what this module wrote.

use std::fs::{self, File, OpenOptions};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, BufRead, BufReader, Write};
use std::path::PathBuf;
use std::time::SystemTime;

use anyhow::{Context, Result};
use surrealism_types::err::SurrealismResult;
use wasmtime::Engine;
use wasmtime::component::Component;

use super::fingerprint::Fingerprint;
use crate::limits::{DEFAULT_MAX_CODE_CACHE_BYTES, STALE_TEMP_FILE_AGE};
use crate::private::{self, Forbidden};

/// The extension of entries, and the prefix of temporary files. No other file of the directory is
/// touched.
const EXTENSION: &str = ".cwasm";
const TEMP_PREFIX: &str = ".unfinished-";

/// The CRC-32 of any data followed by its own CRC-32.
const CRC_RESIDUE: u32 = 0x2144_df1c;

/// The length of an entry without code: its checksum alone.
const EMPTY_LEN: u64 = 4;

/// A directory of compiled code, so that a module is not compiled again by every process that loads it.
/// Set it with [`RuntimeBuilder::code_cache`](crate::RuntimeBuilder::code_cache).
///
/// The process runs the directory's content as machine code: the directory must belong to this user
/// alone and be on a local disk. Any number of processes may share it.
///
/// An entry that is missing, damaged, or made for another engine, processor or version is compiled
/// anew. A directory that cannot be written to is not an error:
/// [`Usage::code`](crate::Usage::code) tells where a module's code came from. A
/// [pre-initialized](crate::RuntimeBuilder::preinitialize) module has an entry of its own.
///
/// ```no_run
/// # use surrealism_runtime::{CodeCache, Runtime, SurrealismPackage, SurrealismResult};
/// # fn example(package: SurrealismPackage) -> SurrealismResult<()> {
/// let cache = CodeCache::open("/var/cache/my-database/extensions")?.max_bytes(1 << 30);
/// let runtime = Runtime::builder(package).code_cache(cache).build()?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct CodeCache {
    directory: PathBuf,
    max_bytes: u64,
}

impl CodeCache {
    /// Opens a directory, or creates it for this user only.
    ///
    /// No other user may be able to write to the directories above it either, since such a user could
    /// replace it. A directory that is sticky, as `/tmp` is, protects what is in it.
    ///
    /// # Errors
    ///
    /// When the directory cannot be created, and when another user owns it, may write to it, or could
    /// replace it.
    pub fn open(directory: impl Into<PathBuf>) -> SurrealismResult<Self> {
        let directory = directory.into();
        let opened =
            private::create_dir_all(&directory).and_then(|()| private::canonical_dir(&directory));
        let directory = opened.with_context(|| {
            format!("the directory {} cannot be used for compiled code", directory.display())
        })?;
        Ok(Self { directory, max_bytes: DEFAULT_MAX_CODE_CACHE_BYTES })
    }

    /// Limits the size of all entries together, in bytes. Whenever an entry is added, the least
    /// recently used ones are evicted. Default: [`DEFAULT_MAX_CODE_CACHE_BYTES`].
    pub fn max_bytes(mut self, bytes: u64) -> Self {
        self.max_bytes = bytes;
        self
    }

    /// Returns the code of a component for this engine, if the cache has an intact entry.
    #[allow(unsafe_code, reason = "a cache of code loads code from a disk")]
    pub(crate) fn get(&self, engine: &Engine, fingerprint: &Fingerprint) -> Option<Component> {
        let name = entry_name(engine, fingerprint);
        let file = self.open_intact(&name)?;
        if file.metadata().ok()?.len() == EMPTY_LEN {
            return None;
        }
        // SAFETY: `deserialize_file` requires that `Component::serialize` made the content, and that it
        // does not change while it is mapped.
        // - Only this user can write to the file, which was checked by its descriptor, and the same
        //   descriptor is mapped. Where descriptors have no path, only this user can replace the file,
        //   since `canonical_dir` checked all directories above it.
        // - This user's processes write entries by `put` alone, which writes a temporary file, renames
        //   it, and never writes to it again.
        // - The checksum, which covers the name, shows that the content is what `put` wrote for this
        //   component and engine.
        let path = descriptor_path(&file).unwrap_or_else(|| self.directory.join(&name));
        let component = unsafe { Component::deserialize_file(engine, &path) }.ok()?;
        // The time of last use, for eviction. The entry is good without it.
        let _ = file.set_modified(SystemTime::now());
        Some(component)
    }

    /// Adds an entry, and returns how many were evicted. A failure, such as a full disk, must not fail the
    /// load.
    pub(crate) fn put(
        &self,
        engine: &Engine,
        fingerprint: &Fingerprint,
        component: &Component,
    ) -> usize {
        let code = component.serialize().map_err(Into::into);
        let name = entry_name(engine, fingerprint);
        code.and_then(|code| self.write(&name, &code)).unwrap_or_default()
    }

    /// Whether the cache has an entry that records the absence of this code.
    pub(crate) fn has_negative_entry(&self, engine: &Engine, fingerprint: &Fingerprint) -> bool {
        let Some(file) = self.open_intact(&entry_name(engine, fingerprint)) else { return false };
        let _ = file.set_modified(SystemTime::now());
        file.metadata().is_ok_and(|metadata| metadata.len() == EMPTY_LEN)
    }

    /// Adds an entry that records the absence of this code.
    pub(crate) fn put_negative_entry(&self, engine: &Engine, fingerprint: &Fingerprint) {
        let _ = self.write(&entry_name(engine, fingerprint), &[]);
    }

    /// Opens an entry, if it is private and its checksum is right.
    fn open_intact(&self, name: &str) -> Option<File> {
        let (path, mut options) = (self.directory.join(name), OpenOptions::new());
        let file = private::open_file(&path, options.read(true), Forbidden::Write).ok()?;
        verify_checksum(&file, name).ok()?.then_some(file)
    }

    fn write(&self, name: &str, code: &[u8]) -> Result<usize> {
        if code.len() as u64 > self.max_bytes {
            return Ok(0);
        }
        let mut sum = crc32fast::Hasher::new();
        sum.update(name.as_bytes());
        sum.update(code);
        let mut file = tempfile::Builder::new().prefix(TEMP_PREFIX).tempfile_in(&self.directory)?;
        file.write_all(code)?;
        file.write_all(&sum.finalize().to_le_bytes())?;
        file.persist(self.directory.join(name))?;
        Ok(self.evict()?)
    }

    /// Removes the least recently used entries until the rest fits, and temporary files that killed
    /// processes left. Code in use stays mapped. Returns how many entries were removed.
    fn evict(&self) -> io::Result<usize> {
        let mut entries = Vec::new();
        for entry in fs::read_dir(&self.directory)?.flatten() {
            let name = entry.file_name();
            let Some(name) = name.to_str() else { continue };
            // Another process may have removed the file.
            let Ok(metadata) = entry.metadata() else { continue };
            let last_used = metadata.modified()?;
            if name.ends_with(EXTENSION) {
                entries.push((last_used, metadata.len(), entry.path()));
            } else if name.starts_with(TEMP_PREFIX) && is_abandoned(last_used) {
                let _ = fs::remove_file(entry.path());
            }
        }
        entries.sort_unstable();
        let mut total: u64 = entries.iter().map(|(_, size, _)| size).sum();
        let mut evicted = 0;
        for (_, size, path) in entries {
            if total <= self.max_bytes {
                break;
            }
            // Another process may have removed it before.
            evicted += usize::from(fs::remove_file(path).is_ok());
            total -= size;
        }
        Ok(evicted)
    }
}

/// Copies a component's code to an engine that has the same settings but another allocator.
///
/// # Errors
///
/// When the engine does not accept the code, or memory is short.
#[allow(unsafe_code, reason = "the code comes from another engine of this process")]
pub(super) fn copy(component: &Component, engine: &Engine) -> wasmtime::Result<Component> {
    let code = component.serialize()?;
    // SAFETY: `deserialize` requires that `Component::serialize` made the bytes. It did, on the line
    // above, and nothing else has had them since.
    unsafe { Component::deserialize(engine, &code) }
}

/// Returns the file name of an entry. It depends on all that the code depends on: the component, the
/// engine's settings, the processor, and wasmtime's exact version.
fn entry_name(engine: &Engine, fingerprint: &Fingerprint) -> String {
    let mut hasher = DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut hasher);
    format!("{}-{:016x}{EXTENSION}", hex::encode(fingerprint), hasher.finish())
}

/// Whether a file holds what was written under its name. Running code that a disk or a power cut has
/// damaged could crash the process.
fn verify_checksum(file: &File, name: &str) -> io::Result<bool> {
    const BUFFER_BYTES: usize = 64 << 10;

    let mut sum = crc32fast::Hasher::new();
    sum.update(name.as_bytes());
    let mut reader = BufReader::with_capacity(BUFFER_BYTES, file);
    loop {
        let part = reader.fill_buf()?;
        if part.is_empty() {
            return Ok(sum.finalize() == CRC_RESIDUE);
        }
        sum.update(part);
        let length = part.len();
        reader.consume(length);
    }
}

fn is_abandoned(last_used: SystemTime) -> bool {
    last_used.elapsed().is_ok_and(|age| age > STALE_TEMP_FILE_AGE)
}

/// Returns a path of the open file itself, whatever has its name meanwhile.
#[cfg(unix)]
fn descriptor_path(file: &File) -> Option<PathBuf> {
    use std::os::fd::AsRawFd;

    let path = PathBuf::from(format!("/dev/fd/{}", file.as_raw_fd()));
    path.exists().then_some(path)
}

#[cfg(not(unix))]
fn descriptor_path(_: &File) -> Option<PathBuf> {
    None
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn the_path_of_a_descriptor_is_that_of_the_open_file() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("entry");
        fs::write(&path, "checked").unwrap();
        let file = File::open(&path).unwrap();
        fs::rename(&path, directory.path().join("moved")).unwrap();
        fs::write(&path, "other").unwrap();
        let descriptor = descriptor_path(&file).expect("this system has /dev/fd");
        assert_eq!(fs::read_to_string(descriptor).unwrap(), "checked");
    }
}
