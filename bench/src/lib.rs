//! What the tables and curves of `main.rs` and the benches of each layer share: the sides that run in
//! this process, on one copy of wasmtime.

pub mod bare;
pub mod contract;
pub mod ours;
