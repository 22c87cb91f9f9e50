//! The calls that change one key by its value, for stores that keep encoded values.

use std::borrow::Cow;

use anyhow::Result;
use surrealdb_types::{SurrealValue, Value};

use super::enforce::{check_key, checked_add};
use crate::codec;
use crate::limits::KvLimits;

/// The entries of a store, while no other caller changes them.
pub trait Entries {
    /// When an entry expires.
    type Expiry: Copy;
    /// The error of the store.
    type Error: From<anyhow::Error>;

    /// Returns the encoded value of a key and when it expires, if the key exists.
    fn entry(&self, key: &str) -> Result<Option<Entry<'_, Self::Expiry>>, Self::Error>;

    /// Sets the encoded value of a key. After an error, nothing has changed.
    fn set(
        &mut self,
        key: String,
        value: Vec<u8>,
        expires_at: Option<Self::Expiry>,
        limits: &KvLimits,
    ) -> Result<(), Self::Error>;

    /// Removes a key, if it exists.
    fn remove(&mut self, key: &str) -> Result<(), Self::Error>;
}

/// The encoded value of a key, and when it expires.
#[derive(Debug)]
pub struct Entry<'a, Expiry> {
    /// The encoded value.
    pub value: Cow<'a, [u8]>,
    /// When it expires; `None` for never.
    pub expires_at: Option<Expiry>,
}

/// A [`compare_and_set`](super::KVStore::compare_and_set) whose values are encoded.
#[derive(Debug)]
pub struct CompareAndSet {
    /// The key.
    pub key: String,
    /// The value that it must have.
    pub expected: Option<Vec<u8>>,
    /// The value that it gets.
    pub new: Option<Vec<u8>>,
}

impl CompareAndSet {
    /// Encodes the values.
    ///
    /// # Errors
    ///
    /// When the key or the new value is larger than its limit. The expected value is only compared.
    pub fn new(
        limits: &KvLimits,
        key: String,
        expected: Option<Value>,
        new: Option<Value>,
    ) -> Result<Self> {
        check_key(&key)?;
        let expected = expected.map(|value| codec::encode_value(&value)).transpose()?;
        let new = new.map(|value| limits.encode(&key, &value)).transpose()?;
        Ok(Self { key, expected, new })
    }

    /// Sets the key if it has the expected value, and returns whether it had.
    ///
    /// # Errors
    ///
    /// Those of the store.
    pub fn apply<E: Entries>(self, entries: &mut E, limits: &KvLimits) -> Result<bool, E::Error> {
        if entries.entry(&self.key)?.map(|entry| entry.value).as_deref() != self.expected.as_deref()
        {
            return Ok(false);
        }
        match self.new {
            Some(new) => entries.set(self.key, new, None, limits)?,
            None => entries.remove(&self.key)?,
        }
        Ok(true)
    }
}

/// Adds to the integer of a key and returns the sum. A key that does not exist counts as 0 and gets
/// `initial_expiry`; another keeps when it expires.
///
/// # Errors
///
/// When the value is not an integer or the sum overflows, and those of the store.
pub fn increment<E: Entries>(
    entries: &mut E,
    limits: &KvLimits,
    key: String,
    delta: i64,
    initial_expiry: Option<E::Expiry>,
) -> Result<i64, E::Error> {
    let current = entries.entry(&key)?;
    let expires_at = current.as_ref().map_or(initial_expiry, |entry| entry.expires_at);
    let sum = checked_add(&key, current.as_ref().map(|entry| &*entry.value), delta)?;
    drop(current);
    let value = limits.encode(&key, &sum.into_value())?;
    entries.set(key, value, expires_at, limits)?;
    Ok(sum)
}
