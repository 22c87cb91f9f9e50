//! wasmtime driven by hand: no context, no checks, arguments encoded beforehand.

use anyhow::Result;
use wasmtime::component::{Component, InstancePre, Linker, TypedFunc};
use wasmtime::{
    AsContextMut, Config, Engine, InstanceAllocationStrategy, PoolingAllocationConfig, Store,
};
use wasmtime_wasi::{ResourceTable, WasiCtx, WasiCtxView, WasiView};

const HOST: [&str; 14] = [
    "sql",
    "run",
    "kv-get",
    "kv-set",
    "kv-del",
    "kv-exists",
    "kv-del-rng",
    "kv-get-batch",
    "kv-set-batch",
    "kv-del-batch",
    "kv-keys",
    "kv-values",
    "kv-entries",
    "kv-count",
];

pub(crate) struct State {
    wasi: WasiCtx,
    table: ResourceTable,
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

type Invoke = TypedFunc<(Option<&'static str>, &'static [u8]), (Result<Vec<u8>, String>,)>;

pub(crate) struct Bare {
    engine: Engine,
    pre: InstancePre<State>,
}

pub(crate) struct Instance {
    store: Store<State>,
    invoke: Invoke,
}

impl Bare {
    pub(crate) fn new(wasm: &[u8]) -> Result<Self> {
        let mut config = Config::new();
        config
            .wasm_component_model(true)
            .concurrency_support(false)
            .epoch_interruption(true)
            .allocation_strategy(InstanceAllocationStrategy::Pooling(
                PoolingAllocationConfig::default(),
            ));
        let engine = Engine::new(&config)?;
        let component = Component::from_binary(&engine, wasm)?;
        let mut linker = Linker::new(&engine);
        wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
        // None of the functions that are run here calls the host.
        let mut host = linker.instance("surrealism:plugin/host")?;
        for name in HOST {
            host.func_new(name, |_, _, _, _| wasmtime::bail!("there is no host"))?;
        }
        let pre = linker.instantiate_pre(&component)?;
        Ok(Self { engine, pre })
    }

    pub(crate) async fn instance(&self) -> Result<Instance> {
        let state = State { wasi: WasiCtx::builder().build(), table: ResourceTable::new() };
        let mut store = Store::new(&self.engine, state);
        store.as_context_mut().epoch_deadline_async_yield_and_update(1);
        store.set_epoch_deadline(1);
        let instance = self.pre.instantiate_async(&mut store).await?;
        let invoke = instance.get_typed_func(&mut store, "invoke")?;
        Ok(Instance { store, invoke })
    }
}

impl Instance {
    pub(crate) async fn call(&mut self, name: &str, args: &[u8]) -> Result<()> {
        let (answer,) = self.invoke.call_async(&mut self.store, (Some(name), args)).await?;
        answer.map(drop).map_err(anyhow::Error::msg)
    }
}
