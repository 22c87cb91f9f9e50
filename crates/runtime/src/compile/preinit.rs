//! The outcome of a module's `init`, captured while the module is loaded: a component whose instances
//! begin with it.
//!
//! `init` runs once, in an instance of its own without a host: whatever it imports traps. If it comes
//! back in order, its outcome depends on nothing but the component's bytes, and all of it is in
//! memories and globals: there is no handle, and no table has changed ([`capturable`] and wizer see to
//! that). wizer makes a component of them. In any other case nothing is captured, and `init` runs in
//! every instance, with what comes of it.

use std::collections::HashMap;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};
use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component, Func, Instance, Linker, Val, WasmList};
use wasmtime::error::Context as _;
use wasmtime::{Engine, Error, ResourceLimiter, Result, Store, UpdateDeadline, bail, ensure};
use wasmtime_wizer::{ComponentInstanceState, Wizer};

use crate::compile::preinit::eligibility;
use crate::compile::Fingerprint;
use crate::limits::{MAX_PREINIT_TIME, MAX_SNAPSHOT_BYTES, MAX_SNAPSHOT_SEGMENTS};
use crate::store::MemoryLimit;

/// What `init` may take to be captured.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CaptureLimits {
    memory_bytes: usize,
    time: Duration,
}

impl CaptureLimits {
    /// For a module whose instances have this much memory, and whose calls this much time.
    pub(crate) fn new(memory_bytes: Option<usize>, time: Option<Duration>) -> Self {
        Self {
            memory_bytes: memory_bytes.unwrap_or(usize::MAX).min(MAX_SNAPSHOT_BYTES),
            time: time.unwrap_or(Duration::MAX).min(MAX_PREINIT_TIME),
        }
    }

    /// By what the outcome of a component's `init` is known. What fits one limit of memory may not fit
    /// another, and what one version of ours captures, another may not; time is no part of an
    /// outcome.
    pub(crate) fn fingerprint(self, component: &Fingerprint) -> Fingerprint {
        const KIND: &str = concat!("surrealism ", env!("CARGO_PKG_VERSION"), ": after init\0");
        let digest = Sha256::new().chain_update(KIND).chain_update(component);
        digest.chain_update((self.memory_bytes as u64).to_le_bytes()).finalize().into()
    }
}

/// Why nothing was captured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// The component is to blame, and no other attempt will end otherwise.
    Ever,
    /// The machine may be to blame.
    Now,
}

/// Runs a component's `init`, and makes a component of what it leaves.
///
/// # Errors
///
/// Where that cannot be done, or would not be sound.
pub(crate) fn capture(
    engine: &Engine,
    wasm: &[u8],
    limits: CaptureLimits,
) -> Result<Vec<u8>, Refused> {
    // wizer asserts what it takes for granted; `capturable` refuses what is known to break that.
    let attempt = catch_unwind(AssertUnwindSafe(|| at_once(attempt(engine, wasm, limits))));
    match attempt {
        Ok(Some(Ok(component))) => Ok(component),
        Ok(Some(Err(error))) => Err(Refused::by(&error)),
        _ => Err(Refused::Ever),
    }
}

impl Refused {
    /// The machine is to blame where there was no time, or the system had no memory.
    pub(crate) fn by(error: &Error) -> Self {
        #[cfg(unix)]
        let is_the_systems = error.is::<rustix::io::Errno>();
        #[cfg(not(unix))]
        let is_the_systems = error.is::<std::io::Error>();
        if is_the_systems || error.is::<TimeIsUp>() { Self::Now } else { Self::Ever }
    }
}

/// What a future that never waits gives. Guests are called asynchronously for the sake of their
/// stack, which is then not that of this thread.
fn at_once<F: Future>(future: F) -> Option<F::Output> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}

async fn attempt(engine: &Engine, wasm: &[u8], limits: CaptureLimits) -> Result<Vec<u8>> {
    capturable::check(wasm)?;
    let mut wizer = Wizer::new();
    // Taken out, it would be missed by what the component makes its export of.
    wizer.init_func(capturable::INIT).keep_init_func(true);
    let (parts, readable) = wizer.instrument_component(wasm)?;
    let component = Component::from_binary(engine, &readable)?;
    drop(readable);

    let mut linker = Linker::new(engine);
    linker.define_unknown_imports_as_traps(&component)?;
    let mut store = bounded(engine, limits);
    let instance = linker.instantiate_async(&mut store, &component).await?;
    let init =
        instance.get_typed_func::<(), (Result<(), String>,)>(&mut store, capturable::INIT)?;
    init.call_async(&mut store, ()).await?.0.map_err(Error::msg)?;

    let mut state = State::read(&mut store, &component, &instance).await?;
    drop(store);
    let captured = wizer.snapshot_component(&parts, &mut state).await?;
    ensure!(!state.missed, "wizer asked for what it did not provide for");
    Ok(captured)
}

/// A store whose guest has no host, and no more memory and time than it may take.
fn bounded(engine: &Engine, limits: CaptureLimits) -> Store<OrNothing> {
    let memory = MemoryLimit::new(Some(limits.memory_bytes), Arc::default());
    let mut store = Store::new(engine, OrNothing(memory));
    store.limiter(|limit| limit);
    let until = Instant::now() + limits.time;
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(move |_| {
        if Instant::now() < until { Ok(UpdateDeadline::Continue(1)) } else { Err(TimeIsUp.into()) }
    });
    store
}

#[derive(Debug)]
struct TimeIsUp;

impl fmt::Display for TimeIsUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("there is no more time to capture the outcome of `init`")
    }
}

impl std::error::Error for TimeIsUp {}

/// A guest that is refused memory, and goes on, goes on differently elsewhere: it ends instead.
struct OrNothing(MemoryLimit);

impl ResourceLimiter for OrNothing {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> Result<bool> {
        ensure!(self.0.memory_growing(current, desired, maximum)?, "it is refused memory");
        Ok(true)
    }

    fn memory_grow_failed(&mut self, error: Error) -> Result<()> {
        Err(error)
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> Result<bool> {
        ensure!(self.0.table_growing(current, desired, maximum)?, "it is refused tables");
        Ok(true)
    }

    fn table_grow_failed(&mut self, error: Error) -> Result<()> {
        Err(error)
    }

    fn instances(&self) -> usize {
        self.0.instances()
    }

    fn tables(&self) -> usize {
        self.0.tables()
    }

    fn memories(&self) -> usize {
        self.0.memories()
    }
}

/// What an instance's memories and globals hold, by the names that wizer gives the functions that
/// tell it. All of it is read at first, since wizer has no ear for errors.
#[derive(Default)]
struct State {
    memories: HashMap<String, Vec<u8>>,
    integers: HashMap<String, i64>,
    missed: bool,
}

impl State {
    async fn read(
        store: &mut Store<OrNothing>,
        component: &Component,
        instance: &Instance,
    ) -> Result<Self> {
        /// Where wizer puts its functions.
        const ACCESS: &str = "wasmtime:wizer/access";

        // To tell of a memory, its function takes a page more of it.
        store.data_mut().0 = MemoryLimit::new(None, Arc::default());
        let (item, access) = component.get_export(None, ACCESS).context("there is no access")?;
        let ComponentItem::ComponentInstance(functions) = item else { bail!("it is no instance") };
        let mut state = Self::default();
        for (name, _) in functions.exports(component.engine()) {
            let function = component.get_export_index(Some(&access), name);
            let function = function.and_then(|index| instance.get_func(&mut *store, index));
            let function = function.context("there is no function")?;
            if name.starts_with("memory") {
                let memory = read_memory(store, function).await?;
                state.memories.insert(name.to_string(), memory);
            } else {
                state.integers.insert(name.to_string(), read_integer(store, function).await?);
            }
        }
        let pieces: usize = state.memories.values().map(|memory| pieces(memory)).sum();
        ensure!(pieces <= MAX_SNAPSHOT_SEGMENTS, "memory is in {pieces} pieces");
        Ok(state)
    }

    fn integer(&mut self, name: &str) -> i64 {
        let known = self.integers.get(name).copied();
        self.missed |= known.is_none();
        known.unwrap_or_default()
    }
}

async fn read_memory(store: &mut Store<OrNothing>, function: Func) -> Result<Vec<u8>> {
    let function = function.typed::<(), (WasmList<u8>,)>(&*store)?;
    let (bytes,) = function.call_async(&mut *store, ()).await?;
    Ok(bytes.as_le_slice(&*store).to_vec())
}

async fn read_integer(store: &mut Store<OrNothing>, function: Func) -> Result<i64> {
    let mut value = [Val::Bool(false)];
    function.call_async(store, &[], &mut value).await?;
    match value {
        [Val::S32(value)] => Ok(value.into()),
        [Val::S64(value)] => Ok(value),
        _ => bail!("a global is neither an i32 nor an i64"),
    }
}

/// In how many pieces memory is, with zeros between them.
fn pieces(memory: &[u8]) -> usize {
    let begins = |pair: &&[u8]| matches!(pair, [0, other] if *other != 0);
    1 + memory.windows(2).filter(begins).count()
}

impl ComponentInstanceState for State {
    async fn call_func_ret_list_u8(
        &mut self,
        _: &str,
        function: &str,
        contents: impl FnOnce(&[u8]) + Send,
    ) {
        let memory = self.memories.get(function);
        self.missed |= memory.is_none();
        contents(memory.map_or(&[], Vec::as_slice));
    }

    async fn call_func_ret_s32(&mut self, _: &str, function: &str) -> i32 {
        // That of an i32, which it was.
        self.integer(function) as i32
    }

    async fn call_func_ret_s64(&mut self, _: &str, function: &str) -> i64 {
        self.integer(function)
    }

    async fn call_func_ret_f32(&mut self, _: &str, _: &str) -> u32 {
        self.missed = true;
        0
    }

    async fn call_func_ret_f64(&mut self, _: &str, _: &str) -> u64 {
        self.missed = true;
        0
    }
}
