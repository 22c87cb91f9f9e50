//! What one instance holds on the host's side.

use std::sync::Arc;

use wasmtime::{ResourceLimiter, Store};
use wasmtime_wasi::sockets::WasiSocketsCtxView;
use wasmtime_wasi::{ResourceTable, WasiCtx, WasiCtxView, WasiView};

use crate::host::{DetachedContext, InvocationContext};
use crate::limits::{MAX_CORE_ITEMS, MAX_HOST_CALL_BYTES, MAX_HOST_RESOURCES, MAX_TABLE_ELEMENTS};
use crate::lookup::{LookupView, NamesByStream};
use crate::module::Module;
use crate::network::Reach;
use crate::output::Output;
use crate::usage::Meter;
use crate::wasi;

/// The host's side of one instance.
pub(crate) struct StoreData {
    pub(crate) module: Arc<Module>,
    pub(crate) context: Box<dyn InvocationContext>,
    pub(crate) memory: MemoryLimit,
    pub(crate) stdout: Output,
    pub(crate) stderr: Output,
    wasi: WasiCtx,
    table: ResourceTable,
    reach: Reach,
    lookups: NamesByStream,
}

impl StoreData {
    /// A store for an instance of `module`, with nothing in it yet.
    pub(crate) fn store(
        module: Arc<Module>,
        context: Box<dyn InvocationContext>,
    ) -> wasmtime::Result<Store<Self>> {
        let stdout = Output::new(context.stdout_callback());
        let stderr = Output::new(context.stderr_callback());
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
            context,
            memory,
            stdout,
            stderr,
            wasi,
            table,
            reach,
            lookups: NamesByStream::new(),
        };
        let mut store = Store::new(&engine, data);
        store.limiter(|data| &mut data.memory);
        store.set_hostcall_fuel(MAX_HOST_CALL_BYTES);
        store.set_max_component_handles(MAX_HOST_RESOURCES);
        Ok(store)
    }

    pub(crate) fn set_context(&mut self, context: Box<dyn InvocationContext>) {
        self.stdout.install(context.stdout_callback());
        self.stderr.install(context.stderr_callback());
        self.context = context;
    }

    pub(crate) fn lookup(&mut self) -> LookupView<'_> {
        let sockets = WasiSocketsCtxView { ctx: self.wasi.sockets(), table: &mut self.table };
        LookupView { sockets, reach: &self.reach, names: &mut self.lookups }
    }

    /// Leaves nothing of a caller behind.
    pub(crate) fn clear_context(&mut self) {
        self.set_context(Box::new(DetachedContext::new()));
    }
}

impl Drop for StoreData {
    fn drop(&mut self) {
        self.module.meter.instances.sub(1);
    }
}

impl WasiView for StoreData {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

/// Bounds what an instance takes of the host: linear memory over all its memories together, and
/// tables.
#[derive(Debug)]
pub(crate) struct MemoryLimit {
    meter: Arc<Meter>,
    most: Option<usize>,
    used: usize,
    /// The growth that was admitted last, should it then fail.
    last_growth: usize,
    /// What the guest asked for when it was refused.
    refused: Option<usize>,
}

impl MemoryLimit {
    fn new(most: Option<usize>, meter: Arc<Meter>) -> Self {
        Self { meter, most, used: 0, last_growth: 0, refused: None }
    }

    /// Why the guest may have run out of memory, if it did.
    pub(crate) fn refusal(&self) -> Option<String> {
        let (wanted, most) = (self.refused?, self.most?);
        Some(format!("it asked for {wanted} bytes of memory, and `max_memory_bytes` is {most}"))
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
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let growth = desired.saturating_sub(current);
        let wanted = self.used.saturating_add(growth);
        if self.most.is_some_and(|most| wanted > most) {
            // A refusal is reported as a failure as well; it has added nothing.
            (self.refused, self.last_growth) = (Some(wanted), 0);
            return Ok(false);
        }
        (self.used, self.last_growth) = (wanted, growth);
        self.meter.memory_bytes.add(growth);
        Ok(true)
    }

    fn memory_grow_failed(&mut self, _: wasmtime::Error) -> wasmtime::Result<()> {
        let failed = std::mem::take(&mut self.last_growth);
        self.used -= failed;
        self.meter.memory_bytes.sub(failed);
        Ok(())
    }

    fn table_growing(
        &mut self,
        _current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(desired <= MAX_TABLE_ELEMENTS)
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
    fn growth_that_fails_is_not_counted() {
        let mut limit = MemoryLimit::new(Some(100), Arc::default());
        assert!(limit.memory_growing(0, 60, None).unwrap());
        limit.memory_grow_failed(wasmtime::Error::msg("no memory")).unwrap();
        assert!(limit.memory_growing(0, 100, None).unwrap());
    }
}
