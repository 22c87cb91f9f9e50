//! The host functions that a guest imports, served by the context of its call.
//!
//! Each checks the module's capabilities, decodes, calls the context and encodes. Errors reach the
//! guest as text.

use std::time::Duration;

use anyhow::{Result, ensure};
use surrealism_types::codec;
use tokio::runtime::Handle;

use super::StoreData;
use crate::bindings::{host, kv_atomic, kv_ttl};
use crate::kv::KVStore;
use crate::limits::MAX_KV_BATCH_KEYS;
use crate::reactor::within;
use crate::text::truncate;

type Bytes = Vec<u8>;

impl StoreData {
    fn kv(&mut self) -> Result<&dyn KVStore> {
        self.context()?.0.kv()
    }
}

fn check_batch(keys: &[String]) -> Result<()> {
    ensure!(
        keys.len() <= MAX_KV_BATCH_KEYS,
        "the request has {} keys, and {MAX_KV_BATCH_KEYS} are allowed: split it",
        keys.len()
    );
    Ok(())
}

/// Runs a host function in the caller's runtime, and formats its error for the guest, with its causes.
async fn serve<T>(
    caller: Option<Handle>,
    response: impl Future<Output = Result<T>>,
) -> Result<T, String> {
    within(caller.as_ref(), response).await.map_err(|error| format!("{error:#}"))
}

impl host::Host for StoreData {
    async fn sql(&mut self, query: String, vars: Bytes) -> Result<Bytes, String> {
        let caller = self.caller_runtime.clone();
        let response = async {
            ensure!(
                self.module.config.capabilities.allow_arbitrary_queries,
                "`sql` is denied: {} needs `allow_arbitrary_queries = true` in its \
                 surrealism.toml",
                self.module
            );
            let vars = codec::decode_variables(&vars)?;
            let (context, config) = self.context()?;
            codec::encode_value(&context.sql(config, query, vars).await?)
        };
        serve(caller, response).await
    }

    async fn run(
        &mut self,
        fnc: String,
        version: Option<String>,
        args: Bytes,
    ) -> Result<Bytes, String> {
        let caller = self.caller_runtime.clone();
        let response = async {
            ensure!(
                self.module.config.capabilities.allow_functions.allows(&fnc),
                "`run` of {:?} is denied: {} does not list it in `allow_functions` of its \
                 surrealism.toml",
                truncate(&fnc),
                self.module
            );
            let args = codec::decode_values(&args)?;
            let (context, config) = self.context()?;
            codec::encode_value(&context.run(config, fnc, version, args).await?)
        };
        serve(caller, response).await
    }

    async fn kv_get(&mut self, key: String) -> Result<Option<Bytes>, String> {
        let caller = self.caller_runtime.clone();
        serve(caller, async { self.kv()?.get_encoded(key).await }).await
    }

    async fn kv_set(&mut self, key: String, value: Bytes) -> Result<(), String> {
        let caller = self.caller_runtime.clone();
        serve(caller, async { self.kv()?.set(key, codec::decode_value(&value)?).await }).await
    }

    async fn kv_del(&mut self, key: String) -> Result<(), String> {
        let caller = self.caller_runtime.clone();
        serve(caller, async { self.kv()?.del(key).await }).await
    }

    async fn kv_exists(&mut self, key: String) -> Result<bool, String> {
        let caller = self.caller_runtime.clone();
        serve(caller, async { self.kv()?.exists(key).await }).await
    }

    async fn kv_del_rng(&mut self, range: Bytes) -> Result<(), String> {
        let caller = self.caller_runtime.clone();
        let response = async {
            let (start, end) = codec::decode_range(&range)?;
            self.kv()?.del_rng(start, end).await
        };
        serve(caller, response).await
    }

    async fn kv_get_batch(&mut self, keys: Vec<String>) -> Result<Bytes, String> {
        let caller = self.caller_runtime.clone();
        let response = async {
            check_batch(&keys)?;
            codec::encode_optional_values(&self.kv()?.get_batch(keys).await?)
        };
        serve(caller, response).await
    }

    async fn kv_set_batch(&mut self, entries: Bytes) -> Result<(), String> {
        let caller = self.caller_runtime.clone();
        serve(caller, async { self.kv()?.set_batch(codec::decode_entries(&entries)?).await }).await
    }

    async fn kv_del_batch(&mut self, keys: Vec<String>) -> Result<(), String> {
        let caller = self.caller_runtime.clone();
        let response = async {
            check_batch(&keys)?;
            self.kv()?.del_batch(keys).await
        };
        serve(caller, response).await
    }

    async fn kv_keys(&mut self, range: Bytes) -> Result<Vec<String>, String> {
        let caller = self.caller_runtime.clone();
        let response = async {
            let (start, end) = codec::decode_range(&range)?;
            self.kv()?.keys(start, end).await
        };
        serve(caller, response).await
    }

    async fn kv_values(&mut self, range: Bytes) -> Result<Bytes, String> {
        let caller = self.caller_runtime.clone();
        let response = async {
            let (start, end) = codec::decode_range(&range)?;
            codec::encode_values(&self.kv()?.values(start, end).await?)
        };
        serve(caller, response).await
    }

    async fn kv_entries(&mut self, range: Bytes) -> Result<Bytes, String> {
        let caller = self.caller_runtime.clone();
        let response = async {
            let (start, end) = codec::decode_range(&range)?;
            codec::encode_entries(&self.kv()?.entries(start, end).await?)
        };
        serve(caller, response).await
    }

    async fn kv_count(&mut self, range: Bytes) -> Result<u64, String> {
        let caller = self.caller_runtime.clone();
        let response = async {
            let (start, end) = codec::decode_range(&range)?;
            self.kv()?.count(start, end).await
        };
        serve(caller, response).await
    }
}

impl kv_atomic::Host for StoreData {
    async fn kv_compare_and_set(
        &mut self,
        key: String,
        expected: Option<Bytes>,
        new: Option<Bytes>,
    ) -> Result<bool, String> {
        let caller = self.caller_runtime.clone();
        let response = async {
            let decode =
                |bytes: Option<Bytes>| bytes.map(|bytes| codec::decode_value(&bytes)).transpose();
            self.kv()?.compare_and_set(key, decode(expected)?, decode(new)?).await
        };
        serve(caller, response).await
    }

    async fn kv_increment(&mut self, key: String, delta: i64) -> Result<i64, String> {
        let caller = self.caller_runtime.clone();
        serve(caller, async { self.kv()?.increment(key, delta).await }).await
    }
}

impl kv_ttl::Host for StoreData {
    async fn kv_set_with_ttl(
        &mut self,
        key: String,
        value: Bytes,
        ttl_ms: u64,
    ) -> Result<(), String> {
        let caller = self.caller_runtime.clone();
        let response = async {
            let value = codec::decode_value(&value)?;
            self.kv()?.set_with_ttl(key, value, Duration::from_millis(ttl_ms)).await
        };
        serve(caller, response).await
    }

    async fn kv_get_ttl(&mut self, key: String) -> Result<Option<u64>, String> {
        let caller = self.caller_runtime.clone();
        let response = async {
            let left = self.kv()?.ttl(key).await?;
            // Round up: a TTL under 1 ms must not read as expired.
            Ok(left.map(|left| left.as_millis().clamp(1, u64::MAX.into()) as u64))
        };
        serve(caller, response).await
    }

    async fn kv_set_ttl(&mut self, key: String, ttl_ms: Option<u64>) -> Result<bool, String> {
        let caller = self.caller_runtime.clone();
        let response = async { self.kv()?.set_ttl(key, ttl_ms.map(Duration::from_millis)).await };
        serve(caller, response).await
    }
}
