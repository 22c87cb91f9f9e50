//! A function with Rust types, which are checked once.

pub(crate) mod args;
pub(crate) mod batch;
mod ops;
mod signature;

use std::borrow::Cow;
use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::anyhow;
use surrealdb_types::{SurrealValue, Value};
use surrealism_types::codec::columns::RESULT_TYPE;

use self::args::{FunctionArgs, type_name};
use self::batch::{CallColumns, ColumnInputs};
use self::ops::ColumnOps;
use super::Runtime;
use super::call::{Call, WithStats};
use crate::deadline::Deadline;
use crate::error::Error;
use crate::host::InvocationContext;
use crate::instance::Controller;
use crate::instance::columns::ColumnFunction;
use crate::observer::{Recorder, measure};
use crate::stats::CallStats;

/// A function of a module with the Rust types of its arguments, `A`, and of its result, `R`. Returned by
/// [`Runtime::function`].
///
/// `A` is a tuple, and each type is a [`SurrealValue`]. The types were compared with the signature, so a call
/// needs no name, no [`Value`] and no coercion. It has the semantics of [`Runtime::call`]: the same pool,
/// limits, context, cancellation and errors.
///
/// Numbers, `bool`, `String`, [`Bytes`](surrealdb_types::Bytes), and `Option` and `Vec` of them cross as
/// plain columns, if the guest was built with this project's SDK and has exactly these types. All other types
/// and guests speak the published interface. Both return the same.
///
/// A function shares the module with its [`Runtime`], and can be kept beside it. It is cheap to clone.
///
/// ```no_run
/// # use surrealism_runtime::{DetachedContext, Error, Runtime};
/// # async fn example(runtime: Runtime) -> Result<(), Error> {
/// let can_drive = runtime.function::<(i64,), bool>("can_drive")?;
/// if can_drive.call((20,), DetachedContext::new()).await? {
///     println!("yes");
/// }
/// # Ok(())
/// # }
/// ```
pub struct Function<A: FunctionArgs, R: 'static> {
    runtime: Runtime,
    name: Option<String>,
    native: Option<Arc<Native<A, R>>>,
}

/// How arguments and result cross as columns.
struct Native<A: FunctionArgs, R: 'static> {
    args: A::Ops,
    result: ColumnOps<R>,
    /// The types, as the guest names them.
    types: Vec<u8>,
    /// The function's number in the guest, after the first call; `None` if the guest does not take these
    /// types as columns.
    number: OnceLock<Option<u32>>,
}

impl<A: FunctionArgs, R: SurrealValue + Send + 'static> Function<A, R> {
    /// Finds a function, and compares its signature with the types.
    pub(crate) fn new(runtime: &Runtime, name: Option<&str>) -> Result<Self, Error> {
        if let Some(export) = runtime.module().lookup_signature(name)? {
            signature::check::<A, R>(export)?;
        }
        let (runtime, name) = (runtime.share(), name.map(str::to_string));
        Ok(Self { runtime, name, native: Native::find().map(Arc::new) })
    }

    /// Calls the function and returns its result.
    ///
    /// # Errors
    ///
    /// Those of [`Runtime::call`].
    ///
    /// # Panics
    ///
    /// As [`Runtime::call`].
    pub fn call(
        &self,
        args: A,
        context: impl InvocationContext + 'static,
    ) -> FunctionCall<'_, A, R> {
        let call = Call::new(&self.runtime, self.name().map(Cow::Borrowed), args, context);
        FunctionCall { function: self, call }
    }

    /// Calls the function once for each row of the columns, and returns one result for each row, in order.
    ///
    /// `columns` is a tuple of slices of equal length, `&[T]` for an argument of type `T`; for `String`,
    /// slices of `&str` as well. NONE is `None` in a slice of `Option<T>`.
    ///
    /// All rows are one call: they share an instance, a context and the time, also with
    /// [`Isolation::Fresh`](crate::Isolation::Fresh).
    ///
    /// ```no_run
    /// # use surrealism_runtime::{DetachedContext, Error, Runtime};
    /// # async fn example(runtime: Runtime) -> Result<(), Error> {
    /// let can_drive = runtime.function::<(i64,), bool>("can_drive")?;
    /// let ages: Vec<i64> = (0..100_000).collect();
    /// let results = can_drive.call_columns((&ages,), DetachedContext::new()).await?;
    /// let drivers = results.iter().filter(|result| matches!(result, Ok(true))).count();
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`Runtime::call`], when the function traps or times out: no row has a result then. A row for
    /// which the function itself fails is an error among the results.
    ///
    /// # Panics
    ///
    /// As [`Runtime::call`].
    pub fn call_columns<'a, C: ColumnInputs<A> + Send + 'a>(
        &'a self,
        columns: C,
        context: impl InvocationContext + 'static,
    ) -> CallColumns<'a, C, A, R> {
        let call = Call::new(&self.runtime, self.name().map(Cow::Borrowed), columns, context);
        CallColumns::new(self, call)
    }

    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Returns how the function is called with columns, as the guest's number for it; `None` if it is not.
    async fn column_function<'a>(
        &'a self,
        controller: &mut Controller,
        native: &Native<A, R>,
        deadline: Deadline,
    ) -> Result<Option<ColumnFunction<'a>>, Error> {
        let number = match native.number.get() {
            Some(number) => *number,
            None => {
                let number = controller.find_columns(self.name(), &native.types, deadline).await?;
                *native.number.get_or_init(|| number)
            }
        };
        let name = self.name().unwrap_or("default");
        Ok(number.map(|number| ColumnFunction { number, name }))
    }

    /// Converts a result that crossed as a value.
    fn result(&self, value: Value) -> Result<R, Error> {
        R::from_value(value).map_err(|error| {
            let name = self.name().unwrap_or("default");
            let wanted = type_name::<R>();
            Error::invalid_result(anyhow!(
                "`{name}` returned another value than `{wanted}`, with which it was called: {error}"
            ))
        })
    }
}

impl<A: FunctionArgs, R: 'static> Native<A, R> {
    /// Returns how the types cross as columns, if all of them do.
    fn find() -> Option<Self> {
        let (args, result) = (A::ops()?, ColumnOps::<R>::find()?);
        let mut types = Vec::new();
        A::push_types(&args, &mut types);
        types.push(RESULT_TYPE);
        (result.push_type)(&mut types);
        Some(Self { args, result, types, number: OnceLock::new() })
    }

    /// Returns whether the guest may take columns, as far as is known.
    fn may_cross(&self) -> bool {
        !matches!(self.number.get(), Some(None))
    }
}

/// A call of a [`Function`] that has not begun. Awaiting it makes the call.
#[must_use = "a call does nothing until it is awaited"]
pub struct FunctionCall<'a, A: FunctionArgs, R: 'static> {
    function: &'a Function<A, R>,
    call: Call<'a, A>,
}

impl<'a, A: FunctionArgs, R: SurrealValue + Send + 'static> FunctionCall<'a, A, R> {
    /// Limits the whole call, as [`Call::timeout`] does.
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { call: self.call.timeout(timeout), ..self }
    }

    /// Limits the wait for an instance, as [`Call::max_wait`] does.
    pub fn max_wait(self, wait: Duration) -> Self {
        Self { call: self.call.max_wait(wait), ..self }
    }

    /// Measures the call, as [`Call::with_stats`] does. Call it last.
    pub fn with_stats(self) -> WithStats<Self> {
        WithStats(self)
    }

    async fn run(self, recorder: &mut Recorder) -> Result<R, Error> {
        let Self { function, call } = self;
        // A recorder takes values.
        let may_cross =
            |native: &&Native<A, R>| function.runtime.recorder.is_none() && native.may_cross();
        let native = function.native.as_deref().filter(may_cross);
        let Some(native) = native else { return function.call_value(call, recorder).await };
        let mut message = Vec::new();
        call.args().write(&native.args, &mut message).map_err(Error::unencodable)?;
        call.with_instance(recorder, None, async |controller, name, args, deadline| {
            controller.begin();
            match function.column_function(controller, native, deadline).await? {
                Some(target) => {
                    let read = native.result.read_one;
                    controller.invoke_row(target, &message, deadline, read).await
                }
                None => {
                    let args = args.to_values();
                    let value = controller.invoke_with_deadline(name, &args, deadline).await?;
                    function.result(value)
                }
            }
        })
        .await
    }
}

impl<A: FunctionArgs, R: SurrealValue + Send + 'static> Function<A, R> {
    /// Calls the function by the published interface.
    async fn call_value(&self, call: Call<'_, A>, recorder: &mut Recorder) -> Result<R, Error> {
        if let Some(native) = &self.native {
            // The conversion to a value would wrap a number that is out of range.
            call.args().check(&native.args).map_err(Error::unencodable)?;
        }
        self.result(call.run(recorder).await?)
    }
}

type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

impl<'a, A, R> IntoFuture for FunctionCall<'a, A, R>
where
    A: FunctionArgs,
    R: SurrealValue + Send + 'static,
{
    type Output = Result<R, Error>;
    type IntoFuture = BoxFuture<'a, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        match self.call.watch(None) {
            None => Box::pin(async move { self.run(&mut Recorder::default()).await }),
            watch => Box::pin(async move {
                measure(watch, async move |recorder| self.run(recorder).await).await.0
            }),
        }
    }
}

impl<'a, A, R> IntoFuture for WithStats<FunctionCall<'a, A, R>>
where
    A: FunctionArgs,
    R: SurrealValue + Send + 'static,
{
    type Output = (Result<R, Error>, CallStats);
    type IntoFuture = BoxFuture<'a, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        let watch = self.0.call.watch(None);
        Box::pin(measure(watch, async move |recorder| self.0.run(recorder).await))
    }
}

impl<A: FunctionArgs, R> Clone for Function<A, R> {
    fn clone(&self) -> Self {
        Self { runtime: self.runtime.share(), name: self.name.clone(), native: self.native.clone() }
    }
}

impl<A: FunctionArgs, R> fmt::Debug for Function<A, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Function")
            .field("name", &self.name)
            .field("types", &signature::types::<A, R>())
            .finish_non_exhaustive()
    }
}

impl<A: FunctionArgs, R> fmt::Debug for FunctionCall<'_, A, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FunctionCall")
            .field("function", &self.function)
            .field("call", &self.call)
            .finish()
    }
}
