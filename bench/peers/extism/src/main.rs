//! Extism through its own interface: one plugin for one caller, its pool for many.
//!
//! `bench-extism GUEST.wasm`; then it serves cases, see `bench_measure::serve`.

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use bench_measure::{Case, Work, concurrently, executor, round, serve};
use extism::convert::Msgpack;
use extism::{CompiledPlugin, Plugin, PluginBuilder, Pool, PoolBuilder};
use tempfile::TempDir;
use tokio::runtime::Runtime;

fn main() -> Result<()> {
    let path = std::env::args().nth(1).context("usage: bench-extism GUEST.wasm")?;
    let wasm = std::fs::read(&path).context(path)?;
    let compiled = compile(&wasm, None)?;
    let plugin = Plugin::new_from_compiled(&compiled)?;
    let cache = tempfile::tempdir()?;
    let executor = executor()?;
    serve(Extism { wasm, compiled, plugin, cache, executor, pools: HashMap::new() })
}

struct Extism {
    wasm: Vec<u8>,
    compiled: CompiledPlugin,
    plugin: Plugin,
    cache: TempDir,
    executor: Runtime,
    pools: HashMap<usize, Pool>,
}

impl bench_measure::Contender for Extism {
    fn measure(&mut self, case: Case) -> Result<Option<f64>> {
        let time = match case {
            Case::Call(work) => self.calls(work)?,
            Case::Concurrent { callers, pool } => self.concurrent(callers, pool)?,
            Case::Fresh => self.executor.block_on(round(async || {
                Plugin::new_from_compiled(&self.compiled)?.call::<i64, i32>("can_drive", 20)?;
                Ok(())
            }))?,
            Case::Load => load(&self.wasm, None)?,
            Case::LoadAgain => {
                let cache = Some(self.cache_config()?);
                // Fills the cache.
                load(&self.wasm, cache.clone())?;
                load(&self.wasm, cache)?
            }
            Case::Nothing | Case::Rows => return Ok(None),
        };
        Ok(Some(time))
    }
}

impl Extism {
    fn calls(&mut self, work: Work) -> Result<f64> {
        let text = if let Work::Length(bytes) = work { "x".repeat(bytes) } else { String::new() };
        let numbers: Vec<i64> =
            if let Work::Sum(count) = work { (0..count as i64).collect() } else { vec![] };
        let function = work.function();
        let plugin = &mut self.plugin;
        self.executor.block_on(round(async || match work {
            Work::CanDrive => plugin.call::<i64, i32>(function, 20).map(drop),
            Work::Length(_) => plugin.call::<&str, i64>(function, &text).map(drop),
            Work::Sum(_) => plugin.call::<_, i64>(function, Msgpack(&numbers)).map(drop),
            Work::KvSet => plugin.call::<_, ()>(function, Msgpack(("key", 1_i64))),
            Work::KvGet => plugin.call::<&str, Msgpack<Option<i64>>>(function, "key").map(drop),
        }))
    }

    fn concurrent(&mut self, callers: u32, size: usize) -> Result<f64> {
        const TIMEOUT: Duration = Duration::from_secs(60);

        let pool = self.pools.entry(size).or_insert_with(|| {
            let compiled = self.compiled.clone();
            let make = move || Plugin::new_from_compiled(&compiled);
            PoolBuilder::new().with_max_instances(size).build(make)
        });
        let pool = pool.clone();
        self.executor.block_on(concurrently(callers, move || {
            let pool = pool.clone();
            async move {
                let mut plugin = pool.get(TIMEOUT)?.context("timed out waiting for a plugin")?;
                plugin.call::<i64, i32>("can_drive", 20)?;
                Ok(())
            }
        }))
    }

    /// Writes the configuration of Extism's cache of compiled code, and returns its path.
    fn cache_config(&self) -> Result<PathBuf> {
        let directory = self.cache.path();
        let path = directory.join("cache.toml");
        std::fs::write(&path, format!("[cache]\ndirectory = {:?}\n", directory.join("code")))?;
        Ok(path)
    }
}

fn compile(wasm: &[u8], cache: Option<PathBuf>) -> Result<CompiledPlugin> {
    let builder = PluginBuilder::new(wasm).with_wasi(true);
    match cache {
        Some(config) => builder.with_cache_config(config),
        None => builder.with_cache_disabled(),
    }
    .compile()
}

/// Returns the microseconds of compiling, or of loading from the cache.
fn load(wasm: &[u8], cache: Option<PathBuf>) -> Result<f64> {
    let start = Instant::now();
    compile(wasm, cache)?;
    Ok(start.elapsed().as_secs_f64() * 1e6)
}
