//! Conversions between Rust types and values that do not lose a number without an error.
//!
//! [`SurrealValue`] loses two kinds of numbers: an unsigned integer beyond `i64` becomes a negative one,
//! since `into_value` cannot fail, and a float beyond `f32` becomes an infinite `f32`. A value with a number
//! that may have come from one of these, or may become one, is converted once more, back. All others cost a
//! comparison for each number.
//!
//! ```
//! use surrealism_types::convert;
//!
//! assert_eq!(convert::into_value(7_u64)?, convert::into_value(7_i64)?);
//! let error = convert::into_value(u64::MAX).unwrap_err();
//! assert!(error.to_string().starts_with("18446744073709551615 is out of range"));
//! # Ok::<(), convert::NumberOutOfRange>(())
//! ```
//!
//! # What is not found
//!
//! A type whose own `from_value` does not return what its `into_value` was made from: one that cannot be
//! converted back at all, or an enum in which a negative integer is another variant.

use surrealdb_types::{Error, Kind, Number, SurrealValue, Value};

use crate::args::Args;
use crate::codec::CodecError;
use crate::numbers::any_number;

/// A number that is out of range for the type that it would be converted to. The text begins with where it
/// is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NumberOutOfRange(String);

/// Converts to a value, as [`SurrealValue::into_value`] does.
///
/// # Errors
///
/// When an unsigned integer in it is out of range for a 64-bit signed integer.
pub fn into_value<T: SurrealValue>(value: T) -> Result<Value, NumberOutOfRange> {
    let value = value.into_value();
    if may_be_wrapped(&value) {
        ensure_not_wrapped(T::from_value(value.clone()))?;
    }
    Ok(value)
}

/// Converts the arguments of a call to values, as [`Args::to_values`] does.
///
/// # Errors
///
/// When an unsigned integer in them is out of range for a 64-bit signed integer.
pub fn into_values<A: Args>(args: A) -> Result<Vec<Value>, NumberOutOfRange> {
    let values = args.to_values();
    // Values are what they are, and ints are not unsigned.
    let has_unsigned = || !A::kinds().iter().all(|kind| matches!(kind, Kind::Any | Kind::Int));
    if values.iter().any(may_be_wrapped) && has_unsigned() {
        ensure_not_wrapped(A::from_values(values.clone()))?;
    }
    Ok(values)
}

/// Converts from a value, as [`SurrealValue::from_value`] does.
///
/// # Errors
///
/// When the value is of another kind, and when a number in it is out of range for an `f32` of the type.
pub fn from_value<T: SurrealValue>(value: Value) -> Result<T, Error> {
    if any_number(&value, is_beyond_f32) {
        let back = T::from_value(value.clone())?.into_value();
        ensure_finite(&value, &back)?;
    }
    T::from_value(value)
}

fn may_be_wrapped(value: &Value) -> bool {
    any_number(value, |number| matches!(number, Number::Int(int) if *int < 0))
}

/// Refuses a value that its own type does not take back because of an unsigned integer.
fn ensure_not_wrapped<T>(back: Result<T, Error>) -> Result<(), NumberOutOfRange> {
    let Err(error) = back else { return Ok(()) };
    match wrapped(&error.to_string()) {
        Some(error) => Err(error),
        None => Ok(()),
    }
}

/// Reads the error of `surrealdb_types`: `Value -1 is out of range for type u64`, after where that is.
fn wrapped(error: &str) -> Option<NumberOutOfRange> {
    let (before, _) = error.split_once(" is out of range for type u")?;
    let (path, int) = before.rsplit_once("Value ")?;
    let int: i64 = int.parse().ok()?;
    Some(NumberOutOfRange(format!("{path}{}", CodecError::IntegerOutOfRange(int as u64))))
}

fn is_beyond_f32(number: &Number) -> bool {
    matches!(number, Number::Float(float) if float.is_finite() && (*float as f32).is_infinite())
}

/// Compares a value with what its type makes of it.
fn ensure_finite(value: &Value, back: &Value) -> Result<(), Error> {
    let mut path = Vec::new();
    match find_infinite(value, back, &mut path) {
        None => Ok(()),
        Some(float) => {
            let place: String = path.iter().rev().map(String::as_str).collect();
            let place = place.trim_start_matches('.');
            let separator = if place.is_empty() { "" } else { ": " };
            let text = format!(
                "{place}{separator}{float:e} is out of range for type f32: the function has to declare \
                 it as f64"
            );
            Err(Error::validation(text, None))
        }
    }
}

/// Returns a number that became infinite. Adds the way to it to `path`, its end first.
fn find_infinite(value: &Value, back: &Value, path: &mut Vec<String>) -> Option<f64> {
    let among = |values: &mut dyn Iterator<Item = (&Value, &Value)>, path: &mut Vec<String>| {
        let mut values = values.enumerate();
        let (index, found) = values
            .find_map(|(index, (value, back))| Some((index, find_infinite(value, back, path)?)))?;
        path.push(format!("[{index}]"));
        Some(found)
    };
    match (value, back) {
        (Value::Number(Number::Float(float)), Value::Number(Number::Float(back))) => {
            (float.is_finite() && back.is_infinite()).then_some(*float)
        }
        (Value::Array(values), Value::Array(back)) => {
            among(&mut values.iter().zip(back.iter()), path)
        }
        (Value::Set(values), Value::Set(back)) => among(&mut values.iter().zip(back.iter()), path),
        (Value::Object(fields), Value::Object(back)) => {
            let (name, found) = fields.iter().find_map(|(name, value)| {
                Some((name, find_infinite(value, back.get(name)?, path)?))
            })?;
            path.push(format!(".{name}"));
            Some(found)
        }
        _ => None,
    }
}
