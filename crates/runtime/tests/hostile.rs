//! Attacks on what a guest or an archive may cost its host: each is measured.
//!
//! A program of its own: it measures the CPU time, the memory and the open files of the process, the memory
//! through an allocator that is global. So one attack at a time runs.

#![cfg(all(unix, feature = "http"))]

/// The helpers of the program `it`.
#[allow(dead_code, unused_imports, reason = "a part of them is used here")]
mod it {
    pub(crate) mod support;
}

mod attacks {
    mod abi;
    mod archives;
    mod cost;
    mod guests;
    mod memory;
    mod servers;
}

use peak_alloc::PeakAlloc;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;
