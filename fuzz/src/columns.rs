//! The messages of calls with columns, read as either side reads them.

use std::fmt::Debug;

use arbitrary::{Arbitrary, Unstructured};
use surrealdb_types::Bytes;
use surrealism_types::codec::columns::{
    Column, ColumnList, ColumnReader, call_columns, read_results,
};

use crate::MEMORY;

/// Bytes that values may take. Inputs are small, so this is as well: many reach it.
const MAX_MEMORY: usize = 64 << 10;

/// Bytes that reading may allocate on top of that: a list that grows is there twice for a moment, and has
/// room for as much again.
const SLACK: usize = 3 * MAX_MEMORY;

/// Checks columns. The first byte chooses the type, the second how many rows there are.
///
/// What is read from untrusted bytes takes no more memory than it may, and survives another crossing. So do
/// generated values, through a function that returns its argument or an error.
pub fn columns(input: &[u8]) {
    let [choice, rows, bytes @ ..] = input else { return };
    let rows = usize::from(*rows);
    match choice % 12 {
        0 => check::<bool>(bytes, rows),
        1 => check::<i8>(bytes, rows),
        2 => check::<u64>(bytes, rows),
        3 => check::<f32>(bytes, rows),
        4 => check::<String>(bytes, rows),
        5 => check::<()>(bytes, rows),
        6 => check::<Option<i64>>(bytes, rows),
        7 => check::<Vec<String>>(bytes, rows),
        8 => check::<Vec<Option<u16>>>(bytes, rows),
        9 => check::<Option<Vec<bool>>>(bytes, rows),
        10 => check::<Vec<Vec<f64>>>(bytes, rows),
        _ => untrusted::<Bytes>(bytes, rows),
    }
}

fn check<T: Column + Clone + Debug + for<'a> Arbitrary<'a>>(bytes: &[u8], rows: usize) {
    untrusted::<T>(bytes, rows);
    generated::<T>(bytes);
}

/// Reads untrusted bytes as arguments and as results.
fn untrusted<T: Column + Clone + Debug>(bytes: &[u8], rows: usize) {
    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    let mut values = Vec::new();
    let mut reader = ColumnReader::new(bytes, MAX_MEMORY);
    let errors = read_results::<T>(&mut reader, rows, &mut values);
    let used = MEMORY.peak_usage().saturating_sub(before);
    assert!(used <= MAX_MEMORY + SLACK, "{used} bytes for {} bytes", bytes.len());
    if let Ok(errors) = errors {
        let failed: Vec<usize> = errors.iter().map(|(row, _)| row).collect();
        assert!(failed.is_sorted() && failed.iter().all(|row| *row < rows), "{failed:?}");
        assert_eq!(values.len() + failed.len(), rows);
        echo(&values);
    }

    let mut results = Vec::new();
    if call_columns(rows, bytes, &mut results, |(value, ()): (T, ())| Ok(value)).is_ok() {
        let mut values = Vec::<T>::new();
        let mut reader = ColumnReader::new(&results, usize::MAX);
        read_results(&mut reader, rows, &mut values).expect("what was written is read");
        echo(&values);
    }
}

/// Passes values through a function, which fails for every third row if `T` is small.
fn generated<T: Column + Clone + Debug + for<'a> Arbitrary<'a>>(bytes: &[u8]) {
    let Ok(values) = Vec::<T>::arbitrary(&mut Unstructured::new(bytes)) else { return };
    if values.iter().all(|value| value.check().is_ok()) {
        echo(&values);
    }
}

/// Passes values through a function that returns them.
fn echo<T: Column + Clone + Debug>(values: &[T]) {
    let (mut message, mut results, mut row) = (Vec::new(), Vec::new(), 0);
    T::write(values.iter().map(Some), values.len(), &mut message).expect("it is small");
    let fails = |row: usize| row % 3 == 2;
    call_columns(values.len(), &message, &mut results, |(value, ()): (T, ())| {
        row += 1;
        if fails(row) { Err(format!("row {row}")) } else { Ok(value) }
    })
    .expect("what was written is read");

    let mut returned = Vec::<T>::new();
    let mut reader = ColumnReader::new(&results, usize::MAX);
    let errors = read_results(&mut reader, values.len(), &mut returned).expect("it is read");
    let errors: Vec<_> = errors.iter().map(|(row, text)| (row, text.to_string())).collect();
    let (failed, expected): (Vec<_>, Vec<_>) =
        values.iter().enumerate().partition(|(row, _)| fails(row + 1));
    let failed: Vec<_> =
        failed.into_iter().map(|(row, _)| (row, format!("row {}", row + 1))).collect();
    assert_eq!(errors, failed);
    let expected: Vec<&T> = expected.into_iter().map(|(_, value)| value).collect();
    // By their text, since NaN does not equal itself.
    assert_eq!(format!("{returned:?}"), format!("{expected:?}"));
    assert!(<(T, ())>::read(&mut ColumnReader::new(&message, usize::MAX), values.len()).is_ok());
}
