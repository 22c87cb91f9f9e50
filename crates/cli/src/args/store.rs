//! `--kv`: the key-value stores of modules.

use std::sync::Arc;

use clap::Args;
use surrealism_runtime::{KVStore, Runtime};
use surrealism_stores::{RedbDatabase, RedisClient};

use crate::error::CliResult;

/// The location of the key-value stores.
#[derive(Args)]
pub(crate) struct StoreArgs {
    /// Persist the key-value store in a file or in Redis: FILE.redb or redis://HOST:PORT. Pass a URL
    /// with a password in the variable, since other users of this machine can see arguments
    #[arg(long, value_name = "LOCATION", env = "SURREALISM_KV", hide_env_values = true)]
    kv: Option<String>,
}

/// Leaves out the location, which may contain a password.
impl std::fmt::Debug for StoreArgs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoreArgs").finish_non_exhaustive()
    }
}

/// The opened location, which provides a store to each module.
pub(crate) enum Stores {
    /// In memory, until the command exits.
    Memory,
    /// In a redb file.
    File(RedbDatabase),
    /// In Redis or Valkey.
    Redis(RedisClient),
}

impl StoreArgs {
    pub(crate) async fn open(&self) -> CliResult<Stores> {
        Ok(match self.kv.as_deref() {
            None => Stores::Memory,
            Some(url) if url.contains("://") => Stores::Redis(RedisClient::connect(url).await?),
            Some(file) => Stores::File(RedbDatabase::open(file)?),
        })
    }
}

impl Stores {
    /// Returns the store of a module, limited by its capabilities.
    pub(crate) fn for_module(&self, runtime: &Runtime) -> CliResult<Arc<dyn KVStore>> {
        let meta = &runtime.config().meta;
        let module = format!("{}/{}", meta.organisation, meta.name);
        let limits = runtime.kv_limits();
        Ok(match self {
            Self::Memory => runtime.kv_store().clone(),
            Self::File(database) => Arc::new(database.module(&module, limits)?),
            Self::Redis(client) => Arc::new(client.module(&module, limits)?),
        })
    }
}
