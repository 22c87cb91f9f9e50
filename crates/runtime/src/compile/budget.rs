//! The time that one load may take for all of its compilations.

use std::cell::Cell;
use std::time::Duration;

use super::admission::{CompileCost, Refusal, admit};
use crate::limits::CompileLimits;

/// The limits of a load, and what its compilations take so far, as estimated.
///
/// A load compiles more than once where a component is pre-initialized, and where an engine rejects what it
/// has compiled. The limit of time holds for the sum; memory is freed in between.
pub(crate) struct CompileBudget<'a> {
    limits: &'a CompileLimits,
    spent: Cell<Duration>,
    reserved: Cell<Duration>,
}

impl<'a> CompileBudget<'a> {
    pub(crate) fn new(limits: &'a CompileLimits) -> Self {
        Self { limits, spent: Cell::default(), reserved: Cell::default() }
    }

    /// Admits a component, and takes the time of compiling it from the budget.
    ///
    /// # Errors
    ///
    /// When compiling it is over a limit, or over what is left of the time.
    pub(super) fn charge(&self, wasm: &[u8]) -> Result<(), Refusal> {
        let cost = admit(wasm, self.limits)?;
        let spent = self.spent.get().saturating_add(cost.time);
        if spent.saturating_add(self.reserved.get()) > self.limits.max_time {
            return Err(Refusal::again(cost.time, self.spent.get(), self.limits.max_time));
        }
        self.spent.set(spent);
        Ok(())
    }

    /// Keeps the time of compiling a component while `work` charges for what may fail, so that the component
    /// itself can be compiled afterwards.
    ///
    /// # Errors
    ///
    /// When compiling it is over a limit.
    pub(super) fn reserving<T>(&self, wasm: &[u8], work: impl FnOnce() -> T) -> Result<T, Refusal> {
        let CompileCost { time, .. } = admit(wasm, self.limits)?;
        self.reserved.set(time);
        let result = work();
        self.reserved.set(Duration::ZERO);
        Ok(result)
    }
}
