//! What the next generation's own build tool does to a plugin, and its runtime insists on: `init` has run,
//! and its outcome is part of the component.

use wasmtime::component::{Component, ComponentNamedList, Instance, Lift, Linker};
use wasmtime::error::Context;
use wasmtime::{Config, Engine, Result, Store, format_err};
use wasmtime_wizer::{ComponentInstanceState, Wizer};

/// The component as it is after its `init`, without an export of that name.
pub(crate) async fn initialised(wasm: &[u8]) -> Result<Vec<u8>> {
    let mut wizer = Wizer::new();
    // Taken out, it would be missed by what the component makes its export of.
    wizer.init_func("init").keep_init_func(true);
    let (parts, readable) = wizer.instrument_component(wasm)?;

    let mut config = Config::new();
    config.wasm_component_model_async(true);
    let engine = Engine::new(&config)?;
    let component = Component::new(&engine, readable)?;
    let mut linker = Linker::new(&engine);
    // Its `init` asks nobody for anything.
    linker.define_unknown_imports_as_traps(&component)?;
    let mut store = Store::new(&engine, ());
    let instance = linker.instantiate_async(&mut store, &component).await?;
    let init =
        instance.get_typed_func::<(), (std::result::Result<(), String>,)>(&mut store, "init")?;
    init.call_async(&mut store, ()).await?.0.map_err(|message| format_err!("{message}"))?;

    let state = &mut State { store, instance };
    renamed(wizer.snapshot_component(&parts, state).await?)
}

/// Gives the export another name, of the same length.
fn renamed(mut component: Vec<u8>) -> Result<Vec<u8>> {
    // A plain name, its length, the name, and that it is a function's.
    const EXPORT: &[u8] = b"\0\x04init\x01";
    let mut places = component.windows(EXPORT.len()).enumerate();
    let found = places.find(|(_, bytes)| *bytes == EXPORT).map(|(place, _)| place);
    let name = found.context("the component exports no `init`")? + 2;
    component[name..name + 4].copy_from_slice(b"done");
    Ok(component)
}

/// An instance whose memory and globals are to be read, through functions that were put there for it.
struct State {
    store: Store<()>,
    instance: Instance,
}

impl State {
    async fn ask<T>(&mut self, instance: &str, function: &str) -> Result<T>
    where
        T: Lift + Send + Sync + 'static,
        (T,): ComponentNamedList + Lift,
    {
        let Self { store, instance: guest } = self;
        let place = guest.get_export_index(&mut *store, None, instance).context("no instance")?;
        let place = guest.get_export_index(&mut *store, Some(&place), function);
        let function =
            guest.get_typed_func::<(), (T,)>(&mut *store, place.context("no function")?)?;
        Ok(function.call_async(store, ()).await?.0)
    }

    /// They cannot fail, and have no way to tell if they did.
    async fn must<T>(&mut self, instance: &str, function: &str) -> T
    where
        T: Lift + Send + Sync + 'static,
        (T,): ComponentNamedList + Lift,
    {
        let answer = self.ask(instance, function).await;
        answer.unwrap_or_else(|error| panic!("{instance}, {function}: {error:#}"))
    }
}

impl ComponentInstanceState for State {
    async fn call_func_ret_list_u8(
        &mut self,
        instance: &str,
        function: &str,
        contents: impl FnOnce(&[u8]) + Send,
    ) {
        contents(&self.must::<Vec<u8>>(instance, function).await);
    }

    async fn call_func_ret_s32(&mut self, instance: &str, function: &str) -> i32 {
        self.must(instance, function).await
    }

    async fn call_func_ret_s64(&mut self, instance: &str, function: &str) -> i64 {
        self.must(instance, function).await
    }

    async fn call_func_ret_f32(&mut self, instance: &str, function: &str) -> u32 {
        self.must::<f32>(instance, function).await.to_bits()
    }

    async fn call_func_ret_f64(&mut self, instance: &str, function: &str) -> u64 {
        self.must::<f64>(instance, function).await.to_bits()
    }
}
