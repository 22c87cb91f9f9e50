//! The contenders.

use std::path::Path;

use anyhow::{Context, Result};
use bench_measure::{Case, Contender, Process};
use surrealism_bench::contract::published;
use surrealism_bench::{bare_wasmtime, ours};

/// All contenders, by the names of the tables' columns.
pub(crate) struct Contenders(Vec<(&'static str, Box<dyn Contender>)>);

impl Contenders {
    pub(crate) fn start(guests: &Path, peers: &Path) -> Result<Self> {
        let guest = |name: &str| guests.join(format!("{name}.wasm"));
        let read = |name: &str| -> Result<Vec<u8>> {
            let path = guest(name);
            std::fs::read(&path).with_context(|| path.display().to_string())
        };
        let process = |name: &str| {
            let program = format!("bench-{}", name.replace('.', "-"));
            Process::start(&peers.join(program), &guest(name))
        };
        let (theirs, own) = (read("published")?, read("ours")?);
        Ok(Self(vec![
            ("Extism", Box::new(process("extism")?)),
            ("0.7 beta, its SDK", Box::new(process("surrealism-0.7")?)),
            ("published, its SDK", Box::new(published::Contract::new(&theirs)?)),
            ("bare wasmtime, published SDK", Box::new(bare_wasmtime::BareWasmtime::new(&theirs)?)),
            ("ours, published SDK", Box::new(ours::Ours::new(&theirs)?)),
            ("bare wasmtime, our SDK", Box::new(bare_wasmtime::BareWasmtime::new(&own)?)),
            ("ours, our SDK", Box::new(ours::Ours::new(&own)?)),
        ]))
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.0.iter().map(|(name, _)| *name)
    }

    /// Returns the least time of each contender in microseconds. They take turns for some rounds, and the
    /// least counts, since other work of the machine only adds to a time.
    pub(crate) fn least(&mut self, case: Case, rounds: usize) -> Result<Vec<Option<f64>>> {
        eprintln!("  {case:?}");
        let mut least = vec![None; self.0.len()];
        for _ in 0..rounds {
            for (least, (name, contender)) in least.iter_mut().zip(&mut self.0) {
                let time = contender.measure(case).with_context(|| format!("{name}, {case:?}"))?;
                *least = [*least, time].into_iter().flatten().min_by(f64::total_cmp);
            }
        }
        Ok(least)
    }
}
