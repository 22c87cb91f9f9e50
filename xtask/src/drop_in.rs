//! SurrealDB itself on this runtime: its tests, and the same queries on the published runtime.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use xshell::{Shell, cmd};

use crate::{bare, guests, page, step};

const PAGE: &str = "docs/drop-in.md";

/// How often each side measures; they take turns, and the least time of each query counts.
const TURNS: usize = 3;

/// The programs that measure, in the order of the table's columns.
const SIDES: [&str; 2] = ["measure-published", "measure"];

/// Builds SurrealDB on this runtime, runs its tests, and measures it beside the published runtime.
///
/// # Errors
///
/// When something does not build, or a test fails. Nothing fails for being slow.
pub(crate) fn run(shell: &Shell) -> Result<()> {
    guests::build(shell)?;
    let target = format!("{}/target/drop-in", shell.current_dir().display());
    let _target = shell.push_env("CARGO_TARGET_DIR", target);

    step("building SurrealDB on this runtime; the first time, this takes about half an hour");
    {
        let _there = shell.push_dir("tests/drop-in");
        bare(cmd!(shell, "cargo test")).run()?;
    }
    // The tests have built their own `measure`.
    step("building it on the published runtime, which takes as long again");
    {
        let _there = shell.push_dir("tests/drop-in/published");
        bare(cmd!(shell, "cargo build")).run()?;
    }
    step("measuring: leave the machine alone");
    let table = measure(shell)?;
    println!("{table}");
    page::write(shell, PAGE, "SurrealDB 3.3.5, surrealism-runtime 0.6.5", &table)
}

/// A table of microseconds.
fn measure(shell: &Shell) -> Result<String> {
    let mut titles = Vec::new();
    let mut least: BTreeMap<String, [f64; SIDES.len()]> = BTreeMap::new();
    for _ in 0..TURNS {
        for (side, program) in SIDES.into_iter().enumerate() {
            for line in cmd!(shell, "target/drop-in/debug/{program}").read()?.lines() {
                let (title, micros) = line.split_once('\t').context("a line without a time")?;
                if !least.contains_key(title) {
                    titles.push(title.to_string());
                }
                let times = least.entry(title.to_string()).or_insert([f64::MAX; SIDES.len()]);
                times[side] = times[side].min(micros.parse()?);
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
