//! Calls whose arguments and results cross as columns. `docs/columns.md` specifies the messages.

use surrealism_types::codec::CodecError;
use surrealism_types::codec::columns::{ColumnReader, RowErrors, row_words};
use wasmtime::{AsContext, Store, bail};

use super::{Controller, check_result_bytes, guest_error};
use crate::bindings::{Guest, InlineHalf};
use crate::deadline::Deadline;
use crate::error::Error;
use crate::store::StoreData;

/// A function that the guest calls with columns.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ColumnFunction<'a> {
    /// The number that the guest gave it.
    pub(crate) number: u32,
    /// The name, for errors.
    pub(crate) name: &'a str,
}

impl Controller {
    /// Begins a call.
    pub(crate) fn begin(&mut self) {
        self.store.data_mut().begin_call();
    }

    /// Returns the memory that the values of a call may take, in bytes.
    pub(crate) fn max_decoded_bytes(&self) -> usize {
        self.module().max_decoded_bytes()
    }

    /// Asks the guest for the number of a function of these types; `None` if it does not take columns.
    pub(crate) async fn find_columns(
        &mut self,
        name: Option<&str>,
        types: &[u8],
        deadline: Deadline,
    ) -> Result<Option<u32>, Error> {
        if self.guest.invoke_row.is_none() || self.guest.invoke_columns.is_none() {
            return Ok(None);
        }
        self.enter(name.unwrap_or("default"), deadline, async |store, guest| {
            match &guest.find_columns {
                Some(find) => find.call_async(store, (name, types)).await.map(|(number,)| number),
                None => Ok(None),
            }
        })
        .await
    }

    /// Calls a function with one row, and reads its value or the text of its error.
    pub(crate) async fn invoke_row<T>(
        &mut self,
        function: ColumnFunction<'_>,
        message: &[u8],
        deadline: Deadline,
        read: for<'m> fn(&mut ColumnReader<'m>) -> Result<Result<T, &'m str>, CodecError>,
    ) -> Result<T, Error> {
        let max_memory = self.max_decoded_bytes();
        let value = self
            .with_results(function, 1, message, deadline, |bytes, data| {
                let mut reader = ColumnReader::new(bytes, max_memory);
                match read(&mut reader).map_err(Error::invalid_result)? {
                    Ok(value) => Ok(value),
                    Err(text) => Err(guest_error(text, data)),
                }
            })
            .await?;
        self.check_time(deadline).map(|()| value)
    }

    /// Calls a function with several rows. Appends the values to `values`, and returns the errors of the
    /// rows that failed. `memory` is what the values may still take.
    #[allow(clippy::too_many_arguments, reason = "one caller")]
    pub(crate) async fn invoke_columns<T>(
        &mut self,
        function: ColumnFunction<'_>,
        rows: usize,
        message: &[u8],
        deadline: Deadline,
        memory: &mut usize,
        values: &mut Vec<T>,
        read: for<'m> fn(
            &mut ColumnReader<'m>,
            usize,
            &mut Vec<T>,
        ) -> Result<RowErrors<'m>, CodecError>,
    ) -> Result<Vec<(usize, Error)>, Error> {
        let errors = self
            .with_results(function, rows, message, deadline, |bytes, data| {
                let mut reader = ColumnReader::new(bytes, *memory);
                let errors = read(&mut reader, rows, values).map_err(Error::invalid_result)?;
                *memory = reader.memory_left();
                let error = |(row, text)| (row, guest_error(text, data));
                Ok(errors.iter().map(error).collect())
            })
            .await?;
        self.check_time(deadline).map(|()| errors)
    }

    /// Calls a function, and lets `read` read the message of its results.
    async fn with_results<T>(
        &mut self,
        function: ColumnFunction<'_>,
        rows: usize,
        message: &[u8],
        deadline: Deadline,
        read: impl FnOnce(&[u8], &StoreData) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let number = function.number;
        let words = if rows == 1 { row_words(message) } else { None };
        self.enter(function.name, deadline, async |store, guest| match words {
            Some(words) => call_row(store, guest, number, words.into(), read).await,
            None => {
                let Some(invoke) = &guest.invoke_columns else {
                    bail!("the component exports no `invoke-columns`");
                };
                let rows = u32::try_from(rows)?;
                let (result,) = invoke.call_async(&mut *store, (number, rows, message)).await?;
                Ok(match result {
                    Ok(bytes) => read(&bytes, store.data()),
                    Err(text) => Err(guest_error(&text, store.data())),
                })
            }
        })
        .await?
    }
}

/// Passes one row in registers, and lets `read` read the results in the guest's memory.
async fn call_row<T>(
    store: &mut Store<StoreData>,
    guest: &Guest,
    number: u32,
    words: InlineHalf,
    read: impl FnOnce(&[u8], &StoreData) -> Result<T, Error>,
) -> wasmtime::Result<Result<T, Error>> {
    let Some(invoke) = &guest.invoke_row else {
        bail!("the component exports no `invoke-row`");
    };
    let (result,) = invoke.call_async(&mut *store, (number, words)).await?;
    let data = store.data();
    Ok(match result {
        Ok(bytes) => {
            let bytes = bytes.as_le_slice(store.as_context());
            check_result_bytes(bytes.len())
                .map_err(Error::invalid_result)
                .and_then(|()| read(bytes, data))
        }
        Err(text) => Err(guest_error(&text.to_str(store.as_context())?, data)),
    })
}
