//! `--kv`: the key-value stores of modules.

use std::sync::Arc;

use anyhow::{Result, bail, ensure};
use clap::Args;
use surrealism_runtime::{KVStore, Runtime};
use surrealism_stores::{OpenError, RedbDatabase, RedisClient};

use crate::error::{CliError, CliResult, ExitCode, ExitContext};

/// The location of the key-value stores.
#[derive(Args)]
pub(crate) struct StoreArgs {
    /// Persist the key-value store in a file or in Redis: FILE.redb or redis://HOST:PORT. Pass a URL
    /// with a password in the variable, since other users of this machine can see arguments
    #[arg(long, value_name = "LOCATION", env = "SURREALISM_KV", hide_env_values = true)]
    kv: Option<String>,

    /// Name of the store to use at the location, whatever the archive calls itself; repeat it for several
    /// archives, in their order. Without it, the first archive of a name has the store of that name, and
    /// others are refused
    #[arg(long, value_name = "NAME", requires = "kv")]
    kv_name: Vec<String>,
}

/// Leaves out the location, which may contain a password.
impl std::fmt::Debug for StoreArgs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoreArgs").finish_non_exhaustive()
    }
}

/// The opened location, which provides a store to each module.
pub(crate) struct Stores {
    location: Location,
    names: Vec<String>,
}

enum Location {
    /// In memory, until the command exits.
    Memory,
    /// In a redb file.
    File(RedbDatabase),
    /// In Redis or Valkey.
    Redis(RedisClient),
}

impl StoreArgs {
    pub(crate) async fn open(&self) -> CliResult<Stores> {
        let location = match self.kv.as_deref() {
            None => Location::Memory,
            Some(url) if is_url(url) => Location::Redis(RedisClient::connect(url).await?),
            Some(file) => {
                check_file_name(file).exit_code(ExitCode::Usage)?;
                Location::File(RedbDatabase::open(file)?)
            }
        };
        Ok(Stores { location, names: self.kv_name.clone() })
    }

    /// Refuses more names than there are archives.
    pub(crate) fn check_names(&self, archives: usize) -> Result<()> {
        ensure!(
            self.kv_name.len() <= archives,
            "`--kv-name` is given {} times, for {archives} archives",
            self.kv_name.len()
        );
        Ok(())
    }
}

/// Whether a location has a scheme. A single letter is a drive.
fn is_url(location: &str) -> bool {
    let is_scheme = |scheme: &str| {
        scheme.len() > 1 && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
    };
    location.split_once(':').is_some_and(|(scheme, _)| is_scheme(scheme))
}

/// Refuses what may be an address with a password. The error does not repeat it.
fn check_file_name(file: &str) -> Result<()> {
    let is_path = file.starts_with(['/', '\\', '.']) || file.get(1..3).is_some_and(|c| c == ":\\");
    if file.contains('@') && !is_path {
        bail!(
            "`--kv` is neither a URL nor a file: write redis://USER:PASSWORD@HOST for Redis, or `./` in \
             front of the name of a file"
        );
    }
    Ok(())
}

impl Stores {
    /// Returns the store of the archive with this index, limited by its capabilities.
    ///
    /// The name in an archive is its author's choice. So a store belongs to the first component that used
    /// its name, unless the user named a store.
    pub(crate) async fn for_module(
        &self,
        index: usize,
        runtime: &Runtime,
        digest: [u8; 32],
    ) -> CliResult<Arc<dyn KVStore>> {
        let meta = &runtime.config().meta;
        let own_name = format!("{}/{}", meta.organisation, meta.name);
        let limits = runtime.kv_limits();
        let store: Result<Arc<dyn KVStore>, OpenError> =
            match (&self.location, self.names.get(index)) {
                (Location::Memory, _) => return Ok(runtime.kv_store().clone()),
                (Location::File(database), Some(name)) => {
                    database.module(name, limits).map(|store| Arc::new(store) as _)
                }
                (Location::File(database), None) => database
                    .owned_module(&own_name, digest, limits)
                    .map(|store| Arc::new(store) as _),
                (Location::Redis(client), Some(name)) => {
                    client.module(name, limits).map(|store| Arc::new(store) as _)
                }
                (Location::Redis(client), None) => client
                    .owned_module(&own_name, digest, limits)
                    .await
                    .map(|store| Arc::new(store) as _),
            };
        store.map_err(|error| match error {
            OpenError::OtherOwner { .. } => CliError::from(error)
                .with_hint("if this archive may have its values, pass its name with `--kv-name`"),
            error => error.into(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_is_a_url_or_a_file() {
        for (location, url) in [
            ("kv.redb", false),
            ("./a:b@c.redb", false),
            ("/home/ada@corp/kv.redb", false),
            ("C:\\kv@2.redb", false),
            ("redis://host", true),
            ("redis:hunter2@host", true),
            ("redis:/:hunter2@host", true),
            ("ada:hunter2@host", true),
            ("file:kv.redb", true),
        ] {
            assert_eq!(is_url(location), url, "{location}");
            assert!(url || check_file_name(location).is_ok(), "{location}");
        }
        for refused in ["hunter2@host", ":hunter2@host", "redis/:hunter2@host"] {
            assert!(!is_url(refused), "{refused}");
            let error = check_file_name(refused).unwrap_err().to_string();
            assert!(!error.contains("hunter2"), "{error}");
        }
    }
}
