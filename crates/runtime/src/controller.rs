//! One instance of a module, and the calls into it.

use std::fmt;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use surrealdb_types::{Kind, Value};
use surrealism_types::args::Args;
use surrealism_types::codec::{self, Decoder, InlineCall, RowResult};
use wasmtime::{AsContextMut, Store, bail};

use crate::bindings::{Guest, InlineHalf};
use crate::deadline::within;
use crate::explain::{self, shortened};
use crate::host::InvocationContext;
use crate::limits::ROWS_PER_CALL;
use crate::module::Deadline;
use crate::module::Module;
use crate::pool::Place;
use crate::store::StoreData;
use crate::{SurrealismError, SurrealismResult};

/// One isolated instance of a module. For one call at a time; its memory lasts from call to call.
///
/// An instance whose call trapped, timed out, was cancelled or panicked is lost: every later use of
/// it is refused, and [`Runtime::release_controller`](crate::Runtime::release_controller) drops it.
/// Where no single instance is needed, [`Runtime::call`](crate::Runtime::call) is simpler.
pub struct Controller {
    module: Arc<Module>,
    store: Store<StoreData>,
    /// In a box, so that an instance is cheap to move.
    guest: Box<Guest>,
    /// False while a call is under way, and for good when it does not come back in order.
    fit: bool,
    initialised: bool,
    place: Option<Place>,
}

impl Controller {
    /// Makes an instance. Its `init` has not run.
    pub(crate) async fn new(
        module: Arc<Module>,
        context: Box<dyn InvocationContext>,
        deadline: Deadline,
    ) -> SurrealismResult<Self> {
        let make = async {
            let mut store = StoreData::store(module.clone(), context)
                .map_err(|error| explain::no_instance(error, &module, None))?;
            yield_every_tick(&mut store, &module);
            let made = module.code.pre.instantiate_async(&mut store).await;
            let guest = made
                .and_then(|instance| Guest::new(&mut store, &instance, &module.code.guest))
                .map_err(|error| explain::no_instance(error, &module, Some(store.data())))?;
            SurrealismResult::Ok((store, Box::new(guest)))
        };
        let (store, guest) = within(&module.process.alarms, deadline.at, make)
            .await
            .map_err(|_| deadline.missed())??;
        let initialised = guest.init.is_none();
        Ok(Self { module, store, guest, fit: true, initialised, place: None })
    }

    pub(crate) fn hold(&mut self, place: Place) {
        self.place = Some(place);
    }

    /// Gives its place up, for the caller to pass on with the instance, or after it.
    pub(crate) fn let_go(&mut self) -> Option<Place> {
        self.place.take()
    }

    /// Whether the instance may serve another caller of `module`.
    pub(crate) fn is_reusable(&self, module: &Arc<Module>) -> bool {
        self.fit && self.initialised && Arc::ptr_eq(&self.module, module)
    }

    /// Replaces the context that the guest's calls to the host go to.
    pub fn set_context(&mut self, context: Box<dyn InvocationContext>) {
        self.store.data_mut().set_context(context);
    }

    /// Takes the context out; until another is set, the guest's calls to the host are refused and
    /// its output is dropped.
    pub fn clear_context(&mut self) {
        self.store.data_mut().clear_context();
    }

    /// Lets the guest run until the next tick of the clock before it yields. Every call does this
    /// by itself; it is here for hosts that were written against the published runtime.
    pub fn reset_epoch_deadline(&mut self) {
        if self.module.config.capabilities.strict_timeout {
            self.store.set_epoch_deadline(1);
        }
    }

    /// Runs the module's `init`, if it has one, its outcome is not
    /// [captured](crate::Isolation::Fresh), and it has not yet run in this instance.
    /// [`Runtime::acquire_controller`](crate::Runtime::acquire_controller) has done so.
    ///
    /// # Errors
    ///
    /// Those of [`invoke`](Self::invoke). The instance is lost after any of them.
    pub async fn init(&mut self) -> SurrealismResult<()> {
        self.init_within(Deadline::of(&self.module, None)).await
    }

    pub(crate) async fn init_within(&mut self, deadline: Deadline) -> SurrealismResult<()> {
        if self.initialised {
            return Ok(());
        }
        self.store.data_mut().begin_call();
        let (answer,) = self
            .enter("init", deadline, async |store, guest| match &guest.init {
                Some(init) => init.call_async(store, ()).await,
                None => Ok((Ok(()),)),
            })
            .await?;
        if let Err(message) = answer {
            self.fit = false;
            let message = format!("`init` of {} failed: {}", self.module, shortened(&message));
            return Err(SurrealismError::FunctionCallError(message));
        }
        self.initialised = true;
        Ok(())
    }

    /// Calls a function; `None` is the default export. As
    /// [`invoke_with_timeout`](Self::invoke_with_timeout), without a timeout of the caller's.
    ///
    /// # Errors
    ///
    /// See there.
    pub async fn invoke<A: Args>(
        &mut self,
        name: Option<String>,
        args: A,
    ) -> SurrealismResult<Value> {
        self.invoke_with_timeout(name, args, None).await
    }

    /// Calls a function; `None` is the default export. The call has until the smallest of
    /// `context_timeout`, the module's `max_execution_time` and the host's ceiling; what it waits
    /// for then, in the guest or in the host, is cancelled within two ticks of the
    /// [clock](crate::epoch::EPOCH_TICK_MS).
    ///
    /// # Errors
    ///
    /// - [`FunctionCallError`](SurrealismError::FunctionCallError) when there is no such function,
    ///   it takes another number of arguments, or it answered with an error. The instance is fine.
    /// - [`Timeout`](SurrealismError::Timeout) when time ran out. The instance is lost.
    /// - [`Wasmtime`](SurrealismError::Wasmtime) when the guest trapped. The instance is lost.
    /// - [`Other`](SurrealismError::Other) when a value could not be encoded or decoded.
    pub async fn invoke_with_timeout<A: Args>(
        &mut self,
        name: Option<String>,
        args: A,
        context_timeout: Option<Duration>,
    ) -> SurrealismResult<Value> {
        let deadline = Deadline::of(&self.module, context_timeout);
        let (name, args) = (name.as_deref(), args.to_values());
        self.module.check_call(name, args.len())?;
        self.invoke_within(name, &args, deadline).await
    }

    /// Calls a function with arguments of which it takes as many.
    pub(crate) async fn invoke_within(
        &mut self,
        name: Option<&str>,
        args: &[Value],
        deadline: Deadline,
    ) -> SurrealismResult<Value> {
        self.store.data_mut().begin_call();
        self.invoke_row(name, args, deadline, &mut Decoder::new()).await
    }

    async fn invoke_row(
        &mut self,
        name: Option<&str>,
        args: &[Value],
        deadline: Deadline,
        decoder: &mut Decoder,
    ) -> SurrealismResult<Value> {
        let args = codec::encode_values(args)?;
        if self.guest.invoke_inline.is_some()
            && let Some(call) = InlineCall::new(name, &args)
        {
            return self.enter_with_short(name, &call, deadline, decoder).await;
        }
        let (answer,) = self
            .enter(name.unwrap_or("default"), deadline, async |store, guest| {
                guest.invoke.call_async(store, (name, &args)).await
            })
            .await?;
        Ok(decoder.decode_value(&answer.map_err(failed)?)?)
    }

    /// Hands a short call to the guest, and reads the answer where it lies.
    async fn enter_with_short(
        &mut self,
        name: Option<&str>,
        call: &InlineCall,
        deadline: Deadline,
        decoder: &mut Decoder,
    ) -> SurrealismResult<Value> {
        let answer = self
            .enter(name.unwrap_or("default"), deadline, async |store, guest| {
                let Some(invoke) = &guest.invoke_inline else {
                    bail!("the component exports no `invoke-inline`");
                };
                let call = call.to_words().map(InlineHalf::from).into();
                let (answer,) = invoke.call_async(&mut *store, call).await?;
                Ok(match answer {
                    Ok(value) => Ok(decoder.decode_value(value.as_le_slice(&*store))),
                    Err(message) => Err(failed(message.to_str(&*store)?.into_owned())),
                })
            })
            .await?;
        Ok(answer??)
    }

    /// Calls a function once for each row. Answers of rows that failed are errors; the instance is
    /// lost, and with it all answers, only where [`invoke`](Self::invoke) would lose it.
    pub(crate) async fn invoke_rows_within(
        &mut self,
        name: Option<&str>,
        rows: &[Vec<Value>],
        deadline: Deadline,
    ) -> SurrealismResult<Vec<SurrealismResult<Value>>> {
        self.store.data_mut().begin_call();
        let (mut answers, mut decoder) = (Vec::with_capacity(rows.len()), Decoder::new());
        if self.guest.invoke_rows.is_some() {
            for rows in rows.chunks(ROWS_PER_CALL) {
                self.enter_with_rows(name, rows, deadline, &mut decoder, &mut answers).await?;
            }
        } else {
            for row in rows {
                match self.invoke_row(name, row, deadline, &mut decoder).await {
                    Err(error) if !self.fit => return Err(error),
                    answer => answers.push(answer),
                }
            }
        }
        Ok(answers)
    }

    /// Hands some rows to the guest at once.
    async fn enter_with_rows(
        &mut self,
        name: Option<&str>,
        rows: &[Vec<Value>],
        deadline: Deadline,
        decoder: &mut Decoder,
        answers: &mut Vec<SurrealismResult<Value>>,
    ) -> SurrealismResult<()> {
        let args = codec::encode_rows(rows)?;
        let (encoded,) = self
            .enter(name.unwrap_or("default"), deadline, async |store, guest| {
                let Some(invoke) = &guest.invoke_rows else {
                    bail!("the component exports no `invoke-rows`");
                };
                invoke.call_async(store, (name, &args)).await
            })
            .await?;
        let expected = answers.len() + rows.len();
        for result in codec::results(&encoded.map_err(failed)?).take(rows.len() + 1) {
            answers.push(match result.map_err(anyhow::Error::from)? {
                RowResult::Value(value) => decoder.decode_value(value).map_err(Into::into),
                RowResult::Error(text) => Err(failed(text)),
            });
        }
        if answers.len() != expected {
            return Err(SurrealismError::Other(anyhow::anyhow!(
                "{} was given {} rows at once and did not answer as many",
                self.module,
                rows.len()
            )));
        }
        Ok(())
    }

    /// The arguments of a function, as the guest itself describes them.
    ///
    /// # Errors
    ///
    /// Those of [`invoke`](Self::invoke), and when the component does not describe itself.
    pub async fn args(&mut self, name: Option<String>) -> SurrealismResult<Vec<(String, Kind)>> {
        let name = name.as_deref();
        let bytes = self
            .describe("function-args", async |store, guest| match &guest.function_args {
                Some(function) => function.call_async(store, (name,)).await.map(Some),
                None => Ok(None),
            })
            .await?;
        Ok(codec::decode_arguments(&bytes)?)
    }

    /// The kind that a function returns, as the guest itself describes it.
    ///
    /// # Errors
    ///
    /// Those of [`args`](Self::args).
    pub async fn returns(&mut self, name: Option<String>) -> SurrealismResult<Kind> {
        let name = name.as_deref();
        let bytes = self
            .describe("function-returns", async |store, guest| match &guest.function_returns {
                Some(function) => function.call_async(store, (name,)).await.map(Some),
                None => Ok(None),
            })
            .await?;
        Ok(codec::decode_kind(&bytes)?)
    }

    /// Whether a function may write to the database, as the guest itself describes it.
    ///
    /// # Errors
    ///
    /// Those of [`args`](Self::args).
    pub async fn writeable(&mut self, name: Option<String>) -> SurrealismResult<bool> {
        let name = name.as_deref();
        self.describe("function-writeable", async |store, guest| match &guest.function_writeable {
            Some(function) => function.call_async(store, (name,)).await.map(Some),
            None => Ok(None),
        })
        .await
    }

    /// What a function says of itself.
    ///
    /// # Errors
    ///
    /// Those of [`args`](Self::args).
    pub async fn comment(&mut self, name: Option<String>) -> SurrealismResult<Option<String>> {
        let name = name.as_deref();
        self.describe("function-comment", async |store, guest| match &guest.function_comment {
            Some(function) => function.call_async(store, (name,)).await.map(Some),
            None => Ok(None),
        })
        .await
    }

    /// The names of all functions, as the guest itself lists them; `None` is the default export.
    ///
    /// # Errors
    ///
    /// Those of [`args`](Self::args).
    pub async fn list(&mut self) -> SurrealismResult<Vec<Option<String>>> {
        self.describe("list-functions", async |store, guest| match &guest.list_functions {
            Some(function) => {
                function.call_async(store, ()).await.map(|(names,)| Some((Ok(names),)))
            }
            None => Ok(None),
        })
        .await
    }

    /// Asks the guest about itself: no call answers `None`, and an answer may be a refusal.
    async fn describe<T>(
        &mut self,
        export: &str,
        ask: impl AsyncFnOnce(
            &mut Store<StoreData>,
            &Guest,
        ) -> wasmtime::Result<Option<(Result<T, String>,)>>,
    ) -> SurrealismResult<T> {
        let deadline = Deadline::of(&self.module, None);
        self.store.data_mut().begin_call();
        match self.enter(export, deadline, ask).await? {
            Some((answer,)) => answer.map_err(failed),
            None => Err(SurrealismError::Other(anyhow::anyhow!(
                "{} does not describe itself: its component exports no `{export}`",
                self.module
            ))),
        }
    }

    /// The one way into a guest: bounded in time, and the instance is lost unless the guest comes
    /// back in order.
    async fn enter<T>(
        &mut self,
        function: &str,
        deadline: Deadline,
        call: impl AsyncFnOnce(&mut Store<StoreData>, &Guest) -> wasmtime::Result<T>,
    ) -> SurrealismResult<T> {
        if !self.fit {
            return Err(SurrealismError::Wasmtime(wasmtime::format_err!(
                "this instance of {} is lost, since its last call trapped, ran out of time or was \
                 cancelled: drop it and acquire another",
                self.module
            )));
        }
        self.reset_epoch_deadline();
        self.store.data_mut().begin_entry();

        self.fit = false;
        let outcome = {
            // Pinned here: it is large, and would be moved.
            let entered = pin!(call(&mut self.store, &self.guest));
            within(&self.module.process.alarms, deadline.at, entered).await
        };
        self.store.data().end_entry();
        match outcome {
            Ok(Ok(answer)) => {
                self.fit = true;
                Ok(answer)
            }
            Ok(Err(error)) => Err(explain::trap(error, function, self.store.data())),
            Err(_) => Err(deadline.missed()),
        }
    }
}

/// What a function answered in place of a value.
fn failed(message: String) -> SurrealismError {
    SurrealismError::FunctionCallError(shortened(&message).to_string())
}

/// Guests are fair: on every tick they let other tasks of their thread run.
fn yield_every_tick(store: &mut Store<StoreData>, module: &Module) {
    if module.config.capabilities.strict_timeout {
        store.as_context_mut().epoch_deadline_async_yield_and_update(1);
        store.set_epoch_deadline(1);
    }
}

impl fmt::Debug for Controller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Controller")
            .field("module", &self.module.to_string())
            .field("fit", &self.fit)
            .field("initialised", &self.initialised)
            .finish_non_exhaustive()
    }
}
