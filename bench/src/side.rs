//! The two runtimes, through the interface that both have.

/// A module that drives the runtime of one crate.
macro_rules! side {
    ($name:ident, $runtime:ident) => {
        pub(crate) mod $name {
            use std::sync::Arc;

            use ::$runtime::config::SurrealismConfig;
            use ::$runtime::exports::ExportsManifest;
            use ::$runtime::host::InvocationContext;
            use ::$runtime::kv::{BTreeMapStore, KVStore};
            use ::$runtime::package::SurrealismPackage;
            use ::$runtime::runtime::Runtime;
            use anyhow::Result;
            use async_trait::async_trait;
            use surrealdb_types::{Object, Value};

            pub(crate) struct Context(Arc<BTreeMapStore>);

            #[async_trait]
            impl InvocationContext for Context {
                async fn sql(
                    &mut self,
                    _: &SurrealismConfig,
                    _: String,
                    vars: Object,
                ) -> Result<Value> {
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

            pub(crate) fn context(runtime: &Runtime) -> Context {
                Context(runtime.kv_store().clone())
            }

            pub(crate) fn package(wasm: &[u8]) -> Result<SurrealismPackage> {
                Ok(SurrealismPackage {
                    config: SurrealismConfig::parse(include_str!(
                        "../guests/ours/surrealism.toml"
                    ))?,
                    wasm: wasm.to_vec(),
                    exports: ExportsManifest::empty(),
                    fs: None,
                    logo: None,
                })
            }

            pub(crate) fn load(wasm: &[u8]) -> Result<Arc<Runtime>> {
                let pool_size = 64;
                Ok(Arc::new(Runtime::new(package(wasm)?, pool_size, None, None, None, None)?))
            }

            /// Acquire, invoke, release.
            pub(crate) async fn call(
                runtime: &Runtime,
                name: &str,
                args: Vec<Value>,
            ) -> Result<()> {
                let mut controller = runtime.acquire_controller(Box::new(context(runtime))).await?;
                controller.invoke_with_timeout(Some(name.to_string()), args, None).await?;
                runtime.release_controller(controller);
                Ok(())
            }

            /// A new instance, its `init`, and one call.
            pub(crate) async fn fresh(runtime: &Runtime, args: Vec<Value>) -> Result<()> {
                let mut controller = runtime.new_controller(Box::new(context(runtime))).await?;
                controller.init().await?;
                controller.invoke(Some("can_drive".to_string()), args).await?;
                Ok(())
            }
        }
    };
}

side!(ours, surrealism_ours);
side!(published, surrealism_published);
