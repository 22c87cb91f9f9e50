//! The limits of one instance's memories and tables.

use std::fmt;
use std::sync::Arc;

use wasmtime::{Error, ResourceLimiter, Result, ensure};

use crate::error::TrapKind;
use crate::limits::{MAX_CORE_ITEMS, MAX_TABLE_ELEMENTS};
use crate::usage::ModuleMetrics;

/// Limits the linear memory of all memories of an instance together, and the elements of all its
/// tables.
#[derive(Debug)]
pub(crate) struct StoreLimiter {
    metrics: Arc<ModuleMetrics>,
    max_bytes: Option<usize>,
    used_bytes: usize,
    /// What was used once the instance was initialized.
    initial_bytes: usize,
    table_elements: usize,
    trap_on_grow_failure: bool,
    denied: Option<DeniedGrowth>,
}

/// What the guest would have had, had its last request for more been granted.
#[derive(Debug, Clone, Copy)]
pub(crate) enum DeniedGrowth {
    Bytes { requested: usize, max: usize },
    TableElements(usize),
}

impl DeniedGrowth {
    pub(crate) fn trap_kind(self) -> TrapKind {
        match self {
            Self::Bytes { .. } => TrapKind::OutOfMemory,
            Self::TableElements(_) => TrapKind::OutOfTableElements,
        }
    }
}

impl fmt::Display for DeniedGrowth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes { requested, max } => write!(
                f,
                "ran out of memory: it asked for {requested} bytes of memory, and \
                 `max_memory_bytes` is {max}"
            ),
            Self::TableElements(requested) => write!(
                f,
                "ran out of tables: it asked for {requested} elements in all its tables, and \
                 {MAX_TABLE_ELEMENTS} are allowed"
            ),
        }
    }
}

impl StoreLimiter {
    /// Limits memory to `max_bytes`; `None` is unlimited.
    pub(crate) fn new(max_bytes: Option<usize>, metrics: Arc<ModuleMetrics>) -> Self {
        Self {
            metrics,
            max_bytes,
            used_bytes: 0,
            initial_bytes: 0,
            table_elements: 0,
            trap_on_grow_failure: false,
            denied: None,
        }
    }

    /// Traps the guest when growth is denied or fails, instead of returning -1 to it.
    pub(crate) fn trap_on_grow_failure(mut self) -> Self {
        self.trap_on_grow_failure = true;
        self
    }

    /// Notes that the instance is initialized.
    pub(crate) fn set_initialized(&mut self) {
        self.initial_bytes = self.used_bytes;
    }

    /// Returns how much larger the memory is than when the instance was initialized, in bytes.
    pub(crate) fn growth_bytes(&self) -> usize {
        self.used_bytes - self.initial_bytes
    }

    /// Forgets denied growth, which does not explain what happens from now on.
    pub(crate) fn reset(&mut self) {
        self.denied = None;
    }

    /// Returns the size of all memories together.
    pub(crate) fn used_bytes(&self) -> usize {
        self.used_bytes
    }

    /// Returns what the guest ran out of, if growth was denied.
    pub(crate) fn denial(&self) -> Option<DeniedGrowth> {
        self.denied
    }

    fn deny(&mut self, growth: DeniedGrowth) -> Result<bool> {
        self.denied = Some(growth);
        ensure!(!self.trap_on_grow_failure, "growth is denied");
        Ok(false)
    }

    fn exceeds_declared_maximum(&self) -> Result<bool> {
        ensure!(!self.trap_on_grow_failure, "growth exceeds the declared maximum");
        Ok(false)
    }

    fn grow_failed(&self, error: Error) -> Result<()> {
        if self.trap_on_grow_failure { Err(error) } else { Ok(()) }
    }
}

impl Drop for StoreLimiter {
    fn drop(&mut self) {
        self.metrics.memory_bytes.sub(self.used_bytes);
    }
}

impl ResourceLimiter for StoreLimiter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> Result<bool> {
        // wasmtime denies growth beyond the memory's own maximum: it must not be counted.
        if maximum.is_some_and(|maximum| desired > maximum) {
            return self.exceeds_declared_maximum();
        }
        let growth = desired.saturating_sub(current);
        let requested = self.used_bytes.saturating_add(growth);
        if let Some(max) = self.max_bytes.filter(|max| requested > *max) {
            return self.deny(DeniedGrowth::Bytes { requested, max });
        }
        self.used_bytes = requested;
        self.metrics.memory_bytes.add(growth);
        Ok(true)
    }

    fn memory_grow_failed(&mut self, error: Error) -> Result<()> {
        self.grow_failed(error)
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> Result<bool> {
        // Checked first: this limit is also the declared maximum of a table in the pool.
        let requested = self.table_elements.saturating_add(desired.saturating_sub(current));
        if requested > MAX_TABLE_ELEMENTS {
            return self.deny(DeniedGrowth::TableElements(requested));
        }
        if maximum.is_some_and(|maximum| desired > maximum) {
            return self.exceeds_declared_maximum();
        }
        self.table_elements = requested;
        Ok(true)
    }

    fn table_grow_failed(&mut self, error: Error) -> Result<()> {
        self.grow_failed(error)
    }

    fn instances(&self) -> usize {
        MAX_CORE_ITEMS
    }

    fn tables(&self) -> usize {
        MAX_CORE_ITEMS
    }

    fn memories(&self) -> usize {
        MAX_CORE_ITEMS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_memories_count_together() {
        let mut limit = StoreLimiter::new(Some(100), Arc::default());
        assert!(limit.memory_growing(0, 60, None).unwrap());
        assert!(limit.memory_growing(0, 40, None).unwrap());
        assert!(!limit.memory_growing(40, 41, None).unwrap());
        assert!(limit.denial().unwrap().to_string().contains("101 bytes"));
    }

    #[test]
    fn denied_growth_is_not_counted() {
        let mut limit = StoreLimiter::new(Some(100), Arc::default());
        assert!(!limit.memory_growing(0, 60, Some(50)).unwrap());
        assert!(limit.denial().is_none());
        assert!(!limit.memory_growing(0, 200, None).unwrap());
        assert!(limit.memory_growing(0, 100, None).unwrap());
        limit.reset();
        assert!(limit.denial().is_none());
    }

    #[test]
    fn all_tables_count_together() {
        let mut limit = StoreLimiter::new(None, Arc::default());
        assert!(limit.table_growing(0, MAX_TABLE_ELEMENTS, None).unwrap());
        assert!(!limit.table_growing(0, 1, None).unwrap());
        assert!(limit.denial().unwrap().to_string().contains("1000001 elements"));
    }

    #[test]
    fn denied_growth_traps_where_that_is_asked_for() {
        let mut limit = StoreLimiter::new(Some(100), Arc::default()).trap_on_grow_failure();
        assert!(limit.memory_growing(0, 60, None).unwrap());
        limit.memory_growing(60, 101, None).unwrap_err();
        limit.memory_growing(60, 80, Some(70)).unwrap_err();
        limit.table_growing(0, MAX_TABLE_ELEMENTS + 1, None).unwrap_err();
        limit.memory_grow_failed(wasmtime::format_err!("no memory")).unwrap_err();
    }
}
