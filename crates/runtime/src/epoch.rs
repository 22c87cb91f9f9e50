//! The engines that compile and run guests, and the clock that keeps them fair.
//!
//! There are two engines in a process: one whose guest code checks the clock at every loop and
//! call, and one, for modules with `strict_timeout = false`, whose code does not. A thread ticks
//! every [`EPOCH_TICK_MS`]; on a tick, a running guest yields to its executor and a call whose
//! deadline has passed is stopped.

use std::num::NonZeroUsize;
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context;
use wasmtime::{Config, Engine, WasmBacktraceDetails};

use crate::SurrealismResult;
use crate::deadline::Alarms;
use crate::limits::{CALL_STACK_BYTES, GUEST_STACK_BYTES, MAX_BACKTRACE_FRAMES};

/// Time between two ticks, in milliseconds.
pub const EPOCH_TICK_MS: u64 = 10;

/// What a process has once, however many modules it loads.
pub(crate) struct Engines {
    /// Its guests check the clock.
    strict: Engine,
    /// Its guests do not.
    trusting: Engine,
    /// The deadlines of calls that wait, rung by the clock.
    pub(crate) alarms: Alarms,
}

impl Engines {
    /// The engine for a module, by its `strict_timeout`.
    pub(crate) fn choose(&self, strict_timeout: bool) -> &Engine {
        if strict_timeout { &self.strict } else { &self.trusting }
    }
}

/// The engines of this process, made with the first module.
pub(crate) fn engines() -> SurrealismResult<&'static Engines> {
    static ENGINES: OnceLock<Result<Engines, String>> = OnceLock::new();

    let engines = ENGINES
        .get_or_init(|| start().map_err(|error| format!("{error:#}")))
        .as_ref()
        .map_err(|error| anyhow::anyhow!("WebAssembly cannot run on this machine: {error}"))?;
    static CLOCK: OnceLock<Result<(), String>> = OnceLock::new();
    CLOCK
        .get_or_init(|| start_clock(engines).map_err(|error| format!("{error:#}")))
        .as_ref()
        .map_err(|error| anyhow::anyhow!("{error}"))?;
    Ok(engines)
}

fn start() -> anyhow::Result<Engines> {
    Ok(Engines { strict: engine(true)?, trusting: engine(false)?, alarms: Alarms::default() })
}

fn engine(strict: bool) -> wasmtime::Result<Engine> {
    let mut config = Config::new();
    config
        .wasm_component_model(true)
        // Guests of this ABI are called one at a time; the bookkeeping for more costs every call.
        .concurrency_support(false)
        .epoch_interruption(strict)
        .max_wasm_stack(GUEST_STACK_BYTES)
        .async_stack_size(CALL_STACK_BYTES)
        // The default would read an environment variable.
        .wasm_backtrace_details(WasmBacktraceDetails::Enable)
        .wasm_backtrace_max_frames(NonZeroUsize::new(MAX_BACKTRACE_FRAMES));
    Engine::new(&config)
}

fn start_clock(engines: &'static Engines) -> anyhow::Result<()> {
    let tick = move || {
        loop {
            thread::sleep(Duration::from_millis(EPOCH_TICK_MS));
            engines.strict.increment_epoch();
            engines.alarms.ring(Instant::now());
        }
    };
    let clock = thread::Builder::new().name("surrealism-clock".to_string());
    clock.spawn(tick).map(drop).context("cannot start the thread that keeps deadlines")
}
