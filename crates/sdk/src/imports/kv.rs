//! The plugin's key-value store. It belongs to the plugin, not to the database or the call: what
//! one call sets another reads, until the host unloads the plugin.
//!
//! Keys are ordered by their bytes. Ranges are Rust's own: `..`, `"a".to_string()..`,
//! `"a".to_string().."c".to_string()` and so on; one whose end lies before its start is empty.
//! Every function is an error when the host refuses it, as it does with a key or value that is too
//! long, and when there is no host.
//!
//! ```no_run
//! use surrealism::kv;
//!
//! # fn main() -> surrealism::anyhow::Result<()> {
//! kv::set("visits", kv::get("visits")?.unwrap_or(0_i64) + 1)?;
//! assert_eq!(kv::keys("v".to_string()..)?, ["visits"]);
//! # Ok(())
//! # }
//! ```

use std::ops::RangeBounds;

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
