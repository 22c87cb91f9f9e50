//! The results of all rows: the errors' number, a column of values, and the errors.

use super::super::error::CodecError;
use super::column::{Column, Layout, TextRef, write_texts};
use super::reader::{ColumnReader, pad};

/// Appends the results of all rows. A row without a value has an error.
pub(super) fn write_results<R: Column>(
    results: &[Option<R>],
    errors: &[(u32, String)],
    out: &mut Vec<u8>,
) -> Result<(), CodecError> {
    out.extend((errors.len() as u32).to_le_bytes());
    pad(out);
    R::write(results.iter().map(Option::as_ref), results.len(), out)?;
    if errors.is_empty() {
        return Ok(());
    }
    errors.iter().for_each(|(row, _)| out.extend(row.to_le_bytes()));
    pad(out);
    write_texts(errors.iter().map(|(_, text)| text.as_str()), out)
}

/// The rows that failed, which were checked: ascending, and less than the number of rows.
#[derive(Debug, Clone, Copy)]
pub struct RowErrors<'a> {
    rows: &'a [[u8; 4]],
    texts: Option<TextRef<'a>>,
}

impl<'a> RowErrors<'a> {
    /// Returns each row that failed, in order, and the text of its error.
    pub fn iter(self) -> impl Iterator<Item = (usize, &'a str)> {
        let text = move |index| self.texts.map_or("", |texts: TextRef<'a>| texts.get(index));
        let rows = self.rows.iter().enumerate();
        rows.map(move |(index, row)| (u32::from_le_bytes(*row) as usize, text(index)))
    }
}

/// Reads the results of all rows: appends the value of each row that has one to `values`, in order, and
/// returns the errors of the others.
///
/// # Errors
///
/// When the message does not hold results of this type for this many rows, or its values would take too much
/// memory. Nothing was appended then.
pub fn read_results<'a, R: Column>(
    reader: &mut ColumnReader<'a>,
    rows: usize,
    values: &mut Vec<R>,
) -> Result<RowErrors<'a>, CodecError> {
    let (column, errors) = read_message::<R>(reader, rows)?;
    let mut next = 0;
    for failed in errors.iter().map(|(row, _)| row).chain([rows]) {
        values.extend((next..failed).map(|row| R::get(column, row)));
        next = failed + 1;
    }
    Ok(errors)
}

/// Reads the result of one row: its value, or the text of its error.
///
/// # Errors
///
/// As [`read_results`].
pub fn read_result<'a, R: Column>(
    reader: &mut ColumnReader<'a>,
) -> Result<Result<R, &'a str>, CodecError> {
    let (column, errors) = read_message::<R>(reader, 1)?;
    Ok(match errors.iter().next() {
        Some((_, text)) => Err(text),
        None => Ok(R::get(column, 0)),
    })
}

fn read_message<'a, R: Column>(
    reader: &mut ColumnReader<'a>,
    rows: usize,
) -> Result<(R::Checked<'a>, RowErrors<'a>), CodecError> {
    let [count, _] = *reader.items(2)?.as_array().ok_or(CodecError::Malformed)?;
    let count = u32::from_le_bytes(count) as usize;
    let column = R::read(reader, rows)?;
    let errors = match count {
        0 => RowErrors { rows: &[], texts: None },
        _ => read_errors(reader, count, rows)?,
    };
    reader.finish()?;
    Ok((column, errors))
}

fn read_errors<'a>(
    reader: &mut ColumnReader<'a>,
    count: usize,
    rows: usize,
) -> Result<RowErrors<'a>, CodecError> {
    let failed = reader.items(count)?;
    let texts = String::read(reader, count)?;
    let indices = || failed.iter().map(|row| u32::from_le_bytes(*row) as usize);
    let ascending = indices().zip(indices().skip(1)).all(|(row, next)| row < next);
    if ascending && indices().all(|row| row < rows) {
        Ok(RowErrors { rows: failed, texts: Some(texts) })
    } else {
        Err(CodecError::Malformed)
    }
}
