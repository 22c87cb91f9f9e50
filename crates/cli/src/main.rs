//! The `surrealism` command: scaffold, build, inspect, check and run Surrealism plugins.

mod build;
mod cache;
mod check;
mod cli;
mod completions;
mod component;
mod database;
mod exit;
mod guest;
mod info;
mod literal;
mod names;
mod new;
mod project;
mod repl;
mod run;
mod store;
mod table;
mod terminal;
mod toolchain;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    exit::report(cli::Cli::parse().run())
}
