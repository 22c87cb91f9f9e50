//! Where `surrealism run` and `surrealism repl` keep the key-value stores of modules.

use std::sync::Arc;

use clap::Args;
use surrealism_runtime::{KVStore, Runtime};
use surrealism_stores::{RedbHost, RedisHost};

use crate::exit::Outcome;

/// Where the key-value store is.
#[derive(Debug, Args)]
pub(crate) struct StoreArgs {
    /// Keep the key-value store in a file, or on Redis: FILE.redb or redis://HOST:PORT
    #[arg(long, value_name = "PLACE")]
    kv: Option<String>,
}

/// The place, opened.
pub(crate) enum Stores {
    /// Each module's own, which ends with the command.
    Memory,
    File(RedbHost),
    Redis(RedisHost),
}

impl StoreArgs {
    pub(crate) async fn open(&self) -> Outcome<Stores> {
        Ok(match self.kv.as_deref() {
            None => Stores::Memory,
            Some(url) if url.contains("://") => Stores::Redis(RedisHost::connect(url).await?),
            Some(file) => Stores::File(RedbHost::open(file)?),
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
            Self::File(host) => Arc::new(host.module(&module, limits)?),
            Self::Redis(host) => Arc::new(host.module(&module, limits)?),
        })
    }
}
