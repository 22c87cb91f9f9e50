//! One call, from checkout to release.

use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::time::Duration;

use surrealdb_types::Value;
use surrealism_types::args::Args;

use crate::SurrealismResult;
use crate::instance::Controller;
use crate::deadline::within;
use crate::host::InvocationContext;
use crate::module::Deadline;
use crate::runtime::Runtime;

/// A call that has not begun; await it. Made by [`Runtime::call`].
#[must_use = "a call does nothing until it is awaited"]
pub struct Call<'a, A> {
    runtime: &'a Runtime,
    name: Option<String>,
    args: A,
    context: Box<dyn InvocationContext>,
    timeout: Option<Duration>,
    max_wait: Option<Duration>,
}

/// A call with many rows that has not begun; await it. Made by [`Runtime::call_rows`].
#[must_use = "a call does nothing until it is awaited"]
#[derive(Debug)]
pub struct CallRows<'a>(Call<'a, Vec<Vec<Value>>>);

impl<'a> CallRows<'a> {
    pub(crate) fn new(call: Call<'a, Vec<Vec<Value>>>) -> Self {
        Self(call)
    }

    /// As [`Call::timeout`], for all rows together.
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

    /// Bounds the whole call: waiting for an instance, making one, `init`, and the function itself.
    /// Default: none; the module's and the host's own limits hold in either case.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Bounds waiting for an instance alone; who waits longer is refused as
    /// [busy](crate::SurrealismError::is_busy). Default: as long as the call may take.
    ///
    /// For calls that are made while another instance is held, such as those from one module to
    /// another: two of them may each hold what the other waits for.
    pub fn max_wait(mut self, wait: Duration) -> Self {
        self.max_wait = Some(wait);
        self
    }

    /// Checks an instance out, has it do its `work`, and gives it back.
    async fn run<T>(
        self,
        work: impl AsyncFnOnce(&mut Controller, Option<&str>, A, Deadline) -> SurrealismResult<T>,
    ) -> SurrealismResult<T> {
        let Self { runtime, name, args, context, timeout, max_wait } = self;
        let module = runtime.module();
        let callers = Deadline::of_caller(timeout);
        let place = within(&module.process.alarms, callers.at, runtime.checkout_within(max_wait))
            .await
            .map_err(|_| callers.missed())??;

        let deadline = callers.and_of(module);
        let mut controller = runtime.ready(place, context, || deadline).await?;
        let answer = work(&mut controller, name.as_deref(), args, deadline).await;
        runtime.release_controller(controller);
        answer
    }
}

impl<'a, A: Args + Send + 'a> IntoFuture for Call<'a, A> {
    type Output = SurrealismResult<Value>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send + 'a>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let Self { runtime, name, args, context, timeout, max_wait } = self;
            let args = args.to_values();
            runtime.module().check_call(name.as_deref(), args.len())?;
            let call = Call { runtime, name, args, context, timeout, max_wait };
            call.run(async |controller, name, args, deadline| {
                controller.invoke_within(name, &args, deadline).await
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
            let call = self.0;
            call.runtime.module().check_rows(call.name.as_deref(), &call.args)?;
            call.run(async |controller, name, rows, deadline| {
                controller.invoke_rows_within(name, &rows, deadline).await
            })
            .await
        })
    }
}

impl<A> fmt::Debug for Call<'_, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("name", &self.name)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}
