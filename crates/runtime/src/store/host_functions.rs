//! The host functions that a guest imports, served by the context of its call.
//!
//! Each checks the module's capabilities, decodes, calls the context and encodes. Errors reach the
//! guest as text. Of an error that the context does not mean for it, the guest learns only that the host
//! failed.

use std::time::{Duration, Instant};

use anyhow::Result;
use surrealism_types::codec;
use surrealism_types::guest_error::check_length;

use super::StoreData;
use super::failure::Failure;
use crate::bindings::{config, host, kv_atomic, kv_ttl};
use crate::error::GuestError;
use crate::kv::KVStore;
use crate::kv::enforce::{check_batch, check_key};
use crate::limits::{MAX_QUERY_BYTES, MAX_RUN_NAME_BYTES};
use crate::reactor::within;

type Bytes = Vec<u8>;

impl StoreData {
    fn kv(&mut self) -> Result<&dyn KVStore, Failure> {
        self.module.capabilities.check_key_value()?;
        Ok(self.context()?.0.kv()?)
    }

    /// Returns the store, for a request of one key.
    fn kv_at(&mut self, key: &str) -> Result<&dyn KVStore, Failure> {
        check_key(key)?;
        self.kv()
    }

    /// Runs a host function in the caller's runtime, and formats its error for the guest.
    async fn serve<T>(
        &mut self,
        function: &'static str,
        respond: impl AsyncFnOnce(&mut Self) -> Result<T, Failure>,
    ) -> Result<T, String> {
        let caller = self.caller_runtime.clone();
        let started = self.host_time.map(|_| Instant::now());
        let response = within(caller.as_ref(), respond(self)).await;
        if let (Some(time), Some(started)) = (&mut self.host_time, started) {
            *time += started.elapsed();
        }
        response.map_err(|failure| self.record_failure(function, failure))
    }
}

/// Makes the error of a message one for the guest.
fn message<T>(result: Result<T>) -> Result<T, GuestError> {
    result.map_err(GuestError::of)
}

impl host::Host for StoreData {
    async fn sql(&mut self, query: String, vars: Bytes) -> Result<Bytes, String> {
        self.serve("sql", async |data| {
            data.module.capabilities.check_queries()?;
            check_length("the query", &query, MAX_QUERY_BYTES)?;
            let vars = message(data.module.decoder().decode_variables(&vars))?;
            let (context, config) = data.context()?;
            Ok(message(codec::encode_value(&context.sql(config, query, vars).await?))?)
        })
        .await
    }

    async fn run(
        &mut self,
        fnc: String,
        version: Option<String>,
        args: Bytes,
    ) -> Result<Bytes, String> {
        self.serve("run", async |data| {
            check_length("the function's name", &fnc, MAX_RUN_NAME_BYTES)?;
            check_length("the version", version.as_deref().unwrap_or(""), MAX_RUN_NAME_BYTES)?;
            data.module.capabilities.check_function(&fnc)?;
            let args = message(data.module.decoder().decode_values(&args))?;
            let (context, config) = data.context()?;
            Ok(message(codec::encode_value(&context.run(config, fnc, version, args).await?))?)
        })
        .await
    }

    async fn kv_get(&mut self, key: String) -> Result<Option<Bytes>, String> {
        self.serve("kv::get", async |data| Ok(data.kv_at(&key)?.get_encoded(key).await?)).await
    }

    async fn kv_set(&mut self, key: String, value: Bytes) -> Result<(), String> {
        self.serve("kv::set", async |data| {
            let value = message(data.module.decoder().decode_value(&value))?;
            Ok(data.kv_at(&key)?.set(key, value).await?)
        })
        .await
    }

    async fn kv_del(&mut self, key: String) -> Result<(), String> {
        self.serve("kv::del", async |data| Ok(data.kv_at(&key)?.del(key).await?)).await
    }

    async fn kv_exists(&mut self, key: String) -> Result<bool, String> {
        self.serve("kv::exists", async |data| Ok(data.kv_at(&key)?.exists(key).await?)).await
    }

    async fn kv_del_rng(&mut self, range: Bytes) -> Result<(), String> {
        self.serve("kv::del_rng", async |data| {
            let (start, end) = message(codec::decode_range(&range))?;
            Ok(data.kv()?.del_rng(start, end).await?)
        })
        .await
    }

    async fn kv_get_batch(&mut self, keys: Vec<String>) -> Result<Bytes, String> {
        self.serve("kv::get_batch", async |data| {
            check_batch(&keys)?;
            let values = data.kv()?.get_batch(keys).await?;
            Ok(message(codec::encode_optional_values(&values))?)
        })
        .await
    }

    async fn kv_set_batch(&mut self, entries: Bytes) -> Result<(), String> {
        self.serve("kv::set_batch", async |data| {
            let entries = message(data.module.decoder().decode_entries(&entries))?;
            Ok(data.kv()?.set_batch(entries).await?)
        })
        .await
    }

    async fn kv_del_batch(&mut self, keys: Vec<String>) -> Result<(), String> {
        self.serve("kv::del_batch", async |data| {
            check_batch(&keys)?;
            Ok(data.kv()?.del_batch(keys).await?)
        })
        .await
    }

    async fn kv_keys(&mut self, range: Bytes) -> Result<Vec<String>, String> {
        self.serve("kv::keys", async |data| {
            let (start, end) = message(codec::decode_range(&range))?;
            Ok(data.kv()?.keys(start, end).await?)
        })
        .await
    }

    async fn kv_values(&mut self, range: Bytes) -> Result<Bytes, String> {
        self.serve("kv::values", async |data| {
            let (start, end) = message(codec::decode_range(&range))?;
            Ok(message(codec::encode_values(&data.kv()?.values(start, end).await?))?)
        })
        .await
    }

    async fn kv_entries(&mut self, range: Bytes) -> Result<Bytes, String> {
        self.serve("kv::entries", async |data| {
            let (start, end) = message(codec::decode_range(&range))?;
            Ok(message(codec::encode_entries(&data.kv()?.entries(start, end).await?))?)
        })
        .await
    }

    async fn kv_count(&mut self, range: Bytes) -> Result<u64, String> {
        self.serve("kv::count", async |data| {
            let (start, end) = message(codec::decode_range(&range))?;
            Ok(data.kv()?.count(start, end).await?)
        })
        .await
    }
}

impl kv_atomic::Host for StoreData {
    async fn kv_compare_and_set(
        &mut self,
        key: String,
        expected: Option<Bytes>,
        new: Option<Bytes>,
    ) -> Result<bool, String> {
        self.serve("kv::compare_and_set", async |data| {
            let mut decoder = data.module.decoder();
            let mut decode = |bytes: Option<Bytes>| {
                message(bytes.map(|bytes| decoder.decode_value(&bytes)).transpose())
            };
            let (expected, new) = (decode(expected)?, decode(new)?);
            Ok(data.kv_at(&key)?.compare_and_set(key, expected, new).await?)
        })
        .await
    }

    async fn kv_increment(&mut self, key: String, delta: i64) -> Result<i64, String> {
        self.serve("kv::increment", async |data| {
            Ok(data.kv_at(&key)?.increment(key, delta).await?)
        })
        .await
    }
}

impl kv_ttl::Host for StoreData {
    async fn kv_set_with_ttl(
        &mut self,
        key: String,
        value: Bytes,
        ttl_ms: u64,
    ) -> Result<(), String> {
        self.serve("kv::set_with_ttl", async |data| {
            let value = message(data.module.decoder().decode_value(&value))?;
            Ok(data.kv_at(&key)?.set_with_ttl(key, value, Duration::from_millis(ttl_ms)).await?)
        })
        .await
    }

    async fn kv_increment_with_ttl(
        &mut self,
        key: String,
        delta: i64,
        ttl_ms: u64,
    ) -> Result<i64, String> {
        self.serve("kv::increment_with_ttl", async |data| {
            Ok(data
                .kv_at(&key)?
                .increment_with_ttl(key, delta, Duration::from_millis(ttl_ms))
                .await?)
        })
        .await
    }

    async fn kv_get_ttl(&mut self, key: String) -> Result<Option<u64>, String> {
        self.serve("kv::ttl", async |data| {
            let left = data.kv_at(&key)?.ttl(key).await?;
            // Round up: a TTL under 1 ms must not read as expired.
            Ok(left.map(|left| left.as_millis().clamp(1, u64::MAX.into()) as u64))
        })
        .await
    }

    async fn kv_set_ttl(&mut self, key: String, ttl_ms: Option<u64>) -> Result<bool, String> {
        self.serve("kv::set_ttl", async |data| {
            Ok(data.kv_at(&key)?.set_ttl(key, ttl_ms.map(Duration::from_millis)).await?)
        })
        .await
    }
}

impl config::Host for StoreData {
    async fn get(&mut self, key: String) -> Result<Option<String>, config::Error> {
        self.module.settings.get(&key).map_err(config::Error::Upstream)
    }

    async fn get_all(&mut self) -> Result<Vec<(String, String)>, config::Error> {
        Ok(self.module.settings.all())
    }
}
