//! Many calls in one message: argument lists to the guest, results back.
//!
//! Each item is preceded by its length as four bytes, little-endian.

use surrealdb_types::Value;

use super::error::CodecError;
use super::limits::MAX_ROW_ERROR_BYTES;
use super::messages::encode_values;

/// The first byte of a result that is a value.
const VALUE: u8 = 0;
/// The first byte of a result that is an error.
const ERROR: u8 = 1;

/// The result of one call of a batch.
#[derive(Debug, PartialEq)]
pub enum RowResult<'a> {
    /// The encoded value that the function returned.
    Value(&'a [u8]),
    /// The text of the function's error, cut after 16 KiB.
    Error(String),
}

/// Encodes the arguments of many calls, each list as [`encode_values`] does.
///
/// # Errors
///
/// Those of [`encode_values`], and when a row takes more than 4 GiB.
pub fn encode_rows(rows: &[Vec<Value>]) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    for row in rows {
        push(&mut bytes, &[&encode_values(row)?])?;
    }
    Ok(bytes)
}

/// Returns the encoded arguments of each call, in order.
///
/// # Errors
///
/// An item is an error, and the last one, if the bytes are malformed.
pub fn row_args(bytes: &[u8]) -> impl Iterator<Item = Result<&[u8], CodecError>> {
    Frames(bytes)
}

/// Appends the result of one call, which is an encoded value or the text of an error.
///
/// # Errors
///
/// When the result takes more than 4 GiB.
pub fn push_result(
    results: &mut Vec<u8>,
    result: Result<Vec<u8>, String>,
) -> Result<(), CodecError> {
    match result {
        Ok(value) => push(results, &[&[VALUE], &value]),
        Err(error) => push(results, &[&[ERROR], error.as_bytes()]),
    }
}

/// Returns what [`push_result`] appended, in order.
///
/// # Errors
///
/// An item is an error if the bytes are malformed there.
pub fn results(bytes: &[u8]) -> impl Iterator<Item = Result<RowResult<'_>, CodecError>> {
    Frames(bytes).map(|frame| match frame?.split_first() {
        Some((&VALUE, value)) => Ok(RowResult::Value(value)),
        Some((&ERROR, text)) => {
            let text = &text[..text.len().min(MAX_ROW_ERROR_BYTES)];
            Ok(RowResult::Error(String::from_utf8_lossy(text).into_owned()))
        }
        _ => Err(CodecError::Malformed),
    })
}

/// Appends an item, given in parts.
fn push(bytes: &mut Vec<u8>, parts: &[&[u8]]) -> Result<(), CodecError> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let length = u32::try_from(length).map_err(|_| CodecError::TooLarge)?;
    bytes.extend(length.to_le_bytes());
    parts.iter().for_each(|part| bytes.extend(*part));
    Ok(())
}

/// The items of a message. After a malformed one, there are none.
struct Frames<'a>(&'a [u8]);

impl<'a> Iterator for Frames<'a> {
    type Item = Result<&'a [u8], CodecError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let bytes = std::mem::take(&mut self.0);
        let frame = bytes
            .split_first_chunk()
            .and_then(|(length, rest)| rest.split_at_checked(u32::from_le_bytes(*length) as usize));
        let Some((frame, rest)) = frame else { return Some(Err(CodecError::Malformed)) };
        self.0 = rest;
        Some(Ok(frame))
    }
}

#[cfg(test)]
mod tests {
    use surrealdb_types::SurrealValue;

    use super::super::messages::{decode_values, encode_value};
    use super::*;

    #[test]
    fn rows_and_results_round_trip() {
        let calls = vec![vec![], vec![1_i64.into_value()], vec![Value::None, Value::Null]];
        let bytes = encode_rows(&calls).unwrap();
        let decoded: Vec<_> =
            row_args(&bytes).map(|args| decode_values(args.unwrap()).unwrap()).collect();
        assert_eq!(decoded, calls);

        let mut bytes = Vec::new();
        let value = encode_value(&Value::Bool(true)).unwrap();
        push_result(&mut bytes, Ok(value.clone())).unwrap();
        push_result(&mut bytes, Err("no".to_string())).unwrap();
        let results: Vec<_> = results(&bytes).map(Result::unwrap).collect();
        assert_eq!(results, [RowResult::Value(&value), RowResult::Error("no".to_string())]);
    }

    #[test]
    fn malformed_bytes_end_in_one_error() {
        for bytes in [&[1][..], &[2, 0, 0, 0, 0], &[0, 0, 0, 0], &[1, 0, 0, 0, 7], &[0xff; 9]] {
            assert!(results(bytes).any(|result| result.is_err()), "{bytes:?}");
            assert!(results(bytes).count() < 3);
        }
    }
}
