//! Many modules in one process: their memory, and the time of a call.
//!
//! Each number of modules is measured in a process of its own. The modules are one plugin with different
//! bytes, so that they share nothing. Their code comes from the cache, and each has one idle instance.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use bench_measure::{Work, executor, round, unique_component};
use serde::{Deserialize, Serialize};
use surrealism_bench::contract::ours as contract;
use surrealism_ours::usage::CodeSource;
use surrealism_ours::{CodeCache, Grants, Runtime};

use crate::plot::{Plot, Scale};

const COUNTS: [u32; 4] = [1, 10, 100, 1_000];

/// Enough for the code of all of them and of an older run.
const CACHE_BYTES: u64 = 4 << 30;

/// The result of one process. Times are microseconds of one module or one call.
#[derive(Serialize, Deserialize)]
struct Measured {
    modules: u32,
    from_cache: u32,
    load: f64,
    first_call: f64,
    call: f64,
    resident: u64,
    /// Resident memory with shared pages counted in part, now and before the first module.
    proportional: u64,
    proportional_before: u64,
    /// The part of `proportional` that is not mapped from a file.
    anonymous: u64,
}

/// Measures each number of modules in turn, prints a table and draws a curve.
pub(crate) fn compare(guest: &Path, cache: &Path, plots: &Path) -> Result<()> {
    eprintln!("  modules: compiling those that are not in the cache");
    let most = COUNTS.into_iter().max().unwrap_or_default();
    in_new_process(most, guest, cache)?;

    println!();
    println!(
        "| modules | RSS | PSS | PSS a module | anonymous | load, each | first call, each | call |"
    );
    println!("|---:|---:|---:|---:|---:|---:|---:|---:|");
    let mut line = Vec::new();
    for count in COUNTS {
        eprintln!("  {count} modules");
        let measured = in_new_process(count, guest, cache)?;
        ensure!(
            measured.from_cache == count,
            "{} of {count} were compiled",
            count - measured.from_cache
        );
        line.push((f64::from(count), 1e6 / measured.call));
        println!("{}", measured.row());
    }
    let plot = Plot {
        file: "modules.svg",
        title: "can_drive by one caller, of one module after another",
        x: "modules, each with one idle instance",
        scale: Scale::Linear,
    };
    plot.draw(plots, &[("ours, our SDK", line)])
}

impl Measured {
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

/// Measures in a new process.
fn in_new_process(count: u32, guest: &Path, cache: &Path) -> Result<Measured> {
    let output = Command::new(std::env::current_exe()?)
        .args(["modules", &count.to_string()])
        .args([guest, cache])
        .stderr(Stdio::inherit())
        .output()?;
    ensure!(output.status.success(), "the process with {count} modules failed: {}", output.status);
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// Measures in this process, and prints the result as JSON.
pub(crate) fn run(count: u32, guest: &Path, cache: &Path) -> Result<()> {
    let wasm = std::fs::read(guest).with_context(|| guest.display().to_string())?;
    let cache = CodeCache::open(cache)?.max_bytes(CACHE_BYTES);
    let executor = executor()?;
    let proportional_before = memory("Pss:")?;

    let start = Instant::now();
    let modules = (0..count)
        .map(|number| {
            if number % 100 == 99 {
                eprintln!("    {} loaded", number + 1);
            }
            let package = contract::package(&unique_component(&wasm, number))?;
            Ok(Runtime::builder(package)
                .grants(Grants::as_requested())
                .pool_size(1)
                .code_cache(cache.clone())
                .build()?)
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
    let call = executor.block_on(round(async || {
        call(in_turns.next().context("the list of modules is empty")?).await
    }))?;
    let from_cache = modules.iter().filter(|module| module.usage().code == CodeSource::Cache);
    let measured = Measured {
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
    println!("{}", serde_json::to_string(&measured)?);
    Ok(())
}

/// Returns a value of this process's `smaps_rollup`, in bytes.
fn memory(line: &str) -> Result<u64> {
    let rollup = std::fs::read_to_string("/proc/self/smaps_rollup")
        .context("memory can only be measured on Linux")?;
    let kilobytes = rollup.lines().find_map(|found| found.strip_prefix(line));
    let kilobytes = kilobytes.and_then(|rest| rest.trim().strip_suffix(" kB"));
    Ok(kilobytes.with_context(|| format!("smaps_rollup lacks the line {line}"))?.parse::<u64>()?
        * 1024)
}
