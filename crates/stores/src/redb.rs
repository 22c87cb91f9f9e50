//! A store in a file, with the embedded database redb.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::OpenOptions;
use std::ops::{Bound, ControlFlow};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Result;
use async_trait::async_trait;
use blocking::unblock;
use redb::backends::FileBackend;
use redb::{Database, WriteTransaction};
use surrealdb_types::{SurrealValue, Value};
use surrealism_runtime::KVStore;
use surrealism_runtime::kv::enforce::{KvSize, ResponseBudget, checked_add, is_empty_range};
use surrealism_runtime::limits::KvLimits;
use surrealism_types::codec;
use tokio::sync::Semaphore;

use self::error::{TransactionFailure, file_error, open_error};
use self::tables::{Contents, Snapshot};
use crate::check::{check_key, check_keys, check_ttl, encode, encode_unlimited};
use crate::limits::REDB_CACHE_BYTES;
use crate::module_name::check_module_name;
use crate::{OpenError, StoreError};

mod error;
mod tables;

/// A file with the stores of all modules of a host. Clones share it.
///
/// One process can have the file open at a time.
#[derive(Clone)]
pub struct RedbDatabase(Arc<File>);

/// The store of one module, in the file of a [`RedbDatabase`].
///
/// A write is on the disk when its call returns. Calls can be awaited on any executor: they read and write
/// on a pool of blocking threads. One call writes at a time, in a transaction of its own, and others read
/// meanwhile. A call whose future is dropped has no effect or its whole effect.
///
/// The methods of [`KVStore`] fail with a [`StoreError`] inside the `anyhow::Error`.
pub struct RedbStore {
    file: Arc<File>,
    module: Arc<str>,
    limits: KvLimits,
}

struct File {
    path: PathBuf,
    database: Database,
    /// Held by the one write. Others wait for it as futures, and do not block a thread.
    write_permit: Arc<Semaphore>,
}

impl RedbDatabase {
    /// Opens a file, or creates it with permissions for this user alone.
    ///
    /// This **blocks**: it checks the whole file, which takes about as long as reading it.
    ///
    /// ```no_run
    /// use surrealism_runtime::limits::KvLimits;
    /// use surrealism_stores::{OpenError, RedbDatabase, RedbStore};
    ///
    /// fn open() -> Result<RedbStore, OpenError> {
    ///     RedbDatabase::open("kv.redb")?.module("acme/hello", KvLimits::default())
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// [`OpenError::Locked`] when the file is open already, [`OpenError::PermissionDenied`] and
    /// [`OpenError::Io`] when it cannot be read and written, [`OpenError::Damaged`] when redb did not write
    /// it as it is, [`OpenError::IncompatibleVersion`] when another version of redb did.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, OpenError> {
        let path = path.into();
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&path).map_err(|error| file_error(&path, error))?;
        let backend = FileBackend::new(file).map_err(|error| open_error(&path, error))?;
        Self::open_backend(path, backend)
    }

    fn open_backend(path: PathBuf, backend: impl redb::StorageBackend) -> Result<Self, OpenError> {
        let database = Database::builder()
            .set_cache_size(REDB_CACHE_BYTES)
            .set_check_integrity_on_open(true)
            .create_with_backend(backend)
            .map_err(|error| open_error(&path, error))?;
        Ok(Self(Arc::new(File { path, database, write_permit: Arc::new(Semaphore::new(1)) })))
    }

    /// Returns the store of a module, which is empty until something is set. Stores with the same name
    /// share their entries.
    ///
    /// # Errors
    ///
    /// [`OpenError::InvalidModuleName`] for a name that is empty, has more than
    /// [`MAX_MODULE_NAME_BYTES`](crate::limits::MAX_MODULE_NAME_BYTES), or contains braces or control
    /// characters.
    pub fn module(&self, name: &str, limits: KvLimits) -> Result<RedbStore, OpenError> {
        check_module_name(name)?;
        Ok(RedbStore { file: self.0.clone(), module: name.into(), limits })
    }

    /// Returns the path that the file was opened with.
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
    /// Starts a transaction whose commit is durable.
    ///
    /// redb's one-phase commit relies on a checksum that is not cryptographic, and guests choose the bytes
    /// that it covers. So this commits in two phases.
    fn begin(&self) -> Result<WriteTransaction, TransactionFailure> {
        let mut transaction = self.database.begin_write()?;
        transaction.set_two_phase_commit(true);
        Ok(transaction)
    }

    /// Applies a change to the entries of a module: all of it, or none of it with an error.
    ///
    /// Expired entries are removed first. Where there are too many for one transaction, this removes some of
    /// them and returns the change, to be applied later.
    fn write<T, C>(&self, module: &str, change: C) -> Result<ControlFlow<T, C>, TransactionFailure>
    where
        C: FnOnce(&mut Contents<'_>) -> Result<T, TransactionFailure>,
    {
        let transaction = self.begin()?;
        let mut contents = Contents::open(&transaction, module, now())?;
        let progress = if contents.purge_expired()? {
            ControlFlow::Break(change(&mut contents)?)
        } else {
            ControlFlow::Continue(change)
        };
        if contents.finish()? {
            transaction.commit()?;
        }
        Ok(progress)
    }
}

impl RedbStore {
    /// Returns the number of entries and their size. Entries that expired since the last write count.
    ///
    /// # Errors
    ///
    /// A [`StoreError`] when the file cannot be read.
    pub async fn size(&self) -> Result<KvSize, StoreError> {
        self.read(|snapshot| Ok(snapshot.size())).await
    }

    async fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Snapshot) -> Result<T, TransactionFailure> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (file, module) = (self.file.clone(), self.module.clone());
        unblock(move || {
            let result = Snapshot::open(&file.database, &module, now());
            result.and_then(|snapshot| query(&snapshot)).map_err(|error| error.at(&file.path))
        })
        .await
    }

    async fn write<T: Send + 'static>(
        &self,
        mut change: impl FnOnce(&mut Contents<'_>) -> Result<T, TransactionFailure> + Send + 'static,
    ) -> Result<T, StoreError> {
        loop {
            // Acquired for each transaction, so that writes of other modules come in between.
            let permits = self.file.write_permit.clone();
            let permit = permits.acquire_owned().await.expect("the semaphore is never closed");
            let (file, module) = (self.file.clone(), self.module.clone());
            let progress = unblock(move || {
                // Held here, so that it is released only after the transaction, even if the caller is gone.
                let _permit = permit;
                file.write(&module, change).map_err(|error| error.at(&file.path))
            });
            match progress.await? {
                ControlFlow::Break(result) => return Ok(result),
                ControlFlow::Continue(not_applied) => change = not_applied,
            }
        }
    }
}

/// Returns the time of the system's clock, which keeps its meaning after a restart, in milliseconds since
/// 1970.
fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// Returns when an entry expires that is set now.
fn expiry_from_now(key: &str, ttl: Duration) -> Result<u64, StoreError> {
    Ok(now().saturating_add(check_ttl(key, ttl)?))
}

#[async_trait]
impl KVStore for RedbStore {
    async fn get(&self, key: String) -> Result<Option<Value>> {
        check_key(&key)?;
        let get = move |snapshot: &Snapshot| {
            let entry = snapshot.get(&key)?;
            Ok(entry.map(|entry| codec::decode_value(entry.value())).transpose()?)
        };
        Ok(self.read(get).await?)
    }

    async fn get_encoded(&self, key: String) -> Result<Option<Vec<u8>>> {
        check_key(&key)?;
        let get =
            move |snapshot: &Snapshot| Ok(snapshot.get(&key)?.map(|entry| entry.value().to_vec()));
        Ok(self.read(get).await?)
    }

    async fn set(&self, key: String, value: Value) -> Result<()> {
        self.set_batch(vec![(key, value)]).await
    }

    async fn del(&self, key: String) -> Result<()> {
        self.del_batch(vec![key]).await
    }

    async fn exists(&self, key: String) -> Result<bool> {
        check_key(&key)?;
        Ok(self.read(move |snapshot| Ok(snapshot.get(&key)?.is_some())).await?)
    }

    async fn del_rng(&self, start: Bound<String>, end: Bound<String>) -> Result<()> {
        if is_empty_range(&start, &end) {
            return Ok(());
        }
        Ok(self.write(move |contents| contents.remove_range(&start, &end)).await?)
    }

    async fn get_batch(&self, keys: Vec<String>) -> Result<Vec<Option<Value>>> {
        check_keys(&keys)?;
        let get_all = move |snapshot: &Snapshot| {
            let mut budget = ResponseBudget::new();
            let get = |key: &String| match snapshot.get(key)? {
                Some(entry) => Ok(Some(budget.charge_and_decode(key, entry.value())?)),
                None => {
                    budget.charge(key, &[])?;
                    Ok(None)
                }
            };
            keys.iter().map(get).collect()
        };
        Ok(self.read(get_all).await?)
    }

    async fn set_batch(&self, entries: Vec<(String, Value)>) -> Result<()> {
        let (encoded, limits) =
            (self.limits.encode_all(entries).map_err(StoreError::from)?, self.limits);
        Ok(self.write(move |contents| contents.put(&encoded, None, &limits)).await?)
    }

    async fn del_batch(&self, keys: Vec<String>) -> Result<()> {
        check_keys(&keys)?;
        let remove_all =
            move |contents: &mut Contents<'_>| keys.iter().try_for_each(|key| contents.remove(key));
        Ok(self.write(remove_all).await?)
    }

    async fn keys(&self, start: Bound<String>, end: Bound<String>) -> Result<Vec<String>> {
        let keys = move |snapshot: &Snapshot| {
            let mut budget = ResponseBudget::new();
            snapshot.range(&start, &end, |key, _| {
                budget.charge(key, &[])?;
                Ok(key.to_string())
            })
        };
        Ok(self.read(keys).await?)
    }

    async fn values(&self, start: Bound<String>, end: Bound<String>) -> Result<Vec<Value>> {
        let values = move |snapshot: &Snapshot| {
            let mut budget = ResponseBudget::new();
            snapshot.range(&start, &end, |_, value| Ok(budget.charge_and_decode("", value)?))
        };
        Ok(self.read(values).await?)
    }

    async fn entries(
        &self,
        start: Bound<String>,
        end: Bound<String>,
    ) -> Result<Vec<(String, Value)>> {
        let entries = move |snapshot: &Snapshot| {
            let mut budget = ResponseBudget::new();
            snapshot.range(&start, &end, |key, value| {
                Ok((key.to_string(), budget.charge_and_decode(key, value)?))
            })
        };
        Ok(self.read(entries).await?)
    }

    async fn count(&self, start: Bound<String>, end: Bound<String>) -> Result<u64> {
        let count = move |snapshot: &Snapshot| {
            let units: Vec<()> = snapshot.range(&start, &end, |_, _| Ok(()))?;
            Ok(units.len() as u64)
        };
        Ok(self.read(count).await?)
    }

    async fn compare_and_set(
        &self,
        key: String,
        expected: Option<Value>,
        new: Option<Value>,
    ) -> Result<bool> {
        check_key(&key)?;
        let expected = expected.map(|value| encode_unlimited(&value)).transpose()?;
        let new = new.map(|value| encode(&self.limits, &key, &value)).transpose()?;
        let limits = self.limits;
        let compare_and_set = move |contents: &mut Contents<'_>| {
            let current = contents.get(&key)?.map(|entry| entry.value);
            if current != expected {
                return Ok(false);
            }
            match new {
                Some(new) => contents.put(&BTreeMap::from([(key, new)]), None, &limits)?,
                None => contents.remove(&key)?,
            }
            Ok(true)
        };
        Ok(self.write(compare_and_set).await?)
    }

    async fn increment(&self, key: String, delta: i64) -> Result<i64> {
        check_key(&key)?;
        let limits = self.limits;
        let increment = move |contents: &mut Contents<'_>| {
            let entry = contents.get(&key)?;
            let expires_at = entry.as_ref().and_then(|entry| entry.expires_at);
            let current = entry.map(|entry| codec::decode_value(&entry.value)).transpose()?;
            let sum = checked_add(&key, current.as_ref(), delta)?;
            let encoded = limits.encode(&key, &sum.into_value())?;
            contents.put(&BTreeMap::from([(key, encoded)]), expires_at, &limits)?;
            Ok(sum)
        };
        Ok(self.write(increment).await?)
    }

    async fn set_with_ttl(&self, key: String, value: Value, ttl: Duration) -> Result<()> {
        let encoded = encode(&self.limits, &key, &value)?;
        let expires_at = expiry_from_now(&key, ttl)?;
        let (entries, limits) = (BTreeMap::from([(key, encoded)]), self.limits);
        Ok(self.write(move |contents| contents.put(&entries, Some(expires_at), &limits)).await?)
    }

    async fn ttl(&self, key: String) -> Result<Option<Duration>> {
        check_key(&key)?;
        let ttl = move |snapshot: &Snapshot| {
            let expires_at = snapshot.get(&key)?.and_then(|entry| entry.expires_at());
            Ok(expires_at.map(|time| Duration::from_millis(time.saturating_sub(snapshot.now()))))
        };
        Ok(self.read(ttl).await?)
    }

    async fn set_ttl(&self, key: String, ttl: Option<Duration>) -> Result<bool> {
        check_key(&key)?;
        let expires_at = ttl.map(|ttl| expiry_from_now(&key, ttl)).transpose()?;
        Ok(self.write(move |contents| contents.set_expiry(&key, expires_at)).await?)
    }
}
