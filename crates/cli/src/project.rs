//! The sources of a plugin: a directory with a `surrealism.toml`.

use std::fs;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail, ensure};
use surrealism_runtime::config::AbiVersion;
use surrealism_runtime::package::verify_logo;
use surrealism_runtime::{SurrealismConfig, SurrealismResult};

use crate::error::flatten;

pub(crate) const CONFIG_FILE: &str = "surrealism.toml";
const LOGO_FILE: &str = "logo.png";

/// Fails if a file was passed that `build` does not take there.
fn ensure_sources(path: &Path) -> Result<()> {
    let has_extension =
        |extension| path.is_file() && path.extension().is_some_and(|e| e == extension);
    let shown = path.display();
    ensure!(
        !has_extension("surli"),
        "{shown} is an archive, which is built already: call its functions with `surrealism run {shown}`"
    );
    ensure!(
        !has_extension("wasm"),
        "{shown} is WebAssembly, and `build` takes the directory of a plugin: pack it with \
         `surrealism build --wasm {shown} DIRECTORY`"
    );
    Ok(())
}

/// Parses a configuration. One without `abi`, as those of published plugins are, is for the ABI that this
/// command builds for.
fn parse(text: &str) -> SurrealismResult<SurrealismConfig> {
    let config = SurrealismConfig::parse(text)?;
    if config.abi != AbiVersion::default() {
        return Ok(config);
    }
    // Fails if the text sets the default itself.
    let current = SurrealismConfig::parse(&format!("abi = {}\n{text}", AbiVersion::CURRENT));
    Ok(current.unwrap_or(config))
}

/// A plugin's directory and the contents of its `surrealism.toml`.
#[derive(Debug)]
pub(crate) struct Project {
    pub(crate) dir: PathBuf,
    pub(crate) config: SurrealismConfig,
}

impl Project {
    /// Finds the project that contains `path` and reads its configuration.
    ///
    /// # Errors
    ///
    /// Fails if neither `path` nor a directory above it has a configuration, or if that is invalid.
    pub(crate) fn find(path: &Path) -> Result<Self> {
        let start = path.canonicalize().with_context(|| {
            format!(
                "cannot find {}: pass the directory of a plugin, or create one with `surrealism new`",
                path.display()
            )
        })?;
        ensure_sources(path)?;
        let has_config = |dir: &&Path| dir.join(CONFIG_FILE).is_file();
        let Some(dir) = start.ancestors().find(has_config) else {
            bail!(
                "cannot find a plugin: no {CONFIG_FILE} in {} or above it; create a plugin with \
                 `surrealism new`, or pass the directory of one",
                start.display()
            );
        };
        let file = dir.join(CONFIG_FILE);
        let text =
            fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
        let config = parse(&text)
            .map_err(flatten)
            .with_context(|| format!("invalid configuration {}", file.display()))?;
        Ok(Self { dir: dir.to_path_buf(), config })
    }

    /// Returns the directory that `[attach] fs` names, if any.
    ///
    /// # Errors
    ///
    /// Fails if it is not a directory, or not inside that of the project: a plugin must not pack other files
    /// of who builds it.
    pub(crate) fn attached_dir(&self) -> Result<Option<PathBuf>> {
        let Some(name) = &self.config.attach.fs else { return Ok(None) };
        let dir = self.dir.join(name);
        let refused = |reason: &str| {
            anyhow!(
                "cannot attach files: {} {reason}; correct `[attach] fs = {name:?}` in {CONFIG_FILE}",
                dir.display()
            )
        };
        let is_inside = |part| matches!(part, Component::Normal(_) | Component::CurDir);
        ensure!(
            Path::new(name).components().all(is_inside),
            refused("is not a path inside the plugin's directory")
        );
        ensure!(dir.is_dir(), refused("is not a directory"));
        let real = dir.canonicalize().with_context(|| format!("cannot find {}", dir.display()))?;
        ensure!(
            real.starts_with(&self.dir),
            refused(&format!("leads out of the plugin's directory, to {}", real.display()))
        );
        Ok(Some(real))
    }

    /// Reads the logo, if there is one.
    ///
    /// # Errors
    ///
    /// Fails if it cannot be read, is not a PNG, or is too large.
    pub(crate) fn logo(&self) -> Result<Option<Vec<u8>>> {
        let file = self.dir.join(LOGO_FILE);
        if !file.exists() {
            return Ok(None);
        }
        // Reading a FIFO or a device may never end.
        ensure!(file.is_file(), "cannot use {} as the logo: it is not a file", file.display());
        let logo = fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
        verify_logo(&logo)
            .map_err(flatten)
            .with_context(|| format!("cannot use {} as the logo", file.display()))?;
        Ok(Some(logo))
    }
}
