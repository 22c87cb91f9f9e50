//! `surrealism completions`: prints completion scripts for shells.

use clap::{Args, Command};
use clap_complete::Shell;

use crate::error::CliResult;
use crate::ui::terminal;
use crate::ui::text::Text;

/// Print a completion script for a shell
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  surrealism completions bash > ~/.local/share/bash-completion/completions/surrealism
  surrealism completions zsh > ~/.zfunc/_surrealism
  surrealism completions fish > ~/.config/fish/completions/surrealism.fish")]
pub(crate) struct Completions {
    /// Shell to complete commands in
    shell: Shell,
}

impl Completions {
    /// Prints the script that completes `command`.
    pub(crate) fn run(self, mut command: Command) -> CliResult {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut command, "surrealism", &mut script);
        Ok(terminal::print(Text::lines(String::from_utf8_lossy(&script).trim_end()))?)
    }
}
