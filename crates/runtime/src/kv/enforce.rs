//! What keeps a store within its limits, for whoever writes one: the same measures, and the same
//! words where something is refused.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use surrealdb_types::{Number, Value};
use surrealism_types::codec::{self, Decoder};

use super::MAX_KV_KEY_BYTES;
use crate::limits::{KV_ENTRY_OVERHEAD_BYTES, KvLimits, MAX_KV_RESPONSE_BYTES, MAX_KV_TTL};

/// What a store holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct KvSize {
    /// Keys.
    pub entries: usize,
    /// Keys and encoded values, and [`KV_ENTRY_OVERHEAD_BYTES`] for each entry.
    pub bytes: usize,
}

impl KvSize {
    /// The size with one more entry, whose encoded value takes so many bytes.
    pub fn with(self, key: &str, value_bytes: usize) -> Self {
        let bytes = self.bytes + entry_bytes(key, value_bytes);
        Self { entries: self.entries + 1, bytes }
    }

    /// The size without an entry that is in it.
    pub fn without(self, key: &str, value_bytes: usize) -> Self {
        let bytes = self.bytes - entry_bytes(key, value_bytes);
        Self { entries: self.entries - 1, bytes }
    }
}

fn entry_bytes(key: &str, value_bytes: usize) -> usize {
    key.len() + value_bytes + KV_ENTRY_OVERHEAD_BYTES
}

impl KvLimits {
    /// Encodes a value as stores keep it.
    ///
    /// # Errors
    ///
    /// When it is larger than a value may be.
    pub fn encode(&self, key: &str, value: &Value) -> Result<Vec<u8>> {
        let bytes = codec::encode_value(value)?;
        if let Some(most) = self.max_value_bytes {
            ensure!(
                bytes.len() <= most,
                "the value of key {key:?} takes {} bytes, and `max_kv_value_bytes` is {most}",
                bytes.len()
            );
        }
        Ok(bytes)
    }

    /// Encodes entries as stores keep them; of a key that comes twice, the later value holds.
    ///
    /// # Errors
    ///
    /// When a key is too long, or a value larger than it may be.
    pub fn encode_all(&self, entries: Vec<(String, Value)>) -> Result<BTreeMap<String, Vec<u8>>> {
        let encoded = entries.into_iter().map(|(key, value)| {
            check_key(&key)?;
            let bytes = self.encode(&key, &value)?;
            Ok((key, bytes))
        });
        encoded.collect()
    }

    /// Whether a store may grow. One that is as full as it may be, or fuller, can still shrink, and
    /// be overwritten in place.
    ///
    /// # Errors
    ///
    /// When it would hold more entries or bytes than it may, and than it did.
    pub fn admit(&self, before: KvSize, after: KvSize) -> Result<()> {
        if let Some(most) = self.max_entries.filter(|_| after.entries > before.entries) {
            ensure!(
                after.entries <= most,
                "the store would hold {} keys, and `max_kv_entries` is {most}: delete some first",
                after.entries
            );
        }
        if let Some(most) = self.max_bytes.filter(|_| after.bytes > before.bytes) {
            ensure!(
                after.bytes <= most,
                "the store would hold {} bytes, and the host allows {most}: delete some first",
                after.bytes
            );
        }
        Ok(())
    }
}

/// What one answer may still take. A guest pays for its questions; the answers are the host's.
#[derive(Debug)]
pub struct Answer {
    left: usize,
    decoder: Decoder,
}

impl Answer {
    /// An answer of nothing yet.
    #[allow(clippy::new_without_default, reason = "nobody wants a default answer")]
    pub fn new() -> Self {
        Self { left: MAX_KV_RESPONSE_BYTES, decoder: Decoder::new() }
    }

    /// Makes room for an entry; what of it is not in the answer counts as empty.
    ///
    /// # Errors
    ///
    /// When the answer has no room for it.
    pub fn take(&mut self, key: &str, value: &[u8]) -> Result<()> {
        let left = self.left.checked_sub(entry_bytes(key, value.len()));
        self.left = left.with_context(Self::too_large)?;
        Ok(())
    }

    /// Makes room for an entry, and decodes its value.
    ///
    /// # Errors
    ///
    /// When the answer has no room for it, in bytes or in regular expressions.
    pub fn value(&mut self, key: &str, value: &[u8]) -> Result<Value> {
        self.take(key, value)?;
        self.decoder.decode_value(value)
    }

    /// Why an answer is refused.
    pub fn too_large() -> String {
        format!("the answer takes more than {MAX_KV_RESPONSE_BYTES} bytes: ask for less at a time")
    }
}

/// Refuses a key that is too long.
///
/// # Errors
///
/// When it is.
pub fn check_key(key: &str) -> Result<()> {
    ensure!(
        key.len() <= MAX_KV_KEY_BYTES,
        "key {:?}… takes {} bytes, and a key has at most {MAX_KV_KEY_BYTES}",
        key.chars().take(32).collect::<String>(),
        key.len()
    );
    Ok(())
}

/// Whether nothing lies between two bounds, whatever a store holds: most maps panic on these.
pub fn is_empty(start: &Bound<String>, end: &Bound<String>) -> bool {
    match (start, end) {
        (Bound::Excluded(start), Bound::Excluded(end)) => start >= end,
        (
            Bound::Included(start) | Bound::Excluded(start),
            Bound::Included(end) | Bound::Excluded(end),
        ) => start > end,
        _ => false,
    }
}

/// A time to live in milliseconds, rounded up.
///
/// # Errors
///
/// When it is zero, or more than it may be.
pub fn check_ttl(key: &str, ttl: Duration) -> Result<u64> {
    ensure!(!ttl.is_zero(), "the time to live of key {key:?} is zero: delete it instead");
    ensure!(
        ttl <= MAX_KV_TTL,
        "the time to live of key {key:?} is {} seconds, and at most {} are allowed: set it without \
         one",
        ttl.as_secs(),
        MAX_KV_TTL.as_secs()
    );
    // The bound is far below what 64 bits hold.
    Ok(ttl.as_nanos().div_ceil(1_000_000) as u64)
}

/// What a key holds once `delta` is added to its value, of which `None` is 0.
///
/// # Errors
///
/// When the value is no integer, or the sum does not fit.
pub fn sum(key: &str, value: Option<&Value>, delta: i64) -> Result<i64> {
    let held = match value {
        None => 0,
        Some(Value::Number(Number::Int(held))) => *held,
        Some(_) => anyhow::bail!(
            "the value of key {key:?} is no integer, and nothing else can be added to: set it first"
        ),
    };
    held.checked_add(delta).with_context(|| {
        format!("key {key:?} has {held}, and {delta} more does not fit 64 bits: set it first")
    })
}
