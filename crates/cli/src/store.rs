//! Where `surrealism run` and `surrealism repl` keep the key-value stores of modules.

use std::sync::Arc;

use clap::Args;
use surrealism_runtime::{KVStore, Runtime};
use surrealism_stores::{RedbDatabase, RedisClient};

use crate::exit::Outcome;

/// Where the key-value store is.
#[derive(Args)]
pub(crate) struct StoreArgs {
    /// Keep the key-value store in a file, or on Redis: FILE.redb or redis://HOST:PORT; other users of
    /// this machine see a password here, and not in the variable
    #[arg(long, value_name = "PLACE", env = "SURREALISM_KV", hide_env_values = true)]
    kv: Option<String>,
}

/// Without the place, which may have a password in it.
impl std::fmt::Debug for StoreArgs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoreArgs").finish_non_exhaustive()
    }
}

/// The place, opened.
pub(crate) enum Stores {
    /// Each module's own, which ends with the command.
    Memory,
    File(RedbDatabase),
    Redis(RedisClient),
}

impl StoreArgs {
    pub(crate) async fn open(&self) -> Outcome<Stores> {
        Ok(match self.kv.as_deref() {
            None => Stores::Memory,
            Some(url) if url.contains("://") => {
                Stores::Redis(RedisClient::connect(url).await.map_err(anyhow::Error::from)?)
            }
            Some(file) => Stores::File(RedbDatabase::open(file).map_err(anyhow::Error::from)?),
        })
    }
}

impl Stores {
    /// The store of a module.
    pub(crate) fn of(&self, runtime: &Runtime) -> Outcome<Arc<dyn KVStore>> {
        let meta = &runtime.config().meta;
        let module = format!("{}/{}", meta.organisation, meta.name);
        let limits = runtime.kv_limits();
        Ok(match self {
            Self::Memory => runtime.kv_store().clone(),
            Self::File(host) => {
                Arc::new(host.module(&module, limits).map_err(anyhow::Error::from)?)
            }
            Self::Redis(host) => {
                Arc::new(host.module(&module, limits).map_err(anyhow::Error::from)?)
            }
        })
    }
}
