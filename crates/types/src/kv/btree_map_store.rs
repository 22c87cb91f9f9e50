//! A key-value store in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::{Duration, Instant};

use anyhow::Result;
use async_trait::async_trait;
use surrealdb_types::Value;

use super::KVStore;
use super::atomic::{self, CompareAndSet, Entries as _};
use super::enforce::{KvSize, ResponseBudget, check_key, check_ttl, is_empty_range};
use crate::codec;
use crate::limits::{KV_EXPIRED_PER_STEP, KV_TTL_OVERHEAD_BYTES, KvLimits};

/// A store in memory, which ends with the process. Values are kept encoded, which is also how their
/// size is measured.
///
/// ```
/// use surrealism_types::kv::BTreeMapStore;
/// use surrealism_types::limits::KvLimits;
///
/// let store = BTreeMapStore::bounded(KvLimits { max_entries: Some(1_000), ..KvLimits::default() });
/// assert_eq!(store.size().entries, 0);
/// ```
#[derive(Debug, Default)]
pub struct BTreeMapStore {
    limits: KvLimits,
    contents: RwLock<Contents>,
    peak_bytes: AtomicUsize,
}

#[derive(Debug, Default)]
struct Contents {
    entries: BTreeMap<Arc<str>, Entry>,
    /// The entries that expire, the next one first.
    expiries: BTreeSet<Expiry>,
    size: KvSize,
}

/// A key and its encoded value.
type EncodedEntry = (String, Vec<u8>);

/// What a change adds that only removes.
const NOTHING: KvSize = KvSize { entries: 0, bytes: 0 };

/// What an encoded integer with a time to live takes at most, in bytes.
const MAX_INT_BYTES: usize = 64 + KV_TTL_OVERHEAD_BYTES;

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

    /// Returns the size of the content. Expired entries that no write has removed yet
    /// are included.
    pub fn size(&self) -> KvSize {
        self.read().size
    }

    /// Returns the largest size so far of all keys and encoded values, in bytes.
    pub fn peak_bytes(&self) -> usize {
        self.peak_bytes.load(Ordering::Relaxed)
    }

    /// Returns the limits of the store.
    pub fn limits(&self) -> KvLimits {
        self.limits
    }

    /// Lets entries expire as if this much time had passed, for tests.
    pub fn advance(&self, by: Duration) {
        self.write().advance(by);
    }

    /// Removes some of the expired entries, then changes the contents. More expired entries are removed
    /// until what the change `adds` at most has room.
    fn update<T>(&self, adds: KvSize, change: impl FnOnce(&mut Contents) -> T) -> T {
        let mut contents = self.write_with_room(adds);
        let result = change(&mut contents);
        self.peak_bytes.fetch_max(contents.size.bytes, Ordering::Relaxed);
        result
    }

    /// Ignores poisoning: no panic leaves the contents inconsistent.
    fn read(&self) -> RwLockReadGuard<'_, Contents> {
        self.contents.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Contents> {
        self.contents.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn write_with_room(&self, adds: KvSize) -> RwLockWriteGuard<'_, Contents> {
        loop {
            let mut contents = self.write();
            let is_purged = contents.purge();
            if is_purged || contents.has_room(adds, &self.limits) {
                return contents;
            }
            // The lock is released between steps, so that other callers can proceed.
        }
    }

    fn put(&self, key: String, value: &Value, expires_at: Option<Instant>) -> Result<()> {
        let bytes = self.limits.encode(&key, value)?;
        let adds = NOTHING.plus_entry(&key, counted_bytes(&bytes, expires_at));
        self.update(adds, |contents| contents.set(key, bytes, expires_at, &self.limits))
    }

    /// Copies the encoded values of a range, and their keys if the response has them. They are decoded once
    /// the lock is released.
    fn encoded_range(
        &self,
        start: &Bound<String>,
        end: &Bound<String>,
        with_keys: bool,
    ) -> Result<(Vec<EncodedEntry>, ResponseBudget)> {
        let mut budget = ResponseBudget::new();
        let take = |(key, bytes): (&Arc<str>, &Vec<u8>)| {
            let key = if with_keys { &**key } else { "" };
            budget.charge(key, bytes)?;
            Ok((key.to_string(), bytes.clone()))
        };
        let encoded = self.read().range(start, end).map(take).collect::<Result<_>>()?;
        Ok((encoded, budget))
    }
}

/// What a value counts, with its time to live.
fn counted_bytes(value: &[u8], expires_at: Option<Instant>) -> usize {
    value.len() + expires_at.map_or(0, |_| KV_TTL_OVERHEAD_BYTES)
}

impl Entry {
    fn counted_bytes(&self) -> usize {
        counted_bytes(&self.value, self.expires_at)
    }

    fn is_live(&self) -> bool {
        self.expires_at.is_none_or(|expiry| Instant::now() < expiry)
    }

    /// Updates size and expiries after the entry was removed.
    fn untrack(self, key: Arc<str>, size: &mut KvSize, expiries: &mut BTreeSet<Expiry>) {
        *size = size.minus_entry(&key, self.counted_bytes());
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
        let after =
            |size, (key, value): (&String, &Vec<u8>)| self.size_after(size, key, value.len());
        let size = entries.iter().fold(self.size, after);
        limits.check_growth(self.size, size)?;
        entries.into_iter().for_each(|(key, value)| self.insert(key, value, None));
        self.size = size;
        Ok(())
    }

    /// Whether there is room for what a change adds at most.
    fn has_room(&self, adds: KvSize, limits: &KvLimits) -> bool {
        let entries = self.size.entries.saturating_add(adds.entries);
        let bytes = self.size.bytes.saturating_add(adds.bytes);
        limits.check_growth(self.size, KvSize { entries, bytes }).is_ok()
    }

    /// Returns `size` as it is after an entry is set.
    fn size_after(&self, size: KvSize, key: &str, counted_bytes: usize) -> KvSize {
        let old = self.entries.get(key);
        let without = old.map_or(size, |old| size.minus_entry(key, old.counted_bytes()));
        without.plus_entry(key, counted_bytes)
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

    fn set_expiry(
        &mut self,
        key: &str,
        expires_at: Option<Instant>,
        limits: &KvLimits,
    ) -> Result<bool> {
        let Some(entry) = self.entries.get_mut(key).filter(|entry| entry.is_live()) else {
            return Ok(false);
        };
        let without = self.size.minus_entry(key, entry.counted_bytes());
        let size = without.plus_entry(key, counted_bytes(&entry.value, expires_at));
        limits.check_growth(self.size, size)?;
        let old = std::mem::replace(&mut entry.expires_at, expires_at);
        self.size = size;
        self.reschedule(key, old, expires_at);
        Ok(true)
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

    /// Moves every expiry towards the past.
    fn advance(&mut self, by: Duration) {
        let now = Instant::now();
        let earlier = |expiry: Instant| expiry.checked_sub(by).unwrap_or(now).min(expiry);
        for entry in self.entries.values_mut() {
            entry.expires_at = entry.expires_at.map(earlier);
        }
        let expiries = std::mem::take(&mut self.expiries);
        self.expiries = expiries.into_iter().map(|(expiry, key)| (earlier(expiry), key)).collect();
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
        let size = self.size_after(self.size, &key, counted_bytes(&value, expires_at));
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
        let encoded = self.get_encoded(key).await?;
        encoded.map(|bytes| codec::decode_value(&bytes)).transpose()
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
        self.update(NOTHING, |contents| contents.remove(&key));
        Ok(())
    }

    async fn exists(&self, key: String) -> Result<bool> {
        check_key(&key)?;
        Ok(self.read().get(&key).is_some())
    }

    async fn del_rng(&self, start: Bound<String>, end: Bound<String>) -> Result<()> {
        self.update(NOTHING, |contents| contents.remove_range(&start, &end));
        Ok(())
    }

    async fn get_batch(&self, keys: Vec<String>) -> Result<Vec<Option<Value>>> {
        let mut budget = ResponseBudget::new();
        let encoded = {
            let contents = self.read();
            let get = |key: String| {
                check_key(&key)?;
                let value = contents.get(&key);
                budget.charge(&key, value.unwrap_or_default())?;
                Ok(value.map(<[u8]>::to_vec))
            };
            keys.into_iter().map(get).collect::<Result<Vec<_>>>()?
        };
        let decode = |value: Option<Vec<u8>>| value.map(|bytes| budget.decode(&bytes)).transpose();
        encoded.into_iter().map(decode).collect()
    }

    async fn set_batch(&self, entries: Vec<(String, Value)>) -> Result<()> {
        let encoded = self.limits.encode_all(entries)?;
        let adds =
            encoded.iter().fold(NOTHING, |adds, (key, value)| adds.plus_entry(key, value.len()));
        self.update(adds, |contents| contents.set_all(encoded, &self.limits))
    }

    async fn del_batch(&self, keys: Vec<String>) -> Result<()> {
        keys.iter().try_for_each(|key| check_key(key))?;
        self.update(NOTHING, |contents| keys.iter().for_each(|key| contents.remove(key)));
        Ok(())
    }

    async fn keys(&self, start: Bound<String>, end: Bound<String>) -> Result<Vec<String>> {
        let mut budget = ResponseBudget::new();
        let take = |(key, _): (&Arc<str>, &Vec<u8>)| {
            budget.charge(key, &[])?;
            Ok(key.to_string())
        };
        self.read().range(&start, &end).map(take).collect()
    }

    async fn values(&self, start: Bound<String>, end: Bound<String>) -> Result<Vec<Value>> {
        let (encoded, mut budget) = self.encoded_range(&start, &end, false)?;
        encoded.iter().map(|(_, bytes)| budget.decode(bytes)).collect()
    }

    async fn entries(
        &self,
        start: Bound<String>,
        end: Bound<String>,
    ) -> Result<Vec<(String, Value)>> {
        let (encoded, mut budget) = self.encoded_range(&start, &end, true)?;
        encoded.into_iter().map(|(key, bytes)| Ok((key, budget.decode(&bytes)?))).collect()
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
        let change = CompareAndSet::new(&self.limits, key, expected, new)?;
        let value = change.new.as_ref();
        let adds = value.map_or(NOTHING, |value| NOTHING.plus_entry(&change.key, value.len()));
        self.update(adds, |contents| change.apply(contents, &self.limits))
    }

    async fn increment(&self, key: String, delta: i64) -> Result<i64> {
        check_key(&key)?;
        let adds = NOTHING.plus_entry(&key, MAX_INT_BYTES);
        self.update(adds, |contents| atomic::increment(contents, &self.limits, key, delta, None))
    }

    async fn increment_with_ttl(&self, key: String, delta: i64, ttl: Duration) -> Result<i64> {
        check_key(&key)?;
        let expires_at = Some(expiry_from_now(&key, ttl)?);
        let adds = NOTHING.plus_entry(&key, MAX_INT_BYTES);
        self.update(adds, |contents| {
            atomic::increment(contents, &self.limits, key, delta, expires_at)
        })
    }

    async fn set_with_ttl(&self, key: String, value: Value, ttl: Duration) -> Result<()> {
        check_key(&key)?;
        let expires_at = expiry_from_now(&key, ttl)?;
        self.put(key, &value, Some(expires_at))
    }

    async fn ttl(&self, key: String) -> Result<Option<Duration>> {
        check_key(&key)?;
        let contents = self.read();
        let entry = contents.entries.get(key.as_str());
        let expires_at = entry.and_then(|entry| entry.expires_at);
        let left = expires_at.map(|expiry| expiry.saturating_duration_since(Instant::now()));
        Ok(left.filter(|left| !left.is_zero()))
    }

    async fn set_ttl(&self, key: String, ttl: Option<Duration>) -> Result<bool> {
        check_key(&key)?;
        let expires_at = ttl.map(|ttl| expiry_from_now(&key, ttl)).transpose()?;
        let adds = KvSize { entries: 0, bytes: KV_TTL_OVERHEAD_BYTES };
        self.update(adds, |contents| contents.set_expiry(&key, expires_at, &self.limits))
    }
}

#[cfg(test)]
mod tests {
    use futures::executor::block_on;
    use surrealdb_types::SurrealValue;

    use super::*;

    #[test]
    fn the_size_and_its_peak_are_counted() {
        let store = BTreeMapStore::new();
        let set =
            |key: &str| block_on(store.set(key.into(), "x".to_string().into_value())).unwrap();
        set("a");
        let one = store.size().bytes;
        set("b");
        block_on(store.del("a".into())).unwrap();
        assert_eq!(store.peak_bytes(), 2 * one);
        assert_eq!(store.size(), KvSize { entries: 1, bytes: one });
    }

    #[test]
    fn a_time_to_live_counts() {
        let store = BTreeMapStore::new();
        let long = Duration::from_secs(1_000);
        block_on(store.set("a".into(), Value::None)).unwrap();
        let without = store.size().bytes;
        for _ in 0..2 {
            block_on(store.set_with_ttl("a".into(), Value::None, long)).unwrap();
            assert_eq!(store.size().bytes, without + KV_TTL_OVERHEAD_BYTES);
            assert!(block_on(store.set_ttl("a".into(), None)).unwrap());
            assert_eq!(store.size().bytes, without);
            assert!(block_on(store.set_ttl("a".into(), Some(long))).unwrap());
            assert_eq!(store.size().bytes, without + KV_TTL_OVERHEAD_BYTES);
        }
        block_on(store.del("a".into())).unwrap();
        assert_eq!(store.size(), KvSize::default());

        let limits = KvLimits { max_bytes: Some(without), ..KvLimits::default() };
        let full = BTreeMapStore::bounded(limits);
        block_on(full.set("a".into(), Value::None)).unwrap();
        block_on(full.set_ttl("a".into(), Some(long))).unwrap_err();
        assert_eq!(block_on(full.ttl("a".into())).unwrap(), None);
    }

    #[test]
    fn time_that_passes_ends_what_expires() {
        let store = BTreeMapStore::new();
        let minute = Duration::from_secs(60);
        block_on(store.set("stays".into(), Value::None)).unwrap();
        block_on(store.set_with_ttl("ends".into(), Value::None, 2 * minute)).unwrap();
        store.advance(minute);
        let left = block_on(store.ttl("ends".into())).unwrap().unwrap();
        assert!(left <= minute && left > minute / 2, "{left:?}");
        store.advance(minute);
        assert_eq!(block_on(store.keys(Bound::Unbounded, Bound::Unbounded)).unwrap(), ["stays"]);
        block_on(store.del("stays".into())).unwrap();
        assert_eq!(store.size(), KvSize::default());
        store.advance(Duration::MAX);
    }
}
