//! Runs the console sessions of documents and compares their output.

use anyhow::{Result, ensure};
use xshell::{Shell, cmd};

use crate::{guests, step};

/// A document with `console` blocks.
struct Document {
    path: &'static str,
    /// Archives of `target/guests`, and what they are called in the document.
    archives: &'static [(&'static str, &'static str)],
    /// Whether its sessions show errors and warnings too.
    with_stderr: bool,
}

const DOCUMENTS: [Document; 3] = [
    Document { path: "README.md", archives: &[], with_stderr: false },
    Document { path: "docs/javascript.md", archives: &[], with_stderr: false },
    Document {
        path: "docs/operators.md",
        archives: &[
            ("weather.surli", "weather-1.0.0.surli"),
            ("weather_next.surli", "weather-1.1.0.surli"),
        ],
        with_stderr: true,
    },
];

/// Runs each `$ command` of the documents' `console` blocks, each document in a directory of its own that
/// looks like a fresh checkout, and compares its output with the document's.
///
/// # Errors
///
/// When a command fails, or prints something else.
pub(crate) fn check(shell: &Shell) -> Result<()> {
    for document in &DOCUMENTS {
        step(&format!("the sessions of {}", document.path));
        check_document(shell, document)?;
    }
    Ok(())
}

fn check_document(shell: &Shell, document: &Document) -> Result<()> {
    let root = shell.current_dir();
    let text = shell.read_file(document.path)?;
    let scratch = shell.create_temp_dir()?;
    let _shared = guests::shared_target(shell);
    // Answers of this machine's user would grant what the document is refused.
    let _settings = shell.push_env("XDG_CONFIG_HOME", scratch.path().join("settings"));
    let _there = shell.push_dir(scratch.path());
    cmd!(shell, "ln -s {root}/crates crates").quiet().run()?;
    for (archive, name) in document.archives {
        shell.copy_file(root.join("target/guests").join(archive), name)?;
    }

    let sessions = sessions(&text);
    ensure!(!sessions.is_empty(), "{} lacks a `console` block", document.path);
    for (command, expected) in sessions {
        // The command is already built; installing would build it again in release.
        if command.starts_with("cargo install") {
            continue;
        }
        eprintln!("$ {command}");
        let path = format!("{}/target/debug:{}", root.display(), shell.var("PATH")?);
        let run =
            if document.with_stderr { format!("exec 2>&1; {command}") } else { command.clone() };
        let printed = cmd!(shell, "bash -euc {run}").quiet().env("PATH", path).read()?;
        ensure!(
            stable(&printed) == stable(&expected),
            "`{command}` printed\n{printed}\nbut {} has\n{expected}",
            document.path
        );
    }
    Ok(())
}

/// Returns the words without what differs from one machine to the next, the sizes of archives and digests. A
/// document may break long lines.
fn stable(text: &str) -> String {
    const UNITS: [&str; 3] = ["B", "KiB", "MiB"];

    let mut words: Vec<&str> = Vec::new();
    for word in text.split_whitespace() {
        let is_unit = UNITS.contains(&word.trim_end_matches([',', ';']));
        if is_unit && words.last().is_some_and(|last| last.parse::<f64>().is_ok()) {
            words.pop();
        }
        words.push(if is_digest(word) { "[digest]" } else { word });
    }
    words.join(" ")
}

fn is_digest(word: &str) -> bool {
    let digits = word.trim_start_matches("sha256:").trim_end_matches([',', ';']);
    digits.len() == 64 && digits.chars().all(|c| c.is_ascii_hexdigit())
}

/// Returns the commands of all `console` blocks, each with the output below it. A command goes on behind a
/// `\` at the end of its line.
fn sessions(text: &str) -> Vec<(String, String)> {
    let mut sessions: Vec<(String, String)> = Vec::new();
    let mut inside = false;
    for line in text.lines() {
        if line.starts_with("```") {
            inside = line == "```console";
        } else if let Some(command) = line.strip_prefix("$ ").filter(|_| inside) {
            sessions.push((command.to_string(), String::new()));
        } else if let Some((command, output)) = sessions.last_mut().filter(|_| inside) {
            if output.is_empty() && command.ends_with('\\') {
                command.push('\n');
                command.push_str(line);
                continue;
            }
            output.push_str(line);
            output.push('\n');
        }
    }
    sessions
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_digests_may_differ_and_nothing_else() {
        let text = |size: &str, digest: &str, calls: u8| {
            stable(&format!(
                "Sizes  archive  {size}\n  owner  sha256:{}\n{calls}",
                digest.repeat(32)
            ))
        };
        let one = text("1.2 KiB", "0f", 3);
        assert_eq!(one, text("97.0 KiB", "aa", 3));
        assert_ne!(one, text("1.2 KiB", "0f", 4));
        assert_ne!(stable("3 KiB"), stable("3 calls"));
    }

    #[test]
    fn sessions_are_the_commands_of_console_blocks() {
        let text = "```sh\n$ no\n```\n```console\n$ a\nx\ny\n$ b \\\n  c\nz\n```\n$ no\n";
        let expected = [("a", "x\ny\n"), ("b \\\n  c", "z\n")];
        let expected = expected.map(|(command, output)| (command.to_string(), output.to_string()));
        assert_eq!(sessions(text), expected);
    }
}
