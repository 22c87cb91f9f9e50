//! Compiled code: shared by all modules of the same bytes, and kept on disk if the host wants.

use std::collections::HashMap;
use std::fs::{self, DirBuilder, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError, Weak};
use std::time::SystemTime;

use anyhow::{Context, Result, ensure};
use sha2::{Digest, Sha256};
use wasmtime::component::{Component, InstancePre};

use crate::bindings::GuestIndices;
use crate::engines::{Engines, Linked};
use crate::limits::DEFAULT_MAX_CODE_CACHE_BYTES;
use crate::store::StoreData;
use crate::{SurrealismError, SurrealismResult};

/// A component, compiled and linked.
pub(crate) struct Code {
    pub(crate) pre: InstancePre<StoreData>,
    pub(crate) guest: GuestIndices,
    /// Whether its instances live in the process's pool.
    pub(crate) pooled: bool,
}

/// The SHA-256 of a component's bytes.
type Fingerprint = [u8; 32];

/// Code that is loaded, or that somebody is compiling and others wait for.
type Place = Arc<Mutex<Weak<Code>>>;

impl Code {
    /// Compiles a component, unless it is loaded already or `cache` has it. Of many callers that
    /// ask for one component at once, one compiles it.
    ///
    /// # Errors
    ///
    /// [`Compilation`](SurrealismError::Compilation) when it is no valid component, exports no
    /// `invoke`, or imports what no host of this ABI has.
    pub(crate) fn load(
        engines: &Engines,
        strict_timeout: bool,
        wasm: &[u8],
        cache: Option<&CodeCache>,
    ) -> SurrealismResult<Arc<Self>> {
        let fingerprint = Sha256::digest(wasm).into();
        let place = place(fingerprint, strict_timeout);
        let mut place = lock(&place);
        if let Some(code) = place.upgrade() {
            return Ok(code);
        }
        let code = Arc::new(Self::make(engines, strict_timeout, wasm, fingerprint, cache)?);
        *place = Arc::downgrade(&code);
        Ok(code)
    }

    /// With the first engine that takes the component: the pool has limits of its own.
    fn make(
        engines: &Engines,
        strict_timeout: bool,
        wasm: &[u8],
        fingerprint: Fingerprint,
        cache: Option<&CodeCache>,
    ) -> SurrealismResult<Self> {
        let mut refusal = None;
        for linked in engines.for_module(strict_timeout) {
            match Self::make_with(linked, wasm, fingerprint, cache) {
                Ok(code) => return Ok(code),
                Err(error) => refusal = Some(error),
            }
        }
        let error = refusal.unwrap_or_else(|| wasmtime::format_err!("there is no engine"));
        Err(SurrealismError::Compilation(error))
    }

    fn make_with(
        linked: &Linked,
        wasm: &[u8],
        fingerprint: Fingerprint,
        cache: Option<&CodeCache>,
    ) -> wasmtime::Result<Self> {
        let kept = cache.map(|cache| (cache, cache.file(linked, fingerprint)));
        let component = match kept.as_ref().and_then(|(cache, file)| cache.get(linked, file)) {
            Some(component) => component,
            None => {
                let component = Component::from_binary(linked.engine(), wasm)?;
                if let Some((cache, file)) = kept {
                    cache.put(&file, &component);
                }
                component
            }
        };
        let pre = linked.linker.instantiate_pre(&component)?;
        let guest = GuestIndices::of(&pre)?;
        Ok(Self { pre, guest, pooled: linked.pooled })
    }
}

fn place(fingerprint: Fingerprint, strict_timeout: bool) -> Place {
    type Places = HashMap<(Fingerprint, bool), Place>;
    static PLACES: LazyLock<Mutex<Places>> = LazyLock::new(Mutex::default);

    let mut places = lock(&PLACES);
    // A place that nobody waits at, whose code is gone.
    places.retain(|_, place| Arc::strong_count(place) > 1 || lock(place).strong_count() > 0);
    places.entry((fingerprint, strict_timeout)).or_default().clone()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A folder of compiled code, so that a module is compiled once and not in every process that loads
/// it. Give it to [`RuntimeBuilder::code_cache`](crate::RuntimeBuilder::code_cache).
///
/// What is in it, this process runs as machine code: it belongs to this user alone. Any number of
/// processes may share it. It is bounded in size; what was used least recently goes first.
#[derive(Debug, Clone)]
pub struct CodeCache {
    folder: PathBuf,
    max_bytes: u64,
}

impl CodeCache {
    /// Opens a folder, or makes it, for this user only.
    ///
    /// # Errors
    ///
    /// When it cannot be made, or another user owns it or may write to it.
    pub fn open(folder: impl Into<PathBuf>) -> Result<Self> {
        let folder = folder.into();
        let mut builder = DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        let what = || format!("the folder {} for compiled code", folder.display());
        builder.create(&folder).with_context(|| format!("cannot make {}", what()))?;
        check_owner(&folder).with_context(|| format!("cannot use {}", what()))?;
        Ok(Self { folder, max_bytes: DEFAULT_MAX_CODE_CACHE_BYTES })
    }

    /// What all of it may take, in bytes. Default: [`DEFAULT_MAX_CODE_CACHE_BYTES`].
    pub fn max_bytes(mut self, bytes: u64) -> Self {
        self.max_bytes = bytes;
        self
    }

    /// Where the code for an engine is kept. The name changes with all that the code depends on:
    /// the component, the engine's settings, this machine's processor, and wasmtime's version.
    fn file(&self, linked: &Linked, fingerprint: Fingerprint) -> PathBuf {
        let mut hasher = DefaultHasher::new();
        linked.engine().precompile_compatibility_hash().hash(&mut hasher);
        let engine = hasher.finish();
        self.folder.join(format!("{}-{engine:016x}.cwasm", hex::encode(fingerprint)))
    }

    /// Code that is there and fits the engine.
    #[allow(unsafe_code, reason = "nothing else maps compiled code")]
    fn get(&self, linked: &Linked, file: &Path) -> Option<Component> {
        let opened = File::open(file).ok()?;
        // SAFETY: wasmtime wants a file that `Component::serialize` made and that nobody changes
        // while it is mapped. Only this user can write to the folder, as `open` checked, and `put`
        // alone writes to it: under another name first, so that a file is never seen in part, and
        // never again after.
        let component = unsafe { Component::deserialize_file(linked.engine(), file) }.ok()?;
        // Its last use, for what is evicted first; the cache works without.
        let _ = opened.set_modified(SystemTime::now());
        Some(component)
    }

    /// Keeps code. That it cannot, a full disk for one, is no reason to fail a load.
    fn put(&self, file: &Path, component: &Component) {
        let write = || -> Result<()> {
            let mut new = tempfile::NamedTempFile::new_in(&self.folder)?;
            new.write_all(&component.serialize()?)?;
            new.persist(file)?;
            self.evict()
        };
        let _ = write();
    }

    /// Removes what was used least recently, until the rest fits. Code that is in use stays mapped.
    fn evict(&self) -> Result<()> {
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            let metadata = entry.metadata()?;
            files.push((metadata.modified()?, metadata.len(), entry.path()));
        }
        files.sort_unstable();
        let mut total: u64 = files.iter().map(|(_, size, _)| size).sum();
        for (_, size, path) in files {
            if total <= self.max_bytes {
                break;
            }
            fs::remove_file(path)?;
            total -= size;
        }
        Ok(())
    }
}

#[cfg(unix)]
fn check_owner(folder: &Path) -> Result<()> {
    use std::os::unix::fs::MetadataExt;

    let metadata = fs::metadata(folder)?;
    let me = fs::metadata("/proc/self").map_or_else(|_| metadata.uid(), |process| process.uid());
    ensure!(metadata.uid() == me, "it belongs to user {}, and this is {me}", metadata.uid());
    let mode = metadata.mode() & 0o777;
    ensure!(mode & 0o022 == 0, "others may write to it (mode {mode:o}): make it 700");
    Ok(())
}

#[cfg(not(unix))]
fn check_owner(_: &Path) -> Result<()> {
    Ok(())
}
