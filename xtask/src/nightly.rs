//! What takes too long for each commit. The nightly workflow runs each part as a job of its own.

use anyhow::{Context, Result, bail};
use xshell::Shell;

use crate::{drop_in, engines, fuzz, ports, reproducible, step, test};

/// A name, and what it runs.
type Part = (&'static str, fn(&Shell) -> Result<()>);

const PARTS: [Part; 6] = [
    ("soak", |shell| test::soak(shell, Some("30"))),
    ("fuzz", |shell| fuzz::run(shell, None, Some("20"))),
    ("ports", |shell| ports::run(shell, &[])),
    ("drop-in", drop_in::run),
    ("engines", engines::check),
    ("reproducible", reproducible::check),
];

/// Runs one part, or all of them. A part that fails does not keep the others from running.
///
/// # Errors
///
/// When a part fails.
pub(crate) fn run(shell: &Shell, arguments: &[&str]) -> Result<()> {
    let parts: Vec<Part> = match arguments {
        [] => PARTS.to_vec(),
        [name] => {
            let part = PARTS.into_iter().find(|(known, _)| known == name);
            let known = PARTS.map(|(known, _)| known).join(", ");
            vec![part.with_context(|| format!("unknown part `{name}`; available: {known}"))?]
        }
        _ => bail!("`cargo xtask nightly` runs one part or all of them"),
    };
    let mut failed = Vec::new();
    for (name, run) in parts {
        if let Err(error) = run(shell) {
            step(&format!("FAILED: {name}: {error:#}"));
            failed.push(name);
        }
    }
    if !failed.is_empty() {
        bail!("nightly parts that failed: {}", failed.join(", "));
    }
    Ok(())
}
