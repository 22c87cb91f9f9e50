//! How deep a value may be.

use std::ops::Bound;

use anyhow::{Result, ensure};
use surrealdb_types::{Geometry, RecordIdKey, Value};

use crate::codec::error::CodecError;
use crate::codec::limits::MAX_VALUE_DEPTH;

/// Checks that a value is not so deep that encoding it would overflow the stack.
///
/// # Errors
///
/// When the value is more than [`MAX_VALUE_DEPTH`] levels deep.
pub(in crate::codec) fn check_depth(value: &Value) -> Result<()> {
    ensure!(is_within(value, MAX_VALUE_DEPTH), CodecError::TooDeep);
    Ok(())
}

fn is_within(value: &Value, levels: usize) -> bool {
    let Some(inner) = levels.checked_sub(1) else { return false };
    match value {
        Value::Array(values) => values.iter().all(|value| is_within(value, inner)),
        Value::Set(values) => values.iter().all(|value| is_within(value, inner)),
        Value::Object(fields) => fields.values().all(|value| is_within(value, inner)),
        Value::Range(range) => {
            is_bound_within(&range.start, |value| is_within(value, inner))
                && is_bound_within(&range.end, |value| is_within(value, inner))
        }
        Value::RecordId(record) => is_key_within(&record.key, inner),
        Value::Geometry(geometry) => is_geometry_within(geometry, inner),
        _ => true,
    }
}

fn is_bound_within<T>(bound: &Bound<T>, is_within: impl FnOnce(&T) -> bool) -> bool {
    match bound {
        Bound::Included(value) | Bound::Excluded(value) => is_within(value),
        Bound::Unbounded => true,
    }
}

fn is_key_within(key: &RecordIdKey, levels: usize) -> bool {
    let Some(inner) = levels.checked_sub(1) else { return false };
    match key {
        RecordIdKey::Array(values) => values.iter().all(|value| is_within(value, inner)),
        RecordIdKey::Object(fields) => fields.values().all(|value| is_within(value, inner)),
        RecordIdKey::Range(range) => {
            is_bound_within(&range.start, |key| is_key_within(key, inner))
                && is_bound_within(&range.end, |key| is_key_within(key, inner))
        }
        _ => true,
    }
}

fn is_geometry_within(geometry: &Geometry, levels: usize) -> bool {
    let Some(inner) = levels.checked_sub(1) else { return false };
    match geometry {
        Geometry::Collection(parts) => parts.iter().all(|part| is_geometry_within(part, inner)),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use surrealdb_types::{Array, Range, RecordId};

    use super::*;

    #[test]
    fn every_way_to_nest_counts() {
        let ways: [fn(Value) -> Value; 5] = [
            |value| Value::Array(Array::from(vec![value])),
            |value| Value::Object([("a".to_string(), value)].into_iter().collect()),
            |value| {
                Value::Range(Box::new(Range {
                    start: Bound::Included(value),
                    end: Bound::Unbounded,
                }))
            },
            |value| {
                Value::Range(Box::new(Range {
                    start: Bound::Unbounded,
                    end: Bound::Excluded(value),
                }))
            },
            |value| {
                Value::RecordId(RecordId {
                    table: "t".into(),
                    key: RecordIdKey::Array(Array::from(vec![value])),
                })
            },
        ];
        for nest in ways {
            check_depth(&(0..50).fold(Value::None, |value, _| nest(value))).unwrap();
            check_depth(&(0..200).fold(Value::None, |value, _| nest(value))).unwrap_err();
        }
        let shapes = (0..200)
            .fold(Geometry::Collection(vec![]), |inner, _| Geometry::Collection(vec![inner]));
        check_depth(&Value::Geometry(shapes)).unwrap_err();
    }
}
