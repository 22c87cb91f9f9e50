//! The runtime of the next generation, through its own interface: each invocation has an instance of
//! its own, in a slot of an engine, and one or more rows. It lacks a key-value store.
//!
//! `bench-surrealism-0-7 GUEST.wasm`; then it serves cases, see `bench_measure::serve`.

mod preinit;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result, anyhow, ensure};
use bench_measure::{
    Case, Work, concurrently, executor, round, round_with, serve, unique_component,
};
use surrealdb_types::{SurrealValue, Value};
use surrealism_runtime::config::AbiVersion;
use surrealism_runtime::epoch::{EngineSettings, engines};
use surrealism_runtime::exports::ExportsManifest;
use surrealism_runtime::package::SurrealismPackage;
use surrealism_runtime::package_config::PackageConfig;
use surrealism_runtime::runtime::{Call, InstanceSettings, Runtime};

const SLOTS: usize = 64;

fn main() -> Result<()> {
    let path = std::env::args().nth(1).context("usage: bench-surrealism-0-7 GUEST.wasm")?;
    let wasm = std::fs::read(&path).context(path)?;
    let executor = executor()?;
    let wasm = executor.block_on(preinit::preinitialize(&wasm));
    let wasm = wasm.map_err(|error| anyhow!("pre-initializing failed: {error:#}"))?;
    serve(NextGeneration { wasm, executor, by_slots: HashMap::new(), loads: 0 })
}

/// The contender, with one runtime for each number of slots.
struct NextGeneration {
    wasm: Vec<u8>,
    executor: tokio::runtime::Runtime,
    by_slots: HashMap<usize, Arc<Runtime>>,
    loads: u32,
}

impl bench_measure::Contender for NextGeneration {
    fn measure(&mut self, case: Case) -> Result<Option<f64>> {
        let time = match case {
            Case::Nothing | Case::Call(Work::KvSet | Work::KvGet) => return Ok(None),
            Case::Call(work) => self.calls(work)?,
            Case::Concurrent { callers, pool } => {
                let runtime = self.loaded(pool)?;
                self.executor.block_on(concurrently(callers, move || {
                    let runtime = runtime.clone();
                    async move { call(&runtime, Work::CanDrive, vec![args(Work::CanDrive)]).await }
                }))?
            }
            // Every instance is a fresh one.
            Case::Fresh => self.calls(Work::CanDrive)?,
            Case::Load | Case::LoadAgain => {
                self.loads += 1;
                let wasm = unique_component(&self.wasm, self.loads);
                let start = Instant::now();
                load(wasm, SLOTS)?;
                start.elapsed().as_secs_f64() * 1e6
            }
            Case::Rows => self.rows()?,
        };
        Ok(Some(time))
    }
}

impl NextGeneration {
    fn loaded(&mut self, slots: usize) -> Result<Arc<Runtime>> {
        if let Some(runtime) = self.by_slots.get(&slots) {
            return Ok(runtime.clone());
        }
        let runtime = load(self.wasm.clone(), slots)?;
        self.by_slots.insert(slots, runtime.clone());
        Ok(runtime)
    }

    fn calls(&mut self, work: Work) -> Result<f64> {
        let (runtime, args) = (self.loaded(SLOTS)?, args(work));
        let args = || vec![args.clone()];
        self.executor.block_on(round_with(args, async |args| call(&runtime, work, args).await))
    }

    fn rows(&mut self) -> Result<f64> {
        const ROWS: i64 = 1_000;
        let runtime = self.loaded(SLOTS)?;
        let call = async || {
            let rows = (0..ROWS).map(|age| vec![age.into_value()]).collect();
            call(&runtime, Work::CanDrive, rows).await
        };
        Ok(self.executor.block_on(round(call))? / ROWS as f64)
    }
}

fn load(wasm: Vec<u8>, slots: usize) -> Result<Arc<Runtime>> {
    let abi = AbiVersion::CURRENT.0;
    let config = format!(
        "abi = {abi}\n[package]\norganisation = 'bench'\nname = 'guest'\nversion = '0.1.0'"
    );
    let package = SurrealismPackage {
        config: PackageConfig::for_loader(&config)?,
        wasm,
        exports: ExportsManifest::empty(),
        fs: None,
        logo: None,
        manifest: None,
        signature: None,
    };
    let settings =
        EngineSettings { max_concurrent_invocations: slots as u32, ..EngineSettings::default() };
    Ok(Arc::new(Runtime::new(package, engines(settings))?))
}

fn args(work: Work) -> Vec<Value> {
    match work {
        Work::CanDrive => vec![20_i64.into_value()],
        Work::Length(bytes) => vec!["x".repeat(bytes).into_value()],
        Work::Sum(count) => vec![(0..count as i64).collect::<Vec<_>>().into_value()],
        Work::KvSet | Work::KvGet => vec![],
    }
}

async fn call(runtime: &Arc<Runtime>, work: Work, rows: Vec<Vec<Value>>) -> Result<()> {
    let expected = rows.len();
    let call = Call {
        function: Some(work.function().to_string()),
        rows,
        tx: None,
        settings: InstanceSettings::local(),
        deadline: None,
        nested: false,
    };
    let results = runtime.invoke(call).await?;
    ensure!(results.len() == expected, "some rows lack a result");
    Ok(())
}
