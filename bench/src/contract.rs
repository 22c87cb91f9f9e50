//! The two implementations of the published interface: the published crate and ours.

/// Defines a module with a contender for one of them.
macro_rules! contender {
    ($name:ident, $runtime:ident) => {
        pub mod $name {
            use std::collections::HashMap;
            use std::sync::Arc;
            use std::time::Instant;

            use ::anyhow::Result;
            use ::async_trait::async_trait;
            use ::bench_measure::{
                Case, Work, concurrently, executor, round, round_with, unique_component,
            };
            use ::surrealdb_types::{Object, SurrealValue, Value};
            use ::$runtime::config::SurrealismConfig;
            use ::$runtime::exports::ExportsManifest;
            use ::$runtime::host::InvocationContext;
            use ::$runtime::kv::{BTreeMapStore, KVStore};
            use ::$runtime::package::SurrealismPackage;
            use ::$runtime::runtime::Runtime;

            /// The contender, with one runtime for each size of pool.
            pub struct Contract {
                wasm: Vec<u8>,
                executor: ::tokio::runtime::Runtime,
                by_pool: HashMap<usize, Arc<Runtime>>,
                loads: u32,
            }

            impl Contract {
                pub fn new(wasm: &[u8]) -> Result<Self> {
                    let (wasm, executor) = (wasm.to_vec(), executor()?);
                    Ok(Self { wasm, executor, by_pool: HashMap::new(), loads: 0 })
                }

                fn loaded(&mut self, pool: usize) -> Result<Arc<Runtime>> {
                    if let Some(runtime) = self.by_pool.get(&pool) {
                        return Ok(runtime.clone());
                    }
                    let runtime = Arc::new(load(&self.wasm, pool)?);
                    self.by_pool.insert(pool, runtime.clone());
                    Ok(runtime)
                }
            }

            impl ::bench_measure::Contender for Contract {
                fn measure(&mut self, case: Case) -> Result<Option<f64>> {
                    const POOL: usize = 64;

                    let time = match case {
                        Case::Call(work) => {
                            let (runtime, args) = (self.loaded(POOL)?, args(work));
                            self.executor.block_on(round_with(
                                || args.clone(),
                                async |args| call(&runtime, work.function(), args).await,
                            ))?
                        }
                        Case::Concurrent { callers, pool } => {
                            let runtime = self.loaded(pool)?;
                            self.executor.block_on(concurrently(callers, move || {
                                let runtime = runtime.clone();
                                async move {
                                    let args = args(Work::CanDrive);
                                    call(&runtime, Work::CanDrive.function(), args).await
                                }
                            }))?
                        }
                        Case::Fresh => {
                            let runtime = self.loaded(POOL)?;
                            self.executor.block_on(round(async || fresh(&runtime).await))?
                        }
                        // With new bytes, since code that is already loaded may be shared.
                        Case::Load | Case::LoadAgain => {
                            self.loads += 1;
                            let wasm = unique_component(&self.wasm, self.loads);
                            let start = Instant::now();
                            load(&wasm, POOL)?;
                            start.elapsed().as_secs_f64() * 1e6
                        }
                        Case::Nothing | Case::Rows => return Ok(None),
                    };
                    Ok(Some(time))
                }
            }

            pub struct Context(Arc<BTreeMapStore>);

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

            pub fn context(runtime: &Runtime) -> Context {
                Context(runtime.kv_store().clone())
            }

            pub fn package(wasm: &[u8]) -> Result<SurrealismPackage> {
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

            pub fn load(wasm: &[u8], pool: usize) -> Result<Runtime> {
                Ok(Runtime::new(package(wasm)?, pool, None, None, None, None)?)
            }

            pub fn args(work: Work) -> Vec<Value> {
                let key = || "key".to_string().into_value();
                match work {
                    Work::CanDrive => vec![20_i64.into_value()],
                    Work::Length(bytes) => vec!["x".repeat(bytes).into_value()],
                    Work::Sum(count) => vec![(0..count as i64).collect::<Vec<_>>().into_value()],
                    Work::KvSet => vec![key(), 1_i64.into_value()],
                    Work::KvGet => vec![key()],
                }
            }

            /// Acquires an instance, invokes the function and releases the instance.
            pub async fn call(runtime: &Runtime, name: &str, args: Vec<Value>) -> Result<()> {
                let mut controller = runtime.acquire_controller(Box::new(context(runtime))).await?;
                controller.invoke_with_timeout(Some(name.to_string()), args, None).await?;
                runtime.release_controller(controller);
                Ok(())
            }

            /// Makes an instance, runs its `init` and calls it once.
            pub async fn fresh(runtime: &Runtime) -> Result<()> {
                let mut controller = runtime.new_controller(Box::new(context(runtime))).await?;
                controller.init().await?;
                let name = Work::CanDrive.function().to_string();
                controller.invoke(Some(name), args(Work::CanDrive)).await?;
                Ok(())
            }
        }
    };
}

contender!(ours, surrealism_ours);
contender!(published, surrealism_published);
