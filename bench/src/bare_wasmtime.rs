//! wasmtime called directly: without context and checks, with arguments encoded beforehand.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use anyhow::{Context, Result};
use bench_measure::{Case, Work, concurrently, executor, round, unique_component};
use surrealdb_types::SurrealValue;
use wasmtime::component::{Component, InstancePre, Linker, TypedFunc};
use wasmtime::{
    AsContextMut, Config, Engine, InstanceAllocationStrategy, PoolingAllocationConfig, Store,
};
use wasmtime_wasi::{ResourceTable, WasiCtx, WasiCtxView, WasiView};

/// An empty function, as a component.
const NOTHING: &str = r#"(component
    (core module $module (func (export "nothing")))
    (core instance $instance (instantiate $module))
    (func (export "nothing") (canon lift (core func $instance "nothing"))))"#;

/// Host functions that the measured functions do not call.
const HOST: [&str; 12] = [
    "sql",
    "run",
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

struct State {
    wasi: WasiCtx,
    table: ResourceTable,
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

type Invoke = TypedFunc<(Option<&'static str>, &'static [u8]), (Result<Vec<u8>, String>,)>;

pub struct Bare {
    engine: Engine,
    pre: InstancePre<State>,
}

struct Instance {
    store: Store<State>,
    invoke: Invoke,
}

impl Bare {
    pub fn new(wasm: &[u8]) -> Result<Self> {
        let mut config = Config::new();
        config
            .wasm_component_model(true)
            .concurrency_support(false)
            .epoch_interruption(true)
            .allocation_strategy(InstanceAllocationStrategy::Pooling(
                PoolingAllocationConfig::default(),
            ));
        let engine = Engine::new(&config)?;
        let component = Component::new(&engine, wasm)?;
        let mut linker = Linker::new(&engine);
        wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
        // A store that responds at once and stores nothing, as a lower bound.
        let mut host = linker.instance("surrealism:plugin/host")?;
        let value = surrealdb_types::encode(&1_i64.into_value())?;
        host.func_wrap("kv-get", move |_, (_,): (String,)| {
            Ok((Ok::<_, String>(Some(value.clone())),))
        })?;
        host.func_wrap("kv-set", |_, (_, _): (String, Vec<u8>)| Ok((Ok::<_, String>(()),)))?;
        for name in HOST {
            host.func_new(name, |_, _, _, _| {
                wasmtime::bail!("host functions are not available here")
            })?;
        }
        let pre = linker.instantiate_pre(&component)?;
        Ok(Self { engine, pre })
    }

    fn store(&self) -> Store<State> {
        let state = State { wasi: WasiCtx::builder().build(), table: ResourceTable::new() };
        let mut store = Store::new(&self.engine, state);
        store.as_context_mut().epoch_deadline_async_yield_and_update(1);
        store.set_epoch_deadline(1);
        store
    }

    async fn instance(&self) -> Result<Instance> {
        let mut store = self.store();
        let instance = self.pre.instantiate_async(&mut store).await?;
        let invoke = instance.get_typed_func(&mut store, "invoke")?;
        Ok(Instance { store, invoke })
    }

    /// Returns the microseconds of a call of [`NOTHING`].
    async fn nothing() -> Result<f64> {
        let bare = Self::new(NOTHING.as_bytes())?;
        let mut store = bare.store();
        let instance = bare.pre.instantiate_async(&mut store).await?;
        let nothing = instance.get_typed_func::<(), ()>(&mut store, "nothing")?;
        round(async || Ok(nothing.call_async(&mut store, ()).await?)).await
    }
}

impl Instance {
    async fn call(&mut self, name: &str, args: &[u8]) -> Result<()> {
        let (result,) = self.invoke.call_async(&mut self.store, (Some(name), args)).await?;
        result.map(drop).map_err(anyhow::Error::msg)
    }
}

/// The contender.
pub struct BareWasmtime {
    wasm: Vec<u8>,
    bare: Bare,
    executor: tokio::runtime::Runtime,
    loads: u32,
}

impl BareWasmtime {
    pub fn new(wasm: &[u8]) -> Result<Self> {
        Ok(Self { wasm: wasm.to_vec(), bare: Bare::new(wasm)?, executor: executor()?, loads: 0 })
    }

    fn calls(&self, work: Work) -> Result<f64> {
        let args = encoded(work)?;
        self.executor.block_on(async {
            let mut instance = self.bare.instance().await?;
            round(async || instance.call(work.function(), &args).await).await
        })
    }

    /// Measures concurrent callers, with a list of instances for a pool.
    fn concurrent(&self, callers: u32) -> Result<f64> {
        let args: Arc<[u8]> = encoded(Work::CanDrive)?.into();
        self.executor.block_on(async {
            let mut instances = Vec::new();
            for _ in 0..callers {
                instances.push(self.bare.instance().await?);
            }
            let idle = Arc::new(Mutex::new(instances));
            let call = move || {
                let (idle, args) = (idle.clone(), args.clone());
                async move {
                    let instances = || idle.lock().unwrap_or_else(PoisonError::into_inner);
                    let mut instance = instances().pop().context("all instances are in use")?;
                    instance.call(Work::CanDrive.function(), &args).await?;
                    instances().push(instance);
                    Ok(())
                }
            };
            concurrently(callers, call).await
        })
    }
}

impl bench_measure::Contender for BareWasmtime {
    fn measure(&mut self, case: Case) -> Result<Option<f64>> {
        let time = match case {
            Case::Rows => return Ok(None),
            Case::Nothing => self.executor.block_on(Bare::nothing())?,
            Case::Call(work) => self.calls(work)?,
            // A caller that finds no instance would have to wait, which is not implemented here.
            Case::Concurrent { callers, pool } if callers as usize > pool => return Ok(None),
            Case::Concurrent { callers, .. } => self.concurrent(callers)?,
            Case::Fresh => {
                let args = encoded(Work::CanDrive)?;
                self.executor.block_on(round(async || {
                    self.bare.instance().await?.call(Work::CanDrive.function(), &args).await
                }))?
            }
            Case::Load | Case::LoadAgain => {
                self.loads += 1;
                let wasm = unique_component(&self.wasm, self.loads);
                let start = Instant::now();
                Bare::new(&wasm)?;
                start.elapsed().as_secs_f64() * 1e6
            }
        };
        Ok(Some(time))
    }
}

fn encoded(work: Work) -> Result<Vec<u8>> {
    surrealdb_types::encode_value_list(&crate::contract::ours::args(work))
}
