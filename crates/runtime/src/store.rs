//! The host's side of one instance.

mod failure;
mod host_functions;
pub(crate) mod limiter;
pub(crate) mod taped;

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use wasmtime::{Engine, Store};
use wasmtime_wasi::clocks::WasiClocksCtxView;
use wasmtime_wasi::sockets::WasiSocketsCtxView;
use wasmtime_wasi::{ResourceTable, WasiCtx, WasiCtxView, WasiView};
#[cfg(feature = "http")]
use wasmtime_wasi_http::{WasiHttpCtxView, WasiHttpView};

use self::failure::HostFailure;
use self::limiter::StoreLimiter;
use crate::deadline::TimerQueue;
use crate::egress::{EgressFailure, EgressFilter};
use crate::error::GuestError;
use crate::host::{HostContext, InvocationContext};
use crate::limits::{MAX_HANDLES, MAX_HOST_CALL_BYTES, MAX_HOST_RESOURCES};
use crate::module::Module;
use crate::observer::{GuestStream, InstanceObservers};
use crate::package::config::SurrealismConfig;
use crate::tape::{CallHost, Tape};
use crate::unwind::ignore_panic;
use crate::wasi::clock::{Clock, ClockView};
use crate::wasi::files::{Files, FilesView};
#[cfg(feature = "http")]
use crate::wasi::http::HttpClient;
use crate::wasi::name_lookup::{NameLookup, NameLookupView};
use crate::wasi::stdio::Stdio;
use crate::wasi::wasi_context;

/// The data of an instance's [`Store`].
pub(crate) struct StoreData {
    pub(crate) module: Arc<Module>,
    /// The context of the call; `None` while the instance is idle.
    context: HostContext,
    /// What records the host's answers, or gives them. The instance is linked for it.
    tape: Option<Arc<Tape>>,
    /// Whether the guest has used WASI since the context was set. Most calls do not, and skip both
    /// asking the context for its sinks and resetting them.
    wasi_active: bool,
    /// The last failure of a host function in this call; `None` also if it was the guest's own.
    host_failure: Option<HostFailure>,
    /// The time of host functions in this call; `None` if it is not measured.
    pub(crate) host_time: Option<Duration>,
    pub(crate) observers: InstanceObservers,
    pub(crate) limiter: StoreLimiter,
    stdout: Stdio,
    pub(crate) stderr: Stdio,
    wasi: WasiCtx,
    table: ResourceTable,
    egress: EgressFilter,
    timers: &'static TimerQueue,
    /// The caller's runtime, for the context's methods; `None` where the guest is polled in it too.
    pub(crate) caller_runtime: Option<Handle>,
    #[cfg(feature = "http")]
    http: HttpClient,
}

impl StoreData {
    /// Creates the store of an instance that does not exist yet.
    pub(crate) fn new_store(
        engine: &Engine,
        module: Arc<Module>,
        CallHost { context, tape }: CallHost,
        timers: &'static TimerQueue,
    ) -> Store<Self> {
        let observers = InstanceObservers::new(&module.observers);
        let stdout = Stdio::new(GuestStream::Stdout, observers.clone());
        let stderr = Stdio::new(GuestStream::Stderr, observers.clone());
        let egress = match &tape {
            Some(tape) if tape.is_replay() => EgressFilter::closed(),
            _ => EgressFilter::new(module.egress.clone(), observers.clone()),
        };
        let wasi = wasi_context(egress.clone(), stdout.clone(), stderr.clone());
        let mut table = ResourceTable::new();
        table.set_max_capacity(MAX_HOST_RESOURCES);
        let limiter = StoreLimiter::new(module.max_memory_bytes, module.metrics.clone());

        module.metrics.instances.add(1);
        let data = Self {
            context,
            tape,
            wasi_active: false,
            host_failure: None,
            host_time: None,
            observers,
            limiter,
            stdout,
            stderr,
            wasi,
            table,
            #[cfg(feature = "http")]
            http: HttpClient::new(egress.clone(), module.reactor.clone()),
            egress,
            timers,
            caller_runtime: None,
            module,
        };
        let mut store = Store::new(engine, data);
        store.limiter(|data| &mut data.limiter);
        store.set_hostcall_fuel(MAX_HOST_CALL_BYTES);
        store.set_max_component_handles(MAX_HANDLES);
        store
    }

    pub(crate) fn set_context(&mut self, context: HostContext) {
        self.clear_context();
        self.context = context;
    }

    /// Drops the context and everything that the instance's host side holds of its caller.
    pub(crate) fn clear_context(&mut self) {
        self.context = HostContext::default();
        self.forget_failure();
        self.caller_runtime = None;
        self.host_time = None;
        self.observers.set_call(None);
        if std::mem::take(&mut self.wasi_active) {
            ignore_panic(|| self.stdout.set_sink(None));
            ignore_panic(|| self.stderr.set_sink(None));
            self.egress.clear();
        }
    }

    /// Returns the context of the call, and the configuration that its methods take.
    pub(crate) fn context(
        &mut self,
    ) -> Result<(&mut dyn InvocationContext, &SurrealismConfig), GuestError> {
        match self.context.get_mut() {
            Some(context) => Ok((context, &self.module.config)),
            None => Err(GuestError::new(
                "this call has no context, and so no database, no functions and no key-value store",
            )),
        }
    }

    /// Notes the caller's runtime, before the guest of a module with network access is polled within the
    /// reactor.
    pub(crate) fn enter_reactor(&mut self) {
        if self.module.reactor.is_some() {
            self.caller_runtime = Handle::try_current().ok();
        }
    }

    /// Begins a call: discards the output of earlier ones.
    pub(crate) fn begin_call(&mut self) {
        self.forget_failure();
        if self.wasi_active {
            self.stdout.reset();
            self.stderr.reset();
            self.egress.clear_failure();
        }
    }

    fn forget_failure(&mut self) {
        if let Some(failure) = self.host_failure.take() {
            // The drop of an error is the host's code.
            ignore_panic(|| drop(failure));
        }
    }

    /// Returns what explains the failure of a call, beyond what the guest could know.
    pub(crate) fn explain_failure(&self) -> String {
        self.egress_failure().map_or_else(String::new, |failure| format!(" ({failure})"))
    }

    fn egress_failure(&self) -> Option<EgressFailure> {
        if self.wasi_active { self.egress.failure() } else { None }
    }

    /// Discards what would explain a trap of an earlier guest call. A batch enters the guest several
    /// times in one call.
    pub(crate) fn before_guest_call(&mut self) {
        self.limiter.reset();
        if self.wasi_active {
            self.stderr.clear_tail();
        }
    }

    /// Flushes output that does not end with a line feed.
    pub(crate) fn after_guest_call(&self) {
        if self.wasi_active {
            self.stdout.flush_line();
            self.stderr.flush_line();
        }
    }

    /// Records that the guest uses WASI. The first time, asks the context where output goes.
    fn activate_wasi(&mut self) {
        if std::mem::replace(&mut self.wasi_active, true) {
            return;
        }
        if let Some(context) = self.context.get() {
            self.stdout.set_sink(Some(context.stdout_callback()));
            self.stderr.set_sink(Some(context.stderr_callback()));
        }
    }
}

impl Drop for StoreData {
    fn drop(&mut self) {
        self.clear_context();
        self.module.metrics.instances.sub(1);
    }
}

impl WasiView for StoreData {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        self.activate_wasi();
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl Clock for StoreData {
    fn clock(&mut self) -> ClockView<'_> {
        self.activate_wasi();
        let clocks = WasiClocksCtxView { ctx: self.wasi.clocks(), table: &mut self.table };
        ClockView { clocks, timers: self.timers }
    }
}

impl Files for StoreData {
    fn files(&mut self) -> FilesView<'_> {
        FilesView { tree: self.module.files().map(Arc::as_ref), table: &mut self.table }
    }
}

impl NameLookup for StoreData {
    fn name_lookup(&mut self) -> NameLookupView<'_> {
        self.activate_wasi();
        let sockets = WasiSocketsCtxView { ctx: self.wasi.sockets(), table: &mut self.table };
        NameLookupView { sockets, egress: &self.egress }
    }
}

#[cfg(feature = "http")]
impl WasiHttpView for StoreData {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        self.activate_wasi();
        self.http.view(&mut self.table)
    }
}
