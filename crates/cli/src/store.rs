//! Where `surrealism run` keeps a module's key-value store.

use std::sync::Arc;

use clap::Args;
use surrealism_runtime::{KVStore, Runtime};
use surrealism_stores::{RedbHost, RedisHost};

use crate::exit::Outcome;

/// Where the key-value store is.
#[derive(Debug, Args)]
pub(crate) struct Store {
    /// Keep the key-value store in a file, or on Redis: FILE.redb or redis://HOST:PORT
    #[arg(long, value_name = "PLACE")]
    kv: Option<String>,
}

impl Store {
    /// Opens the store of a module: one that lasts, or the runtime's own.
    pub(crate) async fn open(&self, runtime: &Runtime) -> Outcome<Arc<dyn KVStore>> {
        let meta = &runtime.config().meta;
        let module = format!("{}/{}", meta.organisation, meta.name);
        let limits = runtime.kv_limits();
        Ok(match self.kv.as_deref() {
            None => runtime.kv_store().clone(),
            Some(url) if url.contains("://") => {
                Arc::new(RedisHost::connect(url).await?.module(&module, limits)?)
            }
            Some(file) => Arc::new(RedbHost::open(file)?.module(&module, limits)?),
        })
    }
}
