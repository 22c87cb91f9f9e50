//! `--no-cache`: the cache of compiled code.

use clap::Args;
use etcetera::BaseStrategy;
use surrealism_runtime::CodeCache;

use crate::ui::terminal::Terminal;
use crate::ui::text::text;

/// The environment variable that turns the cache off if it is not empty.
const NO_CACHE_ENV: &str = "SURREALISM_NO_CACHE";

/// The section of `--help` about the cache.
pub(crate) const CACHE_HELP: &str = "\
Compiled code:
  Cached in `surrealism` in your cache directory ($XDG_CACHE_HOME, ~/.cache), up to 1 GiB, so that
  each plugin is compiled once. Only your user can read it. `--no-cache` or SURREALISM_NO_CACHE=1
  turns the cache off.";

/// Whether compiled code is cached between runs of the command.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct CacheArgs {
    /// Compile again, and do not cache compiled code
    #[arg(long, global = true)]
    no_cache: bool,
}

impl CacheArgs {
    /// Opens the cache. Returns `None` if it is turned off or unusable: the command works without it.
    pub(crate) fn open(self, terminal: Terminal) -> Option<CodeCache> {
        if self.is_off() {
            return None;
        }
        // A user without a home directory has no cache directory.
        let dir = etcetera::choose_base_strategy().ok()?.cache_dir().join("surrealism");
        let warn = |error| terminal.warn(text!("compiled code is not cached: {}", error));
        CodeCache::open(dir).map_err(warn).ok()
    }

    fn is_off(self) -> bool {
        self.no_cache || std::env::var_os(NO_CACHE_ENV).is_some_and(|value| !value.is_empty())
    }
}
