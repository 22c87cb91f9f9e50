//! Pre-initialization, which the next generation's build tool does and its runtime requires: `init` runs,
//! and a snapshot of its outcome becomes part of the component.

use wasmtime::component::{Component, ComponentNamedList, Instance, Lift, Linker};
use wasmtime::error::Context;
use wasmtime::{Config, Engine, Result, Store, format_err};
use wasmtime_wizer::{ComponentInstanceState, Wizer};

/// Returns the component with a snapshot taken after `init`, and without an export of that name.
pub(crate) async fn preinitialize(wasm: &[u8]) -> Result<Vec<u8>> {
    let mut wizer = Wizer::new();
    // Keep `init`: the component's export still refers to it.
    wizer.init_func("init").keep_init_func(true);
    let (parts, readable) = wizer.instrument_component(wasm)?;

    let mut config = Config::new();
    config.wasm_component_model_async(true);
    let engine = Engine::new(&config)?;
    let component = Component::new(&engine, readable)?;
    let mut linker = Linker::new(&engine);
    // The guest's `init` calls no import.
    linker.define_unknown_imports_as_traps(&component)?;
    let mut store = Store::new(&engine, ());
    let instance = linker.instantiate_async(&mut store, &component).await?;
    let init =
        instance.get_typed_func::<(), (std::result::Result<(), String>,)>(&mut store, "init")?;
    init.call_async(&mut store, ()).await?.0.map_err(|message| format_err!("{message}"))?;

    let state = &mut Snapshot { store, instance };
    rename_init(wizer.snapshot_component(&parts, state).await?)
}

/// Renames the export to another name of the same length.
fn rename_init(mut component: Vec<u8>) -> Result<Vec<u8>> {
    // The kind of name, its length, the name, and the kind of export: a function.
    const EXPORT: &[u8] = b"\0\x04init\x01";
    let mut windows = component.windows(EXPORT.len()).enumerate();
    let found = windows.find(|(_, bytes)| *bytes == EXPORT).map(|(offset, _)| offset);
    let name = found.context("the component does not export `init`")? + 2;
    component[name..name + 4].copy_from_slice(b"done");
    Ok(component)
}

/// An instance whose memory and globals wizer reads through the functions that it added.
struct Snapshot {
    store: Store<()>,
    instance: Instance,
}

impl Snapshot {
    async fn call<T>(&mut self, instance: &str, function: &str) -> Result<T>
    where
        T: Lift + Send + Sync + 'static,
        (T,): ComponentNamedList + Lift,
    {
        let Self { store, instance: guest } = self;
        let index = guest.get_export_index(&mut *store, None, instance).context("no instance")?;
        let index = guest.get_export_index(&mut *store, Some(&index), function);
        let function =
            guest.get_typed_func::<(), (T,)>(&mut *store, index.context("no function")?)?;
        Ok(function.call_async(store, ()).await?.0)
    }

    /// wizer's callbacks are infallible.
    async fn call_or_panic<T>(&mut self, instance: &str, function: &str) -> T
    where
        T: Lift + Send + Sync + 'static,
        (T,): ComponentNamedList + Lift,
    {
        let result = self.call(instance, function).await;
        result.unwrap_or_else(|error| panic!("{instance}, {function}: {error:#}"))
    }
}

impl ComponentInstanceState for Snapshot {
    async fn call_func_ret_list_u8(
        &mut self,
        instance: &str,
        function: &str,
        contents: impl FnOnce(&[u8]) + Send,
    ) {
        contents(&self.call_or_panic::<Vec<u8>>(instance, function).await);
    }

    async fn call_func_ret_s32(&mut self, instance: &str, function: &str) -> i32 {
        self.call_or_panic(instance, function).await
    }

    async fn call_func_ret_s64(&mut self, instance: &str, function: &str) -> i64 {
        self.call_or_panic(instance, function).await
    }

    async fn call_func_ret_f32(&mut self, instance: &str, function: &str) -> u32 {
        self.call_or_panic::<f32>(instance, function).await.to_bits()
    }

    async fn call_func_ret_f64(&mut self, instance: &str, function: &str) -> u64 {
        self.call_or_panic::<f64>(instance, function).await.to_bits()
    }
}
