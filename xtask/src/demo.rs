//! Runs the example plugin on this repository's README.

use anyhow::Result;
use xshell::{Shell, cmd};

use crate::{guests, step};

/// Builds `examples/text` and calls its functions.
///
/// # Errors
///
/// When a toolchain is missing, the plugin does not build, or a call fails.
pub(crate) fn run(shell: &Shell) -> Result<()> {
    guests::command(shell)?;
    guests::archive(shell, "examples/text")?;

    step("the contents of the archive");
    cmd!(shell, "target/debug/surrealism info target/guests/text.surli").run()?;

    let readme = literal(&shell.read_file("README.md")?);
    for (what, function, args) in [
        ("a title as a slug", "slug", vec!["'Grüße aus Köln: Ünïcode & more'".to_string()]),
        (
            "how alike two names are",
            "similarity::jaro_winkler",
            vec!["'Müller'".to_string(), "'Mueller'".to_string()],
        ),
        ("the language of the README", "language", vec![readme.clone()]),
        ("its most frequent words", "words", vec![readme, "5".to_string()]),
    ] {
        step(&format!("{what}: `surrealism run text.surli {function}`"));
        cmd!(shell, "target/debug/surrealism run target/guests/text.surli {function} {args...}")
            .quiet()
            .run()?;
    }
    Ok(())
}

/// Quotes a text as a SurrealQL literal.
fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}
