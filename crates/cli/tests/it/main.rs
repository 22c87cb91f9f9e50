//! Tests of the `surrealism` command as a process.
//!
//! Snapshots are in `snapshots/`. `INSTA_UPDATE=always cargo test -p surrealism-cli --test it` accepts
//! changes of them.

mod build;
mod cache;
mod check;
mod command_line;
mod config;
mod diff;
mod files;
mod first_hour;
mod grants;
mod info;
mod languages;
mod new;
#[cfg(target_os = "linux")]
mod pty;
mod quickstart;
mod repl;
mod replay;
mod run;
mod support;
mod tests_toml;
mod toolchains;
mod untrusted;
mod values;
