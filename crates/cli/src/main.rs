//! The `surrealism` command: scaffold, build, inspect, check and run Surrealism plugins.

mod answers;
mod args;
mod cli;
mod commands;
mod component;
mod error;
mod executor;
mod languages;
mod literal;
mod load;
mod project;
mod sizes;
mod ui;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let args = args::negative::protect(std::env::args_os());
    error::report(cli::Cli::parse_from(args).run())
}
