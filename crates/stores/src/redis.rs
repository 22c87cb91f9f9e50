//! A store on Redis or Valkey, a single server or a cluster.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Bound;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use async_trait::async_trait;
use surrealdb_types::{SurrealValue, Value};
use surrealism_runtime::KVStore;
use surrealism_runtime::kv::atomic::CompareAndSet;
use surrealism_runtime::kv::enforce::{self, KvSize};
use surrealism_runtime::limits::KvLimits;
use tokio::time::Instant;

use self::connection::Connection;
use self::script::{Command, Items, Reply, Request, to_stored};
use crate::check::{check_key, check_keys, check_ttl, encode};
use crate::error::{OpenError, StoreError};
use crate::limits::REDIS_REQUEST_TIMEOUT;
use crate::module_name::{check_module_name, check_owner};

mod connection;
mod script;

/// A connection to Redis, for the stores of all modules of a host. Clones share it.
///
/// It belongs to the tokio runtime in which it was made, and reconnects when the connection is lost.
#[derive(Clone, Debug)]
pub struct RedisClient(Connection);

/// The store of one module, on the Redis of a [`RedisClient`]. Hosts that use the same module name share
/// its entries.
///
/// Each call is one atomic step. A call whose future is dropped has no effect or its whole effect. When
/// the connection is lost, a call that only reads is sent again. A write is not sent again: it fails with
/// [`StoreError::OutcomeUnknown`]. In a cluster, one node has all entries of a module.
///
/// The methods of [`KVStore`] fail with a [`StoreError`] inside the `anyhow::Error`.
pub struct RedisStore {
    connection: Connection,
    module: Arc<str>,
    /// The keys of the module on Redis. The module name in braces is their hash tag, so that all of them
    /// are in one slot of a cluster.
    keys: [String; 5],
    limits: KvLimits,
}

impl RedisClient {
    /// Connects to a server, and to its whole cluster if it belongs to one.
    ///
    /// The URL is `redis://[[user]:password@]host[:port][/database]`. Must be awaited in a tokio runtime with
    /// time and I/O enabled.
    ///
    /// ```no_run
    /// use surrealism_runtime::limits::KvLimits;
    /// use surrealism_stores::{OpenError, RedisClient, RedisStore};
    ///
    /// async fn open(url: &str) -> Result<RedisStore, OpenError> {
    ///     RedisClient::connect(url).await?.module("acme/hello", KvLimits::default())
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// [`OpenError::InvalidUrl`] for a URL that is invalid or demands TLS, [`OpenError::Unreachable`] when no
    /// server answers in time, [`OpenError::AuthRejected`] when it rejects the user or the password.
    ///
    /// # Panics
    ///
    /// When it is awaited elsewhere than in a tokio runtime with time and I/O enabled. So do all methods that
    /// ask Redis.
    pub async fn connect(url: &str) -> Result<Self, OpenError> {
        Ok(Self(Connection::open(url).await?))
    }

    /// Returns the store of a module, which is empty until something is set.
    ///
    /// # Errors
    ///
    /// [`OpenError::InvalidModuleName`] for a name that is empty, has more than
    /// [`MAX_MODULE_NAME_BYTES`](crate::limits::MAX_MODULE_NAME_BYTES), or contains braces or control
    /// characters.
    pub fn module(&self, name: &str, limits: KvLimits) -> Result<RedisStore, OpenError> {
        check_module_name(name)?;
        let keys = ["values", "keys", "expiries", "bytes", "owner"]
            .map(|part| format!("surrealism:{{{name}}}:{part}"));
        Ok(RedisStore { connection: self.0.clone(), module: name.into(), keys, limits })
    }

    /// Returns the store of a module whose name is not trusted, because it comes from the module's archive.
    /// The first `owner` that asks for a name has its store from then on, and every other is refused.
    ///
    /// An owner is a digest of what may have the store, such as that of a component.
    ///
    /// # Errors
    ///
    /// Those of [`module`](Self::module), [`OpenError::OtherOwner`] when the store belongs to another owner,
    /// and [`OpenError::Store`] when Redis does not answer or rejects the request.
    pub async fn owned_module(
        &self,
        name: &str,
        owner: [u8; 32],
        limits: KvLimits,
    ) -> Result<RedisStore, OpenError> {
        let store = self.module(name, limits)?;
        let current: Vec<u8> =
            store.send(store.request(Command::Claim).arg(owner)).await?.next()?;
        let current = current.try_into().map_err(|_| unexpected("the owner is not a digest"))?;
        check_owner(name, owner, current)?;
        Ok(store)
    }
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore")
            .field("connection", &self.connection)
            .field("module", &self.module)
            .field("limits", &self.limits)
            .finish()
    }
}

impl RedisStore {
    /// Returns the number of entries and their size.
    ///
    /// # Errors
    ///
    /// A [`StoreError`] when Redis does not answer or rejects the request.
    pub async fn size(&self) -> Result<KvSize, StoreError> {
        let mut items = self.send(self.request(Command::Size)).await?;
        Ok(KvSize { entries: items.next()?, bytes: items.next()? })
    }

    fn request(&self, command: Command) -> Request {
        Request::new(command, self.limits.max_entries, self.limits.max_bytes)
    }

    async fn send(&self, request: Request) -> Result<Items, StoreError> {
        let deadline = Instant::now() + REDIS_REQUEST_TIMEOUT;
        loop {
            let reply = self.connection.call(&request, &self.keys, deadline).await?;
            match Reply::parse(reply)? {
                Reply::Done(items) => return Ok(items),
                Reply::Again => {}
                Reply::Full { before, after } => {
                    self.limits.check_growth(before, after)?;
                    return Err(unexpected(format!(
                        "the script refused to grow from {before:?} to {after:?}, which {:?} allow",
                        self.limits
                    )));
                }
            }
        }
    }

    fn encode(&self, key: &str, value: &Value) -> Result<Vec<u8>, StoreError> {
        Ok(to_stored(encode(&self.limits, key, value)?))
    }

    async fn put(
        &self,
        entries: BTreeMap<String, Vec<u8>>,
        ttl: Option<u64>,
    ) -> Result<(), StoreError> {
        let ttl = ttl.map_or(String::new(), |ttl| ttl.to_string());
        let entries = entries.into_iter().flat_map(|(key, value)| [key.into_bytes(), value]);
        self.send(self.request(Command::Set).arg(ttl).args(entries)).await?;
        Ok(())
    }

    /// Adds to an integer. A key that does not exist gets the time to live, if there is one.
    async fn add(&self, key: &str, delta: i64, ttl: Option<u64>) -> Result<i64, StoreError> {
        let or_none =
            |number: Option<u64>| number.map_or(String::new(), |number| number.to_string());
        let max_bytes = or_none(self.limits.max_value_bytes.map(|max| max as u64));
        let arguments = [key.to_string(), delta.to_string(), max_bytes, or_none(ttl)];
        let mut items = self.send(self.request(Command::Increment).args(arguments)).await?;
        let Some(sum) = items.next::<Option<i64>>()? else {
            let current = items.encoded()?;
            // Says why, in the words of the other stores.
            enforce::checked_add(key, current.as_deref(), delta).map_err(StoreError::Rejected)?;
            return Err(unexpected(format!("{delta} was not added to key {key:?}")));
        };
        let is_small_enough: bool = items.next()?;
        if !is_small_enough {
            encode(&self.limits, key, &sum.into_value())?;
        }
        Ok(sum)
    }

    async fn range(
        &self,
        what: &str,
        start: Bound<String>,
        end: Bound<String>,
    ) -> Result<Items, StoreError> {
        let request = self.request(Command::Range).arg(what).args(lex_range(start, end));
        self.send(request).await
    }
}

/// Returns bounds in the syntax of `ZRANGEBYLEX`.
fn lex_range(start: Bound<String>, end: Bound<String>) -> [String; 2] {
    let bound = |bound, open: &str| match bound {
        Bound::Included(key) => format!("[{key}"),
        Bound::Excluded(key) => format!("({key}"),
        Bound::Unbounded => open.to_string(),
    };
    [bound(start, "-"), bound(end, "+")]
}

fn some_value(items: &mut Items) -> Result<Value, StoreError> {
    items.value()?.ok_or_else(|| unexpected("a key of the store has no value"))
}

fn unexpected(reason: impl Into<String>) -> StoreError {
    StoreError::UnexpectedReply { reason: reason.into() }
}

#[async_trait]
impl KVStore for RedisStore {
    async fn get(&self, key: String) -> Result<Option<Value>> {
        check_key(&key)?;
        self.send(self.request(Command::Get).arg(key)).await?.value().map_err(Into::into)
    }

    async fn get_encoded(&self, key: String) -> Result<Option<Vec<u8>>> {
        check_key(&key)?;
        self.send(self.request(Command::Get).arg(key)).await?.encoded().map_err(Into::into)
    }

    async fn set(&self, key: String, value: Value) -> Result<()> {
        let value = self.encode(&key, &value)?;
        Ok(self.put(BTreeMap::from([(key, value)]), None).await?)
    }

    async fn del(&self, key: String) -> Result<()> {
        self.del_batch(vec![key]).await
    }

    async fn exists(&self, key: String) -> Result<bool> {
        check_key(&key)?;
        self.send(self.request(Command::Exists).arg(key)).await?.next().map_err(Into::into)
    }

    async fn del_rng(&self, start: Bound<String>, end: Bound<String>) -> Result<()> {
        self.send(self.request(Command::DelRange).args(lex_range(start, end))).await?;
        Ok(())
    }

    async fn get_batch(&self, keys: Vec<String>) -> Result<Vec<Option<Value>>> {
        check_keys(&keys)?;
        Ok(self.send(self.request(Command::Get).args(keys)).await?.all(Items::value)?)
    }

    async fn set_batch(&self, entries: Vec<(String, Value)>) -> Result<()> {
        let mut encoded = BTreeMap::new();
        for (key, value) in entries {
            let value = self.encode(&key, &value)?;
            encoded.insert(key, value);
        }
        Ok(self.put(encoded, None).await?)
    }

    async fn del_batch(&self, keys: Vec<String>) -> Result<()> {
        check_keys(&keys)?;
        self.send(self.request(Command::Del).args(keys)).await?;
        Ok(())
    }

    async fn keys(&self, start: Bound<String>, end: Bound<String>) -> Result<Vec<String>> {
        Ok(self.range("keys", start, end).await?.all(Items::next)?)
    }

    async fn values(&self, start: Bound<String>, end: Bound<String>) -> Result<Vec<Value>> {
        Ok(self.range("values", start, end).await?.all(some_value)?)
    }

    async fn entries(
        &self,
        start: Bound<String>,
        end: Bound<String>,
    ) -> Result<Vec<(String, Value)>> {
        let entry = |items: &mut Items| Ok((items.next()?, some_value(items)?));
        Ok(self.range("entries", start, end).await?.all(entry)?)
    }

    async fn count(&self, start: Bound<String>, end: Bound<String>) -> Result<u64> {
        self.send(self.request(Command::Count).args(lex_range(start, end)))
            .await?
            .next()
            .map_err(Into::into)
    }

    async fn compare_and_set(
        &self,
        key: String,
        expected: Option<Value>,
        new: Option<Value>,
    ) -> Result<bool> {
        let change =
            CompareAndSet::new(&self.limits, key, expected, new).map_err(StoreError::from)?;
        // No stored value is empty.
        let [expected, new] =
            [change.expected, change.new].map(|value| value.map_or(Vec::new(), to_stored));
        let request = self.request(Command::CompareAndSet).arg(change.key).arg(expected).arg(new);
        self.send(request).await?.next().map_err(Into::into)
    }

    async fn increment(&self, key: String, delta: i64) -> Result<i64> {
        check_key(&key)?;
        Ok(self.add(&key, delta, None).await?)
    }

    async fn increment_with_ttl(&self, key: String, delta: i64, ttl: Duration) -> Result<i64> {
        check_key(&key)?;
        let ttl = check_ttl(&key, ttl)?;
        Ok(self.add(&key, delta, Some(ttl)).await?)
    }

    async fn set_with_ttl(&self, key: String, value: Value, ttl: Duration) -> Result<()> {
        let (value, ttl) = (self.encode(&key, &value)?, check_ttl(&key, ttl)?);
        Ok(self.put(BTreeMap::from([(key, value)]), Some(ttl)).await?)
    }

    async fn ttl(&self, key: String) -> Result<Option<Duration>> {
        check_key(&key)?;
        let millis: Option<u64> = self.send(self.request(Command::Ttl).arg(key)).await?.next()?;
        Ok(millis.map(Duration::from_millis))
    }

    async fn set_ttl(&self, key: String, ttl: Option<Duration>) -> Result<bool> {
        check_key(&key)?;
        let ttl = ttl.map(|ttl| check_ttl(&key, ttl)).transpose()?;
        let ttl = ttl.map_or(String::new(), |ttl| ttl.to_string());
        self.send(self.request(Command::SetTtl).arg(key).arg(ttl)).await?.next().map_err(Into::into)
    }
}
