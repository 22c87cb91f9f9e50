//! The store in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::{Duration, Instant};

use anyhow::Result;
use async_trait::async_trait;
use surrealdb_types::{SurrealValue, Value};
use surrealism_types::codec;

use super::KVStore;
use super::bounds::{Answer, KvSize, check_key, check_ttl, is_empty, sum};
use crate::limits::{KV_EXPIRED_PER_STEP, KvLimits};
use crate::usage::{AtomicGauge, Gauge};

/// A store in memory, lost with the process. Values are kept encoded, which is also how their size
/// is measured.
#[derive(Debug, Default)]
pub struct BTreeMapStore {
    limits: KvLimits,
    contents: RwLock<Contents>,
    bytes: AtomicGauge,
}

#[derive(Debug, Default)]
struct Contents {
    entries: BTreeMap<Arc<str>, Entry>,
    /// The entries that end, the next one first.
    expiries: BTreeSet<Expiry>,
    size: KvSize,
}

/// When an entry ends, and its key.
type Expiry = (Instant, Arc<str>);

#[derive(Debug)]
struct Entry {
    value: Vec<u8>,
    ends: Option<Instant>,
}

impl BTreeMapStore {
    /// A store without bounds, but for the length of a key.
    pub fn new() -> Self {
        Self::default()
    }

    /// A store that refuses more than `max_entries` keys and values of more than
    /// `max_value_bytes` encoded bytes; `None` is no bound.
    pub fn with_limits(max_entries: Option<usize>, max_value_bytes: Option<usize>) -> Self {
        Self::bounded(KvLimits { max_entries, max_value_bytes, max_bytes: None })
    }

    /// A store within these limits.
    pub fn bounded(limits: KvLimits) -> Self {
        Self { limits, ..Self::default() }
    }

    /// What the store holds; what has expired since the last write is still counted.
    pub fn size(&self) -> KvSize {
        self.read().size
    }

    pub(crate) fn limits(&self) -> KvLimits {
        self.limits
    }

    /// What the store holds: keys and encoded values together, in bytes.
    pub(crate) fn bytes(&self) -> Gauge {
        self.bytes.level()
    }

    // No method leaves the contents half-changed when it panics, so a poisoned lock is no news.
    fn read(&self) -> RwLockReadGuard<'_, Contents> {
        self.contents.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the contents, of which nothing has expired any more.
    fn write<T>(&self, change: impl FnOnce(&mut Contents) -> T) -> T {
        let mut contents = self.current();
        let answer = change(&mut contents);
        self.bytes.set(contents.size.bytes);
        answer
    }

    fn current(&self) -> RwLockWriteGuard<'_, Contents> {
        loop {
            let mut contents = self.contents.write().unwrap_or_else(PoisonError::into_inner);
            if contents.purge() {
                return contents;
            }
            // Whoever waits has a turn in between.
        }
    }

    /// Sets an entry, which lasts until `ends`.
    fn put(&self, key: String, value: &Value, ends: Option<Instant>) -> Result<()> {
        let bytes = self.limits.encode(&key, value)?;
        self.write(|contents| contents.set(key, bytes, ends, &self.limits))
    }
}

impl Entry {
    fn is_live(&self) -> bool {
        self.ends.is_none_or(|end| Instant::now() < end)
    }

    /// Once it is removed, takes it out of the accounts.
    fn settle(self, key: Arc<str>, size: &mut KvSize, expiries: &mut BTreeSet<Expiry>) {
        *size = size.without(&key, self.value.len());
        if let Some(ends) = self.ends {
            expiries.remove(&(ends, key));
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
        let entries = (!is_empty(start, end)).then(|| self.entries.range::<str, _>(bounds));
        let live = entries.into_iter().flatten().filter(|(_, entry)| entry.is_live());
        live.map(|(key, entry)| (key, &entry.value))
    }

    /// Sets an entry.
    fn set(
        &mut self,
        key: String,
        value: Vec<u8>,
        ends: Option<Instant>,
        limits: &KvLimits,
    ) -> Result<()> {
        let size = self.size_after(self.size, &key, &value);
        limits.admit(self.size, size)?;
        self.insert(key, value, ends);
        self.size = size;
        Ok(())
    }

    /// Sets all entries, or none of them.
    fn set_all(&mut self, entries: BTreeMap<String, Vec<u8>>, limits: &KvLimits) -> Result<()> {
        let after = |size, (key, value): (&String, &Vec<u8>)| self.size_after(size, key, value);
        let size = entries.iter().fold(self.size, after);
        limits.admit(self.size, size)?;
        entries.into_iter().for_each(|(key, value)| self.insert(key, value, None));
        self.size = size;
        Ok(())
    }

    /// Of a store of that size, the size once it has the entry.
    fn size_after(&self, size: KvSize, key: &str, value: &[u8]) -> KvSize {
        let old = self.entries.get(key);
        old.map_or(size, |old| size.without(key, old.value.len())).with(key, value.len())
    }

    fn insert(&mut self, key: String, value: Vec<u8>, ends: Option<Instant>) {
        let entry = Entry { value, ends };
        let old = match self.entries.get_mut(key.as_str()) {
            Some(old) => Some(std::mem::replace(old, entry)),
            None => self.entries.insert(Arc::from(key.as_str()), entry),
        };
        self.reschedule(&key, old.and_then(|old| old.ends), ends);
    }

    fn remove(&mut self, key: &str) {
        if let Some((key, entry)) = self.entries.remove_entry(key) {
            entry.settle(key, &mut self.size, &mut self.expiries);
        }
    }

    fn remove_range(&mut self, start: &Bound<String>, end: &Bound<String>) {
        if is_empty(start, end) {
            return;
        }
        let bound = |bound: &Bound<String>| bound.as_ref().map(|key| Arc::from(key.as_str()));
        let range: (Bound<Arc<str>>, Bound<Arc<str>>) = (bound(start), bound(end));
        for (key, entry) in self.entries.extract_if(range, |_, _| true) {
            entry.settle(key, &mut self.size, &mut self.expiries);
        }
    }

    fn set_end(&mut self, key: &str, ends: Option<Instant>) -> bool {
        let Some(entry) = self.entries.get_mut(key) else { return false };
        let before = std::mem::replace(&mut entry.ends, ends);
        self.reschedule(key, before, ends);
        true
    }

    /// Has an entry, which is there, end at another time than before.
    fn reschedule(&mut self, key: &str, before: Option<Instant>, ends: Option<Instant>) {
        if before == ends {
            return;
        }
        let Some((key, _)) = self.entries.get_key_value(key) else { return };
        if let Some(before) = before {
            self.expiries.remove(&(before, key.clone()));
        }
        if let Some(ends) = ends {
            self.expiries.insert((ends, key.clone()));
        }
    }

    /// Removes what has expired, up to a bound; answers whether that was all.
    fn purge(&mut self) -> bool {
        for _ in 0..KV_EXPIRED_PER_STEP {
            match self.expiries.first() {
                Some((ends, key)) if *ends <= Instant::now() => {
                    let key = key.clone();
                    self.remove(&key);
                }
                _ => return true,
            }
        }
        false
    }
}

/// When what lives so long from now ends.
fn end(key: &str, ttl: Duration) -> Result<Instant> {
    Ok(Instant::now() + Duration::from_millis(check_ttl(key, ttl)?))
}

#[async_trait]
impl KVStore for BTreeMapStore {
    async fn get(&self, key: String) -> Result<Option<Value>> {
        check_key(&key)?;
        self.read().get(&key).map(codec::decode_value).transpose()
    }

    async fn get_encoded(&self, key: String) -> Result<Option<Vec<u8>>> {
        check_key(&key)?;
        Ok(self.read().get(&key).map(<[u8]>::to_vec))
    }

    async fn set(&self, key: String, value: Value) -> Result<()> {
        check_key(&key)?;
        self.put(key, &value, None)
    }

    async fn del(&self, key: String) -> Result<()> {
        check_key(&key)?;
        self.write(|contents| contents.remove(&key));
        Ok(())
    }

    async fn exists(&self, key: String) -> Result<bool> {
        check_key(&key)?;
        Ok(self.read().get(&key).is_some())
    }

    async fn del_rng(&self, start: Bound<String>, end: Bound<String>) -> Result<()> {
        self.write(|contents| contents.remove_range(&start, &end));
        Ok(())
    }

    async fn get_batch(&self, keys: Vec<String>) -> Result<Vec<Option<Value>>> {
        let contents = self.read();
        let mut answer = Answer::new();
        let get = |key: String| {
            check_key(&key)?;
            match contents.get(&key) {
                Some(value) => answer.value(&key, value).map(Some),
                None => answer.take(&key, &[]).map(|()| None),
            }
        };
        keys.into_iter().map(get).collect()
    }

    async fn set_batch(&self, entries: Vec<(String, Value)>) -> Result<()> {
        let encoded = self.limits.encode_all(entries)?;
        self.write(|contents| contents.set_all(encoded, &self.limits))
    }

    async fn del_batch(&self, keys: Vec<String>) -> Result<()> {
        keys.iter().try_for_each(|key| check_key(key))?;
        self.write(|contents| keys.iter().for_each(|key| contents.remove(key)));
        Ok(())
    }

    async fn keys(&self, start: Bound<String>, end: Bound<String>) -> Result<Vec<String>> {
        let mut answer = Answer::new();
        let take = |(key, _): (&Arc<str>, &Vec<u8>)| {
            answer.take(key, &[])?;
            Ok(key.to_string())
        };
        self.read().range(&start, &end).map(take).collect()
    }

    async fn values(&self, start: Bound<String>, end: Bound<String>) -> Result<Vec<Value>> {
        let mut answer = Answer::new();
        let take = |(_, bytes): (&Arc<str>, &Vec<u8>)| answer.value("", bytes);
        self.read().range(&start, &end).map(take).collect()
    }

    async fn entries(
        &self,
        start: Bound<String>,
        end: Bound<String>,
    ) -> Result<Vec<(String, Value)>> {
        let mut answer = Answer::new();
        let take =
            |(key, bytes): (&Arc<str>, &Vec<u8>)| Ok((key.to_string(), answer.value(key, bytes)?));
        self.read().range(&start, &end).map(take).collect()
    }

    async fn count(&self, start: Bound<String>, end: Bound<String>) -> Result<u64> {
        Ok(self.read().range(&start, &end).count() as u64)
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
        self.write(|contents| {
            if contents.get(&key) != expected.as_deref() {
                return Ok(false);
            }
            match new {
                Some(new) => contents.set(key, new, None, &self.limits)?,
                None => contents.remove(&key),
            }
            Ok(true)
        })
    }

    async fn increment(&self, key: String, delta: i64) -> Result<i64> {
        check_key(&key)?;
        self.write(|contents| {
            let entry = contents.entries.get(key.as_str());
            let ends = entry.and_then(|entry| entry.ends);
            let held = entry.map(|entry| codec::decode_value(&entry.value)).transpose()?;
            let sum = sum(&key, held.as_ref(), delta)?;
            let bytes = self.limits.encode(&key, &sum.into_value())?;
            contents.set(key, bytes, ends, &self.limits)?;
            Ok(sum)
        })
    }

    async fn set_with_ttl(&self, key: String, value: Value, ttl: Duration) -> Result<()> {
        check_key(&key)?;
        let end = end(&key, ttl)?;
        self.put(key, &value, Some(end))
    }

    async fn ttl(&self, key: String) -> Result<Option<Duration>> {
        check_key(&key)?;
        let contents = self.read();
        let ends = contents.entries.get(key.as_str()).and_then(|entry| entry.ends);
        let left = ends.map(|end| end.saturating_duration_since(Instant::now()));
        Ok(left.filter(|left| !left.is_zero()))
    }

    async fn set_ttl(&self, key: String, ttl: Option<Duration>) -> Result<bool> {
        check_key(&key)?;
        let end = ttl.map(|ttl| end(&key, ttl)).transpose()?;
        Ok(self.write(|contents| contents.set_end(&key, end)))
    }
}

#[cfg(test)]
mod tests {
    use futures::executor::block_on;

    use super::*;

    #[test]
    fn the_gauge_shows_what_is_held_and_what_was() {
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
