//! Runs the console sessions of the README and of guides, and compares their output.

use anyhow::{Result, ensure};
use xshell::{Shell, cmd};

use crate::{guests, step};

/// Documents with sessions, which run in this order in one directory.
const DOCUMENTS: [&str; 2] = ["README.md", "docs/javascript.md"];

/// Runs each `$ command` of the documents' `console` blocks in a directory that looks like a fresh
/// checkout, and compares its output with the document's.
///
/// # Errors
///
/// When a command fails, or prints something else.
pub(crate) fn check(shell: &Shell) -> Result<()> {
    step("the sessions of the README and of guides");
    let root = shell.current_dir();
    let texts = DOCUMENTS.map(|document| shell.read_file(document).map(|text| (document, text)));
    let scratch = shell.create_temp_dir()?;
    let _shared = guests::shared_target(shell);
    let _there = shell.push_dir(scratch.path());
    cmd!(shell, "ln -s {root}/crates crates").quiet().run()?;

    for text in texts {
        let (document, text) = text?;
        let sessions = sessions(&text);
        ensure!(!sessions.is_empty(), "{document} lacks a `console` block");
        for (command, expected) in sessions {
            // The command is already built; installing would build it again in release.
            if command.starts_with("cargo install") {
                continue;
            }
            eprintln!("$ {command}");
            let path = format!("{}/target/debug:{}", root.display(), shell.var("PATH")?);
            let printed = cmd!(shell, "bash -euc {command}").quiet().env("PATH", path).read()?;
            ensure!(
                printed.trim_end() == expected.trim_end(),
                "`{command}` printed\n{printed}\nbut {document} has\n{expected}"
            );
        }
    }
    Ok(())
}

/// Returns the commands of all `console` blocks, each with the output below it.
fn sessions(text: &str) -> Vec<(&str, String)> {
    let mut sessions: Vec<(&str, String)> = Vec::new();
    let mut inside = false;
    for line in text.lines() {
        if line.starts_with("```") {
            inside = line == "```console";
        } else if let Some(command) = line.strip_prefix("$ ").filter(|_| inside) {
            sessions.push((command, String::new()));
        } else if let Some((_, output)) = sessions.last_mut().filter(|_| inside) {
            output.push_str(line);
            output.push('\n');
        }
    }
    sessions
}
