//! One instance of a module, and the calls into it.

pub(crate) mod columns;
pub(crate) mod pool;
pub(crate) mod template;
mod trap;

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::ensure;
use surrealdb_types::{Kind, Value};
use surrealism_types::args::Args;
use surrealism_types::codec::{self, Decoder, InlineCall, RowResult};
use surrealism_types::err::{SurrealismError, SurrealismResult};
use wasmtime::{Store, bail};

use self::pool::Permit;
use self::template::{Instantiated, Template};
use self::trap::{panic_error, trap_error};
use crate::bindings::{Guest, GuestResult, InlineHalf, Metadata};
use crate::compile::places::Place;
use crate::deadline::{Deadline, timeout_at};
use crate::error::{Error, ErrorKind, TrapKind};
use crate::host::{HostContext, InvocationContext};
use crate::limits::{MAX_HOST_CALL_BYTES, ROWS_PER_CALL};
use crate::module::Module;
use crate::observer::{CallWatch, DropCause, EventKind, Part, Recorder, measure};
use crate::process::ensure_not_forked;
use crate::reactor::within;
use crate::store::StoreData;
use crate::tape::CallHost;
use crate::text::truncate;
use crate::unwind::Guarded;

/// One isolated instance of a module. It serves one call at a time, and keeps its memory between calls.
///
/// An instance is poisoned when its call traps, times out, is cancelled or panics: it refuses every
/// later call, and [`Runtime::release_controller`](crate::Runtime::release_controller) drops it.
///
/// [`Runtime::call`](crate::Runtime::call) is simpler, where a particular instance does not matter.
///
/// ```no_run
/// # use std::time::Duration;
/// # use surrealism_runtime::{DetachedContext, Runtime, SurrealismResult};
/// # async fn example(runtime: Runtime) -> SurrealismResult<()> {
/// let mut controller = runtime.acquire_controller(Box::new(DetachedContext::new())).await?;
/// let timeout = Some(Duration::from_millis(50));
/// let result = controller.invoke_with_timeout(Some("add".into()), (1_i64, 2_i64), timeout).await;
/// runtime.release_controller(controller);
/// println!("{:?}", result?);
/// # Ok(())
/// # }
/// ```
pub struct Controller {
    template: Arc<Template>,
    store: Store<StoreData>,
    /// Boxed, so that an instance is cheap to move.
    guest: Box<Guest>,
    /// Set while a guest call runs, and afterwards unless the call returned normally: why the instance is to
    /// be dropped.
    poisoned: Option<DropCause>,
    /// Why an instance is dropped that is not poisoned.
    drop_cause: DropCause,
    initialized: bool,
    /// Whether it is linked for the tape of one call.
    is_taped: bool,
    permit: Option<Permit<Controller>>,
    /// Dropped after the store, so that the pool has the place when another instance takes it.
    _place: Option<Place>,
}

impl Controller {
    /// Creates an instance. Its `init` has not run.
    pub(crate) async fn new(
        template: Arc<Template>,
        host: CallHost,
        deadline: Deadline,
    ) -> Result<Self, Error> {
        let is_taped = host.tape.is_some();
        let started = template.module.observers.are_on().then(Instant::now);
        let Instantiated { mut store, guest, place } = template.instantiate(host, deadline).await?;
        let took = started.map_or(Duration::ZERO, |started| started.elapsed());
        template.module.observers.tell(EventKind::InstanceCreated { took });
        let initialized = guest.init.is_none();
        store.data_mut().limiter.set_initialized();
        let guest = Box::new(guest);
        Ok(Self {
            template,
            store,
            guest,
            poisoned: None,
            drop_cause: DropCause::Unneeded,
            initialized,
            is_taped,
            permit: None,
            _place: place,
        })
    }

    pub(crate) fn set_permit(&mut self, permit: Permit<Self>) {
        self.permit = Some(permit);
    }

    pub(crate) fn take_permit(&mut self) -> Option<Permit<Self>> {
        self.permit.take()
    }

    /// Checks that the instance may serve another caller of `template`'s module, and is small enough to wait
    /// for it.
    ///
    /// # Errors
    ///
    /// Why it is to be dropped instead.
    pub(crate) fn check_reusable(&self, template: &Arc<Template>) -> Result<(), DropCause> {
        if let Some(cause) = self.poisoned {
            return Err(cause);
        }
        if self.is_taped {
            return Err(DropCause::Used);
        }
        if !self.initialized || !Arc::ptr_eq(&self.template, template) {
            return Err(DropCause::Unneeded);
        }
        if self.store.data().limiter.growth_bytes() > self.module().max_idle_growth_bytes {
            return Err(DropCause::TooLarge);
        }
        Ok(())
    }

    /// Drops the instance. The cause does not count if it is poisoned.
    pub(crate) fn drop_because(mut self, cause: DropCause) {
        self.drop_cause = cause;
    }

    /// Begins the part of a measured call that runs the function.
    pub(crate) fn begin_measuring(&mut self, recorder: &mut Recorder) {
        if recorder.is_on() {
            recorder.begin(Part::Running);
            let data = self.store.data_mut();
            data.host_time = Some(Duration::ZERO);
            data.observers.set_call(recorder.call());
        }
    }

    /// Ends the part of a measured call that runs the function.
    pub(crate) fn end_measuring(&mut self, recorder: &mut Recorder) {
        if recorder.is_on() {
            recorder.finish();
            let data = self.store.data_mut();
            let in_host = data.host_time.take().unwrap_or_default();
            let memory_bytes = data.limiter.used_bytes();
            recorder.note(|stats| {
                stats.in_host = in_host;
                stats.memory_bytes = memory_bytes;
            });
        }
    }

    fn module(&self) -> &Module {
        &self.template.module
    }

    /// Sets the context that serves the guest's calls to the host.
    pub fn set_context(&mut self, context: Box<dyn InvocationContext>) {
        self.set_host_context(context.into());
    }

    pub(crate) fn set_host_context(&mut self, context: HostContext) {
        self.store.data_mut().set_context(context);
    }

    /// Removes the context. Until another one is set, the guest's calls to the host fail and its output
    /// is dropped.
    pub fn clear_context(&mut self) {
        self.store.data_mut().clear_context();
    }

    /// Lets the guest run until the next tick of the epoch before it yields.
    ///
    /// Every call does so itself. The method exists for hosts written against the published runtime.
    pub fn reset_epoch_deadline(&mut self) {
        if self.module().strict_timeout() {
            self.store.set_epoch_deadline(1);
        }
    }

    /// Runs the module's `init`, unless the module has none, is
    /// [pre-initialized](crate::RuntimeBuilder::preinitialize), or `init` has run in this instance.
    /// [`Runtime::acquire_controller`](crate::Runtime::acquire_controller) has done so.
    ///
    /// # Errors
    ///
    /// Those of [`invoke`](Self::invoke). Any of them poisons the instance.
    pub async fn init(&mut self) -> SurrealismResult<()> {
        Ok(self.init_with_deadline(self.module().deadline(None)).await?)
    }

    pub(crate) async fn init_with_deadline(&mut self, deadline: Deadline) -> Result<(), Error> {
        if self.initialized {
            return Ok(());
        }
        self.store.data_mut().begin_call();
        let (result,) = self
            .enter("init", deadline, async |store, guest| match &guest.init {
                Some(init) => init.call_async(store, ()).await,
                None => Ok((Ok(()),)),
            })
            .await?;
        if let Err(message) = result {
            self.poisoned = Some(DropCause::InitFailed);
            let text = truncate(&message).to_string();
            let explained = format!("`init` of {} failed: {text}", self.module());
            let init = |text| ErrorKind::Init { text };
            return Err(self.store.data().guest_error(text, explained, init));
        }
        self.initialized = true;
        self.store.data_mut().limiter.set_initialized();
        Ok(())
    }

    /// Calls a function without a timeout of the caller's own. See
    /// [`invoke_with_timeout`](Self::invoke_with_timeout).
    ///
    /// # Errors
    ///
    /// Those of [`invoke_with_timeout`](Self::invoke_with_timeout).
    pub async fn invoke<A: Args>(
        &mut self,
        name: Option<String>,
        args: A,
    ) -> SurrealismResult<Value> {
        self.invoke_with_timeout(name, args, None).await
    }

    /// Calls a function; `None` is the default export.
    ///
    /// The time of the call is the smallest of `context_timeout`, the module's `max_execution_time` and
    /// the host's limit. When it is over, the call is cancelled within two
    /// [ticks](crate::epoch::EPOCH_TICK_MS), whether it runs guest code or waits for the host.
    ///
    /// # Errors
    ///
    /// - [`FunctionCallError`](SurrealismError::FunctionCallError) when the function does not exist,
    ///   takes another number of arguments, or returned an error. The instance stays usable.
    /// - [`Timeout`](SurrealismError::Timeout) when time ran out. The instance is poisoned.
    /// - [`Wasmtime`](SurrealismError::Wasmtime) when the guest trapped. The instance is poisoned.
    /// - [`Other`](SurrealismError::Other) when a value could not be encoded or decoded.
    pub async fn invoke_with_timeout<A: Args>(
        &mut self,
        name: Option<String>,
        args: A,
        context_timeout: Option<Duration>,
    ) -> SurrealismResult<Value> {
        let deadline = self.module().deadline(context_timeout);
        let name = name.as_deref();
        if let Some(watch) = self.module().watch(name, None) {
            // Boxed, so that a call that nobody observes has no room for it.
            return Ok(Box::pin(self.invoke_measured(watch, name, args, deadline)).await?);
        }
        let args = self.module().coerce_call(name, args)?;
        Ok(self.invoke_with_deadline(name, &args, deadline).await?)
    }

    async fn invoke_measured(
        &mut self,
        watch: CallWatch,
        name: Option<&str>,
        args: impl Args,
        deadline: Deadline,
    ) -> Result<Value, Error> {
        let invoke = async |recorder: &mut Recorder| {
            let args = self.module().coerce_call(name, args)?;
            self.begin_measuring(recorder);
            let result = self.invoke_with_deadline(name, &args, deadline).await;
            self.end_measuring(recorder);
            result
        };
        measure(Some(watch), invoke).await.0
    }

    /// Calls a function with arguments of the kinds of its signature.
    pub(crate) async fn invoke_with_deadline(
        &mut self,
        name: Option<&str>,
        args: &[Value],
        deadline: Deadline,
    ) -> Result<Value, Error> {
        self.store.data_mut().begin_call();
        let mut decoder = self.module().decoder();
        self.call_one(name, args, deadline, &mut decoder).await
    }

    async fn call_one(
        &mut self,
        name: Option<&str>,
        args: &[Value],
        deadline: Deadline,
        decoder: &mut Decoder,
    ) -> Result<Value, Error> {
        let args = codec::encode_values(args).map_err(Error::unencodable)?;
        if self.guest.invoke_inline.is_some()
            && let Some(call) = InlineCall::new(name, &args)
        {
            let value = self.call_inline(name, &call, deadline, decoder).await?;
            return self.check_time(deadline).map(|()| value);
        }
        let (result,) = self
            .enter(name.unwrap_or("default"), deadline, async |store, guest| {
                guest.invoke.call_async(store, (name, &args)).await
            })
            .await?;
        let value = result.map_err(|message| self.guest_error(&message))?;
        let value = decoder.decode_value(&value).map_err(Error::invalid_result)?;
        self.check_time(deadline).map(|()| value)
    }

    /// Passes the call in registers, and decodes the result in the guest's memory.
    async fn call_inline(
        &mut self,
        name: Option<&str>,
        call: &InlineCall,
        deadline: Deadline,
        decoder: &mut Decoder,
    ) -> Result<Value, Error> {
        self.enter(name.unwrap_or("default"), deadline, async |store, guest| {
            let Some(invoke) = &guest.invoke_inline else {
                bail!("the component exports no `invoke-inline`");
            };
            let call = call.to_words().map(InlineHalf::from).into();
            let (result,) = invoke.call_async(&mut *store, call).await?;
            Ok(match result {
                Ok(value) => {
                    let value = value.as_le_slice(&*store);
                    check_result_bytes(value.len())
                        .and_then(|()| decoder.decode_value(value))
                        .map_err(Error::invalid_result)
                }
                Err(message) => {
                    let message = message.to_str(&*store)?;
                    Err(guest_error(&message, store.data()))
                }
            })
        })
        .await?
    }

    /// Calls a function once for each row. The result of a row that failed is an error; only what would
    /// poison the instance in [`invoke`](Self::invoke) fails the whole call.
    pub(crate) async fn invoke_rows_with_deadline(
        &mut self,
        name: Option<&str>,
        rows: &[Vec<Value>],
        deadline: Deadline,
    ) -> Result<Vec<Result<Value, Error>>, Error> {
        self.store.data_mut().begin_call();
        let (mut results, mut decoder) = (Vec::with_capacity(rows.len()), self.module().decoder());
        if self.guest.invoke_rows.is_some() {
            for rows in rows.chunks(ROWS_PER_CALL) {
                self.call_batch(name, rows, deadline, &mut decoder, &mut results).await?;
            }
        } else {
            for row in rows {
                match self.call_one(name, row, deadline, &mut decoder).await {
                    Err(error) if self.poisoned.is_some() || error.is_timeout() => {
                        return Err(error);
                    }
                    result => results.push(result),
                }
            }
        }
        Ok(results)
    }

    /// Passes several rows to the guest in one call.
    async fn call_batch(
        &mut self,
        name: Option<&str>,
        rows: &[Vec<Value>],
        deadline: Deadline,
        decoder: &mut Decoder,
        results: &mut Vec<Result<Value, Error>>,
    ) -> Result<(), Error> {
        let args = codec::encode_rows(rows).map_err(Error::unencodable)?;
        let (encoded,) = self
            .enter(name.unwrap_or("default"), deadline, async |store, guest| {
                let Some(invoke) = &guest.invoke_rows else {
                    bail!("the component exports no `invoke-rows`");
                };
                invoke.call_async(store, (name, &args)).await
            })
            .await?;
        let before = results.len();
        for result in codec::results(&encoded.map_err(|message| self.guest_error(&message))?)
            .take(rows.len() + 1)
        {
            // Decoding is not interrupted, so the time is looked at between rows.
            self.check_time(deadline)?;
            results.push(match result.map_err(Error::invalid_result)? {
                RowResult::Value(value) => {
                    decoder.decode_value(value).map_err(Error::invalid_result)
                }
                RowResult::Error(message) => Err(self.guest_error(&message)),
            });
        }
        let returned = results.len() - before;
        if returned != rows.len() {
            let returned = if returned > rows.len() { "more".into() } else { returned.to_string() };
            return Err(Error::invalid_result(anyhow::anyhow!(
                "{} returned {returned} results for {} rows",
                self.module(),
                rows.len()
            )));
        }
        Ok(())
    }

    /// Returns the arguments of a function, as the guest itself describes them.
    ///
    /// # Errors
    ///
    /// Those of [`invoke`](Self::invoke), and when the component does not describe itself.
    pub async fn args(&mut self, name: Option<String>) -> SurrealismResult<Vec<(String, Kind)>> {
        let bytes = self.function_metadata("function-args", name, |g| &g.function_args).await?;
        Ok(codec::decode_arguments(&bytes)?)
    }

    /// Returns the kind that a function returns, as the guest itself describes it.
    ///
    /// # Errors
    ///
    /// Those of [`args`](Self::args).
    pub async fn returns(&mut self, name: Option<String>) -> SurrealismResult<Kind> {
        let bytes =
            self.function_metadata("function-returns", name, |g| &g.function_returns).await?;
        Ok(codec::decode_kind(&bytes)?)
    }

    /// Returns whether a function may write to the database, as the guest itself describes it.
    ///
    /// # Errors
    ///
    /// Those of [`args`](Self::args).
    pub async fn writeable(&mut self, name: Option<String>) -> SurrealismResult<bool> {
        self.function_metadata("function-writeable", name, |g| &g.function_writeable).await
    }

    /// Returns a function's comment, as the guest itself describes it.
    ///
    /// # Errors
    ///
    /// Those of [`args`](Self::args).
    pub async fn comment(&mut self, name: Option<String>) -> SurrealismResult<Option<String>> {
        self.function_metadata("function-comment", name, |g| &g.function_comment).await
    }

    /// Returns the names of all functions, as the guest itself lists them; `None` is the default export.
    ///
    /// # Errors
    ///
    /// Those of [`args`](Self::args).
    pub async fn list(&mut self) -> SurrealismResult<Vec<Option<String>>> {
        self.query_metadata("list-functions", async |store, guest| match &guest.list_functions {
            Some(list) => list.call_async(store, ()).await.map(|(names,)| Some((Ok(names),))),
            None => Ok(None),
        })
        .await
    }

    /// Calls one of the exports that describe a function.
    async fn function_metadata<T: 'static>(
        &mut self,
        export: &str,
        name: Option<String>,
        pick: impl Fn(&Guest) -> &Option<Metadata<T>>,
    ) -> SurrealismResult<T>
    where
        GuestResult<T>: wasmtime::component::Lift + wasmtime::component::ComponentNamedList,
    {
        let name = name.as_deref();
        self.query_metadata(export, async |store, guest| match pick(guest) {
            Some(describe) => describe.call_async(store, (name,)).await.map(Some),
            None => Ok(None),
        })
        .await
    }

    /// Calls an export that describes the guest; `None` when the component does not have it.
    async fn query_metadata<T>(
        &mut self,
        export: &str,
        query: impl AsyncFnOnce(
            &mut Store<StoreData>,
            &Guest,
        ) -> wasmtime::Result<Option<GuestResult<T>>>,
    ) -> SurrealismResult<T> {
        let deadline = self.module().deadline(None);
        self.store.data_mut().begin_call();
        match self.enter(export, deadline, query).await? {
            Some((result,)) => result.map_err(|message| self.guest_error(&message).into()),
            None => Err(SurrealismError::Other(anyhow::anyhow!(
                "{} does not describe itself: its component exports no `{export}`",
                self.module()
            ))),
        }
    }

    /// Checks that the time of the call is not over, after a step that is not interrupted. A module without
    /// `strict_timeout` may take longer, and its result counts.
    fn check_time(&self, deadline: Deadline) -> Result<(), Error> {
        if self.module().strict_timeout() { deadline.check() } else { Ok(()) }
    }

    fn guest_error(&self, message: &str) -> Error {
        guest_error(message, self.store.data())
    }

    /// Enters the guest. This is the only way in: it bounds the time, and poisons the instance unless
    /// the guest returns normally.
    async fn enter<T>(
        &mut self,
        function: &str,
        deadline: Deadline,
        call: impl AsyncFnOnce(&mut Store<StoreData>, &Guest) -> wasmtime::Result<T>,
    ) -> Result<T, Error> {
        ensure_not_forked()?;
        if self.poisoned.is_some() {
            return Err(self.poisoned_error());
        }
        self.reset_epoch_deadline();
        self.store.data_mut().before_guest_call();
        self.store.data_mut().enter_reactor();

        self.poisoned = Some(DropCause::Cancelled);
        let outcome = {
            // Pinned here, since the future is large and would be moved.
            let guest_call = pin!(Some(call(&mut self.store, &self.guest)));
            let guest_call = Guarded::new(guest_call);
            let guest_call = within(self.template.module.reactor.as_ref(), guest_call);
            timeout_at(&self.template.globals.timers, deadline.at, guest_call).await
        };
        let flushed = catch_unwind(AssertUnwindSafe(|| self.store.data().after_guest_call()));
        let (cause, error) = match outcome.map(|result| flushed.and(result)) {
            Ok(Ok(Ok(result))) => {
                self.poisoned = None;
                return Ok(result);
            }
            Ok(Ok(Err(error))) => {
                (DropCause::Trapped, trap_error(error, function, self.store.data()))
            }
            Ok(Err(panic)) => {
                let error = panic_error(panic, &format!("`{function}`"), self.module());
                (DropCause::HostPanicked, error)
            }
            Err(_) => (DropCause::TimedOut, deadline.timeout_error()),
        };
        self.poisoned = Some(cause);
        Err(error)
    }

    #[cold]
    fn poisoned_error(&self) -> Error {
        let error = wasmtime::format_err!(
            "this instance of {} is poisoned, since its last call trapped, timed out or was cancelled: \
             drop it and acquire another",
            self.module()
        );
        Error::new(ErrorKind::Trap(TrapKind::Other), SurrealismError::Wasmtime(error))
    }
}

/// Checks the length of a result that is decoded in the guest's memory. One that is copied is limited by
/// the copy.
fn check_result_bytes(bytes: usize) -> anyhow::Result<()> {
    ensure!(
        bytes <= MAX_HOST_CALL_BYTES,
        "the result takes {bytes} bytes, and {MAX_HOST_CALL_BYTES} are allowed: return less"
    );
    Ok(())
}

/// Makes an error of what a function returned in place of a value.
#[cold]
fn guest_error(message: &str, data: &StoreData) -> Error {
    let text = truncate(message).to_string();
    let explained = format!("{text}{}", data.explain_failure());
    data.guest_error(text, explained, |text| ErrorKind::Guest { text })
}

impl Drop for Controller {
    fn drop(&mut self) {
        if self.poisoned.is_some() {
            self.module().metrics.lost.fetch_add(1, Ordering::Relaxed);
        }
        let cause = self.poisoned.unwrap_or(self.drop_cause);
        self.store.data().observers.tell(EventKind::InstanceDropped { cause });
    }
}

impl fmt::Debug for Controller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Controller")
            .field("module", &self.module().to_string())
            .field("poisoned", &self.poisoned)
            .field("initialized", &self.initialized)
            .finish_non_exhaustive()
    }
}
