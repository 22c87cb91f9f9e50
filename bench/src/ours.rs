//! This project: the published interface, and what goes beyond it.

use std::time::Instant;

use anyhow::{Result, ensure};
use bench_measure::{Case, Contender, Work, executor, round, round_with};
use surrealism_ours::{CodeCache, Grants, Isolation, Runtime, SurrealismPackage};
use tempfile::TempDir;

use crate::contract::ours as contract;

pub struct Ours {
    wasm: Vec<u8>,
    contract: contract::Contract,
    cache: TempDir,
}

impl Ours {
    pub fn new(wasm: &[u8]) -> Result<Self> {
        let (contract, cache) = (contract::Contract::new(wasm)?, tempfile::tempdir()?);
        Ok(Self { wasm: wasm.to_vec(), contract, cache })
    }

    /// Returns the microseconds of unpacking and loading when the cache has the code.
    fn load_again(&self) -> Result<f64> {
        // With new bytes, since code that is already loaded is shared.
        let wasm = bench_measure::unique_component(&self.wasm, 0);
        let cache = CodeCache::open(self.cache.path().join("code"))?;
        let archive = self.cache.path().join("guest.surli");
        contract::package(&wasm)?.pack(archive.clone(), None)?;
        let load = || -> Result<Runtime> {
            let package = SurrealismPackage::from_file(archive.clone())?;
            Ok(Runtime::builder(package)
                .grants(Grants::as_requested())
                .code_cache(cache.clone())
                .build()?)
        };
        load()?;
        let start = Instant::now();
        load()?;
        Ok(start.elapsed().as_secs_f64() * 1e6)
    }

    /// Returns the microseconds of a call with an instance of its own.
    fn fresh(&self) -> Result<f64> {
        let package = contract::package(&self.wasm)?;
        let runtime = Runtime::builder(package)
            .grants(Grants::as_requested())
            .isolation(Isolation::Fresh)
            .build()?;
        ensure!(runtime.usage().preinitialized, "`init` runs again in every instance");
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
            let results = runtime.call_rows("can_drive", ages, contract::context(&runtime)).await?;
            ensure!(results.len() == ROWS as usize, "some rows lack a result");
            Ok(())
        };
        Ok(executor()?.block_on(round(call))? / ROWS as f64)
    }
}

impl Contender for Ours {
    fn measure(&mut self, case: Case) -> Result<Option<f64>> {
        match case {
            Case::Fresh => self.fresh().map(Some),
            Case::LoadAgain => self.load_again().map(Some),
            Case::Rows => self.rows().map(Some),
            shared => self.contract.measure(shared),
        }
    }
}
