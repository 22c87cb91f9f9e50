//! The settings of the engines.

use anyhow::ensure;

use crate::limits::{POOLED_CORE_INSTANCES, POOLED_TABLES};

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

/// Numbers of instances for the pool, by preference: the first whose address space can be reserved.
const DEFAULT_POOL_SIZES: [u32; 2] = [8_192, 1_024];

/// Settings of the process's WebAssembly engines. A host [installs](Self::install) them once, before it
/// loads the first module.
///
/// | setting | default |
/// |---|---|
/// | [`pooled_instances`](Self::pooled_instances) | 8,192, or 1,024 where there is less address space |
/// | [`pooled_core_instances`](Self::pooled_core_instances) | 8 |
/// | [`pooled_tables`](Self::pooled_tables) | 4 |
/// | [`pool_keep_resident_bytes`](Self::pool_keep_resident_bytes) | 256 KiB |
/// | [`guest_stack_bytes`](Self::guest_stack_bytes) | 512 KiB |
/// | [`call_stack_bytes`](Self::call_stack_bytes) | 8 MiB |
/// | [`max_backtrace_frames`](Self::max_backtrace_frames) | 20 |
///
/// Guests yield every [10 ms](crate::epoch::EPOCH_TICK_MS), which cannot be set.
///
/// ```
/// use surrealism_runtime::EngineConfig;
///
/// // A small host: 256 GiB of address space in place of 32 TiB.
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
        }
    }
}

impl EngineConfig {
    /// Returns the default settings.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the number of instances that the process's pool has room for, over all modules. Each takes
    /// about 4 GiB of address space, and memory only once it is used. Creating one instance more fails.
    ///
    /// With 0, and where the address space cannot be reserved, there is no pool: instances are allocated
    /// on demand, which is slower, and their number is not limited.
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
