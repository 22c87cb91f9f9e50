//! Compiled code, kept from one run of the command to the next.

use etcetera::BaseStrategy;
use surrealism_runtime::CodeCache;

use crate::terminal::Terminal;

/// The variable that turns it off, if it is set to anything.
const OFF: &str = "SURREALISM_NO_CACHE";

/// For `--help`.
pub(crate) const PLACE: &str = "\
Compiled code:
  Kept in `surrealism` in your cache folder ($XDG_CACHE_HOME, ~/.cache), for you alone and at most
  1 GiB of it, so that a plugin is compiled once. `--no-cache` or SURREALISM_NO_CACHE=1 turns it off.";

/// Whether code is kept.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cache {
    off: bool,
}

impl Cache {
    pub(crate) fn new(off: bool) -> Self {
        let told_off = std::env::var_os(OFF).is_some_and(|value| !value.is_empty());
        Self { off: off || told_off }
    }

    /// Where it is kept. Without it everything works, only later.
    pub(crate) fn open(self, terminal: Terminal) -> Option<CodeCache> {
        if self.off {
            return None;
        }
        // Who has no home has no folder for it.
        let folder = etcetera::choose_base_strategy().ok()?.cache_dir().join("surrealism");
        let refused = |error| terminal.warn(format!("compiled code is not kept: {error}"));
        CodeCache::open(folder).map_err(refused).ok()
    }
}
