//! What the tests share: stores of every kind, and the servers behind them.

#![allow(dead_code, reason = "each test binary uses a part")]

use std::ops::Deref;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use surrealdb_types::{SurrealValue, Value};
use surrealism_runtime::kv::bounds::KvSize;
use surrealism_runtime::limits::KvLimits;
use surrealism_runtime::{BTreeMapStore, KVStore};
use surrealism_stores::{RedbDatabase, RedbStore, RedisClient, RedisStore};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use self::redis_server::{Cluster, Server};

pub(crate) mod redis_server;

/// Where stores of one kind come from, and the executor for their futures.
pub(crate) struct Stores {
    pub(crate) runtime: Runtime,
    pub(crate) kind: Kind,
}

pub(crate) enum Kind {
    Memory,
    Redb(RedbDatabase, TempDir),
    Redis(RedisClient, Arc<Server>),
    Cluster(RedisClient, Arc<Cluster>),
}

/// A store of one kind.
pub(crate) enum Store {
    Memory(BTreeMapStore),
    Redb(RedbStore),
    Redis(RedisStore),
}

impl Stores {
    fn new(open: impl AsyncFnOnce() -> Kind) -> Self {
        let runtime = executor();
        let kind = runtime.block_on(open());
        Self { runtime, kind }
    }

    pub(crate) fn memory() -> Self {
        Self::new(async || Kind::Memory)
    }

    pub(crate) fn redb() -> Self {
        let folder = folder_in_memory();
        let host = RedbDatabase::open(folder.path().join("kv.redb")).unwrap();
        Self::new(async || Kind::Redb(host, folder))
    }

    pub(crate) fn redis() -> Self {
        let server = Server::shared();
        let url = server.url();
        Self::new(async || Kind::Redis(RedisClient::connect(&url).await.unwrap(), server))
    }

    pub(crate) fn cluster() -> Self {
        let cluster = Cluster::shared();
        let url = cluster.nodes[0].url();
        Self::new(async || Kind::Cluster(RedisClient::connect(&url).await.unwrap(), cluster))
    }

    /// A store of a module that nobody else has.
    pub(crate) fn store(&self, limits: KvLimits) -> Arc<Store> {
        static MODULES: AtomicUsize = AtomicUsize::new(0);
        let module = format!("acme/{}", MODULES.fetch_add(1, Ordering::Relaxed));
        Arc::new(match &self.kind {
            Kind::Memory => Store::Memory(BTreeMapStore::bounded(limits)),
            Kind::Redb(host, _) => Store::Redb(host.module(&module, limits).unwrap()),
            Kind::Redis(host, _) | Kind::Cluster(host, _) => {
                Store::Redis(host.module(&module, limits).unwrap())
            }
        })
    }

    pub(crate) fn wait<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }
}

impl Store {
    pub(crate) async fn size(&self) -> KvSize {
        match self {
            Self::Memory(store) => store.size(),
            Self::Redb(store) => store.size().await.unwrap(),
            Self::Redis(store) => store.size().await.unwrap(),
        }
    }
}

impl Deref for Store {
    type Target = dyn KVStore;

    fn deref(&self) -> &Self::Target {
        match self {
            Self::Memory(store) => store,
            Self::Redb(store) => store,
            Self::Redis(store) => store,
        }
    }
}

pub(crate) fn executor() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

/// A folder where a flush costs nothing, where there is one: a disk would take most of the time.
fn folder_in_memory() -> TempDir {
    const MEMORY: &str = "/dev/shm";
    if Path::new(MEMORY).is_dir() {
        tempfile::tempdir_in(MEMORY).unwrap()
    } else {
        tempfile::tempdir().unwrap()
    }
}

pub(crate) fn text(text: &str) -> Value {
    text.to_string().into_value()
}

pub(crate) fn int(integer: i64) -> Value {
    integer.into_value()
}

/// An error, its causes included, that has to say something.
#[track_caller]
pub(crate) fn assert_says<T: std::fmt::Debug>(answer: anyhow::Result<T>, parts: &[&str]) {
    let error = format!("{:#}", answer.unwrap_err());
    for part in parts {
        assert!(error.contains(part), "{error:?} lacks {part:?}");
    }
}
