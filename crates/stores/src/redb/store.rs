//! The store of one module in a file.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Bound;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use async_trait::async_trait;
use surrealdb_types::Value;
use surrealism_runtime::KVStore;
use surrealism_runtime::kv::atomic::{self, CompareAndSet};
use surrealism_runtime::kv::enforce::{KvSize, ResponseBudget, is_empty_range};
use surrealism_runtime::limits::KvLimits;
use surrealism_types::codec::{self, Decoder};

use super::error::TransactionFailure;
use super::file::{File, now};
use super::tables::{Contents, Snapshot};
use crate::StoreError;
use crate::check::{check_key, check_keys, check_ttl, encode};

/// The store of one module, in the file of a [`RedbDatabase`](super::RedbDatabase).
///
/// A write is on the disk when its call returns. Calls can be awaited on any executor: they read and write
/// on a pool of blocking threads. Writes that wait at the same time share a transaction and its flushes, and
/// others read meanwhile. A call whose future is dropped has no effect or its whole effect.
///
/// The methods of [`KVStore`] fail with a [`StoreError`] inside the `anyhow::Error`.
pub struct RedbStore {
    file: Arc<File>,
    module: Arc<str>,
    limits: KvLimits,
}

impl RedbStore {
    pub(super) fn new(file: Arc<File>, module: Arc<str>, limits: KvLimits) -> Self {
        Self { file, module, limits }
    }

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
        self.read_and_decode(query, Ok).await
    }

    async fn read_and_decode<A, T: Send + 'static>(
        &self,
        query: impl FnOnce(&Snapshot) -> Result<A, TransactionFailure> + Send + 'static,
        decode: impl FnOnce(A) -> Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.file.read(self.module.clone(), query, decode).await
    }

    async fn write<T: Send + 'static>(
        &self,
        change: impl FnOnce(&mut Contents<'_>) -> Result<T, TransactionFailure> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.file.write(self.module.clone(), change).await
    }

    async fn add(&self, key: String, delta: i64, initial_expiry: Option<u64>) -> Result<i64> {
        let limits = self.limits;
        let add = move |contents: &mut Contents<'_>| {
            atomic::increment(contents, &limits, key, delta, initial_expiry)
        };
        Ok(self.write(add).await?)
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

/// Returns when an entry expires that is set now.
fn expiry_from_now(key: &str, ttl: Duration) -> Result<u64, StoreError> {
    Ok(now().saturating_add(check_ttl(key, ttl)?))
}

#[async_trait]
impl KVStore for RedbStore {
    async fn get(&self, key: String) -> Result<Option<Value>> {
        let encoded = self.get_encoded(key).await?;
        encoded.map(|value| codec::decode_value(&value)).transpose()
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
            let get = |key: &String| {
                let value = snapshot.get(key)?.map(|entry| entry.value().to_vec());
                budget.charge(key, value.as_deref().unwrap_or_default())?;
                Ok(value)
            };
            keys.iter().map(get).collect::<Result<Vec<_>, _>>()
        };
        let decode = |values: Vec<Option<Vec<u8>>>| {
            let mut decoder = Decoder::new();
            let mut decode = |value: Vec<u8>| decoder.decode_value(&value);
            values.into_iter().map(|value| value.map(&mut decode).transpose()).collect()
        };
        Ok(self.read_and_decode(get_all, decode).await?)
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
            snapshot.range(&start, &end, |_, value| {
                budget.charge("", value)?;
                Ok(value.to_vec())
            })
        };
        let decode = |values: Vec<Vec<u8>>| {
            let mut decoder = Decoder::new();
            values.iter().map(|value| decoder.decode_value(value)).collect()
        };
        Ok(self.read_and_decode(values, decode).await?)
    }

    async fn entries(
        &self,
        start: Bound<String>,
        end: Bound<String>,
    ) -> Result<Vec<(String, Value)>> {
        let entries = move |snapshot: &Snapshot| {
            let mut budget = ResponseBudget::new();
            snapshot.range(&start, &end, |key, value| {
                budget.charge(key, value)?;
                Ok((key.to_string(), value.to_vec()))
            })
        };
        let decode = |entries: Vec<(String, Vec<u8>)>| {
            let mut decoder = Decoder::new();
            let decode = |(key, value): (String, Vec<u8>)| Ok((key, decoder.decode_value(&value)?));
            entries.into_iter().map(decode).collect()
        };
        Ok(self.read_and_decode(entries, decode).await?)
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
        let limits = self.limits;
        let change = CompareAndSet::new(&limits, key, expected, new).map_err(StoreError::from)?;
        Ok(self.write(move |contents| change.apply(contents, &limits)).await?)
    }

    async fn increment(&self, key: String, delta: i64) -> Result<i64> {
        check_key(&key)?;
        self.add(key, delta, None).await
    }

    async fn increment_with_ttl(&self, key: String, delta: i64, ttl: Duration) -> Result<i64> {
        check_key(&key)?;
        let expires_at = expiry_from_now(&key, ttl)?;
        self.add(key, delta, Some(expires_at)).await
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
