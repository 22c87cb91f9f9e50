//! `surrealism completions`: scripts that complete the command line in a shell.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::cli::Cli;
use crate::exit::Outcome;
use crate::terminal;

/// Print a script that completes the command line in a shell
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  surrealism completions bash > ~/.local/share/bash-completion/completions/surrealism
  surrealism completions zsh > ~/.zfunc/_surrealism
  surrealism completions fish > ~/.config/fish/completions/surrealism.fish")]
pub(crate) struct Completions {
    shell: Shell,
}

impl Completions {
    pub(crate) fn run(self) -> Outcome {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "surrealism", &mut script);
        Ok(terminal::print(String::from_utf8_lossy(&script).trim_end())?)
    }
}
