//! The command line.

use clap::{Parser, Subcommand};

use crate::cache::{self, Cache};
use crate::exit::{CODES, Outcome};
use crate::terminal::Terminal;
use crate::{build, check, completions, info, new, repl, run};

/// Build, inspect and run Surrealism plugins: functions for SurrealDB, as WebAssembly
#[derive(Debug, Parser)]
#[command(
    name = "surrealism",
    version,
    arg_required_else_help = true,
    after_help = EXAMPLES,
    after_long_help = format!("{EXAMPLES}\n\n{}\n\n{CODES}", cache::PLACE)
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,

    /// Print results and errors only
    #[arg(short, long, global = true)]
    quiet: bool,

    /// Compile anew, and keep no compiled code
    #[arg(long, global = true)]
    no_cache: bool,
}

const EXAMPLES: &str = "\
Examples:
  surrealism new demo              Scaffold a plugin in the folder `demo`
  surrealism build demo            Build it and pack it
  surrealism info demo.surli       See what an archive has to offer
  surrealism run demo.surli greet \"'Ada'\"
                                   Call one of its functions
  surrealism repl demo.surli --db ws://127.0.0.1:8000
                                   Call them and run queries, line by line";

#[derive(Debug, Subcommand)]
enum Command {
    New(new::New),
    Build(build::Build),
    Info(info::Info),
    Run(run::Run),
    Repl(repl::Repl),
    Check(check::Check),
    Completions(completions::Completions),
}

impl Cli {
    pub(crate) fn run(self) -> Outcome {
        let terminal = Terminal { quiet: self.quiet };
        let cache = Cache::new(self.no_cache);
        match self.command {
            Command::New(command) => command.run(terminal),
            Command::Build(command) => command.run(terminal, cache),
            Command::Info(command) => command.run(),
            Command::Run(command) => command.run(terminal, cache),
            Command::Repl(command) => command.run(terminal, cache),
            Command::Check(command) => command.run(terminal, cache),
            Command::Completions(command) => command.run(),
        }
    }
}
