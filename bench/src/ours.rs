//! This project: what the published runtime has as well, and what is its own.

use std::time::Instant;

use anyhow::{Result, ensure};
use bench_measure::{Case, Side, Work, executor, round, round_with};
use surrealism_ours::{CodeCache, Isolation, Runtime, SurrealismPackage};
use tempfile::TempDir;

use crate::contract::ours as contract;

pub struct Ours {
    wasm: Vec<u8>,
    contract: contract::Side,
    cache: TempDir,
}

impl Ours {
    pub fn new(wasm: &[u8]) -> Result<Self> {
        let (contract, cache) = (contract::Side::new(wasm)?, tempfile::tempdir()?);
        Ok(Self { wasm: wasm.to_vec(), contract, cache })
    }

    /// Microseconds that unpacking and loading take when the cache has the code.
    fn load_again(&self) -> Result<f64> {
        // No module of these bytes is loaded, whose code would be shared.
        let wasm = bench_measure::distinct(&self.wasm, 0);
        let cache = CodeCache::open(self.cache.path().join("code"))?;
        let archive = self.cache.path().join("guest.surli");
        contract::package(&wasm)?.pack(archive.clone(), None)?;
        let load = || -> Result<Runtime> {
            let package = SurrealismPackage::from_file(archive.clone())?;
            Ok(Runtime::builder(package).code_cache(cache.clone()).build()?)
        };
        load()?;
        let start = Instant::now();
        load()?;
        Ok(start.elapsed().as_secs_f64() * 1e6)
    }

    /// Microseconds of a call with an instance of its own.
    fn fresh(&self) -> Result<f64> {
        let package = contract::package(&self.wasm)?;
        let runtime = Runtime::builder(package).isolation(Isolation::Fresh).build()?;
        ensure!(runtime.usage().preinitialized, "`init` is run again in every instance");
        let function = Work::CanDrive.function();
        let args = || contract::args(Work::CanDrive);
        executor()?
            .block_on(round_with(args, async |args| contract::call(&runtime, function, args).await))
    }

    fn rows(&self) -> Result<f64> {
        const ROWS: i64 = 1_000;
        let runtime = contract::load(&self.wasm, 1)?;
        let call = async || {
            let ages = (0..ROWS).map(|age| (age,));
            let answers = runtime.call_rows("can_drive", ages, contract::context(&runtime)).await?;
            ensure!(answers.len() == ROWS as usize, "some rows have no answer");
            Ok(())
        };
        Ok(executor()?.block_on(round(call))? / ROWS as f64)
    }
}

impl Side for Ours {
    fn measure(&mut self, case: Case) -> Result<Option<f64>> {
        match case {
            Case::Fresh => self.fresh().map(Some),
            Case::LoadAgain => self.load_again().map(Some),
            Case::Rows => self.rows().map(Some),
            shared => self.contract.measure(shared),
        }
    }
}
