//! The runtime's checks of keys, values and limits, with this crate's error.
//!
//! All stores check with the same functions, so that a guest gets the same messages from each of them.

use std::time::Duration;

use surrealdb_types::Value;
use surrealism_runtime::kv::enforce;
use surrealism_runtime::limits::KvLimits;

use crate::error::StoreError;

/// Refuses a key that is too long.
pub(crate) fn check_key(key: &str) -> Result<(), StoreError> {
    Ok(enforce::check_key(key)?)
}

/// Refuses keys if one of them is too long.
pub(crate) fn check_keys(keys: &[String]) -> Result<(), StoreError> {
    keys.iter().try_for_each(|key| check_key(key))
}

/// Returns a time to live in milliseconds, and refuses one that is zero or too long.
pub(crate) fn check_ttl(key: &str, ttl: Duration) -> Result<u64, StoreError> {
    Ok(enforce::check_ttl(key, ttl)?)
}

/// Encodes a value for a key, and refuses a key or a value that is too long.
pub(crate) fn encode(limits: &KvLimits, key: &str, value: &Value) -> Result<Vec<u8>, StoreError> {
    check_key(key)?;
    Ok(limits.encode(key, value)?)
}
