//! A call, from checkout to release.

use std::borrow::Cow;
use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use surrealdb_types::Value;
use surrealism_types::args::Args;

use super::Runtime;
use crate::deadline::{Deadline, timeout_at};
use crate::error::{Busy, Error};
use crate::host::{HostContext, InvocationContext};
use crate::instance::Controller;
use crate::module::Row;
use crate::observer::{CallWatch, Part, Recorder, measure};
use crate::stats::CallStats;
use crate::tape::{CallHost, Tape};

/// A call that has not begun. Awaiting it makes the call. Returned by [`Runtime::call`].
#[must_use = "a call does nothing until it is awaited"]
pub struct Call<'a, A> {
    runtime: &'a Runtime,
    name: Option<Cow<'a, str>>,
    args: A,
    context: HostContext,
    timeout: Option<Duration>,
    max_wait: Option<Duration>,
}

/// A call with many rows that has not begun. Awaiting it makes the call. Returned by
/// [`Runtime::call_rows`].
#[must_use = "a call does nothing until it is awaited"]
#[derive(Debug)]
pub struct CallRows<'a>(Call<'a, Vec<Row>>);

impl<'a> CallRows<'a> {
    pub(crate) fn new(call: Call<'a, Vec<Row>>) -> Self {
        Self(call)
    }

    /// Limits the whole call, as [`Call::timeout`] does, for all rows together.
    pub fn timeout(self, timeout: Duration) -> Self {
        Self(self.0.timeout(timeout))
    }
}

impl<'a, A> Call<'a, A> {
    pub(crate) fn new(
        runtime: &'a Runtime,
        name: Option<Cow<'a, str>>,
        args: A,
        context: impl InvocationContext + 'static,
    ) -> Self {
        let context: Box<dyn InvocationContext> = Box::new(context);
        let context = context.into();
        Self { runtime, name, args, context, timeout: None, max_wait: None }
    }

    /// Limits the whole call: waiting for an instance, instantiation, `init`, and the function itself.
    /// The module's and the host's limits apply in any case. Default: no timeout.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Limits the wait for an instance. A call that waits longer is refused as
    /// [busy](crate::ErrorKind::Busy). Default: as long as the call may take.
    ///
    /// Set it for calls that are made while another instance is checked out, such as calls between
    /// modules: without it, two of them could wait for each other's instance forever.
    pub fn max_wait(mut self, wait: Duration) -> Self {
        self.max_wait = Some(wait);
        self
    }

    /// Measures the call: the result comes with [`CallStats`]. Call it last. A call that does not ask for
    /// them measures nothing.
    ///
    /// ```no_run
    /// # use surrealism_runtime::{DetachedContext, Runtime};
    /// # async fn example(runtime: Runtime) {
    /// let call = runtime.call("greet", ("Ada".to_string(),), DetachedContext::new());
    /// let (result, stats) = call.with_stats().await;
    /// println!("{result:?} after {:?} in the queue and {:?} in the guest", stats.waited, stats.ran);
    /// # }
    /// ```
    pub fn with_stats(self) -> WithStats<Self> {
        WithStats(self)
    }

    pub(super) fn args(&self) -> &A {
        &self.args
    }

    /// Replaces the arguments.
    pub(super) fn try_map_args<B>(
        self,
        map: impl FnOnce(Option<&str>, A) -> Result<B, Error>,
    ) -> Result<Call<'a, B>, Error> {
        let Self { runtime, name, args, context, timeout, max_wait } = self;
        let args = map(name.as_deref(), args)?;
        Ok(Call { runtime, name, args, context, timeout, max_wait })
    }

    /// Checks an instance out, runs `work` with it, and releases it.
    pub(super) async fn with_instance<T>(
        self,
        recorder: &mut Recorder,
        tape: Option<Arc<Tape>>,
        work: impl AsyncFnOnce(&mut Controller, Option<&str>, A, Deadline) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let Self { runtime, name, args, context, timeout, max_wait } = self;
        let caller = Deadline::for_caller(timeout);
        recorder.begin(Part::Waiting);
        let checkout = runtime.checkout_timeout(max_wait);
        let checked_out = timeout_at(runtime.timers(), caller.at, checkout).await;
        recorder.begin(Part::Preparing);
        let checked_out = checked_out.map_err(|_| {
            let (instances, limit) = (runtime.module().pool_size, caller.caller_limit());
            let waited = limit.unwrap_or_default();
            Error::timed_out_queued(Busy::WaitTimeout { instances, waited }, limit)
        })??;
        recorder.note(|stats| stats.fresh = checked_out.1.is_none());

        // The module's limit counts from here, and not while the call waits for an instance.
        let deadline = caller.with_module_limit(runtime.module().max_execution_time);
        let host = CallHost { context, tape };
        let mut controller = runtime.prepare(checked_out, host, || deadline).await?;
        controller.begin_measuring(recorder);
        let result = work(&mut controller, name.as_deref(), args, deadline).await;
        controller.end_measuring(recorder);
        runtime.release_controller(controller);
        result
    }
}

impl<A> Call<'_, A> {
    /// Returns what watches the call; `None` if nobody observes.
    pub(super) fn watch(&self, rows: Option<usize>) -> Option<CallWatch> {
        self.runtime.module().watch(self.name.as_deref(), rows)
    }
}

impl<A: Args> Call<'_, A> {
    pub(super) async fn run(self, recorder: &mut Recorder) -> Result<Value, Error> {
        let module = self.runtime.module();
        let call = self.try_map_args(|name, args| module.coerce_call(name, args))?;
        call.run_coerced(recorder).await
    }

    /// Makes the call with the answers of a tape.
    pub(super) async fn with_tape(self, tape: Arc<Tape>) -> Result<Value, Error> {
        let module = self.runtime.module();
        let call = self.try_map_args(|name, args| module.coerce_call(name, args))?;
        call.invoke(&mut Recorder::default(), Some(tape)).await
    }
}

impl Call<'_, Vec<Value>> {
    /// Makes the call with arguments of the kinds of the signature.
    pub(super) async fn run_coerced(self, recorder: &mut Recorder) -> Result<Value, Error> {
        let runtime = self.runtime;
        let Some(recorder_of_calls) = &runtime.recorder else {
            return self.invoke(recorder, None).await;
        };
        let module = runtime.module().to_string();
        let record = recorder_of_calls.begin(module, self.name.as_deref(), &self.args);
        let result = self.invoke(recorder, Some(record.tape())).await;
        record.finish(&result);
        result
    }

    async fn invoke(
        self,
        recorder: &mut Recorder,
        tape: Option<Arc<Tape>>,
    ) -> Result<Value, Error> {
        self.with_instance(recorder, tape, async |controller, name, args, deadline| {
            controller.invoke_with_deadline(name, &args, deadline).await
        })
        .await
    }
}

impl CallRows<'_> {
    /// Measures the whole call, as [`Call::with_stats`] does. Call it last.
    pub fn with_stats(self) -> WithStats<Self> {
        WithStats(self)
    }

    fn watch(&self) -> Option<CallWatch> {
        self.0.watch(Some(self.0.args.len()))
    }

    async fn run(self, recorder: &mut Recorder) -> RowsResult {
        let (module, mut refused) = (self.0.runtime.module(), Vec::new());
        let call = self.0.try_map_args(|name, rows| {
            let rows = module.coerce_rows(name, rows)?;
            let (callable, reasons) = split_rows(rows);
            refused = reasons;
            Ok(callable)
        })?;
        let results = call
            .with_instance(recorder, None, async |controller, name, rows, deadline| {
                controller.invoke_rows_with_deadline(name, &rows, deadline).await
            })
            .await?;
        Ok(join_results(results, refused))
    }
}

/// A call that is measured, and has not begun. Awaiting it makes the call. Returned by
/// [`Call::with_stats`] and the methods of this name of the other calls.
#[must_use = "a call does nothing until it is awaited"]
#[derive(Debug)]
pub struct WithStats<C>(pub(super) C);

type RowsResult = Result<Vec<Result<Value, Error>>, Error>;

type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

impl<'a, A: Args + Send + 'a> IntoFuture for Call<'a, A> {
    type Output = Result<Value, Error>;
    type IntoFuture = BoxFuture<'a, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        match self.watch(None) {
            None => Box::pin(async move { self.run(&mut Recorder::default()).await }),
            watch => Box::pin(async move {
                measure(watch, async move |recorder| self.run(recorder).await).await.0
            }),
        }
    }
}

impl<'a, A: Args + Send + 'a> IntoFuture for WithStats<Call<'a, A>> {
    type Output = (Result<Value, Error>, CallStats);
    type IntoFuture = BoxFuture<'a, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        let watch = self.0.watch(None);
        Box::pin(measure(watch, async move |recorder| self.0.run(recorder).await))
    }
}

impl<'a> IntoFuture for CallRows<'a> {
    type Output = RowsResult;
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

impl<'a> IntoFuture for WithStats<CallRows<'a>> {
    type Output = (RowsResult, CallStats);
    type IntoFuture = BoxFuture<'a, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        let watch = self.0.watch();
        Box::pin(measure(watch, async move |recorder| self.0.run(recorder).await))
    }
}

/// Returns the rows that can be called, and for each row why it cannot be, if it cannot.
pub(super) fn split_rows(
    rows: Vec<Result<Vec<Value>, Error>>,
) -> (Vec<Vec<Value>>, Vec<Option<Error>>) {
    let mut refused = Vec::with_capacity(rows.len());
    let callable = rows.into_iter().filter_map(|row| match row {
        Ok(row) => {
            refused.push(None);
            Some(row)
        }
        Err(reason) => {
            refused.push(Some(reason));
            None
        }
    });
    (callable.collect(), refused)
}

/// Returns one result for each row: the reason for which it was refused, or what the function returned.
pub(super) fn join_results(
    results: Vec<Result<Value, Error>>,
    refused: Vec<Option<Error>>,
) -> Vec<Result<Value, Error>> {
    let mut results = results.into_iter();
    let join = |refused| match refused {
        Some(reason) => Some(Err(reason)),
        None => results.next(),
    };
    refused.into_iter().filter_map(join).collect()
}

impl<A> fmt::Debug for Call<'_, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("name", &self.name)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}
