//! The plugin's key-value store.
//!
//! All instances of the plugin share it, across calls and callers. How long it lives is the host's choice: as
//! long as the host keeps the plugin loaded, or longer.
//!
//! Keys are strings of at most 1024 bytes, ordered by their bytes. Ranges are Rust's own, such as `..`,
//! `"a".to_string()..` and `"a".to_string().."c".to_string()`. A range that ends before it starts is empty.
//!
//! ```no_run
//! use surrealism::kv;
//!
//! fn main() -> surrealism::anyhow::Result<()> {
//!     kv::set("greeting", "Hello")?;
//!     assert_eq!(kv::get("greeting")?, Some("Hello".to_string()));
//!     assert_eq!(kv::keys("g".to_string()..)?, ["greeting"]);
//!     Ok(())
//! }
//! ```
//!
//! # Concurrency
//!
//! Instances run at the same time, and each function is atomic by itself. Between a [`get`] and a [`set`],
//! another instance may write; [`increment`] and [`compare_and_set`] do both in one step.
//!
//! # Compatibility
//!
//! [`compare_and_set`], [`increment`], [`increment_with_ttl`], [`set_with_ttl`], [`ttl`] and [`set_ttl`] are
//! an extension of the published interface. A plugin that calls one of them loads only on hosts that have
//! it, as this project's does.
//!
//! # Errors
//!
//! Every function returns an error if the host rejects the call, as it does with a key or a value that
//! exceeds a limit, and in native tests, without a host.

use std::ops::RangeBounds;
use std::time::Duration;

use anyhow::{Context, Error, Result};
use surrealdb_types::{SurrealValue, Value};
use surrealism_types::{codec, convert};

use super::from_value;
use crate::host;

/// Returns the value of a key, or `None` if the key does not exist.
///
/// # Errors
///
/// When the value is not an `R`.
pub fn get<K: Into<String>, R: SurrealValue>(key: K) -> Result<Option<R>> {
    let key = key.into();
    let Some(value) = host::kv_get(&key).map_err(Error::msg)? else { return Ok(None) };
    entry(&key, codec::decode_value(&value)?).map(Some)
}

/// Sets the value of a key. A time to live that the key had ends.
///
/// # Errors
///
/// When the host rejects the call.
pub fn set<K: Into<String>, V: SurrealValue>(key: K, value: V) -> Result<()> {
    let value = encode_value(value)?;
    host::kv_set(&key.into(), &value).map_err(Error::msg)
}

/// Removes a key, if it exists.
///
/// # Errors
///
/// When the host rejects the call.
pub fn del<K: Into<String>>(key: K) -> Result<()> {
    host::kv_del(&key.into()).map_err(Error::msg)
}

/// Returns whether a key exists.
///
/// # Errors
///
/// When the host rejects the call.
pub fn exists<K: Into<String>>(key: K) -> Result<bool> {
    host::kv_exists(&key.into()).map_err(Error::msg)
}

/// Removes all keys of a range.
///
/// # Errors
///
/// When the host rejects the call.
pub fn del_rng<R: RangeBounds<String>>(range: R) -> Result<()> {
    host::kv_del_rng(&encode(range)?).map_err(Error::msg)
}

/// Returns the values of keys, in the order of `keys`, with `None` for a key that does not exist.
///
/// # Errors
///
/// When a value is not an `R`.
pub fn get_batch<K, I, R>(keys: I) -> Result<Vec<Option<R>>>
where
    I: IntoIterator<Item = K>,
    K: Into<String>,
    R: SurrealValue,
{
    let keys = collect(keys);
    let values = host::kv_get_batch(&keys).map_err(Error::msg)?;
    let values = codec::decode_optional_values(&values)?;
    let typed = |(key, value): (&String, Option<Value>)| value.map(|value| entry(key, value));
    keys.iter().zip(values).map(|entry| typed(entry).transpose()).collect()
}

/// Sets the values of keys: all of them, or after an error none. If a key occurs twice, its last value holds.
///
/// # Errors
///
/// When the host rejects one of the entries.
pub fn set_batch<K, V, I>(entries: I) -> Result<()>
where
    I: IntoIterator<Item = (K, V)>,
    K: Into<String>,
    V: SurrealValue,
{
    let typed = |(key, value): (K, V)| -> Result<(String, Value)> {
        Ok((key.into(), convert::into_value(value)?))
    };
    let entries = entries.into_iter().map(typed).collect::<Result<Vec<_>>>()?;
    host::kv_set_batch(&codec::encode_entries(&entries)?).map_err(Error::msg)
}

/// Removes those of the keys that exist.
///
/// # Errors
///
/// When the host rejects the call.
pub fn del_batch<K, I>(keys: I) -> Result<()>
where
    I: IntoIterator<Item = K>,
    K: Into<String>,
{
    host::kv_del_batch(&collect(keys)).map_err(Error::msg)
}

/// Returns the keys of a range, in ascending order.
///
/// # Errors
///
/// When the host rejects the call.
pub fn keys<R: RangeBounds<String>>(range: R) -> Result<Vec<String>> {
    host::kv_keys(&encode(range)?).map_err(Error::msg)
}

/// Returns the values of a range, in ascending order of their keys.
///
/// # Errors
///
/// When a value is not a `T`.
pub fn values<R: RangeBounds<String>, T: SurrealValue>(range: R) -> Result<Vec<T>> {
    let values = host::kv_values(&encode(range)?).map_err(Error::msg)?;
    codec::decode_values(&values)?.into_iter().map(from_value).collect()
}

/// Returns the keys and values of a range, in ascending order of the keys.
///
/// # Errors
///
/// When a value is not a `T`.
pub fn entries<R: RangeBounds<String>, T: SurrealValue>(range: R) -> Result<Vec<(String, T)>> {
    let entries = host::kv_entries(&encode(range)?).map_err(Error::msg)?;
    let typed = |(key, value): (String, Value)| entry(&key, value).map(|value| (key, value));
    codec::decode_entries(&entries)?.into_iter().map(typed).collect()
}

/// Returns how many keys a range has.
///
/// # Errors
///
/// When the host rejects the call.
pub fn count<R: RangeBounds<String>>(range: R) -> Result<u64> {
    host::kv_count(&encode(range)?).map_err(Error::msg)
}

/// Sets a key to `new` if its value is `expected`, in one step, and returns whether it was.
///
/// `None` as `expected` means that the key does not exist; `None` as `new` removes it. Values are equal if
/// their encodings are: the integer 1 does not equal the float 1.0. The new value has no time to live.
///
/// # Errors
///
/// When the host rejects the call, and when its store does not support it.
///
/// # Example
///
/// ```no_run
/// use surrealism::{anyhow, kv};
///
/// /// Takes a lock, unless another caller has it.
/// fn lock(owner: String) -> anyhow::Result<bool> {
///     kv::compare_and_set("lock", None, Some(owner))
/// }
/// ```
pub fn compare_and_set<K, V>(key: K, expected: Option<V>, new: Option<V>) -> Result<bool>
where
    K: Into<String>,
    V: SurrealValue,
{
    let (expected, new) =
        (expected.map(encode_value).transpose()?, new.map(encode_value).transpose()?);
    host::kv_compare_and_set(&key.into(), expected.as_deref(), new.as_deref()).map_err(Error::msg)
}

/// Adds `delta` to the integer of a key, in one step, and returns the sum. A key that does not exist counts
/// as 0. The key keeps its time to live.
///
/// # Errors
///
/// When the value is not an integer, when the sum does not fit 64 bits, when the host rejects the call, and
/// when its store does not support it.
///
/// # Example
///
/// ```no_run
/// use surrealism::{anyhow, kv};
///
/// fn visits() -> anyhow::Result<i64> {
///     kv::increment("visits", 1)
/// }
/// ```
pub fn increment<K: Into<String>>(key: K, delta: i64) -> Result<i64> {
    host::kv_increment(&key.into(), delta).map_err(Error::msg)
}

/// Adds `delta` to the integer of a key, in one step, and returns the sum. A key that does not exist counts
/// as 0 and expires after `ttl`, rounded up to milliseconds; another keeps its time to live.
///
/// # Errors
///
/// Those of [`increment`], and when `ttl` is zero.
///
/// # Example
///
/// ```no_run
/// use std::time::Duration;
///
/// use surrealism::{anyhow, kv};
///
/// /// Admits 100 requests a minute.
/// fn admit(client: String) -> anyhow::Result<bool> {
///     let minute = Duration::from_secs(60);
///     Ok(kv::increment_with_ttl(format!("requests/{client}"), 1, minute)? <= 100)
/// }
/// ```
pub fn increment_with_ttl<K: Into<String>>(key: K, delta: i64, ttl: Duration) -> Result<i64> {
    host::kv_increment_with_ttl(&key.into(), delta, milliseconds(ttl)).map_err(Error::msg)
}

/// Sets the value of a key, which expires after `ttl`, rounded up to milliseconds. Setting the key again,
/// in any way, ends that.
///
/// # Errors
///
/// When `ttl` is zero, when the host rejects the call, and when its store does not support it.
///
/// # Example
///
/// ```no_run
/// use std::time::Duration;
///
/// use surrealism::{anyhow, kv};
///
/// fn remember(token: String) -> anyhow::Result<()> {
///     kv::set_with_ttl(format!("token/{token}"), true, Duration::from_secs(3600))
/// }
/// ```
pub fn set_with_ttl<K: Into<String>, V: SurrealValue>(
    key: K,
    value: V,
    ttl: Duration,
) -> Result<()> {
    let value = encode_value(value)?;
    host::kv_set_with_ttl(&key.into(), &value, milliseconds(ttl)).map_err(Error::msg)
}

/// Returns the time until a key expires, or `None` if the key does not exist or does not expire.
///
/// # Errors
///
/// When the host rejects the call, and when its store does not support it.
pub fn ttl<K: Into<String>>(key: K) -> Result<Option<Duration>> {
    let left = host::kv_get_ttl(&key.into()).map_err(Error::msg)?;
    Ok(left.map(Duration::from_millis))
}

/// Lets a key expire after `ttl`, rounded up to milliseconds, or never with `None`. Returns whether the key
/// exists.
///
/// # Errors
///
/// When `ttl` is zero, when the host rejects the call, and when its store does not support it.
pub fn set_ttl<K: Into<String>>(key: K, ttl: Option<Duration>) -> Result<bool> {
    host::kv_set_ttl(&key.into(), ttl.map(milliseconds)).map_err(Error::msg)
}

/// Rounds up, so that a short time is not zero, and saturates.
fn milliseconds(ttl: Duration) -> u64 {
    u64::try_from(ttl.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
}

fn encode(range: impl RangeBounds<String>) -> Result<Vec<u8>> {
    codec::encode_range(&range.start_bound().cloned(), &range.end_bound().cloned())
}

fn encode_value(value: impl SurrealValue) -> Result<Vec<u8>> {
    codec::encode_value(&convert::into_value(value)?)
}

fn collect<K: Into<String>>(keys: impl IntoIterator<Item = K>) -> Vec<String> {
    keys.into_iter().map(K::into).collect()
}

/// Converts the value of a key, and names the key in the error.
fn entry<T: SurrealValue>(key: &str, value: Value) -> Result<T> {
    from_value(value).with_context(|| format!("cannot convert the value of key {key:?}"))
}
