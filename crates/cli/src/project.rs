//! The folder of a plugin's sources.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use surrealism_runtime::SurrealismConfig;
use surrealism_runtime::package::verify_logo;

use crate::exit::plain;

pub(crate) const CONFIG_FILE: &str = "surrealism.toml";
const LOGO_FILE: &str = "logo.png";

/// A plugin's sources: the folder with its `surrealism.toml`, and what that says.
#[derive(Debug)]
pub(crate) struct Project {
    pub(crate) folder: PathBuf,
    pub(crate) config: SurrealismConfig,
}

impl Project {
    /// Finds the project that `path` is in, going up from there, and reads its configuration.
    ///
    /// # Errors
    ///
    /// When there is none, or the configuration is not valid.
    pub(crate) fn find(path: &Path) -> Result<Self> {
        let start =
            path.canonicalize().with_context(|| format!("cannot find {}", path.display()))?;
        let has_config = |folder: &&Path| folder.join(CONFIG_FILE).is_file();
        let Some(folder) = start.ancestors().find(has_config) else {
            bail!(
                "there is no {CONFIG_FILE} in {} or above it: make a plugin with `surrealism new`, \
                 or name the folder of one",
                start.display()
            );
        };
        let file = folder.join(CONFIG_FILE);
        let text =
            fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
        let config = SurrealismConfig::parse(&text)
            .map_err(plain)
            .with_context(|| format!("cannot use {}", file.display()))?;
        Ok(Self { folder: folder.to_path_buf(), config })
    }

    /// The folder to attach, if the configuration names one.
    ///
    /// # Errors
    ///
    /// When it is no folder.
    pub(crate) fn attached(&self) -> Result<Option<PathBuf>> {
        let Some(name) = &self.config.attach.fs else { return Ok(None) };
        let folder = self.folder.join(name);
        if !folder.is_dir() {
            bail!(
                "`[attach] fs = {name:?}` of {CONFIG_FILE} is no folder: there is none at {}",
                folder.display()
            );
        }
        Ok(Some(folder))
    }

    /// The logo, if there is one.
    ///
    /// # Errors
    ///
    /// When it cannot be read, is no PNG, or too large.
    pub(crate) fn logo(&self) -> Result<Option<Vec<u8>>> {
        let file = self.folder.join(LOGO_FILE);
        if !file.exists() {
            return Ok(None);
        }
        let logo = fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
        verify_logo(&logo)
            .map_err(plain)
            .with_context(|| format!("cannot embed {}", file.display()))?;
        Ok(Some(logo))
    }
}
