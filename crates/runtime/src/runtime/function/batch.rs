//! Many rows in one call, as columns.

use std::fmt;
use std::future::{IntoFuture, poll_fn};
use std::ops::Range;
use std::task::Poll;
use std::time::{Duration, Instant};

use surrealdb_types::{SurrealValue, Value};
use surrealism_types::codec::CodecError;
use surrealism_types::codec::columns::write_texts;
use surrealism_types::convert::{self, NumberOutOfRange};

use super::args::{FunctionArgs, Sealed};
use super::ops::ColumnOps;
use super::{BoxFuture, Function, Native};
use crate::deadline::Deadline;
use crate::epoch::EPOCH_TICK_MS;
use crate::error::Error;
use crate::instance::Controller;
use crate::instance::columns::ColumnFunction;
use crate::limits::{COLUMN_BYTES_PER_CALL, ROWS_PER_COLUMN_CALL};
use crate::module::Row;
use crate::observer::{CallWatch, Recorder, measure};
use crate::runtime::call::{Call, WithStats, join_results, split_rows};
use crate::stats::CallStats;

/// The values of one argument for all rows: a slice of `T`, and for `String` a slice of `&str`.
///
/// It cannot be implemented for other types.
pub trait ColumnInput<T: 'static>: Copy {
    /// Returns the number of rows.
    #[doc(hidden)]
    fn rows(self) -> usize;

    /// Checks that all values can cross.
    #[doc(hidden)]
    fn check(self, ops: &ColumnOps<T>) -> Result<(), CodecError>;

    /// Appends the column of some rows.
    #[doc(hidden)]
    fn write(
        self,
        ops: &ColumnOps<T>,
        rows: Range<usize>,
        out: &mut Vec<u8>,
    ) -> Result<(), CodecError>;

    /// Returns the value of a row.
    #[doc(hidden)]
    fn value(self, row: usize) -> Result<Value, NumberOutOfRange>;
}

macro_rules! inputs {
    ($([$($length:tt)*] $slice:ty, $text:ty;)*) => {$(
        impl<T: SurrealValue + Clone + 'static, $($length)*> ColumnInput<T> for &$slice {
            fn rows(self) -> usize {
                self.len()
            }

            fn write(
                self,
                ops: &ColumnOps<T>,
                rows: Range<usize>,
                out: &mut Vec<u8>,
            ) -> Result<(), CodecError> {
                (ops.write)(&self[rows], out)
            }

            fn check(self, ops: &ColumnOps<T>) -> Result<(), CodecError> {
                (ops.check)(&self[..])
            }

            fn value(self, row: usize) -> Result<Value, NumberOutOfRange> {
                convert::into_value(self[row].clone())
            }
        }

        impl<$($length)*> ColumnInput<String> for &$text {
            fn rows(self) -> usize {
                self.len()
            }

            fn write(
                self,
                _: &ColumnOps<String>,
                rows: Range<usize>,
                out: &mut Vec<u8>,
            ) -> Result<(), CodecError> {
                write_texts(self[rows].iter().copied(), out)
            }

            fn check(self, _: &ColumnOps<String>) -> Result<(), CodecError> {
                Ok(())
            }

            fn value(self, row: usize) -> Result<Value, NumberOutOfRange> {
                Ok(Value::String(self[row].to_string()))
            }
        }
    )*};
}
inputs! {
    [] [T], [&str];
    [] Vec<T>, Vec<&str>;
    [const N: usize] [T; N], [&str; N];
}

/// The values of all arguments for all rows, as [`Function::call_columns`] takes them: a tuple of slices.
///
/// It cannot be implemented for other types.
pub trait ColumnInputs<A: FunctionArgs> {
    /// Returns the number of rows of each argument.
    #[doc(hidden)]
    fn rows(&self) -> Vec<usize>;

    /// Checks that all values can cross.
    #[doc(hidden)]
    fn check(&self, ops: &<A as Sealed>::Ops) -> Result<(), CodecError>;

    /// Appends the columns of some rows.
    #[doc(hidden)]
    fn write(
        &self,
        ops: &<A as Sealed>::Ops,
        rows: Range<usize>,
        out: &mut Vec<u8>,
    ) -> Result<(), CodecError>;

    /// Returns the arguments of a row.
    #[doc(hidden)]
    fn values(&self, row: usize) -> Row;
}

macro_rules! impl_inputs {
    ($($name:ident $column:ident $value:ident),*) => {
        #[allow(non_snake_case)]
        impl<$($name: SurrealValue + Send + 'static, $column: ColumnInput<$name>),*>
            ColumnInputs<($($name,)*)> for ($($column,)*)
        {
            fn rows(&self) -> Vec<usize> {
                let ($($value,)*) = *self;
                vec![$($value.rows()),*]
            }

            fn write(
                &self,
                ($($name,)*): &($(ColumnOps<$name>,)*),
                rows: Range<usize>,
                out: &mut Vec<u8>,
            ) -> Result<(), CodecError> {
                let ($($value,)*) = *self;
                $($value.write($name, rows.clone(), out)?;)*
                Ok(())
            }

            fn check(&self, ($($name,)*): &($(ColumnOps<$name>,)*)) -> Result<(), CodecError> {
                let ($($value,)*) = *self;
                $($value.check($name)?;)*
                Ok(())
            }

            fn values(&self, row: usize) -> Row {
                let ($($value,)*) = *self;
                Ok(vec![$($value.value(row)?),*])
            }
        }
    };
}
impl_inputs!(A SA a);
impl_inputs!(A SA a, B SB b);
impl_inputs!(A SA a, B SB b, C SC c);
impl_inputs!(A SA a, B SB b, C SC c, D SD d);
impl_inputs!(A SA a, B SB b, C SC c, D SD d, E SE e);
impl_inputs!(A SA a, B SB b, C SC c, D SD d, E SE e, F SF f);
impl_inputs!(A SA a, B SB b, C SC c, D SD d, E SE e, F SF f, G SG g);
impl_inputs!(A SA a, B SB b, C SC c, D SD d, E SE e, F SF f, G SG g, H SH h);
impl_inputs!(A SA a, B SB b, C SC c, D SD d, E SE e, F SF f, G SG g, H SH h, I SI i);
impl_inputs!(A SA a, B SB b, C SC c, D SD d, E SE e, F SF f, G SG g, H SH h, I SI i, J SJ j);

/// The results of all rows, in order. Returned by [`Function::call_columns`].
///
/// The values lie in one list without those of failed rows, so that a batch in which no row failed is as
/// small as it can be.
#[derive(Debug)]
pub struct Batch<R> {
    /// The values of the rows that did not fail.
    values: Vec<R>,
    /// The rows that failed, in order.
    errors: Vec<(usize, Error)>,
}

impl<R> Batch<R> {
    fn with_capacity(rows: usize) -> Self {
        Self { values: Vec::with_capacity(rows), errors: Vec::new() }
    }

    fn push(&mut self, result: Result<R, Error>) {
        match result {
            Ok(value) => self.values.push(value),
            Err(error) => self.errors.push((self.len(), error)),
        }
    }

    /// Returns the number of rows.
    pub fn len(&self) -> usize {
        self.values.len() + self.errors.len()
    }

    /// Returns whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the rows that failed, in order, counted from 0.
    pub fn errors(&self) -> &[(usize, Error)] {
        &self.errors
    }

    /// Returns the value of each row.
    ///
    /// # Errors
    ///
    /// The first row that failed, and its error.
    pub fn into_values(self) -> Result<Vec<R>, (usize, Error)> {
        match self.errors.into_iter().next() {
            Some(error) => Err(error),
            None => Ok(self.values),
        }
    }

    /// Returns the result of each row.
    pub fn iter(&self) -> impl Iterator<Item = Result<&R, &Error>> {
        let errors = self.errors.iter().map(|(row, error)| (*row, error));
        merge(self.len(), self.values.iter(), errors)
    }

    /// Returns the result of each row.
    pub fn into_results(self) -> impl Iterator<Item = Result<R, Error>> {
        merge(self.len(), self.values.into_iter(), self.errors.into_iter())
    }
}

/// Puts errors between values, each at its row.
fn merge<R, E>(
    rows: usize,
    mut values: impl Iterator<Item = R>,
    errors: impl Iterator<Item = (usize, E)>,
) -> impl Iterator<Item = Result<R, E>> {
    let mut errors = errors.peekable();
    (0..rows).map_while(move |row| match errors.next_if(|(failed, _)| *failed == row) {
        Some((_, error)) => Some(Err(error)),
        None => values.next().map(Ok),
    })
}

/// A call with columns that has not begun. Awaiting it makes the call. Returned by
/// [`Function::call_columns`].
#[must_use = "a call does nothing until it is awaited"]
pub struct CallColumns<'a, C, A: FunctionArgs, R: 'static> {
    function: &'a Function<A, R>,
    call: Call<'a, C>,
}

impl<'a, C, A, R> CallColumns<'a, C, A, R>
where
    C: ColumnInputs<A> + Send + 'a,
    A: FunctionArgs,
    R: SurrealValue + Send + 'static,
{
    pub(super) fn new(function: &'a Function<A, R>, call: Call<'a, C>) -> Self {
        Self { function, call }
    }

    /// Limits the whole call, as [`Call::timeout`] does, for all rows together.
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { call: self.call.timeout(timeout), ..self }
    }

    /// Limits the wait for an instance, as [`Call::max_wait`] does.
    pub fn max_wait(self, wait: Duration) -> Self {
        Self { call: self.call.max_wait(wait), ..self }
    }

    /// Measures the whole call, as [`Call::with_stats`] does. Call it last.
    pub fn with_stats(self) -> WithStats<Self> {
        WithStats(self)
    }

    fn watch(&self) -> Option<CallWatch> {
        let rows = self.call.args().rows().first().copied();
        self.call.watch(rows.or(Some(0)))
    }

    async fn run(self, recorder: &mut Recorder) -> Result<Batch<R>, Error> {
        let Self { function, call } = self;
        let rows = equal_rows(&call.args().rows())?;
        let native = function.native.as_deref().filter(|native| native.may_cross());
        let Some(native) = native else {
            return function.call_rows(rows, call, recorder).await;
        };
        call.with_instance(recorder, None, async |controller, _, columns, deadline| {
            controller.begin();
            match function.column_function(controller, native, deadline).await? {
                Some(target) => {
                    native.call_columns(controller, target, rows, &columns, deadline).await
                }
                None => function.call_values(controller, rows, &columns, deadline).await,
            }
        })
        .await
    }
}

/// Returns the number of rows, if all columns have as many.
fn equal_rows(columns: &[usize]) -> Result<usize, Error> {
    let rows = columns.first().copied().unwrap_or_default();
    match columns.iter().position(|other| *other != rows) {
        None => Ok(rows),
        Some(index) => Err(Error::unencodable(anyhow::anyhow!(
            "the columns differ in length: the first has {rows} rows, and column {} has {}",
            index + 1,
            columns[index]
        ))),
    }
}

impl<A: FunctionArgs, R: Send + 'static> Native<A, R> {
    /// Calls a function with as many rows at a time as keep the caches of the processor warm.
    async fn call_columns<C: ColumnInputs<A>>(
        &self,
        controller: &mut Controller,
        function: ColumnFunction<'_>,
        rows: usize,
        columns: &C,
        deadline: Deadline,
    ) -> Result<Batch<R>, Error> {
        let mut batch = Batch::with_capacity(rows);
        let (mut start, mut most) = (0, ROWS_PER_COLUMN_CALL);
        let mut memory = controller.max_decoded_bytes();
        let (mut message, mut yielded) = (Vec::new(), Instant::now());
        while start < rows {
            let end = rows.min(start + most);
            message.clear();
            columns.write(&self.args, start..end, &mut message).map_err(Error::unencodable)?;
            if message.len() > COLUMN_BYTES_PER_CALL && end - start > 1 {
                most = (end - start) / 2;
                continue;
            }
            let (values, read) = (&mut batch.values, self.result.read_all);
            let errors = controller
                .invoke_columns(
                    function,
                    end - start,
                    &message,
                    deadline,
                    &mut memory,
                    values,
                    read,
                )
                .await?;
            batch.errors.extend(errors.into_iter().map(|(row, error)| (start + row, error)));
            start = end;
            // Each guest call may be too short to yield by itself.
            if yielded.elapsed() >= Duration::from_millis(EPOCH_TICK_MS) {
                yield_now().await;
                yielded = Instant::now();
            }
        }
        Ok(batch)
    }
}

/// Lets the executor run other tasks.
async fn yield_now() {
    let mut yielded = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

impl<A: FunctionArgs, R: SurrealValue + Send + 'static> Function<A, R> {
    /// Calls the function by the published interface.
    async fn call_rows<C: ColumnInputs<A>>(
        &self,
        rows: usize,
        call: Call<'_, C>,
        recorder: &mut Recorder,
    ) -> Result<Batch<R>, Error> {
        call.with_instance(recorder, None, async |controller, _, columns, deadline| {
            self.call_values(controller, rows, &columns, deadline).await
        })
        .await
    }

    async fn call_values<C: ColumnInputs<A>>(
        &self,
        controller: &mut Controller,
        rows: usize,
        columns: &C,
        deadline: Deadline,
    ) -> Result<Batch<R>, Error> {
        if let Some(native) = &self.native {
            // The conversion to a value would wrap a number that is out of range.
            columns.check(&native.args).map_err(Error::unencodable)?;
        }
        let (module, name) = (self.runtime.module(), self.name());
        let values = (0..rows).map(|row| columns.values(row)).collect();
        let (callable, refused) = split_rows(module.coerce_rows(name, values)?);
        let results = controller.invoke_rows_with_deadline(name, &callable, deadline).await?;
        let mut batch = Batch::with_capacity(rows);
        for result in join_results(results, refused) {
            batch.push(result.and_then(|value| self.result(value)));
        }
        Ok(batch)
    }
}

impl<'a, C, A, R> IntoFuture for CallColumns<'a, C, A, R>
where
    C: ColumnInputs<A> + Send + Sync + 'a,
    A: FunctionArgs,
    R: SurrealValue + Send + 'static,
{
    type Output = Result<Batch<R>, Error>;
    type IntoFuture = BoxFuture<'a, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        match self.watch() {
            None => Box::pin(async move { self.run(&mut Recorder::default()).await }),
            watch => Box::pin(async move {
                measure(watch, async move |recorder| self.run(recorder).await).await.0
            }),
        }
    }
}

impl<'a, C, A, R> IntoFuture for WithStats<CallColumns<'a, C, A, R>>
where
    C: ColumnInputs<A> + Send + Sync + 'a,
    A: FunctionArgs,
    R: SurrealValue + Send + 'static,
{
    type Output = (Result<Batch<R>, Error>, CallStats);
    type IntoFuture = BoxFuture<'a, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        let watch = self.0.watch();
        Box::pin(measure(watch, async move |recorder| self.0.run(recorder).await))
    }
}

impl<C, A: FunctionArgs, R> fmt::Debug for CallColumns<'_, C, A, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallColumns")
            .field("function", &self.function)
            .field("call", &self.call)
            .finish()
    }
}
