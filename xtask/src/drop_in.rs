//! SurrealDB itself on this runtime, tested and compared with the published runtime.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use xshell::{Shell, cmd};

use crate::{clean_cargo_env, docs_table, guests, step};

const PAGE: &str = "docs/drop-in.md";

/// Rounds of measurement. The programs take turns, and the least time of each query counts.
const ROUNDS: usize = 3;

/// The measuring programs, in the order of the table's columns.
const PROGRAMS: [&str; 2] = ["measure-published", "measure"];

/// Builds SurrealDB on this runtime, runs its tests, and measures it beside the published runtime.
///
/// # Errors
///
/// When a build or a test fails. Slow queries are not an error.
pub(crate) fn run(shell: &Shell) -> Result<()> {
    guests::build(shell)?;
    let target = format!("{}/target/drop-in", shell.current_dir().display());
    let _target = shell.push_env("CARGO_TARGET_DIR", target);

    step("building SurrealDB on this runtime; the first time, this takes about half an hour");
    {
        let _there = shell.push_dir("tests/drop-in");
        clean_cargo_env(cmd!(shell, "cargo test")).run()?;
    }
    // The tests above have built our side of the comparison.
    step("building it on the published runtime, which takes as long again");
    {
        let _there = shell.push_dir("tests/drop-in/published");
        clean_cargo_env(cmd!(shell, "cargo build")).run()?;
    }
    step("measuring: leave the machine alone");
    let table = measure(shell)?;
    println!("{table}");
    docs_table::write(shell, PAGE, "SurrealDB 3.3.5, surrealism-runtime 0.6.5", &table)
}

/// Measures each query on both runtimes, into a table of microseconds.
fn measure(shell: &Shell) -> Result<String> {
    let mut titles = Vec::new();
    let mut least: BTreeMap<String, [f64; PROGRAMS.len()]> = BTreeMap::new();
    for _ in 0..ROUNDS {
        for (column, program) in PROGRAMS.into_iter().enumerate() {
            for line in cmd!(shell, "target/drop-in/debug/{program}").read()?.lines() {
                let (title, micros) = line.split_once('\t').context("a line without a time")?;
                if !least.contains_key(title) {
                    titles.push(title.to_string());
                }
                let times = least.entry(title.to_string()).or_insert([f64::MAX; PROGRAMS.len()]);
                times[column] = times[column].min(micros.parse()?);
            }
        }
    }
    let mut table =
        "| µs | published | ours | ours ÷ published |\n|---|---:|---:|---:|".to_string();
    for title in titles {
        let [published, ours] = least[&title];
        let ratio = ours / published;
        table += &format!("\n| {title} | {published:.1} | {ours:.1} | {ratio:.2} |");
    }
    Ok(table)
}
