//! The files that a project attaches, in its own directory.

use std::io::{Error, ErrorKind, Result};
use std::path::{Component, Path, PathBuf};
use std::{env, fs};

const CONFIG_FILE: &str = "surrealism.toml";

/// Returns where an attached file is in the project of this test.
pub(crate) fn attached(path: &Path) -> Result<PathBuf> {
    let mut file = attached_dir()?;
    for component in path.components() {
        match component {
            Component::Normal(name) => file.push(name),
            Component::RootDir | Component::CurDir => (),
            Component::ParentDir | Component::Prefix(_) => {
                let text = format!("{} is not a path inside the attached files", path.display());
                return Err(Error::new(ErrorKind::InvalidInput, text));
            }
        }
    }
    Ok(file)
}

/// Returns the directory that `[attach] fs` of the project names.
fn attached_dir() -> Result<PathBuf> {
    // Cargo sets it for tests.
    let project = env::var_os("CARGO_MANIFEST_DIR").map_or_else(PathBuf::new, PathBuf::from);
    let file = project.join(CONFIG_FILE);
    let refused = |reason: String| {
        Error::other(format!("cannot find attached files in {}: {reason}", file.display()))
    };
    let text = fs::read_to_string(&file).map_err(|error| refused(error.to_string()))?;
    let config: toml::Table = text.parse().map_err(|error| refused(format!("{error}")))?;
    let name = config.get("attach").and_then(|attach| attach.get("fs"));
    let name = name.and_then(toml::Value::as_str);
    let name = name.ok_or_else(|| refused("it has no `[attach] fs`; add it".to_string()))?;
    Ok(project.join(name))
}
