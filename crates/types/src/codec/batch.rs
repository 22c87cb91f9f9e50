//! Many calls in one: argument lists on the way there, answers on the way back, each with its length
//! before it as four bytes, little-endian.

use surrealdb_types::Value;

use super::{CodecError, Result, encode_values};

/// The first byte of an answer: a value follows.
const VALUE: u8 = 0;
/// The first byte of an answer: the text of an error follows.
const ERROR: u8 = 1;

/// Encodes the arguments of many calls, each as [`encode_values`] does.
pub fn encode_rows(rows: &[Vec<Value>]) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    for row in rows {
        push(&mut bytes, &[&encode_values(row)?])?;
    }
    Ok(bytes)
}

/// The encoded arguments of each call in turn.
pub fn rows(bytes: &[u8]) -> impl Iterator<Item = std::result::Result<&[u8], CodecError>> {
    Frames(bytes)
}

/// Adds the answer of one call: an encoded value, or the text of an error.
pub fn push_result(
    answers: &mut Vec<u8>,
    answer: std::result::Result<Vec<u8>, String>,
) -> std::result::Result<(), CodecError> {
    match answer {
        Ok(value) => push(answers, &[&[VALUE], &value]),
        Err(error) => push(answers, &[&[ERROR], error.as_bytes()]),
    }
}

/// What [`push_result`] added, one by one: an encoded value, or the text of an error.
pub fn answers(
    bytes: &[u8],
) -> impl Iterator<Item = std::result::Result<std::result::Result<&[u8], String>, CodecError>> {
    Frames(bytes).map(|answer| match answer?.split_first() {
        Some((&VALUE, value)) => Ok(Ok(value)),
        Some((&ERROR, error)) => Ok(Err(String::from_utf8_lossy(error).into_owned())),
        _ => Err(CodecError::Malformed),
    })
}

fn push(bytes: &mut Vec<u8>, parts: &[&[u8]]) -> std::result::Result<(), CodecError> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let length = u32::try_from(length).map_err(|_| CodecError::TooLarge)?;
    bytes.extend(length.to_le_bytes());
    parts.iter().for_each(|part| bytes.extend(*part));
    Ok(())
}

struct Frames<'a>(&'a [u8]);

impl<'a> Iterator for Frames<'a> {
    type Item = std::result::Result<&'a [u8], CodecError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let whole = std::mem::take(&mut self.0);
        let frame = whole
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

    use super::*;

    #[test]
    fn rows_and_answers_survive_the_way() {
        let calls = vec![vec![], vec![1_i64.into_value()], vec![Value::None, Value::Null]];
        let bytes = encode_rows(&calls).unwrap();
        let back: Vec<_> =
            rows(&bytes).map(|row| super::super::decode_values(row.unwrap()).unwrap()).collect();
        assert_eq!(back, calls);

        let mut bytes = Vec::new();
        let value = super::super::encode_value(&Value::Bool(true)).unwrap();
        push_result(&mut bytes, Ok(value.clone())).unwrap();
        push_result(&mut bytes, Err("no".to_string())).unwrap();
        let answers: Vec<_> = answers(&bytes).map(|answer| answer.unwrap()).collect();
        assert_eq!(answers, [Ok(value.as_slice()), Err("no".to_string())]);
    }

    #[test]
    fn rubbish_ends_in_one_error() {
        for bytes in [&[1][..], &[2, 0, 0, 0, 0], &[0, 0, 0, 0], &[1, 0, 0, 0, 7], &[0xff; 9]] {
            assert!(answers(bytes).any(|answer| answer.is_err()), "{bytes:?}");
            assert!(answers(bytes).count() < 3);
        }
    }
}
