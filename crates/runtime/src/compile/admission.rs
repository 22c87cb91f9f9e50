//! Bounds what compiling a component may cost, before anything of it is compiled.
//!
//! Cranelift compiles the output of compilers in time that grows with its size. Some WebAssembly that no
//! compiler produces takes time that grows with the square or the cube of its size: two kibibytes of it can
//! take a minute. A compilation cannot be interrupted. [`admit`] therefore reads a component once, adds up an
//! upper estimate of what compiling it costs, and refuses it if that is over a limit of [`CompileLimits`].
//! What reading takes is counted too.
//!
//! The estimate is made of these quantities. [`weights`] has the cost of one of each.
//!
//! | quantity | costs |
//! |---|---|
//! | operators of functions, by kind, and values that calls pass | time and memory each |
//! | carried values: live ones, summed over branches and calls | liveness, spilling |
//! | merged values: those that paths merge, summed over the paths | block parameters |
//! | carried × merged | a list that the register allocator scans |
//! | pairs of steps | dominators of blocks |
//! | merged × nesting | live ranges that the register allocator joins |
//! | variables × branches | a table of SSA construction |
//! | functions, types, elements, data segments, globals | trampolines, the module's initializer |
//! | parts, instances and adapters of the component | validation, functions that copy values |
//!
//! What is live where is computed as a compiler would ([`liveness`]), since an estimate that takes all
//! variables for live refuses interpreters that compile in a second.
//!
//! # What is not bounded
//!
//! The weights are measured, not proven. A fuzz target (`fuzz/src/compile.rs`) searches for components that
//! cost more than estimated, and tests replay the most expensive ones. The weights belong to the version of
//! wasmtime with which they were measured. Time is CPU time on the machine that [`weights`] names.

mod adapters;
mod component;
mod declarations;
mod function;
mod liveness;
mod module;
mod weights;

use std::fmt;
use std::time::Duration;

use surrealism_types::err::{SurrealismError, SurrealismResult};
use wasmparser::{BinaryReaderError, Encoding, Parser, Payload};

use self::component::Components;
use self::module::CoreModule;
use self::weights::Cost;

use crate::limits::CompileLimits;

const MIB: u64 = 1 << 20;

/// What compiling a component costs, as an upper estimate.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CompileCost {
    /// CPU time, summed over all threads.
    pub time: Duration,
    /// Memory in bytes, beside
    /// [`COMPILE_MEMORY_PER_THREAD_BYTES`](crate::limits::COMPILE_MEMORY_PER_THREAD_BYTES).
    pub memory_bytes: u64,
}

/// The reason why a component is not compiled.
#[derive(Debug)]
pub(crate) enum Refusal {
    Invalid(String),
    TooCostly(String),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid(reason) => write!(f, "invalid component: {reason}"),
            Self::TooCostly(reason) => write!(f, "compiling is refused: {reason}"),
        }
    }
}

impl std::error::Error for Refusal {}

impl From<BinaryReaderError> for Refusal {
    fn from(error: BinaryReaderError) -> Self {
        Self::Invalid(error.to_string())
    }
}

impl Refusal {
    fn invalid(reason: String) -> Self {
        Self::Invalid(reason)
    }

    /// The part `of` the component has `measured` of `what`, and the limit `name` is lower.
    fn too_many(of: &dyn fmt::Display, what: &str, measured: u64, limit: u32, name: &str) -> Self {
        Self::TooCostly(format!(
            "{of} has {measured} {what}, and the limit is {limit}; split it up, or raise \
             `CompileLimits::{name}`"
        ))
    }
}

impl Refusal {
    /// The load has spent time on other compilations.
    pub(super) fn again(time: Duration, spent: Duration, limit: Duration) -> Self {
        Self::TooCostly(format!(
            "this load was estimated to take {} of CPU time before, and would take {} more to compile the \
             component once more, and the limit is {}; make the component smaller, or raise \
             `CompileLimits::max_time`",
            seconds(spent),
            seconds(time),
            seconds(limit)
        ))
    }
}

impl CompileLimits {
    /// Estimates what compiling a component costs, in time linear in its size.
    ///
    /// # Errors
    ///
    /// [`Compilation`](SurrealismError::Compilation) when it is over a limit, or the component is
    /// malformed.
    pub fn check(&self, wasm: &[u8]) -> SurrealismResult<CompileCost> {
        admit(wasm, self).map_err(|refusal| SurrealismError::Compilation(refusal.into()))
    }
}

/// Estimates what compiling a component costs.
///
/// # Errors
///
/// When it is over a limit, or the component is malformed.
pub(super) fn admit(wasm: &[u8], limits: &CompileLimits) -> Result<CompileCost, Refusal> {
    let cost = estimate(wasm, limits)?;
    Ok(CompileCost { time: Duration::from_nanos(cost.time), memory_bytes: cost.memory })
}

fn estimate(wasm: &[u8], limits: &CompileLimits) -> Result<Cost, Refusal> {
    let mut budget = Budget { limits, spent: Cost::NONE };
    let mut components = Components::new(limits);
    let mut module = CoreModule::default();
    let mut modules = 0;
    for payload in Parser::new(0).parse_all(wasm) {
        let payload = payload?;
        if let Payload::Version { encoding: Encoding::Module, .. } = payload {
            module = CoreModule::new(modules);
            modules += 1;
        }
        components.read(&payload, &mut budget)?;
        module.read(payload, &mut budget)?;
    }
    if components.have_adapters() {
        let adapters = adapters::cost(wasm, limits)?;
        budget.charge(&"the adapters between its components", adapters)?;
    }
    Ok(budget.spent)
}

/// The cost of what was read, and its limits.
struct Budget<'a> {
    limits: &'a CompileLimits,
    spent: Cost,
}

impl Budget<'_> {
    fn charge(&mut self, part: &dyn fmt::Display, cost: Cost) -> Result<(), Refusal> {
        self.spent = self.spent.plus(cost);
        let (time, limit) = (Duration::from_nanos(self.spent.time), self.limits.max_time);
        if time > limit {
            let share = Duration::from_nanos(cost.time);
            return Err(Refusal::TooCostly(format!(
                "it is estimated to take more than {} of CPU time ({} for {part}), and the \
                 limit is {}; make the component smaller, or raise `CompileLimits::max_time`",
                seconds(limit),
                seconds(share),
                seconds(limit)
            )));
        }
        let (memory, limit) = (self.spent.memory, self.limits.max_memory_bytes);
        if memory > limit {
            return Err(Refusal::TooCostly(format!(
                "it is estimated to take more than {} MiB of memory ({} MiB for {part}), and \
                 the limit is {} MiB; make the component smaller, or raise `CompileLimits::max_memory_bytes`",
                limit / MIB,
                cost.memory / MIB,
                limit / MIB
            )));
        }
        Ok(())
    }
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}
