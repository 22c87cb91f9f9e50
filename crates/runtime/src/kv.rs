//! The key-value store that a module keeps between calls.

use std::ops::Bound;
use std::time::Duration;

use anyhow::{Result, bail};
use async_trait::async_trait;
use surrealdb_types::Value;
use surrealism_types::codec;

mod btree_map_store;
pub mod enforce;

pub use btree_map_store::BTreeMapStore;

/// Length of a key in bytes.
pub const MAX_KV_KEY_BYTES: usize = 1024;

/// A store of values by key, ordered by the bytes of the keys.
///
/// An implementation is shared by all calls of a module, at the same time. A range whose end lies
/// before its start is empty, not an error. A future that is dropped leaves nothing half done.
///
/// The last six methods go beyond the published interface; by default, five of them refuse. A key
/// whose time to live is over is not there for any method, and does not count against limits.
///
/// [`enforce`] has what keeps an implementation within its limits, in the words of the others.
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

    /// The value of a key as [`encode_value`](surrealism_types::codec::encode_value) encodes it, which
    /// is how it goes to the guest. By default, what [`get`](Self::get) answers is encoded; a store
    /// that keeps values so need not decode them.
    async fn get_encoded(&self, key: String) -> Result<Option<Vec<u8>>> {
        let value = self.get(key).await?;
        value.map(|value| codec::encode_value(&value)).transpose()
    }

    /// Gives a key the value `new`, or removes it with `None`, if it has the value `expected`, or
    /// none with `None`; answers whether it had. Values are the same if their encodings are: the
    /// integer 1 is not the float 1.0. The new value has no time to live.
    async fn compare_and_set(
        &self,
        key: String,
        expected: Option<Value>,
        new: Option<Value>,
    ) -> Result<bool> {
        let _ = (key, expected, new);
        lacks("compare_and_set")
    }

    /// Adds to the integer of a key, of which one that is not there has 0; answers the sum. A value
    /// that is no integer, and a sum that does not fit, are errors that change nothing. A time to
    /// live stays.
    async fn increment(&self, key: String, delta: i64) -> Result<i64> {
        let _ = (key, delta);
        lacks("increment")
    }

    /// Gives a key a value for a time, which is rounded up to milliseconds, and is neither zero nor
    /// more than [`MAX_KV_TTL`](crate::limits::MAX_KV_TTL). Setting it again in any way ends that.
    async fn set_with_ttl(&self, key: String, value: Value, ttl: Duration) -> Result<()> {
        let _ = (key, value, ttl);
        lacks("set_with_ttl")
    }

    /// How long a key has left; `None` when it is not there, and when it lasts.
    async fn ttl(&self, key: String) -> Result<Option<Duration>> {
        let _ = key;
        lacks("ttl")
    }

    /// Gives a key a time from now, as [`set_with_ttl`](Self::set_with_ttl) does, or lets it last with `None`;
    /// answers whether it is there.
    async fn set_ttl(&self, key: String, ttl: Option<Duration>) -> Result<bool> {
        let _ = (key, ttl);
        lacks("set_ttl")
    }
}

fn lacks<T>(method: &str) -> Result<T> {
    bail!(
        "the key-value store of this host does not have `{method}`: its operator has to lend one \
         that does, such as `BTreeMapStore`"
    )
}

#[cfg(test)]
mod tests {
    use futures::executor::block_on;

    use super::*;

    /// A store as the published interface has it.
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
    fn a_store_of_the_published_interface_refuses_what_it_lacks() {
        let key = || "a".to_string();
        let (second, store) = (Duration::from_secs(1), Published);
        let answers = [
            ("compare_and_set", block_on(store.compare_and_set(key(), None, None)).map(drop)),
            ("increment", block_on(store.increment(key(), 1)).map(drop)),
            ("set_with_ttl", block_on(store.set_with_ttl(key(), Value::None, second))),
            ("ttl", block_on(store.ttl(key())).map(drop)),
            ("set_ttl", block_on(store.set_ttl(key(), None)).map(drop)),
        ];
        for (method, answer) in answers {
            let error = answer.unwrap_err().to_string();
            assert!(error.contains(&format!("this host does not have `{method}`")), "{error}");
        }
    }
}
