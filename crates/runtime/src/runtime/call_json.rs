//! A call whose arguments and result are JSON.

use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::time::Duration;

use serde_json::Value as Json;
use surrealism_types::json::{to_json, to_json_lossless};

use super::Runtime;
use super::call::Call;
use crate::error::Error;
use crate::observer::{Recorder, measure};

/// A call with JSON that has not begun. Awaiting it makes the call. Returned by [`Runtime::call_json`].
#[must_use = "a call does nothing until it is awaited"]
pub struct CallJson<'a> {
    runtime: &'a Runtime,
    call: Call<'a, Json>,
    write: fn(&surrealdb_types::Value) -> Json,
}

impl<'a> CallJson<'a> {
    pub(crate) fn new(runtime: &'a Runtime, call: Call<'a, Json>) -> Self {
        Self { runtime, call, write: to_json }
    }

    /// Limits the whole call, as [`Call::timeout`] does.
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { call: self.call.timeout(timeout), ..self }
    }

    /// Limits the wait for an instance, as [`Call::max_wait`] does.
    pub fn max_wait(self, wait: Duration) -> Self {
        Self { call: self.call.max_wait(wait), ..self }
    }

    /// Writes the result in [the lossless form](crate::json#the-lossless-form). Default: the plain form.
    pub fn lossless(self) -> Self {
        Self { write: to_json_lossless, ..self }
    }

    async fn run(self, recorder: &mut Recorder) -> Result<Json, Error> {
        let Self { runtime, call, write } = self;
        let call = call.try_map_args(|name, args| runtime.arguments_from_json(name, &args))?;
        Ok(write(&call.run_coerced(recorder).await?))
    }
}

impl<'a> IntoFuture for CallJson<'a> {
    type Output = Result<Json, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send + 'a>>;

    fn into_future(self) -> Self::IntoFuture {
        match self.call.watch(None) {
            None => Box::pin(async move { self.run(&mut Recorder::default()).await }),
            watch => Box::pin(async move {
                measure(watch, async move |recorder| self.run(recorder).await).await.0
            }),
        }
    }
}

impl fmt::Debug for CallJson<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CallJson").field(&self.call).finish()
    }
}
