//! The plugin's key-value store. It belongs to the plugin, not to the database or the call: what
//! one call sets another reads, until the host unloads the plugin.
//!
//! Keys are ordered by their bytes. Ranges are Rust's own: `..`, `"a".to_string()..`,
//! `"a".to_string().."c".to_string()` and so on; one whose end lies before its start is empty.
//! Instances of a plugin run at the same time, and each function here is one step: who reads and then
//! writes may overwrite what another wrote in between, but not with [`increment`] or [`compare_and_set`].
//! Every function is an error when the host refuses it, as it does with a key or value that is too
//! long, and when there is no host.
//!
//! [`compare_and_set`], [`increment`], [`set_with_ttl`], [`ttl`] and [`set_ttl`] go beyond the published
//! interface: a plugin that calls one of them loads only on hosts that have it, as ours does. One
//! that calls none of them loads everywhere.
//!
//! ```no_run
//! use surrealism::kv;
//!
//! # fn main() -> surrealism::anyhow::Result<()> {
//! kv::set("greeting", "Hello")?;
//! assert_eq!(kv::get("greeting")?, Some("Hello".to_string()));
//! assert_eq!(kv::keys("g".to_string()..)?, ["greeting"]);
//! # Ok(())
//! # }
//! ```

use std::ops::RangeBounds;
use std::time::Duration;

use anyhow::{Context, Error, Result};
use surrealdb_types::{SurrealValue, Value};
use surrealism_types::codec;

use super::read;
use crate::host;

/// The value of a key, if it has one.
///
/// # Errors
///
/// When the value is no `R`.
pub fn get<K: Into<String>, R: SurrealValue>(key: K) -> Result<Option<R>> {
    let key = key.into();
    let Some(value) = host::kv_get(&key).map_err(Error::msg)? else { return Ok(None) };
    entry(&key, codec::decode_value(&value)?).map(Some)
}

/// Gives a key a value.
///
/// # Errors
///
/// When the host refuses it.
pub fn set<K: Into<String>, V: SurrealValue>(key: K, value: V) -> Result<()> {
    let value = codec::encode_value(&value.into_value())?;
    host::kv_set(&key.into(), &value).map_err(Error::msg)
}

/// Removes a key; one that is not there is no error.
///
/// # Errors
///
/// When the host refuses it.
pub fn del<K: Into<String>>(key: K) -> Result<()> {
    host::kv_del(&key.into()).map_err(Error::msg)
}

/// Whether a key has a value.
///
/// # Errors
///
/// When the host refuses it.
pub fn exists<K: Into<String>>(key: K) -> Result<bool> {
    host::kv_exists(&key.into()).map_err(Error::msg)
}

/// Removes every key of a range.
///
/// # Errors
///
/// When the host refuses it.
pub fn del_rng<R: RangeBounds<String>>(range: R) -> Result<()> {
    host::kv_del_rng(&encode(range)?).map_err(Error::msg)
}

/// The values of keys, in the order of the keys, with gaps.
///
/// # Errors
///
/// When one of the values is no `R`.
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
    keys.iter().zip(values).map(|gap| typed(gap).transpose()).collect()
}

/// Sets all entries, or none of them. Of a key that comes twice, the later value holds.
///
/// # Errors
///
/// When the host refuses one of them.
pub fn set_batch<K, V, I>(entries: I) -> Result<()>
where
    I: IntoIterator<Item = (K, V)>,
    K: Into<String>,
    V: SurrealValue,
{
    let entries: Vec<(String, Value)> =
        entries.into_iter().map(|(key, value)| (key.into(), value.into_value())).collect();
    host::kv_set_batch(&codec::encode_entries(&entries)?).map_err(Error::msg)
}

/// Removes keys; those that are not there are no error.
///
/// # Errors
///
/// When the host refuses it.
pub fn del_batch<K, I>(keys: I) -> Result<()>
where
    I: IntoIterator<Item = K>,
    K: Into<String>,
{
    host::kv_del_batch(&collect(keys)).map_err(Error::msg)
}

/// The keys of a range, ascending.
///
/// # Errors
///
/// When the host refuses it.
pub fn keys<R: RangeBounds<String>>(range: R) -> Result<Vec<String>> {
    host::kv_keys(&encode(range)?).map_err(Error::msg)
}

/// The values of a range, by ascending key.
///
/// # Errors
///
/// When one of the values is no `T`.
pub fn values<R: RangeBounds<String>, T: SurrealValue>(range: R) -> Result<Vec<T>> {
    let values = host::kv_values(&encode(range)?).map_err(Error::msg)?;
    codec::decode_values(&values)?.into_iter().map(read).collect()
}

/// The entries of a range, by ascending key.
///
/// # Errors
///
/// When one of the values is no `T`.
pub fn entries<R: RangeBounds<String>, T: SurrealValue>(range: R) -> Result<Vec<(String, T)>> {
    let entries = host::kv_entries(&encode(range)?).map_err(Error::msg)?;
    let typed = |(key, value): (String, Value)| entry(&key, value).map(|value| (key, value));
    codec::decode_entries(&entries)?.into_iter().map(typed).collect()
}

/// How many keys a range holds.
///
/// # Errors
///
/// When the host refuses it.
pub fn count<R: RangeBounds<String>>(range: R) -> Result<u64> {
    host::kv_count(&encode(range)?).map_err(Error::msg)
}

/// Gives a key the value `new`, or removes it with `None`, if it has the value `expected`, or none
/// with `None`; answers whether it had. Whoever else writes, that is one step. Values are the same if
/// their encodings are: the integer 1 is not the float 1.0. The new value has no time to live.
///
/// ```no_run
/// use surrealism::kv;
///
/// # fn main() -> surrealism::anyhow::Result<()> {
/// let mine = kv::compare_and_set("leader", None, Some("me".to_string()))?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// When the host refuses it, or its store cannot do it.
pub fn compare_and_set<K, V>(key: K, expected: Option<V>, new: Option<V>) -> Result<bool>
where
    K: Into<String>,
    V: SurrealValue,
{
    let encoded =
        |value: Option<V>| value.map(|value| codec::encode_value(&value.into_value())).transpose();
    let (expected, new) = (encoded(expected)?, encoded(new)?);
    host::kv_compare_and_set(&key.into(), expected.as_deref(), new.as_deref()).map_err(Error::msg)
}

/// Adds to the integer of a key, of which one that is not there has 0; answers the sum. Whoever else
/// writes, that is one step. A time to live stays.
///
/// # Errors
///
/// When the key has something else than an integer, when the sum does not fit 64 bits, when the host
/// refuses it, or its store cannot do it.
pub fn increment<K: Into<String>>(key: K, delta: i64) -> Result<i64> {
    host::kv_increment(&key.into(), delta).map_err(Error::msg)
}

/// Gives a key a value for a time, which is rounded up to milliseconds. Then the key is gone by
/// itself. Setting it again in any way ends that.
///
/// # Errors
///
/// When the time is zero, when the host refuses it, or its store cannot do it.
pub fn set_with_ttl<K: Into<String>, V: SurrealValue>(
    key: K,
    value: V,
    ttl: Duration,
) -> Result<()> {
    let value = codec::encode_value(&value.into_value())?;
    host::kv_set_with_ttl(&key.into(), &value, milliseconds(ttl)).map_err(Error::msg)
}

/// How long a key has left; `None` when it is not there, and when it lasts.
///
/// # Errors
///
/// When the host refuses it, or its store cannot do it.
pub fn ttl<K: Into<String>>(key: K) -> Result<Option<Duration>> {
    let left = host::kv_get_ttl(&key.into()).map_err(Error::msg)?;
    Ok(left.map(Duration::from_millis))
}

/// Gives a key a time from now, or lets it last with `None`; answers whether it is there.
///
/// # Errors
///
/// When the time is zero, when the host refuses it, or its store cannot do it.
pub fn set_ttl<K: Into<String>>(key: K, ttl: Option<Duration>) -> Result<bool> {
    host::kv_set_ttl(&key.into(), ttl.map(milliseconds)).map_err(Error::msg)
}

/// At least the time; of one beyond all bounds, as much as can be said.
fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
}

fn encode(range: impl RangeBounds<String>) -> Result<Vec<u8>> {
    codec::encode_range(&range.start_bound().cloned(), &range.end_bound().cloned())
}

fn collect<K: Into<String>>(keys: impl IntoIterator<Item = K>) -> Vec<String> {
    keys.into_iter().map(K::into).collect()
}

/// Converts the value of a key, naming the key in the error.
fn entry<T: SurrealValue>(key: &str, value: Value) -> Result<T> {
    read(value).with_context(|| format!("the value of key {key:?}"))
}
