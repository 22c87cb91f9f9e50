//! Stores of every kind for the tests, and the servers behind them.

use std::ops::Deref;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use surrealdb_types::{SurrealValue, Value};
use surrealism_runtime::kv::enforce::KvSize;
use surrealism_runtime::limits::KvLimits;
use surrealism_runtime::{BTreeMapStore, KVStore};
use surrealism_stores::{RedbDatabase, RedbStore, RedisClient, RedisStore};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use self::redis_server::{Cluster, Server};
use self::unit_test::UnitTestStore;

pub(crate) mod redis_server;
mod unit_test;

/// A source of empty stores of one kind, and the executor for their futures.
pub(crate) struct Stores {
    pub(crate) runtime: Runtime,
    pub(crate) kind: Kind,
}

#[expect(dead_code, reason = "the directory and the servers live as long as the kind")]
pub(crate) enum Kind {
    Memory,
    UnitTest,
    Redb(RedbDatabase, TempDir),
    Redis(RedisClient, Arc<Server>),
    Cluster(RedisClient, Arc<Cluster>),
}

/// A store of one kind.
pub(crate) enum Store {
    Memory(BTreeMapStore),
    UnitTest(UnitTestStore),
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

    pub(crate) fn unit_test() -> Self {
        Self::new(async || Kind::UnitTest)
    }

    pub(crate) fn redb() -> Self {
        let directory = directory_in_memory();
        let database = RedbDatabase::open(directory.path().join("kv.redb")).unwrap();
        Self::new(async || Kind::Redb(database, directory))
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

    /// Returns the store of a module that no other test uses.
    pub(crate) fn store(&self, limits: KvLimits) -> Arc<Store> {
        static MODULES: AtomicUsize = AtomicUsize::new(0);
        let module = format!("acme/{}", MODULES.fetch_add(1, Ordering::Relaxed));
        Arc::new(match &self.kind {
            Kind::Memory => Store::Memory(BTreeMapStore::bounded(limits)),
            Kind::UnitTest => Store::UnitTest(UnitTestStore::bounded(limits)),
            Kind::Redb(database, _) => Store::Redb(database.module(&module, limits).unwrap()),
            Kind::Redis(client, _) | Kind::Cluster(client, _) => {
                Store::Redis(client.module(&module, limits).unwrap())
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
            Self::UnitTest(store) => store.size(),
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
            Self::UnitTest(store) => store,
            Self::Redb(store) => store,
            Self::Redis(store) => store,
        }
    }
}

pub(crate) fn executor() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

/// Returns a directory in memory if the system has one: flushes to a disk would take most of the time.
fn directory_in_memory() -> TempDir {
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

/// Asserts that a call failed, with every part in the message of its error and its causes.
#[track_caller]
pub(crate) fn assert_error_contains<T, E: Into<anyhow::Error>>(
    result: Result<T, E>,
    parts: &[&str],
) {
    let error = format!("{:#}", result.err().expect("an error").into());
    for part in parts {
        assert!(error.contains(part), "{error:?} lacks {part:?}");
    }
}
