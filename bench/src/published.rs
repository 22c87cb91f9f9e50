//! The published runtime.

use std::sync::Arc;

use anyhow::Result;
use async_trait::async_trait;
use surrealdb_types::{Object, Value};
use ::published::config::SurrealismConfig;
use ::published::host::InvocationContext;
use ::published::kv::{BTreeMapStore, KVStore};
use ::published::runtime::Runtime;

pub(crate) struct Context(pub(crate) Arc<BTreeMapStore>);

#[async_trait]
impl InvocationContext for Context {
    async fn sql(&mut self, _: &SurrealismConfig, _: String, vars: Object) -> Result<Value> {
        Ok(Value::Object(vars))
    }

    async fn run(
        &mut self,
        _: &SurrealismConfig,
        _: String,
        _: Option<String>,
        _: Vec<Value>,
    ) -> Result<Value> {
        Ok(Value::None)
    }

    fn kv(&mut self) -> Result<&dyn KVStore> {
        Ok(&*self.0)
    }
}

pub(crate) fn load(wasm: &[u8], pool: usize) -> Result<Arc<Runtime>> {
    let config = SurrealismConfig::parse(include_str!("../guests/published/surrealism.toml"))?;
    let package = ::published::package::SurrealismPackage {
        config,
        wasm: wasm.to_vec(),
        exports: ::published::exports::ExportsManifest::empty(),
        fs: None,
        logo: None,
    };
    Ok(Arc::new(Runtime::new(package, pool, None, None, None, None)?))
}

/// Acquire, invoke, release.
pub(crate) async fn call(runtime: &Runtime, name: &str, args: Vec<Value>) -> Result<Value> {
    let context = Box::new(Context(runtime.kv_store().clone()));
    let mut controller = runtime.acquire_controller(context).await?;
    let value = controller.invoke_with_timeout(Some(name.to_string()), args, None).await?;
    runtime.release_controller(controller);
    Ok(value)
}
