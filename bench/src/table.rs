//! The table: one row for each case, one column for each contender.

use anyhow::Result;
use bench_measure::{Case, Work};

use crate::contenders::Contenders;

const ROUNDS: usize = 9;

/// Fewer for loads: compiling takes so long that disturbances hardly show.
const LOAD_ROUNDS: usize = 2;

const CASES: [(&str, Case); 13] = [
    ("an empty function of a component", Case::Nothing),
    ("`can_drive(int) -> bool`", Case::Call(Work::CanDrive)),
    ("1 MiB of text in, its length out", Case::Call(Work::Length(1 << 20))),
    ("10,000 integers in, their sum out", Case::Call(Work::Sum(10_000))),
    ("KV set", Case::Call(Work::KvSet)),
    ("KV get", Case::Call(Work::KvGet)),
    ("`can_drive` by 1 task on two threads, per call", Case::Concurrent { callers: 1, pool: 64 }),
    ("`can_drive` by 2 tasks on two threads, per call", Case::Concurrent { callers: 2, pool: 64 }),
    (
        "`can_drive` by 64 tasks on two threads, per call",
        Case::Concurrent { callers: 64, pool: 64 },
    ),
    ("a fresh instance after its `init` (bare, Extism: without), one call", Case::Fresh),
    ("load", Case::Load),
    ("load again (ours: and unpack)", Case::LoadAgain),
    ("`can_drive` for 1,000 rows in one call, per row", Case::Rows),
];

pub(crate) fn print(contenders: &mut Contenders) -> Result<()> {
    println!("| µs | {} |", contenders.names().collect::<Vec<_>>().join(" | "));
    println!("|---|{}", "---:|".repeat(contenders.names().count()));
    for (title, case) in CASES {
        let rounds = match case {
            Case::Load | Case::LoadAgain => LOAD_ROUNDS,
            _ => ROUNDS,
        };
        let times = contenders.least(case, rounds)?;
        let cell = |time: Option<f64>| time.map_or("–".to_string(), |time| format!("{time:.2}"));
        println!("| {title} | {} |", times.into_iter().map(cell).collect::<Vec<_>>().join(" | "));
    }
    Ok(())
}
