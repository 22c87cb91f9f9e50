//! The key-value store that a module keeps between calls.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use anyhow::{Context, Result, ensure};
use async_trait::async_trait;
use surrealdb_types::Value;
use surrealism_types::codec;

use crate::limits::{KV_ENTRY_BYTES, MAX_KV_ANSWER_BYTES};
use crate::usage::{Gauge, Level};

/// Length of a key in bytes.
pub const MAX_KV_KEY_BYTES: usize = 1024;

/// A store of values by key, ordered by the bytes of the keys.
///
/// An implementation is shared by all calls of a module, at the same time. A range whose end lies
/// before its start is empty, not an error.
#[async_trait]
pub trait KVStore: Send + Sync {
    /// The value of a key, if it has one.
    async fn get(&self, key: String) -> Result<Option<Value>>;
    /// Gives a key a value.
    async fn set(&self, key: String, value: Value) -> Result<()>;
    /// Removes a key; one that is not there is no error.
    async fn del(&self, key: String) -> Result<()>;
    /// Whether a key has a value.
    async fn exists(&self, key: String) -> Result<bool>;
    /// Removes every key of a range.
    async fn del_rng(&self, start: Bound<String>, end: Bound<String>) -> Result<()>;
    /// The values of keys, in the order of the keys, with gaps.
    async fn get_batch(&self, keys: Vec<String>) -> Result<Vec<Option<Value>>>;
    /// Sets all entries, or none of them. Of a key that comes twice, the later value holds.
    async fn set_batch(&self, entries: Vec<(String, Value)>) -> Result<()>;
    /// Removes keys; those that are not there are no error.
    async fn del_batch(&self, keys: Vec<String>) -> Result<()>;
    /// The keys of a range, ascending.
    async fn keys(&self, start: Bound<String>, end: Bound<String>) -> Result<Vec<String>>;
    /// The values of a range, by ascending key.
    async fn values(&self, start: Bound<String>, end: Bound<String>) -> Result<Vec<Value>>;
    /// The entries of a range, by ascending key.
    async fn entries(
        &self,
        start: Bound<String>,
        end: Bound<String>,
    ) -> Result<Vec<(String, Value)>>;
    /// How many keys a range holds.
    async fn count(&self, start: Bound<String>, end: Bound<String>) -> Result<u64>;
}

/// A store in memory, lost with the process. Values are kept encoded, which is also how their size
/// is measured.
#[derive(Debug, Default)]
pub struct BTreeMapStore {
    limits: KvLimits,
    contents: RwLock<Contents>,
    bytes: Gauge,
}

/// Bounds of a store; `None` is no bound.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct KvLimits {
    pub(crate) max_entries: Option<usize>,
    pub(crate) max_value_bytes: Option<usize>,
    /// Keys and encoded values together.
    pub(crate) max_total_bytes: Option<usize>,
}

#[derive(Debug, Default)]
struct Contents {
    entries: BTreeMap<String, Vec<u8>>,
    bytes: usize,
}

impl BTreeMapStore {
    /// A store without bounds, but for the length of a key.
    pub fn new() -> Self {
        Self::default()
    }

    /// A store that refuses more than `max_entries` keys and values of more than
    /// `max_value_bytes` encoded bytes; `None` is no bound.
    pub fn with_limits(max_entries: Option<usize>, max_value_bytes: Option<usize>) -> Self {
        Self::bounded(KvLimits { max_entries, max_value_bytes, max_total_bytes: None })
    }

    pub(crate) fn bounded(limits: KvLimits) -> Self {
        Self { limits, ..Self::default() }
    }

    /// What the store holds: keys and encoded values together, in bytes.
    pub(crate) fn bytes(&self) -> Level {
        self.bytes.level()
    }

    // No method leaves the contents half-changed when it panics, so a poisoned lock is no news.
    fn read(&self) -> RwLockReadGuard<'_, Contents> {
        self.contents.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Contents> {
        self.contents.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn remove(&self, keys: impl IntoIterator<Item = String>) {
        let mut contents = self.write();
        keys.into_iter().for_each(|key| contents.remove(&key));
        self.bytes.set(contents.bytes);
    }

    fn encode(&self, key: &str, value: &Value) -> Result<Vec<u8>> {
        let bytes = codec::encode_value(value)?;
        if let Some(most) = self.limits.max_value_bytes {
            ensure!(
                bytes.len() <= most,
                "the value of key {key:?} takes {} bytes, and `max_kv_value_bytes` is {most}",
                bytes.len()
            );
        }
        Ok(bytes)
    }

    fn set_encoded(&self, entries: BTreeMap<String, Vec<u8>>) -> Result<()> {
        let mut contents = self.write();
        let (mut count, mut bytes) = (contents.entries.len(), contents.bytes);
        for (key, value) in &entries {
            match contents.entries.get(key) {
                Some(old) => bytes -= old.len(),
                None => {
                    count += 1;
                    bytes += key.len() + KV_ENTRY_BYTES;
                }
            }
            bytes += value.len();
        }
        let grows = count > contents.entries.len();
        if let Some(most) = self.limits.max_entries.filter(|_| grows) {
            ensure!(
                count <= most,
                "the store would hold {count} keys, and `max_kv_entries` is {most}: \
                 delete some first"
            );
        }
        if let Some(most) = self.limits.max_total_bytes.filter(|_| bytes > contents.bytes) {
            ensure!(
                bytes <= most,
                "the store would hold {bytes} bytes, and the host allows {most}: \
                 delete some first"
            );
        }
        contents.entries.extend(entries);
        contents.bytes = bytes;
        self.bytes.set(bytes);
        Ok(())
    }
}

impl Contents {
    fn remove(&mut self, key: &str) {
        if let Some((key, value)) = self.entries.remove_entry(key) {
            self.bytes -= key.len() + value.len() + KV_ENTRY_BYTES;
        }
    }

    fn range<'a>(
        &'a self,
        start: &'a Bound<String>,
        end: &'a Bound<String>,
    ) -> Box<dyn Iterator<Item = (&'a String, &'a Vec<u8>)> + 'a> {
        let bounds = (start.as_ref().map(String::as_str), end.as_ref().map(String::as_str));
        match bounds {
            // `BTreeMap::range` panics on these.
            (Bound::Included(s) | Bound::Excluded(s), Bound::Included(e) | Bound::Excluded(e))
                if s > e =>
            {
                Box::new(std::iter::empty())
            }
            (Bound::Excluded(s), Bound::Excluded(e)) if s == e => Box::new(std::iter::empty()),
            bounds => Box::new(self.entries.range::<str, _>(bounds)),
        }
    }
}

/// What one answer may still take. A guest pays for its questions; the answers are the host's.
struct Answer {
    left: usize,
}

impl Answer {
    fn new() -> Self {
        Self { left: MAX_KV_ANSWER_BYTES }
    }

    fn take(&mut self, key: &str, value: &[u8]) -> Result<()> {
        let bytes = key.len() + value.len() + KV_ENTRY_BYTES;
        self.left = self.left.checked_sub(bytes).with_context(|| {
            format!(
                "the answer takes more than {MAX_KV_ANSWER_BYTES} bytes: ask for less at a time"
            )
        })?;
        Ok(())
    }
}

/// Refuses a key that is too long.
pub(crate) fn check_key(key: &str) -> Result<()> {
    let shown: String = key.chars().take(32).collect();
    ensure!(
        key.len() <= MAX_KV_KEY_BYTES,
        "key {shown:?}… takes {} bytes, and a key has at most {MAX_KV_KEY_BYTES}",
        key.len()
    );
    Ok(())
}

#[async_trait]
impl KVStore for BTreeMapStore {
    async fn get(&self, key: String) -> Result<Option<Value>> {
        check_key(&key)?;
        self.read().entries.get(&key).map(|bytes| codec::decode_value(bytes)).transpose()
    }

    async fn set(&self, key: String, value: Value) -> Result<()> {
        check_key(&key)?;
        let bytes = self.encode(&key, &value)?;
        self.set_encoded(BTreeMap::from([(key, bytes)]))
    }

    async fn del(&self, key: String) -> Result<()> {
        check_key(&key)?;
        self.remove([key]);
        Ok(())
    }

    async fn exists(&self, key: String) -> Result<bool> {
        check_key(&key)?;
        Ok(self.read().entries.contains_key(&key))
    }

    async fn del_rng(&self, start: Bound<String>, end: Bound<String>) -> Result<()> {
        let mut contents = self.write();
        let keys: Vec<String> = contents.range(&start, &end).map(|(key, _)| key.clone()).collect();
        keys.iter().for_each(|key| contents.remove(key));
        self.bytes.set(contents.bytes);
        Ok(())
    }

    async fn get_batch(&self, keys: Vec<String>) -> Result<Vec<Option<Value>>> {
        let contents = self.read();
        let mut answer = Answer::new();
        let get = |key: String| {
            check_key(&key)?;
            let value = contents.entries.get(&key).map(Vec::as_slice);
            answer.take(&key, value.unwrap_or_default())?;
            value.map(codec::decode_value).transpose()
        };
        keys.into_iter().map(get).collect()
    }

    async fn set_batch(&self, entries: Vec<(String, Value)>) -> Result<()> {
        let mut encoded = BTreeMap::new();
        for (key, value) in entries {
            check_key(&key)?;
            let bytes = self.encode(&key, &value)?;
            encoded.insert(key, bytes);
        }
        self.set_encoded(encoded)
    }

    async fn del_batch(&self, keys: Vec<String>) -> Result<()> {
        keys.iter().try_for_each(|key| check_key(key))?;
        self.remove(keys);
        Ok(())
    }

    async fn keys(&self, start: Bound<String>, end: Bound<String>) -> Result<Vec<String>> {
        let mut answer = Answer::new();
        let take = |(key, _): (&String, &Vec<u8>)| {
            answer.take(key, &[])?;
            Ok(key.clone())
        };
        self.read().range(&start, &end).map(take).collect()
    }

    async fn values(&self, start: Bound<String>, end: Bound<String>) -> Result<Vec<Value>> {
        let mut answer = Answer::new();
        let take = |(_, bytes): (&String, &Vec<u8>)| {
            answer.take("", bytes)?;
            codec::decode_value(bytes)
        };
        self.read().range(&start, &end).map(take).collect()
    }

    async fn entries(
        &self,
        start: Bound<String>,
        end: Bound<String>,
    ) -> Result<Vec<(String, Value)>> {
        let mut answer = Answer::new();
        let take = |(key, bytes): (&String, &Vec<u8>)| {
            answer.take(key, bytes)?;
            Ok((key.clone(), codec::decode_value(bytes)?))
        };
        self.read().range(&start, &end).map(take).collect()
    }

    async fn count(&self, start: Bound<String>, end: Bound<String>) -> Result<u64> {
        Ok(self.read().range(&start, &end).count() as u64)
    }
}

#[cfg(test)]
mod properties;

#[cfg(test)]
mod tests {
    use futures::executor::block_on;
    use surrealdb_types::SurrealValue;

    use super::*;

    fn string(text: &str) -> Value {
        text.to_string().into_value()
    }

    fn filled(limits: KvLimits) -> BTreeMapStore {
        let store = BTreeMapStore::bounded(limits);
        for key in ["a", "b", "c", "d"] {
            block_on(store.set(key.into(), string(key))).unwrap();
        }
        store
    }

    #[test]
    fn ranges_hold_what_their_bounds_say() {
        use Bound::{Excluded, Included, Unbounded};
        let store = filled(KvLimits::default());
        let s = String::from;
        let cases = [
            (Unbounded, Unbounded, "abcd"),
            (Included(s("b")), Unbounded, "bcd"),
            (Excluded(s("b")), Unbounded, "cd"),
            (Unbounded, Included(s("b")), "ab"),
            (Unbounded, Excluded(s("b")), "a"),
            (Included(s("b")), Excluded(s("d")), "bc"),
            (Included(s("b")), Included(s("b")), "b"),
            (Included(s("b")), Excluded(s("b")), ""),
            (Excluded(s("b")), Excluded(s("b")), ""),
            (Included(s("d")), Included(s("a")), ""),
            (Included(s("x")), Unbounded, ""),
        ];
        for (start, end, expected) in cases {
            let range = || (start.clone(), end.clone());
            let keys = block_on(store.keys(range().0, range().1)).unwrap();
            assert_eq!(keys.concat(), expected, "{start:?} to {end:?}");
            let count = block_on(store.count(range().0, range().1)).unwrap();
            assert_eq!(count, expected.len() as u64);
            let entries = block_on(store.entries(range().0, range().1)).unwrap();
            let values = block_on(store.values(range().0, range().1)).unwrap();
            assert!(entries.iter().map(|(_, value)| value).eq(&values));

            let rest = filled(KvLimits::default());
            block_on(rest.del_rng(range().0, range().1)).unwrap();
            let left = block_on(rest.keys(Unbounded, Unbounded)).unwrap().concat();
            assert_eq!(left.len() + expected.len(), 4, "{start:?} to {end:?} left {left}");
        }
    }

    #[test]
    fn bounds_are_kept_and_named() {
        let one = codec::encode_value(&string("a")).unwrap().len();
        let full = filled(KvLimits { max_entries: Some(4), ..KvLimits::default() });
        let error = block_on(full.set("e".into(), string("e"))).unwrap_err().to_string();
        assert!(error.contains("5 keys, and `max_kv_entries` is 4"), "{error}");
        block_on(full.set("a".into(), string("overwritten"))).unwrap();

        let small = filled(KvLimits { max_value_bytes: Some(one), ..KvLimits::default() });
        let long = "x".repeat(1_000);
        let error = block_on(small.set("a".into(), string(&long))).unwrap_err().to_string();
        assert!(error.contains("`max_kv_value_bytes` is"), "{error}");

        let total = 4 * (one + 1 + KV_ENTRY_BYTES);
        let tight = filled(KvLimits { max_total_bytes: Some(total), ..KvLimits::default() });
        assert_eq!(tight.bytes().now, total);
        let error = block_on(tight.set("e".into(), string("e"))).unwrap_err().to_string();
        assert!(error.contains(&format!("the host allows {total}")), "{error}");
        block_on(tight.del("a".into())).unwrap();
        block_on(tight.set("e".into(), string("e"))).unwrap();
        assert_eq!(tight.bytes().now, total);

        let key = "k".repeat(MAX_KV_KEY_BYTES + 1);
        for error in [
            block_on(full.get(key.clone())).unwrap_err(),
            block_on(full.set(key.clone(), Value::None)).unwrap_err(),
            block_on(full.del_batch(vec![key.clone()])).unwrap_err(),
            block_on(full.get_batch(vec![key.clone()])).unwrap_err(),
        ] {
            assert!(error.to_string().contains("takes 1025 bytes"), "{error}");
        }
    }

    #[test]
    fn answers_are_bounded_however_little_the_question_costs() {
        let store = BTreeMapStore::new();
        block_on(store.set("a".into(), string(&"x".repeat(1 << 20)))).unwrap();
        let often = block_on(store.get_batch(vec!["a".into(); 1_000])).unwrap_err().to_string();
        assert!(often.contains("more than 16777216 bytes: ask for less"), "{often}");
        for key in 0..20 {
            block_on(store.set(key.to_string(), string(&"x".repeat(1 << 20)))).unwrap();
        }
        block_on(store.values(Bound::Unbounded, Bound::Unbounded)).unwrap_err();
        block_on(store.entries(Bound::Unbounded, Bound::Unbounded)).unwrap_err();
        assert_eq!(block_on(store.keys(Bound::Unbounded, Bound::Unbounded)).unwrap().len(), 21);
    }

    #[test]
    fn a_batch_is_all_or_nothing() {
        let store = filled(KvLimits { max_entries: Some(5), ..KvLimits::default() });
        let batch = |keys: &[&str]| keys.iter().map(|k| (k.to_string(), string("new"))).collect();
        block_on(store.set_batch(batch(&["a", "e", "f"]))).unwrap_err();
        assert_eq!(block_on(store.get("a".into())).unwrap(), Some(string("a")));
        block_on(store.set_batch(batch(&["a", "e", "e"]))).unwrap();
        let got = block_on(store.get_batch(vec!["e".into(), "z".into()])).unwrap();
        assert_eq!(got, [Some(string("new")), None]);
        block_on(store.del_batch(vec!["a".into(), "z".into()])).unwrap();
        assert!(!block_on(store.exists("a".into())).unwrap());
    }
}
