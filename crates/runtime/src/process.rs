//! What a process has once, however many modules it loads.

mod fork;

use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};
use surrealism_types::err::SurrealismResult;

pub(crate) use self::fork::ensure_not_forked;
use self::fork::watch_forks;
use crate::compile::engine::Engines;
use crate::compile::engine_config::EngineConfig;
use crate::deadline::TimerQueue;
use crate::epoch::EPOCH_TICK_MS;
use crate::error::Error;

/// The engines, their settings, and the deadlines of pending calls.
pub(crate) struct Globals {
    pub(crate) config: &'static EngineConfig,
    pub(crate) engines: Engines,
    pub(crate) timers: TimerQueue,
}

/// The engines' settings, which never change once they are set.
static SETTINGS: OnceLock<Settings> = OnceLock::new();

struct Settings {
    config: EngineConfig,
    source: Source,
}

enum Source {
    Installed,
    FirstLoad,
}

impl EngineConfig {
    /// Makes these the settings of the process's engines.
    ///
    /// # Errors
    ///
    /// When settings were installed before, a module was loaded before, or the settings are not valid.
    pub fn install(self) -> SurrealismResult<()> {
        self.check()?;
        let mut config = Some(self);
        let settings = SETTINGS.get_or_init(|| Settings {
            config: config.take().unwrap_or_default(),
            source: Source::Installed,
        });
        if config.is_none() {
            return Ok(());
        }
        Err(match settings.source {
            Source::Installed => anyhow!(
                "engine settings cannot be installed: others were installed before; install them once"
            ),
            Source::FirstLoad => anyhow!(
                "engine settings cannot be installed: a module was loaded before; install them first"
            ),
        }
        .into())
    }
}

/// Returns the process's globals. The first call creates them and starts the epoch ticker.
///
/// # Errors
///
/// When WebAssembly cannot run on this machine, the ticker's thread cannot be started, or the process was
/// forked from one that had globals.
pub(crate) fn globals() -> Result<&'static Globals, Error> {
    static GLOBALS: OnceLock<Result<Globals, String>> = OnceLock::new();
    static TICKER: OnceLock<Result<(), String>> = OnceLock::new();

    ensure_not_forked()?;
    watch_forks();
    let globals = match GLOBALS.get_or_init(|| create().map_err(|error| format!("{error:#}"))) {
        Ok(globals) => globals,
        Err(error) => {
            let error = anyhow!("WebAssembly cannot run on this machine: {error}");
            return Err(Error::process(error));
        }
    };
    let ticker = TICKER.get_or_init(|| spawn_epoch_ticker(globals).map_err(|e| format!("{e:#}")));
    match ticker {
        Ok(()) => Ok(globals),
        Err(error) => Err(Error::process(anyhow!("{error}"))),
    }
}

fn create() -> wasmtime::Result<Globals> {
    let default = || Settings { config: EngineConfig::default(), source: Source::FirstLoad };
    let config = &SETTINGS.get_or_init(default).config;
    Ok(Globals { config, engines: Engines::new(config)?, timers: TimerQueue::default() })
}

fn spawn_epoch_ticker(globals: &'static Globals) -> anyhow::Result<()> {
    const TICK: Duration = Duration::from_millis(EPOCH_TICK_MS);
    /// The precision of a guest's sleep: so often, at most, the thread wakes between two ticks.
    const MIN_WAIT: Duration = Duration::from_millis(1);
    /// Ticks without a guest after which the thread rests.
    const QUIET_TICKS: u32 = 10;

    let tick = move || {
        let timers = &globals.timers;
        timers.ticker.set_thread(thread::current());
        let (mut next_tick, mut quiet) = (Instant::now() + TICK, 0);
        loop {
            if quiet >= QUIET_TICKS {
                timers.ticker.rest(|| timers.earliest());
                (next_tick, quiet) = (Instant::now() + TICK, 0);
            }
            let wake_at = timers.earliest().map_or(next_tick, |at| at.min(next_tick));
            let wait = wake_at.saturating_duration_since(Instant::now());
            thread::park_timeout(wait.max(MIN_WAIT));
            let now = Instant::now();
            if now >= next_tick {
                globals.engines.increment_epochs();
                next_tick = now + TICK;
                quiet = if timers.ticker.take_active() { 0 } else { quiet + 1 };
            }
            timers.fire_expired(now);
        }
    };
    let ticker = thread::Builder::new().name("surrealism-epoch".to_string());
    ticker.spawn(tick).map(drop).context("the thread that ticks the epoch cannot be started")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_refused_once_a_module_was_loaded() {
        globals().unwrap();
        let error = EngineConfig::new().install().unwrap_err().to_string();
        assert!(error.contains("a module was loaded before"), "{error}");
    }
}
