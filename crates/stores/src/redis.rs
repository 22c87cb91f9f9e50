//! A store on Redis or Valkey, a single server or a cluster.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Bound;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use async_trait::async_trait;
use surrealdb_types::{SurrealValue, Value};
use surrealism_runtime::KVStore;
use surrealism_runtime::kv::bounds::{KvSize, check_key, check_ttl, sum};
use surrealism_runtime::limits::KvLimits;
use surrealism_types::codec;
use tokio::time::Instant;

use self::connection::Connection;
use self::script::{Command, Items, Reply, Request, stored};
use crate::limits::REDIS_REQUEST_TIME;
use crate::module::check_module;

mod connection;
mod script;

/// A connection to Redis, for the stores of all modules of a host. Clones share it.
///
/// It is driven by the tokio runtime in which it was made, and reaches out again by itself when it is
/// lost.
#[derive(Clone, Debug)]
pub struct RedisClient(Connection);

/// The store of one module, on the Redis of its [host](RedisClient). Hosts that open the store of the
/// same name share it.
///
/// Each call is one step of Redis's, whatever else is going on; a call that is dropped is done as a
/// whole or not at all. When the connection is lost, reading is tried again; writing is not, and the
/// error says that it may have been done. In a cluster a module lives on one node.
pub struct RedisStore {
    connection: Connection,
    module: Arc<str>,
    /// In one slot of a cluster, which the module's name in braces sees to.
    keys: [String; 4],
    limits: KvLimits,
}

impl RedisClient {
    /// Connects to a server by its URL, `redis://[[user]:password@]host[:port][/database]`, and to the
    /// whole cluster if it belongs to one. Must be called in a tokio runtime with time and I/O.
    ///
    /// # Errors
    ///
    /// When the URL is no such, or the server cannot be reached or refuses the user.
    pub async fn connect(url: &str) -> Result<Self> {
        Ok(Self(Connection::open(url).await?))
    }

    /// The store of a module, which is empty until something is set.
    ///
    /// # Errors
    ///
    /// When the name is empty, too long, or has braces or control characters.
    pub fn module(&self, name: &str, limits: KvLimits) -> Result<RedisStore> {
        check_module(name)?;
        let keys = ["values", "keys", "expiries", "bytes"]
            .map(|part| format!("surrealism:{{{name}}}:{part}"));
        Ok(RedisStore { connection: self.0.clone(), module: name.into(), keys, limits })
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
    /// What the store holds.
    ///
    /// # Errors
    ///
    /// When Redis does not answer.
    pub async fn size(&self) -> Result<KvSize> {
        let mut items = self.ask(self.request(Command::Size)).await?;
        Ok(KvSize { entries: items.next()?, bytes: items.next()? })
    }

    fn request(&self, command: Command) -> Request {
        Request::new(command, self.limits.max_entries, self.limits.max_bytes)
    }

    async fn ask(&self, request: Request) -> Result<Items> {
        let deadline = Instant::now() + REDIS_REQUEST_TIME;
        loop {
            match Reply::read(self.connection.call(&request, &self.keys, deadline).await?)? {
                Reply::Done(items) => return Ok(items),
                Reply::Again => {}
                Reply::Full { before, after } => {
                    self.limits.admit(before, after)?;
                    bail!("Redis refused what {:?} admit: {before:?} to {after:?}", self.limits)
                }
            }
        }
    }

    fn encode(&self, key: &str, value: &Value) -> Result<Vec<u8>> {
        check_key(key)?;
        Ok(stored(value, self.limits.encode(key, value)?))
    }

    async fn put(&self, entries: BTreeMap<String, Vec<u8>>, ttl: Option<u64>) -> Result<()> {
        let ttl = ttl.map_or(String::new(), |ttl| ttl.to_string());
        let entries = entries.into_iter().flat_map(|(key, value)| [key.into_bytes(), value]);
        self.ask(self.request(Command::Set).arg(ttl).args(entries)).await?;
        Ok(())
    }

    async fn range(&self, what: &str, start: Bound<String>, end: Bound<String>) -> Result<Items> {
        let request = self.request(Command::Range).arg(what).args(between(start, end));
        self.ask(request).await
    }
}

/// Bounds in the words of Redis's sorted sets.
fn between(start: Bound<String>, end: Bound<String>) -> [String; 2] {
    let bound = |bound, open: &str| match bound {
        Bound::Included(key) => format!("[{key}"),
        Bound::Excluded(key) => format!("({key}"),
        Bound::Unbounded => open.to_string(),
    };
    [bound(start, "-"), bound(end, "+")]
}

fn some_value(items: &mut Items) -> Result<Value> {
    items.value()?.context("Redis has a key without its value")
}

#[async_trait]
impl KVStore for RedisStore {
    async fn get(&self, key: String) -> Result<Option<Value>> {
        check_key(&key)?;
        self.ask(self.request(Command::Get).arg(key)).await?.value()
    }

    async fn set(&self, key: String, value: Value) -> Result<()> {
        let value = self.encode(&key, &value)?;
        self.put(BTreeMap::from([(key, value)]), None).await
    }

    async fn del(&self, key: String) -> Result<()> {
        self.del_batch(vec![key]).await
    }

    async fn exists(&self, key: String) -> Result<bool> {
        check_key(&key)?;
        self.ask(self.request(Command::Exists).arg(key)).await?.next()
    }

    async fn del_rng(&self, start: Bound<String>, end: Bound<String>) -> Result<()> {
        self.ask(self.request(Command::DelRange).args(between(start, end))).await?;
        Ok(())
    }

    async fn get_batch(&self, keys: Vec<String>) -> Result<Vec<Option<Value>>> {
        keys.iter().try_for_each(|key| check_key(key))?;
        self.ask(self.request(Command::Get).args(keys)).await?.all(Items::value)
    }

    async fn set_batch(&self, entries: Vec<(String, Value)>) -> Result<()> {
        let mut encoded = BTreeMap::new();
        for (key, value) in entries {
            let value = self.encode(&key, &value)?;
            encoded.insert(key, value);
        }
        self.put(encoded, None).await
    }

    async fn del_batch(&self, keys: Vec<String>) -> Result<()> {
        keys.iter().try_for_each(|key| check_key(key))?;
        self.ask(self.request(Command::Del).args(keys)).await?;
        Ok(())
    }

    async fn keys(&self, start: Bound<String>, end: Bound<String>) -> Result<Vec<String>> {
        self.range("keys", start, end).await?.all(Items::next)
    }

    async fn values(&self, start: Bound<String>, end: Bound<String>) -> Result<Vec<Value>> {
        self.range("values", start, end).await?.all(some_value)
    }

    async fn entries(
        &self,
        start: Bound<String>,
        end: Bound<String>,
    ) -> Result<Vec<(String, Value)>> {
        let entry = |items: &mut Items| Ok((items.next()?, some_value(items)?));
        self.range("entries", start, end).await?.all(entry)
    }

    async fn count(&self, start: Bound<String>, end: Bound<String>) -> Result<u64> {
        self.ask(self.request(Command::Count).args(between(start, end))).await?.next()
    }

    async fn compare_and_set(
        &self,
        key: String,
        expected: Option<Value>,
        new: Option<Value>,
    ) -> Result<bool> {
        check_key(&key)?;
        let expected = expected
            .map(|value| codec::encode_value(&value).map(|encoded| stored(&value, encoded)))
            .transpose()?;
        let new = new.map(|value| self.encode(&key, &value)).transpose()?;
        let (expected, new) = (expected.unwrap_or_default(), new.unwrap_or_default());
        let request = self.request(Command::CompareAndSet).arg(key).arg(expected).arg(new);
        self.ask(request).await?.next()
    }

    async fn increment(&self, key: String, delta: i64) -> Result<i64> {
        check_key(&key)?;
        let most = self.limits.max_value_bytes.map_or(String::new(), |most| most.to_string());
        let request = self.request(Command::Add).arg(key.as_str()).arg(delta.to_string()).arg(most);
        let mut items = self.ask(request).await?;
        let Some(added) = items.next::<Option<i64>>()? else {
            let held = items.value()?;
            sum(&key, held.as_ref(), delta)?;
            bail!("Redis did not add {delta} to key {key:?}, which has {held:?}")
        };
        if !items.next::<bool>()? {
            self.limits.encode(&key, &added.into_value())?;
        }
        Ok(added)
    }

    async fn set_with_ttl(&self, key: String, value: Value, ttl: Duration) -> Result<()> {
        let (value, ttl) = (self.encode(&key, &value)?, check_ttl(&key, ttl)?);
        self.put(BTreeMap::from([(key, value)]), Some(ttl)).await
    }

    async fn ttl(&self, key: String) -> Result<Option<Duration>> {
        check_key(&key)?;
        let left: Option<u64> = self.ask(self.request(Command::Ttl).arg(key)).await?.next()?;
        Ok(left.map(Duration::from_millis))
    }

    async fn set_ttl(&self, key: String, ttl: Option<Duration>) -> Result<bool> {
        check_key(&key)?;
        let ttl = ttl.map(|ttl| check_ttl(&key, ttl)).transpose()?;
        let ttl = ttl.map_or(String::new(), |ttl| ttl.to_string());
        self.ask(self.request(Command::SetTtl).arg(key).arg(ttl)).await?.next()
    }
}
