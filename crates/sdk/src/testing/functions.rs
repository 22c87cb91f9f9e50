//! The host functions of a test: they check, decode, call and encode as those of a real host do.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use anyhow::{Result, bail};
use surrealdb_types::Value;
use surrealism_types::codec;
use surrealism_types::guest_error::{GuestError, check_length};
use surrealism_types::kv::enforce::{check_batch, check_key};
use surrealism_types::kv::{BTreeMapStore, KVStore};
use surrealism_types::limits::{MAX_QUERY_BYTES, MAX_RUN_NAME_BYTES};

use super::State;
use super::expected::{Call, Expected};

/// Runs a host function, and formats its error for the plugin.
fn serve<T>(function: impl Future<Output = Result<T>>) -> Result<T, String> {
    let Poll::Ready(result) = pin!(function).poll(&mut Context::from_waker(Waker::noop())) else {
        unreachable!("a store in memory waits for nothing");
    };
    result.map_err(|error| GuestError::of(error).to_string())
}

impl State {
    fn kv(&self) -> Arc<BTreeMapStore> {
        self.store.borrow().clone()
    }

    /// Returns the store, for a request of one key.
    fn kv_at(&self, key: &str) -> Result<Arc<BTreeMapStore>> {
        check_key(key)?;
        Ok(self.kv())
    }

    pub(crate) fn sql(&self, query: &str, vars: &[u8]) -> Result<Vec<u8>, String> {
        serve(async {
            check_length("the query", query, MAX_QUERY_BYTES)?;
            let vars = codec::decode_variables(vars)?;
            let call = Call::Sql { query: query.to_string(), vars };
            codec::encode_value(&self.answer(&call)?)
        })
    }

    pub(crate) fn run(
        &self,
        function: &str,
        version: Option<&str>,
        args: &[u8],
    ) -> Result<Vec<u8>, String> {
        serve(async {
            check_length("the function's name", function, MAX_RUN_NAME_BYTES)?;
            check_length("the version", version.unwrap_or(""), MAX_RUN_NAME_BYTES)?;
            let (function, version) = (function.to_string(), version.map(str::to_string));
            let call = Call::Run { function, version, args: codec::decode_values(args)? };
            codec::encode_value(&self.answer(&call)?)
        })
    }

    /// Answers by the next expectation, or without any by a closure.
    fn answer(&self, call: &Call) -> Result<Value> {
        let next = self.expected.borrow_mut().pop_front();
        if let Some(Expected { call: expected, answer }) = next {
            assert!(
                expected.is_like(call),
                "the next call was expected to be {expected}, and is {call}"
            );
            return answer.map_err(anyhow::Error::msg);
        }
        match call {
            Call::Sql { query, vars } => {
                // Taken out, so that it may call the host itself.
                let Some(mut answer) = self.on_sql.take() else { return self.no_answer(call) };
                let answered = answer(query, vars);
                self.on_sql.replace(Some(answer));
                answered
            }
            Call::Run { function, version, args } => {
                let Some(mut answer) = self.on_run.take() else { return self.no_answer(call) };
                let answered = answer(function, version.as_deref(), args);
                self.on_run.replace(Some(answer));
                answered
            }
        }
    }

    fn no_answer(&self, call: &Call) -> Result<Value> {
        assert!(!self.is_strict.get(), "no further call was expected, and there is {call}");
        bail!(
            "the test's host has no answer: give it one by `expect`, `on_sql` or `on_run`, for {call}"
        )
    }

    pub(crate) fn config_get(&self, key: &str) -> Result<Option<Vec<u8>>, String> {
        serve(async {
            match self.config.borrow().get(key) {
                Some(value) => Ok(Some(codec::encode_value(value)?)),
                None => {
                    bail!("the test's host has no value for `{key}`: give it one by `Host::config`")
                }
            }
        })
    }

    pub(crate) fn kv_get(&self, key: &str) -> Result<Option<Vec<u8>>, String> {
        serve(async { self.kv_at(key)?.get_encoded(key.to_string()).await })
    }

    pub(crate) fn kv_set(&self, key: &str, value: &[u8]) -> Result<(), String> {
        serve(async {
            let value = codec::decode_value(value)?;
            self.kv_at(key)?.set(key.to_string(), value).await
        })
    }

    pub(crate) fn kv_del(&self, key: &str) -> Result<(), String> {
        serve(async { self.kv_at(key)?.del(key.to_string()).await })
    }

    pub(crate) fn kv_exists(&self, key: &str) -> Result<bool, String> {
        serve(async { self.kv_at(key)?.exists(key.to_string()).await })
    }

    pub(crate) fn kv_del_rng(&self, range: &[u8]) -> Result<(), String> {
        serve(async {
            let (start, end) = codec::decode_range(range)?;
            self.kv().del_rng(start, end).await
        })
    }

    pub(crate) fn kv_get_batch(&self, keys: &[String]) -> Result<Vec<u8>, String> {
        serve(async {
            check_batch(keys)?;
            codec::encode_optional_values(&self.kv().get_batch(keys.to_vec()).await?)
        })
    }

    pub(crate) fn kv_set_batch(&self, entries: &[u8]) -> Result<(), String> {
        serve(async { self.kv().set_batch(codec::decode_entries(entries)?).await })
    }

    pub(crate) fn kv_del_batch(&self, keys: &[String]) -> Result<(), String> {
        serve(async {
            check_batch(keys)?;
            self.kv().del_batch(keys.to_vec()).await
        })
    }

    pub(crate) fn kv_keys(&self, range: &[u8]) -> Result<Vec<String>, String> {
        serve(async {
            let (start, end) = codec::decode_range(range)?;
            self.kv().keys(start, end).await
        })
    }

    pub(crate) fn kv_values(&self, range: &[u8]) -> Result<Vec<u8>, String> {
        serve(async {
            let (start, end) = codec::decode_range(range)?;
            codec::encode_values(&self.kv().values(start, end).await?)
        })
    }

    pub(crate) fn kv_entries(&self, range: &[u8]) -> Result<Vec<u8>, String> {
        serve(async {
            let (start, end) = codec::decode_range(range)?;
            codec::encode_entries(&self.kv().entries(start, end).await?)
        })
    }

    pub(crate) fn kv_count(&self, range: &[u8]) -> Result<u64, String> {
        serve(async {
            let (start, end) = codec::decode_range(range)?;
            self.kv().count(start, end).await
        })
    }

    pub(crate) fn kv_compare_and_set(
        &self,
        key: &str,
        expected: Option<&[u8]>,
        new: Option<&[u8]>,
    ) -> Result<bool, String> {
        serve(async {
            let expected = expected.map(codec::decode_value).transpose()?;
            let new = new.map(codec::decode_value).transpose()?;
            self.kv_at(key)?.compare_and_set(key.to_string(), expected, new).await
        })
    }

    pub(crate) fn kv_increment(&self, key: &str, delta: i64) -> Result<i64, String> {
        serve(async { self.kv_at(key)?.increment(key.to_string(), delta).await })
    }

    pub(crate) fn kv_set_with_ttl(
        &self,
        key: &str,
        value: &[u8],
        ttl_ms: u64,
    ) -> Result<(), String> {
        serve(async {
            let (value, ttl) = (codec::decode_value(value)?, Duration::from_millis(ttl_ms));
            self.kv_at(key)?.set_with_ttl(key.to_string(), value, ttl).await
        })
    }

    pub(crate) fn kv_increment_with_ttl(
        &self,
        key: &str,
        delta: i64,
        ttl_ms: u64,
    ) -> Result<i64, String> {
        serve(async {
            let ttl = Duration::from_millis(ttl_ms);
            self.kv_at(key)?.increment_with_ttl(key.to_string(), delta, ttl).await
        })
    }

    pub(crate) fn kv_get_ttl(&self, key: &str) -> Result<Option<u64>, String> {
        serve(async {
            let left = self.kv_at(key)?.ttl(key.to_string()).await?;
            // Round up: a TTL under 1 ms must not read as expired.
            Ok(left.map(|left| left.as_millis().clamp(1, u64::MAX.into()) as u64))
        })
    }

    pub(crate) fn kv_set_ttl(&self, key: &str, ttl_ms: Option<u64>) -> Result<bool, String> {
        serve(async {
            let ttl = ttl_ms.map(Duration::from_millis);
            self.kv_at(key)?.set_ttl(key.to_string(), ttl).await
        })
    }
}
