//! The engines of a process: how guests are compiled, and how their instances are allocated.
//!
//! Most instances are allocated in a pool: address space that is reserved once. Instantiation maps the
//! module's memory image copy-on-write, and dropping an instance unmaps what it wrote. Where the
//! reservation fails, in a process with little address space, or a module does not fit the pool or has its
//! share of it, instances are allocated on demand, which costs a dozen system calls more.
//! [`Usage::pooled`](crate::Usage::pooled) tells which it is.

use std::num::NonZeroUsize;
use std::sync::OnceLock;

use wasmtime::component::{HasSelf, Linker};
use wasmtime::{
    Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig,
    WasmBacktraceDetails,
};

use super::engine_config::EngineConfig;
use super::places::Places;
use super::workers::Workers;
use crate::bindings::{config, host, kv_atomic, kv_ttl};
use crate::limits::{MAX_TABLE_ELEMENTS, MEMORY_GROWTH_RESERVE_BYTES, MEMORY_GUARD_BYTES};
use crate::store::{StoreData, taped};
use crate::wasi;

pub(crate) struct Engines {
    /// `None` where the pool's address space could not be reserved.
    pooled: Option<LinkedEngine>,
    pub(crate) places: Places,
    pub(super) workers: Workers,
    /// Runs the pooled engine's code without the pool, for instances that got no place in it.
    overflow: OnceLock<LinkedEngine>,
    config: EngineConfig,
    on_demand: LinkedEngine,
    /// For `strict_timeout = false`: guest code does not check the epoch.
    uninterruptible: LinkedEngine,
}

/// An engine, and the linker with everything that its guests may import.
pub(crate) struct LinkedEngine {
    pub(crate) linker: Linker<StoreData>,
    pub(crate) pooled: bool,
}

impl LinkedEngine {
    fn new(engine: &Engine, pooled: bool) -> wasmtime::Result<Self> {
        let mut linker = Linker::new(engine);
        wasi::add_to_linker(&mut linker)?;
        host::add_to_linker::<_, HasSelf<StoreData>>(&mut linker, |data| data)?;
        kv_atomic::add_to_linker::<_, HasSelf<StoreData>>(&mut linker, |data| data)?;
        kv_ttl::add_to_linker::<_, HasSelf<StoreData>>(&mut linker, |data| data)?;
        config::add_to_linker::<_, HasSelf<StoreData>>(&mut linker, |data| data)?;
        Ok(Self { linker, pooled })
    }

    /// Returns a linker for an instance whose call has a tape.
    ///
    /// # Errors
    ///
    /// When the linker refuses a function.
    pub(super) fn for_tape(engine: &Engine) -> wasmtime::Result<Self> {
        let mut linked = Self::new(engine, false)?;
        taped::add_to_linker(&mut linked.linker)?;
        Ok(linked)
    }

    pub(crate) fn engine(&self) -> &Engine {
        self.linker.engine()
    }
}

impl Engines {
    /// Creates the engines of this process.
    ///
    /// # Errors
    ///
    /// When WebAssembly cannot run on this machine.
    pub(crate) fn new(config: &EngineConfig) -> wasmtime::Result<Self> {
        let pool_sizes = if config.reserves_address_space() { &*config.pool_sizes } else { &[] };
        let pooled = pool_sizes.iter().find_map(|instances| {
            let mut wasmtime = pooled_config(config);
            let pool = pool_config(config, *instances);
            wasmtime.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
            Some((Engine::new(&wasmtime).ok()?, *instances as usize))
        });
        let on_demand = |strict_timeout| {
            LinkedEngine::new(&Engine::new(&wasmtime_config(config, strict_timeout))?, false)
        };
        Ok(Self {
            places: Places::new(pooled.as_ref().map_or(0, |(_, instances)| *instances)),
            pooled: pooled.map(|(engine, _)| LinkedEngine::new(&engine, true)).transpose()?,
            workers: Workers::new(config.compile_threads),
            overflow: OnceLock::new(),
            config: config.clone(),
            on_demand: on_demand(true)?,
            uninterruptible: on_demand(false)?,
        })
    }

    /// Returns the engines that may run a module, in order of preference.
    pub(crate) fn for_module(&self, strict_timeout: bool) -> impl Iterator<Item = &LinkedEngine> {
        let engines = if strict_timeout {
            [self.pooled.as_ref(), Some(&self.on_demand)]
        } else {
            [Some(&self.uninterruptible), None]
        };
        engines.into_iter().flatten()
    }

    /// Returns the engine that runs the pooled engine's code without the pool.
    ///
    /// # Errors
    ///
    /// When the first call cannot create it.
    pub(super) fn overflow(&self) -> wasmtime::Result<&LinkedEngine> {
        if let Some(overflow) = self.overflow.get() {
            return Ok(overflow);
        }
        let overflow = LinkedEngine::new(&Engine::new(&pooled_config(&self.config))?, false)?;
        Ok(self.overflow.get_or_init(|| overflow))
    }

    /// Returns the interruptible engine that takes no slot of the pool.
    pub(crate) fn on_demand(&self) -> &Engine {
        self.on_demand.engine()
    }

    /// Makes every guest that checks the epoch yield.
    pub(crate) fn increment_epochs(&self) {
        for linked in self.for_module(true).chain(self.overflow.get()) {
            linked.engine().increment_epoch();
        }
    }
}

/// The settings that code in the pool is compiled with.
fn pooled_config(config: &EngineConfig) -> Config {
    let mut wasmtime = wasmtime_config(config, true);
    // A garbage-collected heap would take a memory of the pool uncounted: a module that needs one is
    // allocated on demand.
    // So is one with exceptions, which are collected: without a collector, wasmtime panics at them.
    wasmtime.gc_support(false).wasm_exceptions(false);
    wasmtime
}

fn pool_config(config: &EngineConfig, instances: u32) -> PoolingAllocationConfig {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(instances)
        .total_memories(instances)
        .total_stacks(instances)
        .total_core_instances(instances.saturating_mul(config.pooled_core_instances))
        .total_tables(instances.saturating_mul(config.pooled_tables))
        .total_gc_heaps(0)
        .table_elements(MAX_TABLE_ELEMENTS)
        .max_core_instances_per_component(config.pooled_core_instances)
        .max_memories_per_component(1)
        .max_tables_per_component(config.pooled_tables)
        .linear_memory_keep_resident(config.pool_keep_resident_bytes)
        .table_keep_resident(config.pool_keep_resident_bytes)
        // Only pages that the guest wrote need cleaning, where the kernel can tell which.
        .pagemap_scan(Enabled::Auto);
    pool
}

fn wasmtime_config(config: &EngineConfig, strict_timeout: bool) -> Config {
    let mut wasmtime = Config::new();
    wasmtime
        .wasm_component_model(true)
        // Guests of this ABI serve one call at a time; support for more costs every call.
        .concurrency_support(false)
        .epoch_interruption(strict_timeout)
        .max_wasm_stack(config.guest_stack_bytes)
        .async_stack_size(config.call_stack_bytes)
        // Debug information is untrusted: reading some kilobytes of it can take gigabytes of memory on
        // each trap, outside of any deadline.
        .wasm_backtrace_details(WasmBacktraceDetails::Disable)
        .wasm_backtrace_max_frames(NonZeroUsize::new(config.max_backtrace_frames))
        .signals_based_traps(config.signals_based_traps);
    if !config.reserves_address_space() {
        // A memory takes what it has, and moves when it grows; its bounds are checked by instructions.
        wasmtime
            .memory_reservation(0)
            .memory_reservation_for_growth(MEMORY_GROWTH_RESERVE_BYTES)
            .memory_guard_size(MEMORY_GUARD_BYTES);
    }
    wasmtime
}
