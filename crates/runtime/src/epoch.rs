//! The clock that keeps guests fair and deadlines kept.
//!
//! A thread ticks every [`EPOCH_TICK_MS`]; on a tick, a running guest yields to its executor and a
//! call whose deadline has passed is stopped.

use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context;

use crate::SurrealismResult;
use crate::deadline::Alarms;
use crate::compile::engine::Engines;

/// Time between two ticks, in milliseconds.
pub const EPOCH_TICK_MS: u64 = 10;

/// What a process has once, however many modules it loads.
pub(crate) struct Process {
    pub(crate) engines: Engines,
    /// The deadlines of calls that wait, rung by the clock.
    pub(crate) alarms: Alarms,
}

/// Starts the clock with the first module.
///
/// # Errors
///
/// When WebAssembly cannot run on this machine, or no thread can be started.
pub(crate) fn process() -> SurrealismResult<&'static Process> {
    static PROCESS: OnceLock<Result<Process, String>> = OnceLock::new();
    static CLOCK: OnceLock<Result<(), String>> = OnceLock::new();

    let start = || Engines::new().map(|engines| Process { engines, alarms: Alarms::default() });
    let process = PROCESS
        .get_or_init(|| start().map_err(|error| format!("{error:#}")))
        .as_ref()
        .map_err(|error| anyhow::anyhow!("WebAssembly cannot run on this machine: {error}"))?;
    CLOCK
        .get_or_init(|| start_clock(process).map_err(|error| format!("{error:#}")))
        .as_ref()
        .map_err(|error| anyhow::anyhow!("{error}"))?;
    Ok(process)
}

fn start_clock(process: &'static Process) -> anyhow::Result<()> {
    let tick = move || {
        loop {
            thread::sleep(Duration::from_millis(EPOCH_TICK_MS));
            process.engines.tick();
            process.alarms.ring(Instant::now());
        }
    };
    let clock = thread::Builder::new().name("surrealism-clock".to_string());
    clock.spawn(tick).map(drop).context("cannot start the thread that keeps deadlines")
}
