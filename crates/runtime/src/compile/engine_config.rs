//! The settings of the engines.

use anyhow::ensure;

use crate::limits::{
    FALLBACK_POOLED_INSTANCES, MIN_RESERVABLE_ADDRESS_SPACE_BYTES, POOLED_CORE_INSTANCES,
    POOLED_INSTANCES, POOLED_TABLES,
};

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

/// Numbers of instances for the pool, by preference: the first whose address space can be reserved.
const DEFAULT_POOL_SIZES: [u32; 2] = [POOLED_INSTANCES, FALLBACK_POOLED_INSTANCES];

/// Settings of the process's WebAssembly engines. A host [installs](Self::install) them once, before it
/// loads the first module.
///
/// | setting | default |
/// |---|---|
/// | [`pooled_instances`](Self::pooled_instances) | 1,024, or 64 where there is less address space |
/// | [`pooled_core_instances`](Self::pooled_core_instances) | 8 |
/// | [`pooled_tables`](Self::pooled_tables) | 4 |
/// | [`pool_keep_resident_bytes`](Self::pool_keep_resident_bytes) | 256 KiB |
/// | [`guest_stack_bytes`](Self::guest_stack_bytes) | 512 KiB |
/// | [`call_stack_bytes`](Self::call_stack_bytes) | 8 MiB |
/// | [`max_backtrace_frames`](Self::max_backtrace_frames) | 20 |
/// | [`signals_based_traps`](Self::signals_based_traps) | `true` |
/// | [`compile_threads`](Self::compile_threads) | the number of hardware threads |
/// | [`reserve_address_space`](Self::reserve_address_space) | `true`, unless `ulimit -v` is under 64 GiB |
///
/// Guests yield every [10 ms](crate::epoch::EPOCH_TICK_MS), which cannot be set.
///
/// ```
/// use surrealism_runtime::EngineConfig;
///
/// // A small host: 256 GiB of address space in place of 4 TiB.
/// EngineConfig::new().pooled_instances(64).install()?;
/// # Ok::<(), surrealism_runtime::SurrealismError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "settings have no effect until `install`"]
pub struct EngineConfig {
    pub(super) pool_sizes: Vec<u32>,
    pub(super) pooled_core_instances: u32,
    pub(super) pooled_tables: u32,
    pub(super) pool_keep_resident_bytes: usize,
    pub(crate) guest_stack_bytes: usize,
    pub(super) call_stack_bytes: usize,
    pub(super) max_backtrace_frames: usize,
    pub(super) signals_based_traps: bool,
    /// `None` is the number of processors.
    pub(super) compile_threads: Option<usize>,
    /// `None` follows the limit of the process.
    reserve_address_space: Option<bool>,
}

impl Default for EngineConfig {
    fn default() -> Self {
        Self {
            pool_sizes: DEFAULT_POOL_SIZES.to_vec(),
            pooled_core_instances: POOLED_CORE_INSTANCES,
            pooled_tables: POOLED_TABLES,
            pool_keep_resident_bytes: 256 * KIB,
            guest_stack_bytes: 512 * KIB,
            call_stack_bytes: 8 * MIB,
            max_backtrace_frames: 20,
            signals_based_traps: true,
            compile_threads: None,
            reserve_address_space: None,
        }
    }
}

impl EngineConfig {
    /// Returns the default settings.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the number of instances that the process's pool has room for, over all modules. Each takes
    /// about 4 GiB of address space, and memory only once it is used. A module may hold as many places as
    /// it leaves free: half of the pool when it is alone. Further instances are allocated on demand, which
    /// is slower. Their number is not limited.
    ///
    /// A place that was used once keeps about six memory maps until the process ends; Linux allows a
    /// process 65,530 by default (`vm.max_map_count`). The maps of instances outside of the pool are given
    /// back when the instance is dropped.
    ///
    /// With 0, and where the address space cannot be reserved, no pool is made.
    pub fn pooled_instances(mut self, instances: u32) -> Self {
        self.pool_sizes = if instances == 0 { Vec::new() } else { vec![instances] };
        self
    }

    /// Sets the number of core instances that one pooled instance may consist of. A component with more
    /// is allocated on demand. A component usually consists of its own module and a few small ones that
    /// adapt it.
    pub fn pooled_core_instances(mut self, core_instances: u32) -> Self {
        self.pooled_core_instances = core_instances;
        self
    }

    /// Sets the number of tables that one pooled instance may have. A component with more is allocated on
    /// demand.
    pub fn pooled_tables(mut self, tables: u32) -> Self {
        self.pooled_tables = tables;
        self
    }

    /// Sets how much memory, and how much of each table, the pool keeps resident for the next instance,
    /// in bytes. It is cleared in place; the rest is unmapped.
    pub fn pool_keep_resident_bytes(mut self, bytes: usize) -> Self {
        self.pool_keep_resident_bytes = bytes;
        self
    }

    /// Sets the stack of guest code, in bytes.
    pub fn guest_stack_bytes(mut self, bytes: usize) -> Self {
        self.guest_stack_bytes = bytes;
        self
    }

    /// Sets the stack of one call, in bytes: the guest's, and that of the host functions which it calls,
    /// the context's among them. Only the part that is used takes memory.
    pub fn call_stack_bytes(mut self, bytes: usize) -> Self {
        self.call_stack_bytes = bytes;
        self
    }

    /// Sets the number of frames of a guest's backtrace in an error. 0 turns backtraces off.
    pub fn max_backtrace_frames(mut self, frames: usize) -> Self {
        self.max_backtrace_frames = frames;
        self
    }

    /// Sets whether a guest's faults (a panic, a division by zero, an access out of bounds, a stack
    /// overflow) are caught as signals, which cost nothing until they occur.
    ///
    /// The first load then installs handlers for SIGSEGV, SIGILL, SIGFPE and SIGBUS. They pass signals
    /// that no guest caused to the handlers before them. A host that installs its own handlers afterwards
    /// must pass signals on to the handlers that it replaces, or a guest's fault ends the process. Such a
    /// host installs its handlers before it loads the first module, or sets this to `false`: guests check
    /// every access by instructions then, and no handlers are installed.
    ///
    /// A loop of nothing but loads and stores at computed addresses takes about twice as long without
    /// signals. Code that computes in registers takes no longer.
    ///
    /// Default: `true`.
    pub fn signals_based_traps(mut self, signals: bool) -> Self {
        self.signals_based_traps = signals;
        self
    }

    /// Sets how many threads compile modules, at least 1. On Linux they have a low priority, so that
    /// those that serve calls come first; `docs/compiling.md` has what a compilation takes from
    /// calls. Elsewhere, a host that loads modules while it serves sets less than it has hardware threads.
    /// Default: the number of hardware threads.
    pub fn compile_threads(mut self, threads: usize) -> Self {
        self.compile_threads = Some(threads.max(1));
        self
    }

    /// Sets whether address space is reserved: 4 GiB for each memory, and the
    /// [pool](Self::pooled_instances). No physical memory belongs to it, but it counts where address space
    /// is limited (`ulimit -v`, containers), and emulators such as qemu-user pay for it with memory of
    /// their own.
    ///
    /// With `false` no pool is made, guests check the bounds of their memory by instructions, and a memory
    /// may move when it grows. A loop of nothing but loads and stores takes about twice as long. Default:
    /// `false` where the process's limit is under 64 GiB, else `true`.
    pub fn reserve_address_space(mut self, reserve: bool) -> Self {
        self.reserve_address_space = Some(reserve);
        self
    }

    pub(super) fn reserves_address_space(&self) -> bool {
        self.reserve_address_space
            .unwrap_or_else(|| address_space_limit() >= MIN_RESERVABLE_ADDRESS_SPACE_BYTES)
    }

    pub(crate) fn check(&self) -> anyhow::Result<()> {
        ensure!(
            0 < self.guest_stack_bytes && self.guest_stack_bytes < self.call_stack_bytes,
            "the engine settings are not valid: the guest's stack has {} bytes and the call's {}; the \
             guest's must not be empty, and smaller than the call's",
            self.guest_stack_bytes,
            self.call_stack_bytes
        );
        Ok(())
    }
}

/// Returns the limit of this process's address space, in bytes.
#[cfg(unix)]
fn address_space_limit() -> u64 {
    rustix::process::getrlimit(rustix::process::Resource::As).current.unwrap_or(u64::MAX)
}

#[cfg(not(unix))]
fn address_space_limit() -> u64 {
    u64::MAX
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stacks_are_checked() {
        EngineConfig::new().check().unwrap();
        for (guest, call) in [(0, MIB), (MIB, MIB), (2 * MIB, MIB)] {
            let config = EngineConfig::new().guest_stack_bytes(guest).call_stack_bytes(call);
            let error = config.check().unwrap_err().to_string();
            assert!(error.contains(&format!("has {guest} bytes and the call's {call}")), "{error}");
        }
    }
}
