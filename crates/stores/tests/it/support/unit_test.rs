//! The store of the host for unit tests, as a plugin calls it.

use std::ops::Bound;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use async_trait::async_trait;
use surrealdb_types::Value;
use surrealism::kv;
use surrealism::testing::Host;
use surrealism_runtime::kv::enforce::KvSize;
use surrealism_runtime::limits::KvLimits;
use surrealism_runtime::{BTreeMapStore, KVStore};

/// Each method calls the function of the SDK, with a host on its thread.
pub(crate) struct UnitTestStore(Arc<BTreeMapStore>);

impl UnitTestStore {
    pub(crate) fn bounded(limits: KvLimits) -> Self {
        Self(Arc::new(BTreeMapStore::bounded(limits)))
    }

    pub(crate) fn size(&self) -> KvSize {
        self.0.size()
    }

    fn on_host<T>(&self, call: impl FnOnce() -> Result<T>) -> Result<T> {
        let _host = Host::new().kv_store(self.0.clone());
        call()
    }
}

#[async_trait]
impl KVStore for UnitTestStore {
    async fn get(&self, key: String) -> Result<Option<Value>> {
        self.on_host(|| kv::get(key))
    }

    async fn set(&self, key: String, value: Value) -> Result<()> {
        self.on_host(|| kv::set(key, value))
    }

    async fn del(&self, key: String) -> Result<()> {
        self.on_host(|| kv::del(key))
    }

    async fn exists(&self, key: String) -> Result<bool> {
        self.on_host(|| kv::exists(key))
    }

    async fn del_rng(&self, start: Bound<String>, end: Bound<String>) -> Result<()> {
        self.on_host(|| kv::del_rng((start, end)))
    }

    async fn get_batch(&self, keys: Vec<String>) -> Result<Vec<Option<Value>>> {
        self.on_host(|| kv::get_batch(keys))
    }

    async fn set_batch(&self, entries: Vec<(String, Value)>) -> Result<()> {
        self.on_host(|| kv::set_batch(entries))
    }

    async fn del_batch(&self, keys: Vec<String>) -> Result<()> {
        self.on_host(|| kv::del_batch(keys))
    }

    async fn keys(&self, start: Bound<String>, end: Bound<String>) -> Result<Vec<String>> {
        self.on_host(|| kv::keys((start, end)))
    }

    async fn values(&self, start: Bound<String>, end: Bound<String>) -> Result<Vec<Value>> {
        self.on_host(|| kv::values((start, end)))
    }

    async fn entries(
        &self,
        start: Bound<String>,
        end: Bound<String>,
    ) -> Result<Vec<(String, Value)>> {
        self.on_host(|| kv::entries((start, end)))
    }

    async fn count(&self, start: Bound<String>, end: Bound<String>) -> Result<u64> {
        self.on_host(|| kv::count((start, end)))
    }

    async fn compare_and_set(
        &self,
        key: String,
        expected: Option<Value>,
        new: Option<Value>,
    ) -> Result<bool> {
        self.on_host(|| kv::compare_and_set(key, expected, new))
    }

    async fn increment(&self, key: String, delta: i64) -> Result<i64> {
        self.on_host(|| kv::increment(key, delta))
    }

    async fn increment_with_ttl(&self, key: String, delta: i64, ttl: Duration) -> Result<i64> {
        self.on_host(|| kv::increment_with_ttl(key, delta, ttl))
    }

    async fn set_with_ttl(&self, key: String, value: Value, ttl: Duration) -> Result<()> {
        self.on_host(|| kv::set_with_ttl(key, value, ttl))
    }

    async fn ttl(&self, key: String) -> Result<Option<Duration>> {
        self.on_host(|| kv::ttl(key))
    }

    async fn set_ttl(&self, key: String, ttl: Option<Duration>) -> Result<bool> {
        self.on_host(|| kv::set_ttl(key, ttl))
    }
}
