//! The contenders that run in this process, on one copy of wasmtime. Shared by `main.rs` and the benches
//! of each layer.

pub mod bare_wasmtime;
pub mod contract;
pub mod ours;
