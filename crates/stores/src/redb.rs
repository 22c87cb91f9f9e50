//! A store in a file, which redb keeps.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::OpenOptions;
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use async_trait::async_trait;
use blocking::unblock;
use redb::backends::FileBackend;
use redb::{Database, WriteTransaction};
use surrealdb_types::{SurrealValue, Value};
use surrealism_runtime::KVStore;
use surrealism_runtime::kv::bounds::{Answer, KvSize, check_key, check_ttl, is_empty, sum};
use surrealism_runtime::limits::KvLimits;
use surrealism_types::codec;
use tokio::sync::Semaphore;

use self::contents::{Contents, Snapshot};
use crate::limits::REDB_CACHE_BYTES;
use crate::module::check_module;

mod contents;
mod trouble;

/// A file that holds the stores of all modules of a host. Clones share it.
///
/// One process has the file at a time. What a store has acknowledged is on the disk.
#[derive(Clone)]
pub struct RedbDatabase(Arc<File>);

/// The store of one module, in the file of its [host](RedbDatabase).
///
/// Its calls run on any executor, and do their reading and writing on threads of their own. One
/// writes at a time, in a transaction of its own; reading goes on meanwhile. A call that is dropped is
/// not begun or ends by itself.
pub struct RedbStore {
    file: Arc<File>,
    module: Arc<str>,
    limits: KvLimits,
}

struct File {
    path: PathBuf,
    database: Database,
    /// Who writes; the others wait here, and not on the threads.
    turn: Arc<Semaphore>,
}

impl RedbDatabase {
    /// Opens a file, or makes it, for this user alone. This **blocks**: it checks all that the file
    /// holds, which takes about as long as reading it.
    ///
    /// # Errors
    ///
    /// When the file is open already, cannot be read and written, is damaged, or is no file of redb's.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self> {
        let path = path.into();
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&path).with_context(|| {
            format!(
                "cannot open the key-value file {}: see whether its folder is there and who may \
                 write to it",
                path.display()
            )
        })?;
        let backend = FileBackend::new(file).map_err(|error| trouble::opening(&path, error))?;
        Self::open_backend(path, backend)
    }

    fn open_backend(path: PathBuf, backend: impl redb::StorageBackend) -> Result<Self> {
        let database = Database::builder()
            .set_cache_size(REDB_CACHE_BYTES)
            .set_check_integrity_on_open(true)
            .create_with_backend(backend)
            .map_err(|error| trouble::opening(&path, error))?;
        Ok(Self(Arc::new(File { path, database, turn: Arc::new(Semaphore::new(1)) })))
    }

    /// The store of a module, which is empty until something is set. Whoever opens the store of the
    /// same name shares it.
    ///
    /// # Errors
    ///
    /// When the name is empty, too long, or has braces or control characters.
    pub fn module(&self, name: &str, limits: KvLimits) -> Result<RedbStore> {
        check_module(name)?;
        Ok(RedbStore { file: self.0.clone(), module: name.into(), limits })
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.0.path
    }
}

impl fmt::Debug for RedbDatabase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedbDatabase").field("path", &self.0.path).finish_non_exhaustive()
    }
}

impl fmt::Debug for RedbStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedbStore")
            .field("path", &self.file.path)
            .field("module", &self.module)
            .field("limits", &self.limits)
            .finish()
    }
}

impl File {
    /// A transaction that is on the disk when it is committed. Guests choose what is written, so no
    /// commit may rest on a checksum that is not cryptographic: it takes two phases.
    fn begin(&self) -> Result<WriteTransaction> {
        let mut transaction = self.database.begin_write()?;
        transaction.set_two_phase_commit(true);
        Ok(transaction)
    }

    /// Changes what a module holds, of which nothing has expired any more: all of it, or with an
    /// error nothing. Where much has expired, removes a part of that instead.
    fn write<T, C>(&self, module: &str, change: C) -> Result<Step<T, C>>
    where
        C: FnOnce(&mut Contents<'_>) -> Result<T>,
    {
        let transaction = self.begin()?;
        let mut contents = Contents::open(&transaction, module, now())?;
        let step = if contents.purge()? {
            Step::Done(change(&mut contents)?)
        } else {
            Step::Again(change)
        };
        if contents.save()? {
            transaction.commit()?;
        }
        Ok(step)
    }
}

/// What one transaction came to.
enum Step<T, C> {
    Done(T),
    /// The change is still to be made.
    Again(C),
}

impl RedbStore {
    /// What the store holds; what has expired since the last write is still counted.
    ///
    /// # Errors
    ///
    /// When the file cannot be read.
    pub async fn size(&self) -> Result<KvSize> {
        self.read(|snapshot| Ok(snapshot.size())).await
    }

    async fn read<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&Snapshot) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (file, module) = (self.file.clone(), self.module.clone());
        let work = move || {
            let answer = Snapshot::open(&file.database, &module, now()).and_then(|s| ask(&s));
            answer.map_err(|error| trouble::using(&file.path, error))
        };
        unblock(work).await
    }

    async fn write<T: Send + 'static>(
        &self,
        mut change: impl FnOnce(&mut Contents<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        loop {
            // For each step anew: other modules write as well.
            let turn = self.file.turn.clone().acquire_owned().await?;
            let (file, module) = (self.file.clone(), self.module.clone());
            let work = move || {
                let _turn = turn;
                let step = file.write(&module, change);
                step.map_err(|error| trouble::using(&file.path, error))
            };
            match unblock(work).await? {
                Step::Done(answer) => return Ok(answer),
                Step::Again(again) => change = again,
            }
        }
    }
}

/// By the clock of the machine, in milliseconds since 1970: it has to mean the same after a restart.
fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// When what lives so long from now ends.
fn end(key: &str, ttl: Duration) -> Result<u64> {
    Ok(now().saturating_add(check_ttl(key, ttl)?))
}

#[async_trait]
impl KVStore for RedbStore {
    async fn get(&self, key: String) -> Result<Option<Value>> {
        check_key(&key)?;
        self.read(move |snapshot| {
            let value = snapshot.get(&key)?;
            value.map(|entry| codec::decode_value(entry.value())).transpose()
        })
        .await
    }

    async fn get_encoded(&self, key: String) -> Result<Option<Vec<u8>>> {
        check_key(&key)?;
        self.read(move |snapshot| Ok(snapshot.get(&key)?.map(|entry| entry.value().to_vec()))).await
    }

    async fn set(&self, key: String, value: Value) -> Result<()> {
        self.set_batch(vec![(key, value)]).await
    }

    async fn del(&self, key: String) -> Result<()> {
        self.del_batch(vec![key]).await
    }

    async fn exists(&self, key: String) -> Result<bool> {
        check_key(&key)?;
        self.read(move |snapshot| Ok(snapshot.get(&key)?.is_some())).await
    }

    async fn del_rng(&self, start: Bound<String>, end: Bound<String>) -> Result<()> {
        if is_empty(&start, &end) {
            return Ok(());
        }
        self.write(move |contents| contents.remove_range(&start, &end)).await
    }

    async fn get_batch(&self, keys: Vec<String>) -> Result<Vec<Option<Value>>> {
        keys.iter().try_for_each(|key| check_key(key))?;
        self.read(move |snapshot| {
            let mut answer = Answer::new();
            let get = |key: &String| match snapshot.get(key)? {
                Some(entry) => answer.value(key, entry.value()).map(Some),
                None => answer.take(key, &[]).map(|()| None),
            };
            keys.iter().map(get).collect()
        })
        .await
    }

    async fn set_batch(&self, entries: Vec<(String, Value)>) -> Result<()> {
        let encoded = self.limits.encode_all(entries)?;
        let limits = self.limits;
        self.write(move |contents| contents.put(&encoded, None, &limits)).await
    }

    async fn del_batch(&self, keys: Vec<String>) -> Result<()> {
        keys.iter().try_for_each(|key| check_key(key))?;
        self.write(move |contents| keys.iter().try_for_each(|key| contents.remove(key))).await
    }

    async fn keys(&self, start: Bound<String>, end: Bound<String>) -> Result<Vec<String>> {
        self.read(move |snapshot| {
            let mut answer = Answer::new();
            snapshot.range(&start, &end, |key, _| {
                answer.take(key, &[])?;
                Ok(key.to_string())
            })
        })
        .await
    }

    async fn values(&self, start: Bound<String>, end: Bound<String>) -> Result<Vec<Value>> {
        self.read(move |snapshot| {
            let mut answer = Answer::new();
            snapshot.range(&start, &end, |_, value| answer.value("", value))
        })
        .await
    }

    async fn entries(
        &self,
        start: Bound<String>,
        end: Bound<String>,
    ) -> Result<Vec<(String, Value)>> {
        self.read(move |snapshot| {
            let mut answer = Answer::new();
            snapshot
                .range(&start, &end, |key, value| Ok((key.to_string(), answer.value(key, value)?)))
        })
        .await
    }

    async fn count(&self, start: Bound<String>, end: Bound<String>) -> Result<u64> {
        self.read(move |snapshot| {
            let mut count = 0;
            let _: Vec<()> = snapshot.range(&start, &end, |_, _| {
                count += 1;
                Ok(())
            })?;
            Ok(count)
        })
        .await
    }

    async fn compare_and_set(
        &self,
        key: String,
        expected: Option<Value>,
        new: Option<Value>,
    ) -> Result<bool> {
        check_key(&key)?;
        let expected = expected.map(|value| codec::encode_value(&value)).transpose()?;
        let new = new.map(|value| self.limits.encode(&key, &value)).transpose()?;
        let limits = self.limits;
        self.write(move |contents| {
            let held = contents.get(&key)?;
            if held.map(|entry| entry.value) != expected {
                return Ok(false);
            }
            match new {
                Some(new) => contents.put(&BTreeMap::from([(key, new)]), None, &limits)?,
                None => contents.remove(&key)?,
            }
            Ok(true)
        })
        .await
    }

    async fn increment(&self, key: String, delta: i64) -> Result<i64> {
        check_key(&key)?;
        let limits = self.limits;
        self.write(move |contents| {
            let entry = contents.get(&key)?;
            let ends = entry.as_ref().and_then(|entry| entry.ends);
            let held = entry.map(|entry| codec::decode_value(&entry.value)).transpose()?;
            let sum = sum(&key, held.as_ref(), delta)?;
            let bytes = limits.encode(&key, &sum.into_value())?;
            contents.put(&BTreeMap::from([(key, bytes)]), ends, &limits)?;
            Ok(sum)
        })
        .await
    }

    async fn set_with_ttl(&self, key: String, value: Value, ttl: Duration) -> Result<()> {
        check_key(&key)?;
        let end = end(&key, ttl)?;
        let bytes = self.limits.encode(&key, &value)?;
        let (entries, limits) = (BTreeMap::from([(key, bytes)]), self.limits);
        self.write(move |contents| contents.put(&entries, Some(end), &limits)).await
    }

    async fn ttl(&self, key: String) -> Result<Option<Duration>> {
        check_key(&key)?;
        self.read(move |snapshot| {
            let ends = snapshot.get(&key)?.and_then(|entry| entry.ends());
            Ok(ends.map(|end| Duration::from_millis(end.saturating_sub(snapshot.now()))))
        })
        .await
    }

    async fn set_ttl(&self, key: String, ttl: Option<Duration>) -> Result<bool> {
        check_key(&key)?;
        let end = ttl.map(|ttl| end(&key, ttl)).transpose()?;
        self.write(move |contents| contents.set_end(&key, end)).await
    }
}
