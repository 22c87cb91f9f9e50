//! Many modules in one process: what they take of its memory, and how fast they are called.
//!
//! Each number of modules is measured in a process that does nothing else. Its modules are one plugin
//! with different bytes, so that nothing is shared; their code comes from the cache, and each has one
//! idle instance.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use bench_measure::{Work, distinct, executor, round};
use serde::{Deserialize, Serialize};
use surrealism_bench::contract::ours as contract;
use surrealism_ours::usage::CodeSource;
use surrealism_ours::{CodeCache, Runtime};

use crate::plot::{Plot, Scale};

const COUNTS: [u32; 4] = [1, 10, 100, 1_000];

/// Room for the code of all of them, and for that of an older run.
const CACHE_BYTES: u64 = 4 << 30;

/// What one process found. Times are of one module or one call, in microseconds.
#[derive(Serialize, Deserialize)]
struct Found {
    modules: u32,
    from_cache: u32,
    load: f64,
    first_call: f64,
    call: f64,
    resident: u64,
    /// The same, but what it shares with other processes counts in part; and before the first module.
    proportional: u64,
    proportional_before: u64,
    /// The part of `proportional` that no file holds as well.
    anonymous: u64,
}

/// Measures each number of modules in turn, prints a table and draws a curve.
pub(crate) fn compare(guest: &Path, cache: &Path, plots: &Path) -> Result<()> {
    eprintln!("  modules: compiling those that the cache has not");
    let most = COUNTS.into_iter().max().unwrap_or_default();
    apart(most, guest, cache)?;

    println!();
    println!(
        "| modules | RSS | PSS | PSS a module | not of files | load, each | first call, each | call |"
    );
    println!("|---:|---:|---:|---:|---:|---:|---:|---:|");
    let mut line = Vec::new();
    for count in COUNTS {
        eprintln!("  {count} modules");
        let found = apart(count, guest, cache)?;
        ensure!(found.from_cache == count, "{} of {count} were compiled", count - found.from_cache);
        line.push((f64::from(count), 1e6 / found.call));
        println!("{}", found.row());
    }
    let plot = Plot {
        file: "modules.svg",
        title: "can_drive by one caller, of one module after another",
        x: "modules, each with one idle instance",
        scale: Scale::Linear,
    };
    plot.draw(plots, &[("ours, our SDK", line)])
}

impl Found {
    fn row(&self) -> String {
        const MIB: f64 = (1 << 20) as f64;
        let grown = self.proportional.saturating_sub(self.proportional_before) as f64;
        format!(
            "| {} | {:.0} MiB | {:.0} MiB | {:.0} KiB | {:.0} MiB | {:.0} µs | {:.0} µs | {:.2} µs |",
            self.modules,
            self.resident as f64 / MIB,
            self.proportional as f64 / MIB,
            grown / 1024.0 / f64::from(self.modules),
            self.anonymous as f64 / MIB,
            self.load,
            self.first_call,
            self.call,
        )
    }
}

/// Measures in a process of its own.
fn apart(count: u32, guest: &Path, cache: &Path) -> Result<Found> {
    let output = Command::new(std::env::current_exe()?)
        .args(["modules", &count.to_string()])
        .args([guest, cache])
        .stderr(Stdio::inherit())
        .output()?;
    ensure!(output.status.success(), "the process with {count} modules: {}", output.status);
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// Measures in this process, and prints what it found.
pub(crate) fn run(count: u32, guest: &Path, cache: &Path) -> Result<()> {
    let wasm = std::fs::read(guest).with_context(|| guest.display().to_string())?;
    let cache = CodeCache::open(cache)?.max_bytes(CACHE_BYTES);
    let executor = executor()?;
    let proportional_before = memory("Pss:")?;

    let start = Instant::now();
    let modules = (0..count)
        .map(|number| {
            if number % 100 == 99 {
                eprintln!("    {} are loaded", number + 1);
            }
            let package = contract::package(&distinct(&wasm, number))?;
            Ok(Runtime::builder(package).pool_size(1).code_cache(cache.clone()).build()?)
        })
        .collect::<Result<Vec<Runtime>>>()?;
    let load = start.elapsed().as_secs_f64() * 1e6 / f64::from(count);

    let call = async |module: &Runtime| {
        let name = Work::CanDrive.function();
        contract::call(module, name, contract::args(Work::CanDrive)).await
    };
    let start = Instant::now();
    executor.block_on(async {
        for module in &modules {
            call(module).await?;
        }
        anyhow::Ok(())
    })?;
    let first_call = start.elapsed().as_secs_f64() * 1e6 / f64::from(count);
    let (resident, proportional) = (memory("Rss:")?, memory("Pss:")?);
    let anonymous = memory("Pss_Anon:")?;

    let mut in_turns = modules.iter().cycle();
    let call = executor
        .block_on(round(async || call(in_turns.next().context("there is no module")?).await))?;
    let from_cache = modules.iter().filter(|module| module.usage().code == CodeSource::Cache);
    let found = Found {
        modules: count,
        from_cache: from_cache.count() as u32,
        load,
        first_call,
        call,
        resident,
        proportional,
        proportional_before,
        anonymous,
    };
    println!("{}", serde_json::to_string(&found)?);
    Ok(())
}

/// A line of what Linux says of this process's memory, in bytes.
fn memory(line: &str) -> Result<u64> {
    let rollup = std::fs::read_to_string("/proc/self/smaps_rollup")
        .context("memory is measured on Linux alone")?;
    let kilobytes = rollup.lines().find_map(|found| found.strip_prefix(line));
    let kilobytes = kilobytes.and_then(|rest| rest.trim().strip_suffix(" kB"));
    Ok(kilobytes.with_context(|| format!("there is no line {line}"))?.parse::<u64>()? * 1024)
}
