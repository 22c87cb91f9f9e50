//! The key-value store that a module keeps between calls.

use std::ops::Bound;
use std::time::Duration;

use anyhow::Result;
use async_trait::async_trait;
use surrealdb_types::Value;

pub mod atomic;
mod btree_map_store;
pub mod enforce;

pub use btree_map_store::BTreeMapStore;

use crate::codec;
use crate::guest_error::GuestError;

/// Maximal length of a key in bytes.
pub const MAX_KV_KEY_BYTES: usize = 1024;

/// A store of values by key, ordered by the bytes of the keys.
///
/// All calls of a module share a store, concurrently. A range whose end is before its start is empty.
/// Every write is atomic, also when its future is dropped. An expired key does not exist for any
/// method, and does not count against limits.
///
/// The last seven methods extend the published interface. By default, [`get_encoded`](Self::get_encoded)
/// encodes what `get` returns, and the other six return an error.
///
/// [`enforce`] checks limits, with the same messages as the stores of this project.
#[async_trait]
pub trait KVStore: Send + Sync {
    /// Returns the value of a key, if the key exists.
    async fn get(&self, key: String) -> Result<Option<Value>>;
    /// Sets the value of a key.
    async fn set(&self, key: String, value: Value) -> Result<()>;
    /// Removes a key, if it exists.
    async fn del(&self, key: String) -> Result<()>;
    /// Returns whether a key exists.
    async fn exists(&self, key: String) -> Result<bool>;
    /// Removes all keys in a range.
    async fn del_rng(&self, start: Bound<String>, end: Bound<String>) -> Result<()>;
    /// Returns the values of keys, in the order of `keys`; `None` for a key that does not exist.
    async fn get_batch(&self, keys: Vec<String>) -> Result<Vec<Option<Value>>>;
    /// Sets all entries, or none of them. Of a key that occurs twice, the last value is kept.
    async fn set_batch(&self, entries: Vec<(String, Value)>) -> Result<()>;
    /// Removes the keys that exist.
    async fn del_batch(&self, keys: Vec<String>) -> Result<()>;
    /// Returns the keys in a range, ascending.
    async fn keys(&self, start: Bound<String>, end: Bound<String>) -> Result<Vec<String>>;
    /// Returns the values in a range, by ascending key.
    async fn values(&self, start: Bound<String>, end: Bound<String>) -> Result<Vec<Value>>;
    /// Returns the entries in a range, by ascending key.
    async fn entries(
        &self,
        start: Bound<String>,
        end: Bound<String>,
    ) -> Result<Vec<(String, Value)>>;
    /// Returns the number of keys in a range.
    async fn count(&self, start: Bound<String>, end: Bound<String>) -> Result<u64>;

    /// Returns the value of a key as [`encode_value`](crate::codec::encode_value) encodes it,
    /// which is what the guest receives. A store that keeps encoded values need not decode them.
    async fn get_encoded(&self, key: String) -> Result<Option<Vec<u8>>> {
        let value = self.get(key).await?;
        value.map(|value| codec::encode_value(&value)).transpose()
    }

    /// Sets a key to `new` if its value is `expected`, and returns whether it was. As `new`, `None`
    /// removes the key; as `expected`, `None` stands for a key that does not exist.
    ///
    /// Values are equal if their encodings are: the integer 1 is not the float 1.0. The new value has
    /// no time to live.
    async fn compare_and_set(
        &self,
        key: String,
        expected: Option<Value>,
        new: Option<Value>,
    ) -> Result<bool> {
        let _ = (key, expected, new);
        unsupported("compare_and_set")
    }

    /// Adds `delta` to the integer of a key, and returns the sum. A key that does not exist counts as 0.
    /// The time to live stays.
    ///
    /// A value that is not an integer and a sum that overflows are errors that change nothing.
    async fn increment(&self, key: String, delta: i64) -> Result<i64> {
        let _ = (key, delta);
        unsupported("increment")
    }

    /// Adds `delta` as [`increment`](Self::increment) does, and sets the time to live of a key that did not
    /// exist, as [`set_with_ttl`](Self::set_with_ttl) does. The time to live of another key stays.
    async fn increment_with_ttl(&self, key: String, delta: i64, ttl: Duration) -> Result<i64> {
        let _ = (key, delta, ttl);
        unsupported("increment_with_ttl")
    }

    /// Sets the value of a key, and its time to live: more than zero, at most
    /// [`MAX_KV_TTL`](crate::limits::MAX_KV_TTL), rounded up to milliseconds. Every later `set` of the
    /// key removes the time to live.
    async fn set_with_ttl(&self, key: String, value: Value, ttl: Duration) -> Result<()> {
        let _ = (key, value, ttl);
        unsupported("set_with_ttl")
    }

    /// Returns the remaining time to live; `None` for a key that does not exist or does not expire.
    async fn ttl(&self, key: String) -> Result<Option<Duration>> {
        let _ = key;
        unsupported("ttl")
    }

    /// Sets the time to live of a key, as [`set_with_ttl`](Self::set_with_ttl) does; `None` removes it.
    /// Returns whether the key exists.
    async fn set_ttl(&self, key: String, ttl: Option<Duration>) -> Result<bool> {
        let _ = (key, ttl);
        unsupported("set_ttl")
    }
}

fn unsupported<T>(method: &str) -> Result<T> {
    let text = format!(
        "the key-value store of this host does not have `{method}`: its operator has to configure one \
         that does, such as `BTreeMapStore`"
    );
    Err(GuestError::new(text).into())
}

#[cfg(test)]
mod tests {
    use futures::executor::block_on;

    use super::*;

    /// A store with the methods of the published interface alone.
    struct Published;

    #[async_trait]
    impl KVStore for Published {
        async fn get(&self, _: String) -> Result<Option<Value>> {
            unreachable!()
        }
        async fn set(&self, _: String, _: Value) -> Result<()> {
            unreachable!()
        }
        async fn del(&self, _: String) -> Result<()> {
            unreachable!()
        }
        async fn exists(&self, _: String) -> Result<bool> {
            unreachable!()
        }
        async fn del_rng(&self, _: Bound<String>, _: Bound<String>) -> Result<()> {
            unreachable!()
        }
        async fn get_batch(&self, _: Vec<String>) -> Result<Vec<Option<Value>>> {
            unreachable!()
        }
        async fn set_batch(&self, _: Vec<(String, Value)>) -> Result<()> {
            unreachable!()
        }
        async fn del_batch(&self, _: Vec<String>) -> Result<()> {
            unreachable!()
        }
        async fn keys(&self, _: Bound<String>, _: Bound<String>) -> Result<Vec<String>> {
            unreachable!()
        }
        async fn values(&self, _: Bound<String>, _: Bound<String>) -> Result<Vec<Value>> {
            unreachable!()
        }
        async fn entries(
            &self,
            _: Bound<String>,
            _: Bound<String>,
        ) -> Result<Vec<(String, Value)>> {
            unreachable!()
        }
        async fn count(&self, _: Bound<String>, _: Bound<String>) -> Result<u64> {
            unreachable!()
        }
    }

    #[test]
    fn a_store_of_the_published_interface_returns_errors_for_extensions() {
        let key = || "a".to_string();
        let (second, store) = (Duration::from_secs(1), Published);
        let results = [
            ("compare_and_set", block_on(store.compare_and_set(key(), None, None)).map(drop)),
            ("increment", block_on(store.increment(key(), 1)).map(drop)),
            ("increment_with_ttl", block_on(store.increment_with_ttl(key(), 1, second)).map(drop)),
            ("set_with_ttl", block_on(store.set_with_ttl(key(), Value::None, second))),
            ("ttl", block_on(store.ttl(key())).map(drop)),
            ("set_ttl", block_on(store.set_ttl(key(), None)).map(drop)),
        ];
        for (method, result) in results {
            let error = result.unwrap_err().to_string();
            assert!(error.contains(&format!("this host does not have `{method}`")), "{error}");
        }
    }
}
