//! The columns of all arguments, and a call for each row.

use super::super::error::CodecError;
use super::column::Column;
use super::reader::ColumnReader;
use super::results::write_results;

/// The types of a function's arguments, as nested pairs: `(i64, (String, ()))`.
pub trait ColumnList: Sized {
    /// The columns of all arguments, which were checked.
    #[doc(hidden)]
    type Checked<'a>: Copy;

    /// Appends the name of each type.
    fn push_types(types: &mut Vec<u8>);

    /// Reads the column of each argument.
    ///
    /// # Errors
    ///
    /// When the message does not hold these columns.
    fn read<'a>(
        reader: &mut ColumnReader<'a>,
        rows: usize,
    ) -> Result<Self::Checked<'a>, CodecError>;

    /// Returns the arguments of a row.
    fn get(columns: Self::Checked<'_>, row: usize) -> Self;
}

impl ColumnList for () {
    type Checked<'a> = ();

    fn push_types(_: &mut Vec<u8>) {}

    fn read<'a>(_: &mut ColumnReader<'a>, _: usize) -> Result<(), CodecError> {
        Ok(())
    }

    fn get((): (), _: usize) -> Self {}
}

impl<T: Column, Rest: ColumnList> ColumnList for (T, Rest) {
    type Checked<'a> = (T::Checked<'a>, Rest::Checked<'a>);

    fn push_types(types: &mut Vec<u8>) {
        T::push_type(types);
        Rest::push_types(types);
    }

    fn read<'a>(
        reader: &mut ColumnReader<'a>,
        rows: usize,
    ) -> Result<Self::Checked<'a>, CodecError> {
        Ok((T::read(reader, rows)?, Rest::read(reader, rows)?))
    }

    #[inline]
    fn get((first, rest): Self::Checked<'_>, row: usize) -> Self {
        (T::get(first, row), Rest::get(rest, row))
    }
}

/// Calls a function once for each row of a message, and appends the message of its results.
///
/// # Errors
///
/// When the message does not hold these arguments. What the function returns as an error is an error of its
/// row.
pub fn call_columns<A: ColumnList, R: Column>(
    rows: usize,
    message: &[u8],
    out: &mut Vec<u8>,
    mut call: impl FnMut(A) -> Result<R, String>,
) -> Result<(), CodecError> {
    let columns = A::read(&mut ColumnReader::new(message, usize::MAX), rows)?;
    // Most calls have one row, and need no list.
    let (mut one, mut many) = ([const { None }], Vec::new());
    let results: &mut [Option<R>] = if rows == 1 {
        &mut one
    } else {
        many.resize_with(rows, || None);
        &mut many
    };
    let mut errors = Vec::new();
    for (row, result) in results.iter_mut().enumerate() {
        match call(A::get(columns, row)) {
            Ok(value) => match value.check() {
                Ok(()) => *result = Some(value),
                Err(error) => errors.push((row as u32, error.to_string())),
            },
            Err(text) => errors.push((row as u32, text)),
        }
    }
    write_results(results, &errors, out)
}
