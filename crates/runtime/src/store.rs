//! What one instance holds on the host's side.

use std::sync::Arc;

use wasmtime::{ResourceLimiter, Store};
use wasmtime_wasi::sockets::WasiSocketsCtxView;
use wasmtime_wasi::{ResourceTable, WasiCtx, WasiCtxView, WasiView};
#[cfg(feature = "http")]
use wasmtime_wasi_http::WasiHttpCtxView;

use crate::package::config::SurrealismConfig;
use crate::host::InvocationContext;
#[cfg(feature = "http")]
use crate::wasi::http::Http;
use crate::limits::{
    MAX_CORE_ITEMS, MAX_HANDLES, MAX_HOST_CALL_BYTES, MAX_HOST_RESOURCES, MAX_TABLE_ELEMENTS,
};
use crate::wasi::name_lookup::LookupView;
use crate::module::Module;
use crate::egress::Reach;
use crate::wasi::stdio::Output;
use crate::usage::ModuleMetrics;
use crate::wasi;

/// The host's side of one instance.
pub(crate) struct StoreData {
    pub(crate) module: Arc<Module>,
    /// Whose call this is; nobody's while the instance is idle.
    context: Option<Box<dyn InvocationContext>>,
    /// Whether the guest has used WASI since the context came. Most calls do not, and leave nothing
    /// to ask the context for and nothing to forget.
    used_wasi: bool,
    pub(crate) memory: MemoryLimit,
    stdout: Output,
    pub(crate) stderr: Output,
    wasi: WasiCtx,
    table: ResourceTable,
    reach: Reach,
    #[cfg(feature = "http")]
    http: Http,
}

impl StoreData {
    /// A store for an instance of `module`, with nothing in it yet.
    pub(crate) fn store(
        module: Arc<Module>,
        context: Box<dyn InvocationContext>,
    ) -> wasmtime::Result<Store<Self>> {
        let (stdout, stderr) = (Output::default(), Output::default());
        let files = module.files();
        let reach = Reach::new(module.network.clone());
        let network = &module.network;
        let wasi = wasi::context(files, network, reach.clone(), stdout.clone(), stderr.clone())?;
        let mut table = ResourceTable::new();
        table.set_max_capacity(MAX_HOST_RESOURCES);
        let memory = MemoryLimit::new(module.max_memory_bytes, module.meter.clone());
        let engine = module.engine().clone();

        module.meter.instances.add(1);
        let data = Self {
            module,
            context: Some(context),
            used_wasi: false,
            memory,
            stdout,
            stderr,
            wasi,
            table,
            #[cfg(feature = "http")]
            http: Http::new(reach.clone()),
            reach,
        };
        let mut store = Store::new(&engine, data);
        store.limiter(|data| &mut data.memory);
        store.set_hostcall_fuel(MAX_HOST_CALL_BYTES);
        store.set_max_component_handles(MAX_HANDLES);
        Ok(store)
    }

    pub(crate) fn set_context(&mut self, context: Box<dyn InvocationContext>) {
        self.clear_context();
        self.context = Some(context);
    }

    /// Leaves nothing of a caller behind.
    pub(crate) fn clear_context(&mut self) {
        self.context = None;
        if std::mem::take(&mut self.used_wasi) {
            self.stdout.install(None);
            self.stderr.install(None);
            self.reach.forget();
        }
    }

    /// The context of the call, beside the configuration that it is asked with.
    pub(crate) fn context(
        &mut self,
    ) -> anyhow::Result<(&mut dyn InvocationContext, &SurrealismConfig)> {
        match &mut self.context {
            Some(context) => Ok((&mut **context, &self.module.config)),
            None => anyhow::bail!(
                "this call has no context, and so no database, no functions and no key-value store"
            ),
        }
    }

    /// Begins a call: nothing that an earlier one printed is part of it.
    pub(crate) fn begin_call(&mut self) {
        if self.used_wasi {
            self.stdout.renew();
            self.stderr.renew();
        }
    }

    /// Begins one of a call's ways into the guest: what was refused or printed before is no reason for what
    /// happens in it.
    pub(crate) fn begin_entry(&mut self) {
        self.memory.forget_refusal();
        if self.used_wasi {
            self.stderr.forget_tail();
        }
    }

    /// Ends it: hands on what was printed without a last line feed.
    pub(crate) fn end_entry(&self) {
        if self.used_wasi {
            self.stdout.finish();
            self.stderr.finish();
        }
    }

    /// Takes note that the guest uses WASI; the first time, the context says where output goes.
    fn use_wasi(&mut self) {
        if std::mem::replace(&mut self.used_wasi, true) {
            return;
        }
        if let Some(context) = &self.context {
            self.stdout.install(Some(context.stdout_callback()));
            self.stderr.install(Some(context.stderr_callback()));
        }
    }

    pub(crate) fn lookup(&mut self) -> LookupView<'_> {
        self.use_wasi();
        let sockets = WasiSocketsCtxView { ctx: self.wasi.sockets(), table: &mut self.table };
        LookupView { sockets, reach: &self.reach }
    }

    #[cfg(feature = "http")]
    pub(crate) fn http_view(&mut self) -> WasiHttpCtxView<'_> {
        self.use_wasi();
        self.http.view(&mut self.table)
    }
}

impl Drop for StoreData {
    fn drop(&mut self) {
        self.module.meter.instances.sub(1);
    }
}

impl WasiView for StoreData {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        self.use_wasi();
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

/// Bounds what an instance takes of the host: linear memory over all its memories together, and
/// tables.
#[derive(Debug)]
pub(crate) struct MemoryLimit {
    meter: Arc<ModuleMetrics>,
    most: Option<usize>,
    used: usize,
    /// Elements of all tables.
    table_elements: usize,
    /// Bytes, and elements of tables, that the guest asked for when it was refused.
    refused: Option<usize>,
    refused_elements: Option<usize>,
}

impl MemoryLimit {
    pub(crate) fn new(most: Option<usize>, meter: Arc<ModuleMetrics>) -> Self {
        Self { meter, most, used: 0, table_elements: 0, refused: None, refused_elements: None }
    }

    /// What was refused before is no reason for what happens from now on.
    pub(crate) fn forget_refusal(&mut self) {
        self.refused = None;
        self.refused_elements = None;
    }

    /// What the guest may have run out of, if it did.
    pub(crate) fn refusal(&self) -> Option<String> {
        if let (Some(wanted), Some(most)) = (self.refused, self.most) {
            return Some(format!(
                "ran out of memory: it asked for {wanted} bytes of memory, and `max_memory_bytes` \
                 is {most}"
            ));
        }
        let wanted = self.refused_elements?;
        Some(format!(
            "ran out of tables: it asked for {wanted} elements in all its tables, and \
             {MAX_TABLE_ELEMENTS} are allowed"
        ))
    }
}

impl Drop for MemoryLimit {
    fn drop(&mut self) {
        self.meter.memory_bytes.sub(self.used);
    }
}

impl ResourceLimiter for MemoryLimit {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        // Beyond its own maximum a memory does not grow, and nothing is to be counted.
        if maximum.is_some_and(|maximum| desired > maximum) {
            return Ok(false);
        }
        let growth = desired.saturating_sub(current);
        let wanted = self.used.saturating_add(growth);
        if self.most.is_some_and(|most| wanted > most) {
            self.refused = Some(wanted);
            return Ok(false);
        }
        self.used = wanted;
        self.meter.memory_bytes.add(growth);
        Ok(true)
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        // First, since a table of the pool has this bound for its own maximum.
        let wanted = self.table_elements.saturating_add(desired.saturating_sub(current));
        if wanted > MAX_TABLE_ELEMENTS {
            self.refused_elements = Some(wanted);
            return Ok(false);
        }
        if maximum.is_some_and(|maximum| desired > maximum) {
            return Ok(false);
        }
        self.table_elements = wanted;
        Ok(true)
    }

    fn instances(&self) -> usize {
        MAX_CORE_ITEMS
    }

    fn tables(&self) -> usize {
        MAX_CORE_ITEMS
    }

    fn memories(&self) -> usize {
        MAX_CORE_ITEMS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_memories_count_together() {
        let mut limit = MemoryLimit::new(Some(100), Arc::default());
        assert!(limit.memory_growing(0, 60, None).unwrap());
        assert!(limit.memory_growing(0, 40, None).unwrap());
        assert!(!limit.memory_growing(40, 41, None).unwrap());
        assert!(limit.refusal().unwrap().contains("101 bytes"));
    }

    #[test]
    fn growth_that_is_refused_is_not_counted() {
        let mut limit = MemoryLimit::new(Some(100), Arc::default());
        assert!(!limit.memory_growing(0, 60, Some(50)).unwrap());
        assert!(limit.refusal().is_none());
        assert!(!limit.memory_growing(0, 200, None).unwrap());
        assert!(limit.memory_growing(0, 100, None).unwrap());
        limit.forget_refusal();
        assert!(limit.refusal().is_none());
    }

    #[test]
    fn all_tables_count_together() {
        let mut limit = MemoryLimit::new(None, Arc::default());
        assert!(limit.table_growing(0, MAX_TABLE_ELEMENTS, None).unwrap());
        assert!(!limit.table_growing(0, 1, None).unwrap());
        assert!(limit.refusal().unwrap().contains("1000001 elements"));
    }
}
