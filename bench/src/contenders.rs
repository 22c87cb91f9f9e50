//! Everybody who is measured.

use std::path::Path;

use anyhow::{Context, Result};
use bench_measure::{Case, Process, Side};
use surrealism_bench::contract::published;
use surrealism_bench::{bare, ours};

/// All of them, by the names of the tables' columns.
pub(crate) struct Sides(Vec<(&'static str, Box<dyn Side>)>);

impl Sides {
    pub(crate) fn start(guests: &Path, peers: &Path) -> Result<Self> {
        let guest = |name: &str| guests.join(format!("{name}.wasm"));
        let read = |name: &str| -> Result<Vec<u8>> {
            let path = guest(name);
            std::fs::read(&path).with_context(|| path.display().to_string())
        };
        let process =
            |name: &str| Process::start(&peers.join(format!("bench-{name}")), &guest(name));
        let (theirs, own) = (read("published")?, read("ours")?);
        Ok(Self(vec![
            ("Extism", Box::new(process("extism")?)),
            ("0.7 beta, its SDK", Box::new(process("successor")?)),
            ("published, its SDK", Box::new(published::Side::new(&theirs)?)),
            ("bare wasmtime, published SDK", Box::new(bare::Side::new(&theirs)?)),
            ("ours, published SDK", Box::new(ours::Ours::new(&theirs)?)),
            ("bare wasmtime, our SDK", Box::new(bare::Side::new(&own)?)),
            ("ours, our SDK", Box::new(ours::Ours::new(&own)?)),
        ]))
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.0.iter().map(|(name, _)| *name)
    }

    /// The least time of each side, in microseconds: in turns, for some rounds, since the machine's
    /// other work only ever adds.
    pub(crate) fn least(&mut self, case: Case, rounds: usize) -> Result<Vec<Option<f64>>> {
        eprintln!("  {case:?}");
        let mut least = vec![None; self.0.len()];
        for _ in 0..rounds {
            for (least, (name, side)) in least.iter_mut().zip(&mut self.0) {
                let time = side.measure(case).with_context(|| format!("{name}, {case:?}"))?;
                *least = [*least, time].into_iter().flatten().min_by(f64::total_cmp);
            }
        }
        Ok(least)
    }
}
