//! Limit checks for implementations of [`KVStore`](super::KVStore), with the same measures and messages
//! in every store. Every error is a [`GuestError`]: its text is for the guest.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::time::Duration;

use anyhow::Result;
use surrealdb_types::Value;

use super::MAX_KV_KEY_BYTES;
use crate::codec::{self, Decoder};
use crate::guest_error::GuestError;
use crate::limits::{
    KV_ENTRY_OVERHEAD_BYTES, KvLimits, MAX_KV_BATCH_KEYS, MAX_KV_RESPONSE_BYTES, MAX_KV_TTL,
};

/// Fails with a text for the guest unless `allowed`.
fn ensure(allowed: bool, text: impl FnOnce() -> String) -> Result<()> {
    if allowed { Ok(()) } else { Err(GuestError::new(text()).into()) }
}

/// The size of a store's content.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct KvSize {
    /// Number of keys.
    pub entries: usize,
    /// Bytes of keys and encoded values, and [`KV_ENTRY_OVERHEAD_BYTES`] for each entry.
    pub bytes: usize,
}

impl KvSize {
    /// Returns the size with one more entry.
    pub fn plus_entry(self, key: &str, value_bytes: usize) -> Self {
        let bytes = self.bytes + entry_bytes(key, value_bytes);
        Self { entries: self.entries + 1, bytes }
    }

    /// Returns the size without an entry that it includes.
    pub fn minus_entry(self, key: &str, value_bytes: usize) -> Self {
        let bytes = self.bytes - entry_bytes(key, value_bytes);
        Self { entries: self.entries - 1, bytes }
    }
}

fn entry_bytes(key: &str, value_bytes: usize) -> usize {
    key.len() + value_bytes + KV_ENTRY_OVERHEAD_BYTES
}

impl KvLimits {
    /// Encodes a value.
    ///
    /// # Errors
    ///
    /// When the encoded value is larger than the limit.
    pub fn encode(&self, key: &str, value: &Value) -> Result<Vec<u8>> {
        let bytes = codec::encode_value(value).map_err(GuestError::of)?;
        if let Some(max) = self.max_value_bytes {
            ensure(bytes.len() <= max, || {
                let size = bytes.len();
                format!(
                    "the value of key {key:?} takes {size} bytes, and `max_kv_value_bytes` is {max}"
                )
            })?;
        }
        Ok(bytes)
    }

    /// Encodes entries. Of a key that occurs twice, the last value is kept.
    ///
    /// # Errors
    ///
    /// When a key or an encoded value is larger than its limit.
    pub fn encode_all(&self, entries: Vec<(String, Value)>) -> Result<BTreeMap<String, Vec<u8>>> {
        let encoded = entries.into_iter().map(|(key, value)| {
            check_key(&key)?;
            let bytes = self.encode(&key, &value)?;
            Ok((key, bytes))
        });
        encoded.collect()
    }

    /// Checks whether a store may grow. A full store can still shrink, and be overwritten with values of
    /// the same size.
    ///
    /// # Errors
    ///
    /// When the store would grow beyond a limit.
    pub fn check_growth(&self, before: KvSize, after: KvSize) -> Result<()> {
        if let Some(max) = self.max_entries.filter(|_| after.entries > before.entries) {
            ensure(after.entries <= max, || {
                format!(
                    "the store would hold {} keys, and `max_kv_entries` is {max}: delete some first",
                    after.entries
                )
            })?;
        }
        if let Some(max) = self.max_bytes.filter(|_| after.bytes > before.bytes) {
            ensure(after.bytes <= max, || {
                format!(
                    "the store would hold {} bytes, and the host allows {max}: delete some first",
                    after.bytes
                )
            })?;
        }
        Ok(())
    }
}

/// The size that one response may still have. Responses are in the host's memory, which the guest's
/// limits do not cover.
#[derive(Debug)]
pub struct ResponseBudget {
    left: usize,
    decoder: Decoder,
}

impl ResponseBudget {
    /// Returns the budget of an empty response.
    #[allow(clippy::new_without_default, reason = "no meaningful default")]
    pub fn new() -> Self {
        Self { left: MAX_KV_RESPONSE_BYTES, decoder: Decoder::new() }
    }

    /// Charges an entry to the budget. A key or value that is not part of the response counts as empty.
    ///
    /// # Errors
    ///
    /// When the response would be too large.
    pub fn charge(&mut self, key: &str, value: &[u8]) -> Result<()> {
        let left = self.left.checked_sub(entry_bytes(key, value.len()));
        self.left = left.ok_or_else(|| GuestError::new(Self::too_large()))?;
        Ok(())
    }

    /// Decodes a value that was charged. Decoding takes longer than copying: do it outside of locks and
    /// transactions.
    ///
    /// # Errors
    ///
    /// When the response would contain too many regular expressions or take too much memory, or the value
    /// cannot be decoded.
    pub fn decode(&mut self, value: &[u8]) -> Result<Value> {
        Ok(self.decoder.decode_value(value).map_err(GuestError::of)?)
    }

    /// Returns the message of a response that is too large.
    pub fn too_large() -> String {
        format!(
            "the response takes more than {MAX_KV_RESPONSE_BYTES} bytes: request less at a time"
        )
    }
}

/// Checks the length of a key.
///
/// # Errors
///
/// When the key is longer than [`MAX_KV_KEY_BYTES`].
pub fn check_key(key: &str) -> Result<()> {
    ensure(key.len() <= MAX_KV_KEY_BYTES, || {
        format!(
            "key {:?}… takes {} bytes, and a key has at most {MAX_KV_KEY_BYTES}",
            key.chars().take(32).collect::<String>(),
            key.len()
        )
    })
}

/// Checks the number and the length of the keys of one request.
///
/// # Errors
///
/// When there are more than [`MAX_KV_BATCH_KEYS`], or one is longer than [`MAX_KV_KEY_BYTES`].
pub fn check_batch(keys: &[String]) -> Result<()> {
    ensure(keys.len() <= MAX_KV_BATCH_KEYS, || {
        format!(
            "the request has {} keys, and {MAX_KV_BATCH_KEYS} are allowed: split it",
            keys.len()
        )
    })?;
    keys.iter().try_for_each(|key| check_key(key))
}

/// Whether a range is empty whatever the store holds. Most maps panic on such a range.
pub fn is_empty_range(start: &Bound<String>, end: &Bound<String>) -> bool {
    match (start, end) {
        (Bound::Excluded(start), Bound::Excluded(end)) => start >= end,
        (
            Bound::Included(start) | Bound::Excluded(start),
            Bound::Included(end) | Bound::Excluded(end),
        ) => start > end,
        _ => false,
    }
}

/// Returns a time to live in milliseconds, rounded up.
///
/// # Errors
///
/// When it is zero, or more than [`MAX_KV_TTL`].
pub fn check_ttl(key: &str, ttl: Duration) -> Result<u64> {
    ensure(!ttl.is_zero(), || {
        format!("the time to live of key {key:?} is zero: delete it instead")
    })?;
    ensure(ttl <= MAX_KV_TTL, || {
        format!(
            "the time to live of key {key:?} is {} seconds, and at most {} are allowed: set it without \
             one",
            ttl.as_secs(),
            MAX_KV_TTL.as_secs()
        )
    })?;
    // `MAX_KV_TTL` fits 64 bits by far.
    Ok(ttl.as_nanos().div_ceil(1_000_000) as u64)
}

/// Adds `delta` to a key's encoded value; `None` counts as 0. A value that is not an integer is not decoded.
///
/// # Errors
///
/// When the value is not an integer, or the sum overflows.
pub fn checked_add(key: &str, value: Option<&[u8]>, delta: i64) -> Result<i64> {
    let current = value.map_or(Ok(0), codec::decode_native::<i64>).map_err(|_| {
        GuestError::new(format!("the value of key {key:?} is not an integer: set it to one first"))
    })?;
    Ok(current.checked_add(delta).ok_or_else(|| {
        GuestError::new(format!(
            "key {key:?} has {current}, and {delta} more does not fit 64 bits: set it first"
        ))
    })?)
}
