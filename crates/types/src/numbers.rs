//! Finds numbers at all depths of a value.

use std::ops::Bound;

use surrealdb_types::{Number, RecordIdKey, Value};

/// Returns whether a value has a number that is sought.
pub(crate) fn any_number(value: &Value, is_sought: fn(&Number) -> bool) -> bool {
    let any = |value: &Value| any_number(value, is_sought);
    match value {
        Value::Number(number) => is_sought(number),
        Value::Array(values) => values.iter().any(any),
        Value::Set(values) => values.iter().any(any),
        Value::Object(fields) => fields.values().any(any),
        Value::Range(range) => [&range.start, &range.end].into_iter().any(|end| in_bound(end, any)),
        Value::RecordId(record) => any_in_key(&record.key, is_sought),
        _ => false,
    }
}

fn any_in_key(key: &RecordIdKey, is_sought: fn(&Number) -> bool) -> bool {
    let any = |value: &Value| any_number(value, is_sought);
    match key {
        RecordIdKey::Number(int) => is_sought(&Number::Int(*int)),
        RecordIdKey::Array(values) => values.iter().any(any),
        RecordIdKey::Object(fields) => fields.values().any(any),
        RecordIdKey::Range(range) => {
            let any = |key: &RecordIdKey| any_in_key(key, is_sought);
            [&range.start, &range.end].into_iter().any(|end| in_bound(end, any))
        }
        _ => false,
    }
}

fn in_bound<T>(bound: &Bound<T>, any: impl Fn(&T) -> bool) -> bool {
    match bound {
        Bound::Included(value) | Bound::Excluded(value) => any(value),
        Bound::Unbounded => false,
    }
}
