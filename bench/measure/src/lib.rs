//! What is measured, on whichever side, and how: the same for all of them.

mod case;
mod process;
mod time;

pub use case::{Case, Work};
pub use process::{Process, serve};
pub use time::{round, round_with, together};

use anyhow::Result;

/// Somebody who runs the functions of `bench/guests`.
pub trait Side {
    /// Microseconds that one call, or one load, takes in one round of a case. `None` where this side
    /// has no such thing.
    fn measure(&mut self, case: Case) -> Result<Option<f64>>;
}

/// Two threads, whatever the machine has: so are the tables and the curves of all machines.
pub fn executor() -> Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?)
}

/// The same component with other bytes, so that nobody takes it for one that was loaded before: a
/// custom section with a number at its end.
pub fn distinct(wasm: &[u8], number: u32) -> Vec<u8> {
    const SECTION: [u8; 8] = [0, 6, 1, b'n', 0, 0, 0, 0];
    let mut section = SECTION;
    section[4..].copy_from_slice(&number.to_le_bytes());
    [wasm, &section].concat()
}
