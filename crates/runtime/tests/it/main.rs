//! The integration tests of the runtime, a module for each topic.
//!
//! They are one program, since linking wasmtime is most of what building a test costs. So they share a
//! process, with its compiled code, its pool of instances and its threads. A test that measures or limits
//! the process is a program of its own beside this one: `soak` and `hostile`.

mod archive;
#[cfg(target_os = "linux")]
mod beside;
mod calls;
#[cfg(unix)]
mod code_cache;
mod compiling;
mod config;
mod costs;
mod deadlines;
mod errors;
mod functions;
mod host;
#[cfg(feature = "http")]
mod http;
mod isolation;
mod lifecycle;
mod limits;
mod loading;
mod network;
mod observer;
mod panics;
mod poisoning;
mod preinit;
mod recipes;
mod recording;
mod rows;
mod stats;
mod support;
mod surrealism_toml;
mod system;
mod traps;
