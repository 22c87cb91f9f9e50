//! The sign of zero, which the general codec loses: it leaves a float out that equals 0.
//!
//! A message with -0 is encoded with a NaN in its place that nothing else in the message has, and the bytes
//! of -0 are put there afterwards. Both take a field of 8 bytes, so nothing else changes. Coordinates of
//! geometries are left as they are, and lose the sign.

use std::ops::Bound;

use anyhow::{Context, Result};
use surrealdb_types::{Number, RecordIdKey, Set, Value};

use crate::numbers::any_number;

/// A part of a message, with or without a value.
pub(super) trait Part: Clone {
    fn value(&self) -> Option<&Value>;
    fn value_mut(&mut self) -> Option<&mut Value>;
}

impl Part for Value {
    fn value(&self) -> Option<&Value> {
        Some(self)
    }

    fn value_mut(&mut self) -> Option<&mut Value> {
        Some(self)
    }
}

impl Part for Option<Value> {
    fn value(&self) -> Option<&Value> {
        self.as_ref()
    }

    fn value_mut(&mut self) -> Option<&mut Value> {
        self.as_mut()
    }
}

impl Part for (String, Value) {
    fn value(&self) -> Option<&Value> {
        Some(&self.1)
    }

    fn value_mut(&mut self) -> Option<&mut Value> {
        Some(&mut self.1)
    }
}

/// Encodes parts by the general codec, and keeps the sign of each zero.
pub(super) fn encode<P: Part>(
    parts: &[P],
    general: impl Fn(&[P]) -> Result<Vec<u8>>,
) -> Result<Vec<u8>> {
    /// NaNs that are tried, of which a message would have to hold all.
    const TRIES: u64 = 16;

    if !parts.iter().filter_map(P::value).any(|value| any_number(value, is_negative_zero)) {
        return general(parts);
    }
    let try_nan = |payload: u64| {
        let nan = f64::from_bits((f64::NAN.to_bits() | 0x5a65_726f_0000) + payload);
        let mut parts = parts.to_vec();
        let values = parts.iter_mut().filter_map(P::value_mut);
        let count: usize = values.map(|value| replace(value, nan)).sum();
        let mut bytes = match general(&parts) {
            Ok(bytes) => bytes,
            Err(error) => return Some(Err(error)),
        };
        put_zeroes(&mut bytes, nan, count).then_some(Ok(bytes))
    };
    (0..TRIES).find_map(try_nan).context("the message holds too many unusual NaNs beside -0")?
}

/// Replaces a NaN that occurs `count` times by -0.
fn put_zeroes(bytes: &mut [u8], nan: f64, count: usize) -> bool {
    let nan = nan.to_le_bytes();
    let places: Vec<usize> =
        (0..bytes.len().saturating_sub(7)).filter(|at| bytes[*at..].starts_with(&nan)).collect();
    if places.len() != count {
        return false;
    }
    for at in places {
        bytes[at..at + nan.len()].copy_from_slice(&(-0.0_f64).to_le_bytes());
    }
    true
}

fn is_negative_zero(number: &Number) -> bool {
    matches!(number, Number::Float(float) if *float == 0.0 && float.is_sign_negative())
}

/// Replaces each -0, and returns how many there were.
fn replace(value: &mut Value, nan: f64) -> usize {
    match value {
        Value::Number(number) if is_negative_zero(number) => {
            *number = Number::Float(nan);
            1
        }
        Value::Array(values) => values.iter_mut().map(|value| replace(value, nan)).sum(),
        Value::Object(fields) => fields.values_mut().map(|value| replace(value, nan)).sum(),
        Value::Set(values) => {
            let mut count = 0;
            let replaced: Vec<Value> = values
                .iter()
                .cloned()
                .map(|mut value| {
                    count += replace(&mut value, nan);
                    value
                })
                .collect();
            *values = Set::from(replaced);
            count
        }
        Value::Range(range) => {
            replace_bound(&mut range.start, |value| replace(value, nan))
                + replace_bound(&mut range.end, |value| replace(value, nan))
        }
        Value::RecordId(record) => replace_key(&mut record.key, nan),
        _ => 0,
    }
}

fn replace_key(key: &mut RecordIdKey, nan: f64) -> usize {
    match key {
        RecordIdKey::Array(values) => values.iter_mut().map(|value| replace(value, nan)).sum(),
        RecordIdKey::Object(fields) => fields.values_mut().map(|value| replace(value, nan)).sum(),
        RecordIdKey::Range(range) => {
            replace_bound(&mut range.start, |key| replace_key(key, nan))
                + replace_bound(&mut range.end, |key| replace_key(key, nan))
        }
        _ => 0,
    }
}

fn replace_bound<T>(bound: &mut Bound<T>, replace: impl FnOnce(&mut T) -> usize) -> usize {
    match bound {
        Bound::Included(value) | Bound::Excluded(value) => replace(value),
        Bound::Unbounded => 0,
    }
}
