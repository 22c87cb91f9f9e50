//! The cases of the benchmark and how each is timed, the same for all contenders.

mod case;
mod process;
mod time;

pub use case::{Case, Work};
pub use process::{Process, serve};
pub use time::{concurrently, round, round_with};

use anyhow::Result;

/// A runtime that runs the functions of `bench/guests`.
pub trait Contender {
    /// Returns the microseconds of one call, or one load, in one round of a case; `None` where this
    /// contender lacks the feature.
    fn measure(&mut self, case: Case) -> Result<Option<f64>>;
}

/// An executor with two threads on every machine, so that results can be compared.
pub fn executor() -> Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?)
}

/// Returns the same component with other bytes, so that a cache does not know it: with a custom section
/// that holds a number at its end.
pub fn unique_component(wasm: &[u8], number: u32) -> Vec<u8> {
    const SECTION: [u8; 8] = [0, 6, 1, b'n', 0, 0, 0, 0];
    let mut section = SECTION;
    section[4..].copy_from_slice(&number.to_le_bytes());
    [wasm, &section].concat()
}
