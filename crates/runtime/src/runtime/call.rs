//! A call, from checkout to release.

use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::time::Duration;

use surrealdb_types::Value;
use surrealism_types::args::Args;
use surrealism_types::err::{SurrealismError, SurrealismResult};

use super::Runtime;
use crate::deadline::{Deadline, timeout_at};
use crate::host::InvocationContext;
use crate::instance::Controller;

/// A call that has not begun. Awaiting it makes the call. Returned by [`Runtime::call`].
#[must_use = "a call does nothing until it is awaited"]
pub struct Call<'a, A> {
    runtime: &'a Runtime,
    name: Option<String>,
    args: A,
    context: Box<dyn InvocationContext>,
    timeout: Option<Duration>,
    max_wait: Option<Duration>,
}

/// A call with many rows that has not begun. Awaiting it makes the call. Returned by
/// [`Runtime::call_rows`].
#[must_use = "a call does nothing until it is awaited"]
#[derive(Debug)]
pub struct CallRows<'a>(Call<'a, Vec<Vec<Value>>>);

impl<'a> CallRows<'a> {
    pub(crate) fn new(call: Call<'a, Vec<Vec<Value>>>) -> Self {
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
        name: Option<String>,
        args: A,
        context: Box<dyn InvocationContext>,
    ) -> Self {
        Self { runtime, name, args, context, timeout: None, max_wait: None }
    }

    /// Limits the whole call: waiting for an instance, instantiation, `init`, and the function itself.
    /// The module's and the host's limits apply in any case. Default: no timeout.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Limits the wait for an instance. A call that waits longer is refused as
    /// [busy](crate::SurrealismError::is_busy). Default: as long as the call may take.
    ///
    /// Set it for calls that are made while another instance is checked out, such as calls between
    /// modules: without it, two of them could wait for each other's instance forever.
    pub fn max_wait(mut self, wait: Duration) -> Self {
        self.max_wait = Some(wait);
        self
    }

    /// Checks an instance out, runs `work` with it, and releases it.
    async fn with_instance<T>(
        self,
        work: impl AsyncFnOnce(&mut Controller, Option<&str>, A, Deadline) -> SurrealismResult<T>,
    ) -> SurrealismResult<T> {
        let Self { runtime, name, args, context, timeout, max_wait } = self;
        let caller = Deadline::for_caller(timeout);
        let checkout = runtime.checkout_timeout(max_wait);
        let checked_out = timeout_at(runtime.timers(), caller.at, checkout)
            .await
            .map_err(|_| caller.timeout_error())??;

        // The module's limit counts from here, and not while the call waits for an instance.
        let deadline = caller.with_module_limit(runtime.module().max_execution_time);
        let mut controller = runtime.prepare(checked_out, context, || deadline).await?;
        let result = work(&mut controller, name.as_deref(), args, deadline).await;
        runtime.release_controller(controller);
        result
    }
}

impl<'a, A: Args + Send + 'a> IntoFuture for Call<'a, A> {
    type Output = SurrealismResult<Value>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send + 'a>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let Self { runtime, name, args, context, timeout, max_wait } = self;
            let args = runtime.module().coerce_call(name.as_deref(), args.to_values())?;
            let call = Call { runtime, name, args, context, timeout, max_wait };
            call.with_instance(async |controller, name, args, deadline| {
                controller.invoke_with_deadline(name, &args, deadline).await
            })
            .await
        })
    }
}

impl<'a> IntoFuture for CallRows<'a> {
    type Output = SurrealismResult<Vec<SurrealismResult<Value>>>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send + 'a>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let Call { runtime, name, args, context, timeout, max_wait } = self.0;
            let (args, refused) = split_rows(runtime.module().coerce_rows(name.as_deref(), args)?);
            let call = Call { runtime, name, args, context, timeout, max_wait };
            let results = call
                .with_instance(async |controller, name, rows, deadline| {
                    controller.invoke_rows_with_deadline(name, &rows, deadline).await
                })
                .await?;
            Ok(join_results(results, refused))
        })
    }
}

/// Returns the rows that can be called, and for each row why it cannot be, if it cannot.
fn split_rows(rows: Vec<Result<Vec<Value>, String>>) -> (Vec<Vec<Value>>, Vec<Option<String>>) {
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
fn join_results(
    results: Vec<SurrealismResult<Value>>,
    refused: Vec<Option<String>>,
) -> Vec<SurrealismResult<Value>> {
    let mut results = results.into_iter();
    let join = |refused| match refused {
        Some(reason) => Some(Err(SurrealismError::FunctionCallError(reason))),
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
