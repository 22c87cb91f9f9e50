//! Pre-initialization: runs a component's `init` once, while its module is loaded, and makes a component
//! whose instances begin with the state after it.
//!
//! `init` runs in an instance whose host has the attached files; every other import traps. If it returns
//! normally, its effect depends on the archive alone, and all of it is in memories and globals: there are no
//! handles but one of the root directory, which [`root_handle`] restores, and no table has changed
//! ([`eligibility`] and wizer check that). wizer makes a component of these. In any other case `init` runs in
//! every instance.

mod eligibility;
mod host;
mod root_handle;

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
use wasmtime::{Engine, Error, Result, Store, UpdateDeadline, bail, ensure};
use wasmtime_wizer::{ComponentInstanceState, Wizer};

pub(super) use self::eligibility::exports_init;
use self::eligibility::{INIT, ensure_supported};
use self::host::PreinitHost;
use super::Loader;
use super::admission::Refusal;
use super::fingerprint::Fingerprint;
use crate::limits::{
    MAX_HANDLES, MAX_HOST_CALL_BYTES, MAX_PREINIT_TIME, MAX_SNAPSHOT_BYTES, MAX_SNAPSHOT_SEGMENTS,
};
use crate::package::file_tree::FileTree;
use crate::store::limiter::StoreLimiter;

/// What `init` may use while it is run ahead of time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PreinitLimits {
    memory_bytes: usize,
    stack_bytes: usize,
    time: Duration,
}

impl PreinitLimits {
    /// Returns the limits for a module whose instances have this memory and stack, and whose calls have
    /// this time.
    pub(crate) fn new(
        memory_bytes: Option<usize>,
        stack_bytes: usize,
        time: Option<Duration>,
    ) -> Self {
        Self {
            stack_bytes,
            memory_bytes: memory_bytes.unwrap_or(usize::MAX).min(MAX_SNAPSHOT_BYTES),
            time: time.unwrap_or(Duration::MAX).min(MAX_PREINIT_TIME),
        }
    }

    /// Returns the fingerprint of the pre-initialized component. It covers what decides whether there is
    /// one, and what it holds: the attached files, the limits and this crate's version. Time is left out,
    /// since running out of it is transient.
    pub(super) fn fingerprint(
        self,
        component: &Fingerprint,
        files: Option<&FileTree>,
    ) -> Fingerprint {
        const KIND: &str = concat!("surrealism ", env!("CARGO_PKG_VERSION"), ": after init\0");
        let files = files.map(FileTree::digest).unwrap_or_default();
        let digest = Sha256::new().chain_update(KIND).chain_update(component).chain_update(files);
        let limits = [self.memory_bytes as u64, self.stack_bytes as u64].map(u64::to_le_bytes);
        digest.chain_update(limits.as_flattened()).finalize().into()
    }
}

/// Why a component was not pre-initialized.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PreinitError {
    /// The component does not support it; every attempt would fail.
    Unsupported,
    /// Time or memory ran out, or the host does not allow what compiling costs; another attempt may succeed.
    Transient,
}

impl PreinitError {
    pub(super) fn from_error(error: &Error) -> Self {
        #[cfg(unix)]
        let is_system_error = error.is::<rustix::io::Errno>();
        #[cfg(not(unix))]
        let is_system_error = error.is::<std::io::Error>();
        // The limits are the host's, which may set others next time.
        let is_refused = error.is::<Refusal>();
        if is_system_error || is_refused || error.is::<TimedOut>() {
            Self::Transient
        } else {
            Self::Unsupported
        }
    }
}

/// Runs a component's `init`, and returns a component whose instances begin with the state after it.
///
/// # Errors
///
/// When that cannot be done, or would not be sound.
pub(super) fn preinitialize(
    loader: Loader<'_>,
    wasm: &[u8],
    limits: PreinitLimits,
) -> Result<Vec<u8>, PreinitError> {
    // wizer asserts its preconditions, so an untrusted component could panic the host; `eligibility`
    // refuses what is known to break them.
    let attempt = AssertUnwindSafe(|| now_or_never(try_preinitialize(loader, wasm, limits)));
    match catch_unwind(attempt) {
        Ok(Some(Ok(component))) => Ok(component),
        Ok(Some(Err(error))) => Err(PreinitError::from_error(&error)),
        Ok(None) | Err(_) => Err(PreinitError::Unsupported),
    }
}

/// Polls a future once. Guests are called asynchronously to run on a stack of their own, and none of
/// these futures waits.
fn now_or_never<F: Future>(future: F) -> Option<F::Output> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}

async fn try_preinitialize(
    loader: Loader<'_>,
    wasm: &[u8],
    limits: PreinitLimits,
) -> Result<Vec<u8>> {
    // The caller has admitted the component, which bounds the time of what follows.
    ensure_supported(wasm)?;
    let mut wizer = Wizer::new();
    // Keep `init`: the component's export still refers to it.
    wizer.init_func(INIT).keep_init_func(true);
    let (context, instrumented) = wizer.instrument_component(wasm)?;
    let engine = loader.engines.on_demand();
    let component = loader.compile_for(engine, &instrumented)?;
    drop(instrumented);

    let mut linker = Linker::new(engine);
    host::link(&mut linker, &component)?;
    let mut store = limited_store(engine, limits, loader.files.cloned());
    let instance = linker.instantiate_async(&mut store, &component).await?;
    let init = instance.get_typed_func::<(), (Result<(), String>,)>(&mut store, INIT)?;
    init.call_async(&mut store, ()).await?.0.map_err(Error::msg)?;

    let keeps_root = store.data_mut().keeps_root()?;
    let mut snapshot = Snapshot::read(&mut store, &component, &instance).await?;
    drop(store);
    let preinitialized = wizer.snapshot_component(&context, &mut snapshot).await?;
    ensure!(!snapshot.has_unknown_name, "wizer asked for state that it did not export");
    if keeps_root { root_handle::add_accept_root(preinitialized) } else { Ok(preinitialized) }
}

/// Creates a store within the limits. A guest that is denied memory traps: it would go on in another
/// way where it is not denied.
fn limited_store(
    engine: &Engine,
    limits: PreinitLimits,
    files: Option<Arc<FileTree>>,
) -> Store<PreinitHost> {
    let limiter =
        StoreLimiter::new(Some(limits.memory_bytes), Arc::default()).trap_on_grow_failure();
    let mut store = Store::new(engine, PreinitHost::new(limiter, files));
    store.limiter(|host| &mut host.limiter);
    store.set_hostcall_fuel(MAX_HOST_CALL_BYTES);
    store.set_max_component_handles(MAX_HANDLES);
    let until = Instant::now() + limits.time;
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(move |_| {
        if Instant::now() < until { Ok(UpdateDeadline::Continue(1)) } else { Err(TimedOut.into()) }
    });
    store
}

#[derive(Debug)]
struct TimedOut;

impl fmt::Display for TimedOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("`init` took longer than pre-initialization allows")
    }
}

impl std::error::Error for TimedOut {}

/// The content of an instance's memories and globals, by the names of wizer's accessor functions. All
/// of it is read ahead, since wizer's callbacks are infallible.
#[derive(Default)]
struct Snapshot {
    memories: HashMap<String, Vec<u8>>,
    integers: HashMap<String, i64>,
    has_unknown_name: bool,
}

impl Snapshot {
    async fn read(
        store: &mut Store<PreinitHost>,
        component: &Component,
        instance: &Instance,
    ) -> Result<Self> {
        /// The instance that holds wizer's accessor functions.
        const ACCESSORS: &str = "wasmtime:wizer/access";

        // wizer's memory accessor grows memory by one page.
        store.data_mut().limiter = StoreLimiter::new(None, Arc::default()).trap_on_grow_failure();
        let (item, accessors) =
            component.get_export(None, ACCESSORS).context("wizer exported no accessors")?;
        let ComponentItem::ComponentInstance(functions) = item else {
            bail!("wizer's accessors are not an instance")
        };
        let mut snapshot = Self::default();
        for (name, _) in functions.exports(component.engine()) {
            let function = component.get_export_index(Some(&accessors), name);
            let function = function.and_then(|index| instance.get_func(&mut *store, index));
            let function = function.context("an accessor is missing")?;
            if name.starts_with("memory") {
                let memory = read_memory(store, function).await?;
                snapshot.memories.insert(name.to_string(), memory);
            } else {
                snapshot.integers.insert(name.to_string(), read_integer(store, function).await?);
            }
        }
        let segments: usize = snapshot.memories.values().map(|memory| count_segments(memory)).sum();
        ensure!(segments <= MAX_SNAPSHOT_SEGMENTS, "memory consists of {segments} segments");
        Ok(snapshot)
    }

    fn integer(&mut self, name: &str) -> i64 {
        let known = self.integers.get(name).copied();
        self.has_unknown_name |= known.is_none();
        known.unwrap_or_default()
    }
}

async fn read_memory(store: &mut Store<PreinitHost>, accessor: Func) -> Result<Vec<u8>> {
    let accessor = accessor.typed::<(), (WasmList<u8>,)>(&*store)?;
    let (bytes,) = accessor.call_async(&mut *store, ()).await?;
    Ok(bytes.as_le_slice(&*store).to_vec())
}

async fn read_integer(store: &mut Store<PreinitHost>, accessor: Func) -> Result<i64> {
    let mut value = [Val::Bool(false)];
    accessor.call_async(store, &[], &mut value).await?;
    match value {
        [Val::S32(value)] => Ok(value.into()),
        [Val::S64(value)] => Ok(value),
        _ => bail!("a global is neither an i32 nor an i64"),
    }
}

/// Counts the segments of non-zero bytes in a memory.
fn count_segments(memory: &[u8]) -> usize {
    let begins_segment = |pair: &&[u8]| matches!(pair, [0, other] if *other != 0);
    1 + memory.windows(2).filter(begins_segment).count()
}

impl ComponentInstanceState for Snapshot {
    async fn call_func_ret_list_u8(
        &mut self,
        _: &str,
        function: &str,
        contents: impl FnOnce(&[u8]) + Send,
    ) {
        let memory = self.memories.get(function);
        self.has_unknown_name |= memory.is_none();
        contents(memory.map_or(&[], Vec::as_slice));
    }

    async fn call_func_ret_s32(&mut self, _: &str, function: &str) -> i32 {
        // Lossless: read from an i32 global.
        self.integer(function) as i32
    }

    async fn call_func_ret_s64(&mut self, _: &str, function: &str) -> i64 {
        self.integer(function)
    }

    async fn call_func_ret_f32(&mut self, _: &str, _: &str) -> u32 {
        self.has_unknown_name = true;
        0
    }

    async fn call_func_ret_f64(&mut self, _: &str, _: &str) -> u64 {
        self.has_unknown_name = true;
        0
    }
}
