//! The files of the archive: the author's, and the program for the engine.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

/// Where the engine reads the program.
const PROGRAM: [&str; 2] = [".surrealism", "program"];

/// Copies the author's attached files to a directory, and adds the program.
///
/// # Errors
///
/// Fails if a file cannot be copied, or if one has the place of the program.
pub(super) fn stage(attached: Option<&Path>, program: &[u8]) -> Result<TempDir> {
    let staged = tempfile::tempdir().context("cannot create a temporary directory")?;
    if let Some(attached) = attached {
        copy(attached, staged.path())?;
    }
    let [dir, file] = PROGRAM;
    let dir = staged.path().join(dir);
    ensure!(
        !dir.exists(),
        "cannot attach a file named {}: the plugin's program is there; rename the file",
        PROGRAM[0]
    );
    fs::create_dir(&dir)
        .and_then(|()| fs::write(dir.join(file), program))
        .context("cannot write the plugin's program")?;
    Ok(staged)
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    let entries = fs::read_dir(from).with_context(|| format!("cannot read {}", from.display()))?;
    for entry in entries {
        let entry = entry?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type()?;
        // As the writer of archives does, which would not follow a link either.
        ensure!(
            kind.is_dir() || kind.is_file(),
            "cannot attach {}: it is neither a file nor a directory",
            source.display()
        );
        let copied = if kind.is_dir() {
            fs::create_dir(&target)
        } else {
            fs::copy(&source, &target).map(drop)
        };
        copied.with_context(|| format!("cannot copy {}", source.display()))?;
        if kind.is_dir() {
            copy(&source, &target)?;
        }
    }
    Ok(())
}
