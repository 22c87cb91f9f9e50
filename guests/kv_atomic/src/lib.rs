//! Counters, caches and locks, with the extensions of the key-value store.

use std::time::Duration;

use surrealism::anyhow::Result;
use surrealism::kv;
use surrealism::surrealdb_types::Value;
use surrealism::surrealism;

#[surrealism]
fn get(key: String) -> Result<Option<Value>> {
    kv::get(key)
}

#[surrealism]
fn set(key: String, value: Value) -> Result<()> {
    kv::set(key, value)
}

#[surrealism]
fn increment(key: String, delta: i64) -> Result<i64> {
    kv::increment(key, delta)
}

#[surrealism]
fn increment_with_ttl(key: String, delta: i64, ttl: Duration) -> Result<i64> {
    kv::increment_with_ttl(key, delta, ttl)
}

/// Replaces the value of a key. NONE means that the key does not exist.
#[surrealism]
fn swap(key: String, expected: Option<Value>, new: Option<Value>) -> Result<bool> {
    kv::compare_and_set(key, expected, new)
}

/// Takes a lock unless another owner has it.
#[surrealism]
fn lock(name: String, owner: String) -> Result<bool> {
    kv::compare_and_set(name, None, Some(owner))
}

#[surrealism]
fn set_with_ttl(key: String, value: Value, ttl: Duration) -> Result<()> {
    kv::set_with_ttl(key, value, ttl)
}

#[surrealism]
fn ttl(key: String) -> Result<Option<Duration>> {
    kv::ttl(key)
}

#[surrealism]
fn set_ttl(key: String, ttl: Option<Duration>) -> Result<bool> {
    kv::set_ttl(key, ttl)
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_native_test_has_no_host() {
        let error = super::increment("a".to_string(), 1).unwrap_err();
        assert!(
            error.to_string().contains("cannot call `kv::increment`: this thread has no host"),
            "{error}"
        );
    }
}
