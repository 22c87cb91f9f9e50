//! The command line: parses it and runs the subcommand.

use clap::{CommandFactory, Parser, Subcommand};

use crate::args::cache::{CACHE_HELP, CacheArgs};
use crate::commands::{
    build, check, completions, diff, info, module, new, repl, replay, run, test,
};
use crate::error::{CliResult, EXIT_CODES_HELP};
use crate::ui::terminal::Terminal;

/// Build, inspect and run Surrealism plugins: functions for SurrealDB, compiled to WebAssembly
#[derive(Debug, Parser)]
#[command(
    name = "surrealism",
    version,
    arg_required_else_help = true,
    after_help = EXAMPLES,
    after_long_help = format!("{EXAMPLES}\n\n{CACHE_HELP}\n\n{EXIT_CODES_HELP}")
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,

    /// Print results and errors only
    #[arg(short, long, global = true)]
    quiet: bool,

    #[command(flatten)]
    cache: CacheArgs,
}

const EXAMPLES: &str = "\
Examples:
  surrealism new demo              Create a plugin in the directory `demo`
  surrealism build demo            Build it and pack it as an archive
  surrealism info demo.surli       Show the contents of an archive
  surrealism run demo.surli greet \"'Ada'\"
                                   Call one of its functions
  surrealism repl demo.surli --db ws://127.0.0.1:8000
                                   Call functions and run queries interactively";

#[derive(Debug, Subcommand)]
enum Command {
    New(new::New),
    Build(build::Build),
    Info(info::Info),
    Diff(diff::Diff),
    Run(run::Run),
    Repl(repl::Repl),
    Replay(replay::Replay),
    Test(test::TestArgs),
    Check(check::Check),
    Module(module::Module),
    Completions(completions::Completions),
}

impl Cli {
    pub(crate) fn run(self) -> CliResult {
        let terminal = Terminal { quiet: self.quiet };
        let cache = self.cache;
        match self.command {
            Command::New(command) => command.run(terminal),
            Command::Build(command) => command.run(terminal, cache),
            Command::Info(command) => command.run(terminal),
            Command::Diff(command) => command.run(terminal),
            Command::Run(command) => command.run(terminal, cache),
            Command::Repl(command) => command.run(terminal, cache),
            Command::Replay(command) => command.run(terminal, cache),
            Command::Test(command) => command.run(terminal, cache),
            Command::Module(command) => command.run(terminal, cache),
            Command::Check(command) => command.run(terminal, cache),
            Command::Completions(command) => command.run(Self::command()),
        }
    }
}
