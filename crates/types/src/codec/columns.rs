//! Plain columns, which cross between the SDK and the host of this project without a
//! [`Value`](surrealdb_types::Value). `docs/columns.md` specifies every byte.
//!
//! A message is the columns of a function's arguments, one after another, or its results. Each type has a
//! layout, which is Arrow's: fixed-width numbers as an array, texts as offsets and bytes, an option as
//! validity bits and the column inside.
//!
//! Neither side trusts the other: whatever a message holds, reading it returns an error or values.

mod column;
mod list;
mod reader;
mod results;

pub use self::column::{Column, TextRef, write_texts};
pub use self::list::{ColumnList, call_columns};
pub use self::reader::ColumnReader;
pub use self::results::{RowErrors, read_result, read_results};

/// Ends the types of the arguments in the types of a function, and begins that of its result.
pub const RESULT_TYPE: u8 = b'>';

/// The longest message of one row that crosses as numbers, in bytes.
pub const ROW_BYTES: usize = 64;

/// A message of one row as numbers, eight bytes each, little-endian, with zeros after its end.
pub type RowWords = [u64; ROW_BYTES / 8];

/// Returns a message as numbers, or `None` if it is longer than [`ROW_BYTES`].
pub fn row_words(message: &[u8]) -> Option<RowWords> {
    let mut bytes = [0; ROW_BYTES];
    bytes.get_mut(..message.len())?.copy_from_slice(message);
    let mut words = RowWords::default();
    for (word, chunk) in words.iter_mut().zip(bytes.as_chunks().0) {
        *word = u64::from_le_bytes(*chunk);
    }
    Some(words)
}

/// Returns the bytes of a message that crossed as numbers.
pub fn row_bytes(words: RowWords) -> [u8; ROW_BYTES] {
    let mut bytes = [0; ROW_BYTES];
    for (chunk, word) in bytes.as_chunks_mut().0.iter_mut().zip(words) {
        *chunk = word.to_le_bytes();
    }
    bytes
}

#[cfg(test)]
mod tests {
    use std::fmt::Debug;

    use super::super::error::CodecError;
    use super::*;

    fn written<T: Column>(values: &[T]) -> Vec<u8> {
        let mut message = Vec::new();
        T::write(values.iter().map(Some), values.len(), &mut message).unwrap();
        message
    }

    /// Checks the bytes of a column in both directions.
    fn check<T: Column + PartialEq + Debug>(values: &[T], types: &str, parts: &[&[u8]]) {
        let mut names = Vec::new();
        T::push_type(&mut names);
        assert_eq!(names, types.as_bytes());
        let message = written(values);
        assert_eq!(message, aligned(parts), "{values:?}");
        let mut reader = ColumnReader::new(&message, usize::MAX);
        let column = T::read(&mut reader, values.len()).unwrap();
        reader.finish().unwrap();
        let read: Vec<T> = (0..values.len()).map(|row| T::get(column, row)).collect();
        assert_eq!(read, values);
    }

    fn aligned(parts: &[&[u8]]) -> Vec<u8> {
        let mut message = Vec::new();
        for part in parts {
            message.extend_from_slice(part);
            message.resize(message.len().next_multiple_of(8), 0);
        }
        message
    }

    #[test]
    fn the_bytes_are_those_of_the_specification() {
        check(&[()], "n", &[&[0]]);
        check(&[true, false, true], "b", &[&[0b101]]);
        check(&[true; 9], "b", &[&[0xff, 1]]);
        check(&[-2_i8, 1], "c", &[&[0xfe, 1]]);
        check(&[513_u16], "S", &[&[1, 2]]);
        check(&[20_i64], "l", &[&[20, 0, 0, 0, 0, 0, 0, 0]]);
        check(&[1.0_f32], "f", &[&[0, 0, 0x80, 0x3f]]);
        let texts = ["Ada".to_string(), String::new(), "é".to_string()];
        let offsets = [0, 0, 0, 0, 3, 0, 0, 0, 3, 0, 0, 0, 5, 0, 0, 0];
        check(&texts, "u", &[&offsets, "Adaé".as_bytes()]);
        check(&[Some(7_i16), None], "?s", &[&[1], &[7, 0, 0, 0]]);
        let lists = [vec![1_u8, 2], vec![]];
        check(&lists, "+lC", &[&[0, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0], &[1, 2]]);
        check(
            &[None, Some(vec![true])],
            "?+lb",
            &[&[2], &[0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0], &[1]],
        );
        check::<i32>(&[], "i", &[]);
        check::<String>(&[], "u", &[&[0; 4]]);
    }

    #[test]
    fn a_row_crosses_as_numbers_if_it_is_short() {
        for length in 0..=ROW_BYTES {
            let message: Vec<u8> = (0..length as u8).collect();
            let crossed = row_bytes(row_words(&message).unwrap());
            assert_eq!(crossed[..length], message);
            assert!(crossed[length..].iter().all(|byte| *byte == 0));
        }
        assert!(row_words(&[0; ROW_BYTES + 1]).is_none());
    }

    #[test]
    fn errors_are_those_of_their_rows() {
        let message = written(&[1_i64, 2, 3, i64::MAX]);
        let mut results = Vec::new();
        call_columns(4, &message, &mut results, |(number, ()): (i64, ())| match number {
            2 => Err("two".to_string()),
            number => Ok(number as u64 + 1),
        })
        .unwrap();
        let (mut reader, mut values) = (ColumnReader::new(&results, usize::MAX), Vec::<u64>::new());
        let errors = read_results(&mut reader, 4, &mut values).unwrap();
        assert_eq!(values, [2, 4]);
        let errors: Vec<_> = errors.iter().collect();
        let out_of_range = CodecError::IntegerOutOfRange(1 << 63).to_string();
        assert_eq!(errors, [(1, "two"), (3, out_of_range.as_str())]);
        // The same bytes are not the results of another number of rows.
        for rows in [0, 3, 5] {
            let mut reader = ColumnReader::new(&results, usize::MAX);
            assert!(read_results(&mut reader, rows, &mut Vec::<u64>::new()).is_err(), "{rows}");
        }
    }

    #[test]
    fn every_part_of_a_message_is_needed() {
        let values = [Some(vec!["Ada".to_string(), String::new()]), None];
        let message = written(&values);
        for length in 0..message.len() {
            let mut reader = ColumnReader::new(&message[..length], usize::MAX);
            let read = <(Option<Vec<String>>, ())>::read(&mut reader, 2).map(drop);
            assert_eq!(read, Err(CodecError::Malformed), "{length}");
        }
    }
}
