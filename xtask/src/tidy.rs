//! Rules about the sources that the compiler does not check: `cargo xtask tidy`.
//!
//! [`CHECKS`] is the list. Each check reports everything it finds, with the file, the line and what to
//! do, so that one run is enough to repair all of it.

mod documents;
mod imports;
mod repository;
mod text;

use anyhow::{Result, ensure};
use xshell::Shell;

use crate::step;
use repository::Repository;

/// One rule, and the search for what breaks it.
struct Check {
    name: &'static str,
    find: fn(&Repository) -> Vec<Finding>,
    /// What to do about a finding.
    remedy: &'static str,
}

/// A place that breaks a rule.
#[derive(Debug, PartialEq)]
struct Finding {
    path: String,
    /// Counted from 1.
    line: usize,
    message: String,
}

const CHECKS: [Check; 11] = [
    Check {
        name: "import-cycle",
        find: imports::cycles,
        remedy: "move what both modules need into a third one, or pass it as an argument",
    },
    Check {
        name: "path-attribute",
        find: text::path_attributes,
        remedy: "name the file after its module and place it in the module's directory",
    },
    Check {
        name: "line-width",
        find: text::long_lines,
        remedy: "break the line; tables and addresses in Markdown may be longer",
    },
    Check {
        name: "wording",
        find: text::wording,
        remedy: "write \"is not a\" or turn the sentence around; CONTRIBUTING.md has the style rules",
    },
    Check {
        name: "terminal-output",
        find: text::terminal_output,
        remedy: "print through `ui/terminal.rs`, which escapes untrusted text",
    },
    Check {
        name: "wit-copy",
        find: documents::wit_copies,
        remedy: "copy `wit/plugin.wit` over it",
    },
    Check {
        name: "sdk-bindings",
        find: documents::sdk_bindings,
        remedy: "run `cargo xtask bindings`",
    },
    Check { name: "path", find: documents::paths, remedy: "correct the path in the document" },
    Check {
        name: "named-test",
        find: documents::named_tests,
        remedy: "name the test that holds the promise, or write it",
    },
    Check {
        name: "readme",
        find: documents::readmes,
        remedy: "add a README.md beside the crate's Cargo.toml",
    },
    Check {
        name: "symbolic-link",
        find: documents::symbolic_links,
        remedy: "replace it by a copy, since a default checkout on Windows breaks links",
    },
];

/// Runs every check.
///
/// # Errors
///
/// When a check finds something; all findings have been printed then.
pub(crate) fn run(shell: &Shell) -> Result<()> {
    step("tidy");
    let repository = Repository::read(shell)?;
    let mut total = 0;
    for Check { name, find, remedy } in CHECKS {
        let findings = find(&repository);
        for Finding { path, line, message } in &findings {
            eprintln!("{path}:{line}: {message} [{name}]");
        }
        if !findings.is_empty() {
            eprintln!("  {name}, {} found: {remedy}\n", findings.len());
        }
        total += findings.len();
    }
    ensure!(total == 0, "tidy: {total} places break a rule; see above");
    Ok(())
}
