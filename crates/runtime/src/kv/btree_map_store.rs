//! A key-value store in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::{Arc, RwLock, RwLockWriteGuard};
use std::time::{Duration, Instant};

use anyhow::Result;
use async_trait::async_trait;
use surrealdb_types::Value;
use surrealism_types::codec;

use super::KVStore;
use super::atomic::{self, CompareAndSet, Entries as _};
use super::enforce::{KvSize, ResponseBudget, check_key, check_ttl, is_empty_range};
use crate::limits::{KV_EXPIRED_PER_STEP, KvLimits};
use crate::sync::{read, write};
use crate::usage::{AtomicGauge, Gauge};

/// A store in memory, which ends with the process. Values are kept encoded, which is also how their
/// size is measured.
///
/// ```
/// use surrealism_runtime::BTreeMapStore;
/// use surrealism_runtime::limits::KvLimits;
///
/// let store = BTreeMapStore::bounded(KvLimits { max_entries: Some(1_000), ..KvLimits::default() });
/// assert_eq!(store.size().entries, 0);
/// ```
#[derive(Debug, Default)]
pub struct BTreeMapStore {
    limits: KvLimits,
    contents: RwLock<Contents>,
    bytes: AtomicGauge,
}

#[derive(Debug, Default)]
struct Contents {
    entries: BTreeMap<Arc<str>, Entry>,
    /// The entries that expire, the next one first.
    expiries: BTreeSet<Expiry>,
    size: KvSize,
}

/// When an entry expires, and its key.
type Expiry = (Instant, Arc<str>);

#[derive(Debug)]
struct Entry {
    value: Vec<u8>,
    expires_at: Option<Instant>,
}

impl BTreeMapStore {
    /// Creates a store that limits the length of a key only.
    pub fn new() -> Self {
        Self::default()
    }

    /// Creates a store that limits the number of keys, and the encoded size of a value in bytes; `None` is
    /// unlimited.
    pub fn with_limits(max_entries: Option<usize>, max_value_bytes: Option<usize>) -> Self {
        Self::bounded(KvLimits { max_entries, max_value_bytes, max_bytes: None })
    }

    /// Creates a store within these limits.
    pub fn bounded(limits: KvLimits) -> Self {
        Self { limits, ..Self::default() }
    }

    /// Returns the size of the content. Entries that have expired since the last write are included.
    pub fn size(&self) -> KvSize {
        read(&self.contents).size
    }

    pub(crate) fn limits(&self) -> KvLimits {
        self.limits
    }

    /// The size of all keys and encoded values, in bytes.
    pub(crate) fn bytes(&self) -> Gauge {
        self.bytes.load()
    }

    /// Removes expired entries, then changes the contents.
    fn update<T>(&self, change: impl FnOnce(&mut Contents) -> T) -> T {
        let mut contents = self.write_purged();
        let result = change(&mut contents);
        self.bytes.set(contents.size.bytes);
        result
    }

    fn write_purged(&self) -> RwLockWriteGuard<'_, Contents> {
        loop {
            let mut contents = write(&self.contents);
            if contents.purge() {
                return contents;
            }
            // The lock is released between steps, so that other callers can proceed.
        }
    }

    fn put(&self, key: String, value: &Value, expires_at: Option<Instant>) -> Result<()> {
        let bytes = self.limits.encode(&key, value)?;
        self.update(|contents| contents.set(key, bytes, expires_at, &self.limits))
    }
}

impl Entry {
    fn is_live(&self) -> bool {
        self.expires_at.is_none_or(|expiry| Instant::now() < expiry)
    }

    /// Updates size and expiries after the entry was removed.
    fn untrack(self, key: Arc<str>, size: &mut KvSize, expiries: &mut BTreeSet<Expiry>) {
        *size = size.minus_entry(&key, self.value.len());
        if let Some(expiry) = self.expires_at {
            expiries.remove(&(expiry, key));
        }
    }
}

impl Contents {
    fn get(&self, key: &str) -> Option<&[u8]> {
        let entry = self.entries.get(key).filter(|entry| entry.is_live())?;
        Some(&entry.value)
    }

    fn range<'a>(
        &'a self,
        start: &'a Bound<String>,
        end: &'a Bound<String>,
    ) -> impl Iterator<Item = (&'a Arc<str>, &'a Vec<u8>)> {
        let bounds = (start.as_ref().map(String::as_str), end.as_ref().map(String::as_str));
        let entries = (!is_empty_range(start, end)).then(|| self.entries.range::<str, _>(bounds));
        let live = entries.into_iter().flatten().filter(|(_, entry)| entry.is_live());
        live.map(|(key, entry)| (key, &entry.value))
    }

    /// Sets all entries, or none of them.
    fn set_all(&mut self, entries: BTreeMap<String, Vec<u8>>, limits: &KvLimits) -> Result<()> {
        let after = |size, (key, value): (&String, &Vec<u8>)| self.size_after(size, key, value);
        let size = entries.iter().fold(self.size, after);
        limits.check_growth(self.size, size)?;
        entries.into_iter().for_each(|(key, value)| self.insert(key, value, None));
        self.size = size;
        Ok(())
    }

    /// Returns `size` as it is after an entry is set.
    fn size_after(&self, size: KvSize, key: &str, value: &[u8]) -> KvSize {
        let old = self.entries.get(key);
        old.map_or(size, |old| size.minus_entry(key, old.value.len())).plus_entry(key, value.len())
    }

    fn insert(&mut self, key: String, value: Vec<u8>, expires_at: Option<Instant>) {
        let entry = Entry { value, expires_at };
        let old = match self.entries.get_mut(key.as_str()) {
            Some(old) => Some(std::mem::replace(old, entry)),
            None => self.entries.insert(Arc::from(key.as_str()), entry),
        };
        self.reschedule(&key, old.and_then(|old| old.expires_at), expires_at);
    }

    fn remove(&mut self, key: &str) {
        if let Some((key, entry)) = self.entries.remove_entry(key) {
            entry.untrack(key, &mut self.size, &mut self.expiries);
        }
    }

    fn remove_range(&mut self, start: &Bound<String>, end: &Bound<String>) {
        if is_empty_range(start, end) {
            return;
        }
        let bound = |bound: &Bound<String>| bound.as_ref().map(|key| Arc::from(key.as_str()));
        let range: (Bound<Arc<str>>, Bound<Arc<str>>) = (bound(start), bound(end));
        for (key, entry) in self.entries.extract_if(range, |_, _| true) {
            entry.untrack(key, &mut self.size, &mut self.expiries);
        }
    }

    fn set_expiry(&mut self, key: &str, expires_at: Option<Instant>) -> bool {
        let Some(entry) = self.entries.get_mut(key) else { return false };
        let old = std::mem::replace(&mut entry.expires_at, expires_at);
        self.reschedule(key, old, expires_at);
        true
    }

    /// Updates the expiries after that of an existing entry changed.
    fn reschedule(&mut self, key: &str, old: Option<Instant>, new: Option<Instant>) {
        if old == new {
            return;
        }
        let Some((key, _)) = self.entries.get_key_value(key) else { return };
        if let Some(old) = old {
            self.expiries.remove(&(old, key.clone()));
        }
        if let Some(new) = new {
            self.expiries.insert((new, key.clone()));
        }
    }

    /// Removes at most [`KV_EXPIRED_PER_STEP`] expired entries. Returns whether none is left.
    fn purge(&mut self) -> bool {
        for _ in 0..KV_EXPIRED_PER_STEP {
            match self.expiries.first() {
                Some((expiry, key)) if *expiry <= Instant::now() => {
                    let key = key.clone();
                    self.remove(&key);
                }
                _ => return true,
            }
        }
        false
    }
}

impl atomic::Entries for Contents {
    type Expiry = Instant;
    type Error = anyhow::Error;

    fn entry(&self, key: &str) -> Result<Option<atomic::Entry<'_, Instant>>> {
        let entry = self.entries.get(key).filter(|entry| entry.is_live());
        Ok(entry.map(|Entry { value, expires_at }| atomic::Entry {
            value: value.into(),
            expires_at: *expires_at,
        }))
    }

    fn set(
        &mut self,
        key: String,
        value: Vec<u8>,
        expires_at: Option<Instant>,
        limits: &KvLimits,
    ) -> Result<()> {
        let size = self.size_after(self.size, &key, &value);
        limits.check_growth(self.size, size)?;
        self.insert(key, value, expires_at);
        self.size = size;
        Ok(())
    }

    fn remove(&mut self, key: &str) -> Result<()> {
        self.remove(key);
        Ok(())
    }
}

/// Returns the expiry of an entry set now with this TTL.
fn expiry_from_now(key: &str, ttl: Duration) -> Result<Instant> {
    Ok(Instant::now() + Duration::from_millis(check_ttl(key, ttl)?))
}

#[async_trait]
impl KVStore for BTreeMapStore {
    async fn get(&self, key: String) -> Result<Option<Value>> {
        check_key(&key)?;
        read(&self.contents).get(&key).map(codec::decode_value).transpose()
    }

    async fn get_encoded(&self, key: String) -> Result<Option<Vec<u8>>> {
        check_key(&key)?;
        Ok(read(&self.contents).get(&key).map(<[u8]>::to_vec))
    }

    async fn set(&self, key: String, value: Value) -> Result<()> {
        check_key(&key)?;
        self.put(key, &value, None)
    }

    async fn del(&self, key: String) -> Result<()> {
        check_key(&key)?;
        self.update(|contents| contents.remove(&key));
        Ok(())
    }

    async fn exists(&self, key: String) -> Result<bool> {
        check_key(&key)?;
        Ok(read(&self.contents).get(&key).is_some())
    }

    async fn del_rng(&self, start: Bound<String>, end: Bound<String>) -> Result<()> {
        self.update(|contents| contents.remove_range(&start, &end));
        Ok(())
    }

    async fn get_batch(&self, keys: Vec<String>) -> Result<Vec<Option<Value>>> {
        let contents = read(&self.contents);
        let mut budget = ResponseBudget::new();
        let get = |key: String| {
            check_key(&key)?;
            match contents.get(&key) {
                Some(value) => budget.charge_and_decode(&key, value).map(Some),
                None => budget.charge(&key, &[]).map(|()| None),
            }
        };
        keys.into_iter().map(get).collect()
    }

    async fn set_batch(&self, entries: Vec<(String, Value)>) -> Result<()> {
        let encoded = self.limits.encode_all(entries)?;
        self.update(|contents| contents.set_all(encoded, &self.limits))
    }

    async fn del_batch(&self, keys: Vec<String>) -> Result<()> {
        keys.iter().try_for_each(|key| check_key(key))?;
        self.update(|contents| keys.iter().for_each(|key| contents.remove(key)));
        Ok(())
    }

    async fn keys(&self, start: Bound<String>, end: Bound<String>) -> Result<Vec<String>> {
        let mut budget = ResponseBudget::new();
        let take = |(key, _): (&Arc<str>, &Vec<u8>)| {
            budget.charge(key, &[])?;
            Ok(key.to_string())
        };
        read(&self.contents).range(&start, &end).map(take).collect()
    }

    async fn values(&self, start: Bound<String>, end: Bound<String>) -> Result<Vec<Value>> {
        let mut budget = ResponseBudget::new();
        let take = |(_, bytes): (&Arc<str>, &Vec<u8>)| budget.charge_and_decode("", bytes);
        read(&self.contents).range(&start, &end).map(take).collect()
    }

    async fn entries(
        &self,
        start: Bound<String>,
        end: Bound<String>,
    ) -> Result<Vec<(String, Value)>> {
        let mut budget = ResponseBudget::new();
        let take = |(key, bytes): (&Arc<str>, &Vec<u8>)| {
            Ok((key.to_string(), budget.charge_and_decode(key, bytes)?))
        };
        read(&self.contents).range(&start, &end).map(take).collect()
    }

    async fn count(&self, start: Bound<String>, end: Bound<String>) -> Result<u64> {
        Ok(read(&self.contents).range(&start, &end).count() as u64)
    }

    async fn compare_and_set(
        &self,
        key: String,
        expected: Option<Value>,
        new: Option<Value>,
    ) -> Result<bool> {
        let change = CompareAndSet::new(&self.limits, key, expected, new)?;
        self.update(|contents| change.apply(contents, &self.limits))
    }

    async fn increment(&self, key: String, delta: i64) -> Result<i64> {
        check_key(&key)?;
        self.update(|contents| atomic::increment(contents, &self.limits, key, delta, None))
    }

    async fn increment_with_ttl(&self, key: String, delta: i64, ttl: Duration) -> Result<i64> {
        check_key(&key)?;
        let expires_at = Some(expiry_from_now(&key, ttl)?);
        self.update(|contents| atomic::increment(contents, &self.limits, key, delta, expires_at))
    }

    async fn set_with_ttl(&self, key: String, value: Value, ttl: Duration) -> Result<()> {
        check_key(&key)?;
        let expires_at = expiry_from_now(&key, ttl)?;
        self.put(key, &value, Some(expires_at))
    }

    async fn ttl(&self, key: String) -> Result<Option<Duration>> {
        check_key(&key)?;
        let contents = read(&self.contents);
        let entry = contents.entries.get(key.as_str());
        let expires_at = entry.and_then(|entry| entry.expires_at);
        let left = expires_at.map(|expiry| expiry.saturating_duration_since(Instant::now()));
        Ok(left.filter(|left| !left.is_zero()))
    }

    async fn set_ttl(&self, key: String, ttl: Option<Duration>) -> Result<bool> {
        check_key(&key)?;
        let expires_at = ttl.map(|ttl| expiry_from_now(&key, ttl)).transpose()?;
        Ok(self.update(|contents| contents.set_expiry(&key, expires_at)))
    }
}

#[cfg(test)]
mod tests {
    use futures::executor::block_on;
    use surrealdb_types::SurrealValue;

    use super::*;

    #[test]
    fn the_gauge_has_the_current_size_and_the_peak() {
        let store = BTreeMapStore::new();
        let set =
            |key: &str| block_on(store.set(key.into(), "x".to_string().into_value())).unwrap();
        set("a");
        let one = store.size().bytes;
        set("b");
        block_on(store.del("a".into())).unwrap();
        assert_eq!(store.bytes(), Gauge { current: one, peak: 2 * one });
        assert_eq!(store.size(), KvSize { entries: 1, bytes: one });
    }
}
