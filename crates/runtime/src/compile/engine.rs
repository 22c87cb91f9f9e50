//! The engines of a process: what compiles guests, and where their instances live.
//!
//! Most instances live in a pool: address space that is reserved once, so that making an instance
//! is mapping its module's memory image, copy on write, and dropping it is unmapping what it wrote.
//! Where the reservation does not fit, in a process with little address space, or a module does not
//! fit the pool, instances are made one by one instead, which is slower by the cost of a dozen
//! system calls. [`Usage::pooled`](crate::Usage::pooled) tells which it is.

use std::num::NonZeroUsize;

use wasmtime::component::{HasSelf, Linker};
use wasmtime::{
    Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig,
    WasmBacktraceDetails,
};

use crate::bindings::{host, kv_atomic, kv_ttl};
use crate::limits::{
    CALL_STACK_BYTES, GUEST_STACK_BYTES, MAX_BACKTRACE_FRAMES, MAX_TABLE_ELEMENTS,
    POOL_KEEP_RESIDENT_BYTES, POOLED_CORE_INSTANCES, POOLED_INSTANCES, POOLED_TABLES,
};
use crate::wasi::name_lookup;
use crate::store::StoreData;

pub(crate) struct Engines {
    /// The one with a pool, where it fits.
    pooled: Option<Linked>,
    one_by_one: Linked,
    /// For `strict_timeout = false`: its guests' code does not check the clock.
    trusting: Linked,
}

/// An engine, and all that its guests can import.
pub(crate) struct Linked {
    pub(crate) linker: Linker<StoreData>,
    pub(crate) pooled: bool,
}

impl Linked {
    fn new(engine: &Engine, pooled: bool) -> wasmtime::Result<Self> {
        let mut linker = Linker::new(engine);
        wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
        lookup::add_to_linker(&mut linker)?;
        #[cfg(feature = "http")]
        crate::wasi::http::add_to_linker(&mut linker)?;
        host::add_to_linker::<_, HasSelf<StoreData>>(&mut linker, |data| data)?;
        kv_atomic::add_to_linker::<_, HasSelf<StoreData>>(&mut linker, |data| data)?;
        kv_ttl::add_to_linker::<_, HasSelf<StoreData>>(&mut linker, |data| data)?;
        Ok(Self { linker, pooled })
    }

    pub(crate) fn engine(&self) -> &Engine {
        self.linker.engine()
    }
}

impl Engines {
    /// # Errors
    ///
    /// When WebAssembly cannot run on this machine.
    pub(crate) fn new() -> wasmtime::Result<Self> {
        let pooled = POOLED_INSTANCES.into_iter().find_map(|instances| {
            let mut config = config(true);
            // Heaps of collected garbage take places of memories, and nobody counts them: who needs one is
            // made outside of the pool.
            config.gc_support(false);
            config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool(instances)));
            Engine::new(&config).ok()
        });
        let one_by_one = |strict| Linked::new(&Engine::new(&config(strict))?, false);
        Ok(Self {
            pooled: pooled.map(|engine| Linked::new(&engine, true)).transpose()?,
            one_by_one: one_by_one(true)?,
            trusting: one_by_one(false)?,
        })
    }

    /// The engines that may run a module, the best first.
    pub(crate) fn for_module(&self, strict_timeout: bool) -> impl Iterator<Item = &Linked> {
        let engines = if strict_timeout {
            [self.pooled.as_ref(), Some(&self.one_by_one)]
        } else {
            [Some(&self.trusting), None]
        };
        engines.into_iter().flatten()
    }

    /// For guests that the host runs for itself: their code can be stopped, and takes no place of the
    /// pool.
    pub(crate) fn apart(&self) -> &Engine {
        self.one_by_one.engine()
    }

    /// Lets every guest whose code checks the clock do so.
    pub(crate) fn tick(&self) {
        for linked in self.for_module(true) {
            linked.engine().increment_epoch();
        }
    }
}

fn pool(instances: u32) -> PoolingAllocationConfig {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(instances)
        .total_memories(instances)
        .total_stacks(instances)
        .total_core_instances(instances.saturating_mul(POOLED_CORE_INSTANCES))
        .total_tables(instances.saturating_mul(POOLED_TABLES))
        .total_gc_heaps(0)
        .table_elements(MAX_TABLE_ELEMENTS)
        .max_core_instances_per_component(POOLED_CORE_INSTANCES)
        .max_memories_per_component(1)
        .max_tables_per_component(POOLED_TABLES)
        .linear_memory_keep_resident(POOL_KEEP_RESIDENT_BYTES)
        .table_keep_resident(POOL_KEEP_RESIDENT_BYTES)
        // What a guest has not written needs no cleaning; only newer kernels can tell.
        .pagemap_scan(Enabled::Auto);
    pool
}

fn config(strict: bool) -> Config {
    let mut config = Config::new();
    config
        .wasm_component_model(true)
        // Guests of this ABI are called one at a time; the bookkeeping for more costs every call.
        .concurrency_support(false)
        .epoch_interruption(strict)
        .max_wasm_stack(GUEST_STACK_BYTES)
        .async_stack_size(CALL_STACK_BYTES)
        // Debug information is the archive's: reading some dozen kilobytes of it can take gigabytes,
        // with each trap, and no deadline ends it.
        .wasm_backtrace_details(WasmBacktraceDetails::Disable)
        .wasm_backtrace_max_frames(NonZeroUsize::new(MAX_BACKTRACE_FRAMES));
    config
}
