//! The Lua script that Redis runs for a store: its requests and its replies.

use std::sync::LazyLock;

use redis::{Cmd, FromRedisValue};
use surrealdb_types::{SurrealValue, Value};
use surrealism_runtime::GuestError;
use surrealism_runtime::kv::enforce::{KvSize, ResponseBudget};
use surrealism_runtime::limits::{
    KV_ENTRY_OVERHEAD_BYTES, KV_EXPIRED_PER_STEP, MAX_KV_RESPONSE_BYTES,
};
use surrealism_types::codec::{self, Decoder};

use super::unexpected;
use crate::error::StoreError;
use crate::limits::REDIS_RANGE_PAGE;

type Result<T, E = StoreError> = std::result::Result<T, E>;

/// The script, with its constants, and the SHA-1 hash by which Redis finds it in its cache.
static SCRIPT: LazyLock<(String, String)> = LazyLock::new(|| {
    let [zero_bytes, integer_bytes] = [0_i64, 1].map(integer_bytes);
    let source = format!(
        "local ENTRY_OVERHEAD, MAX_REPLY_BYTES = {KV_ENTRY_OVERHEAD_BYTES}, {MAX_KV_RESPONSE_BYTES}\n\
         local PAGE, EXPIRED_PER_STEP = {REDIS_RANGE_PAGE}, {KV_EXPIRED_PER_STEP}\n\
         local ZERO_BYTES, INTEGER_BYTES = {zero_bytes}, {integer_bytes}\n{}",
        include_str!("store.lua")
    );
    let hash = redis::Script::new(&source).get_hash().to_string();
    (source, hash)
});

fn integer_bytes(integer: i64) -> usize {
    codec::encode_value(&integer.into_value()).expect("an integer can be encoded").len()
}

/// The commands of the script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Command {
    Get,
    Exists,
    Range,
    Count,
    Ttl,
    Size,
    Set,
    Del,
    DelRange,
    CompareAndSet,
    Increment,
    SetTtl,
    Claim,
}

impl Command {
    /// Returns the name of its function in the script.
    fn name(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Exists => "exists",
            Self::Range => "range",
            Self::Count => "count",
            Self::Ttl => "ttl",
            Self::Size => "size",
            Self::Set => "set",
            Self::Del => "del",
            Self::DelRange => "del_range",
            Self::CompareAndSet => "compare_and_set",
            Self::Increment => "increment",
            Self::SetTtl => "set_ttl",
            Self::Claim => "claim",
        }
    }

    /// Returns whether sending it twice has the same effect as sending it once.
    pub(super) fn only_reads(self) -> bool {
        matches!(
            self,
            Self::Get | Self::Exists | Self::Range | Self::Count | Self::Ttl | Self::Size
        )
    }
}

/// A command and the arguments of the script.
pub(super) struct Request {
    pub(super) command: Command,
    arguments: Vec<Vec<u8>>,
}

impl Request {
    /// Returns a request whose first arguments are the command and the limits of the store.
    pub(super) fn new(
        command: Command,
        max_entries: Option<usize>,
        max_bytes: Option<usize>,
    ) -> Self {
        let limit = |max: Option<usize>| max.map_or(String::new(), |max| max.to_string());
        let first = [command.name().to_string(), limit(max_entries), limit(max_bytes)];
        Self { command, arguments: first.into_iter().map(String::into_bytes).collect() }
    }

    pub(super) fn arg(mut self, argument: impl Into<Vec<u8>>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    pub(super) fn args<A: Into<Vec<u8>>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        self.arguments.extend(arguments.into_iter().map(A::into));
        self
    }

    /// Returns the Redis command that runs the script by its hash.
    pub(super) fn by_hash(&self, keys: &[String]) -> Cmd {
        self.eval("EVALSHA", &SCRIPT.1, keys)
    }

    /// Returns the Redis command that sends the script and runs it, for a server without it in its cache.
    pub(super) fn by_source(&self, keys: &[String]) -> Cmd {
        self.eval("EVAL", &SCRIPT.0, keys)
    }

    fn eval(&self, command: &str, script: &str, keys: &[String]) -> Cmd {
        let mut call = redis::cmd(command);
        call.arg(script).arg(keys.len()).arg(keys).arg(&self.arguments);
        call
    }
}

/// A reply of the script.
pub(super) enum Reply {
    Done(Items),
    /// Nothing was done but to remove some expired entries, and more may be left: send the request again.
    Again,
    /// Nothing was changed, because the store would exceed a limit.
    Full {
        before: KvSize,
        after: KvSize,
    },
}

/// The results of a command, read one after the other.
pub(super) struct Items {
    items: std::vec::IntoIter<redis::Value>,
    decoder: Decoder,
}

impl Items {
    /// Returns the next item.
    pub(super) fn next<T: FromRedisValue>(&mut self) -> Result<T> {
        let item = self.items.next().ok_or_else(|| unexpected("it has too few items"))?;
        redis::from_redis_value(item).map_err(|error| unexpected(error.to_string()))
    }

    /// Returns the next item as an encoded value, or `None` if it is nil.
    pub(super) fn encoded(&mut self) -> Result<Option<Vec<u8>>> {
        Ok(self.next::<Option<Vec<u8>>>()?.map(from_stored).transpose()?)
    }

    /// Returns the next item as a value, or `None` if it is nil.
    pub(super) fn value(&mut self) -> Result<Option<Value>> {
        let encoded = self.encoded()?;
        Ok(encoded.map(|encoded| self.decoder.decode_value(&encoded)).transpose()?)
    }

    /// Returns what `take` makes of the remaining items.
    pub(super) fn all<T>(mut self, take: impl Fn(&mut Self) -> Result<T>) -> Result<Vec<T>> {
        let mut all = Vec::new();
        while !self.items.as_slice().is_empty() {
            all.push(take(&mut self)?);
        }
        Ok(all)
    }
}

impl Reply {
    pub(super) fn parse(reply: redis::Value) -> Result<Self> {
        let items: Vec<redis::Value> =
            redis::from_redis_value(reply).map_err(|error| unexpected(error.to_string()))?;
        let mut items = Items { items: items.into_iter(), decoder: Decoder::new() };
        let size = |items: &mut Items| -> Result<KvSize> {
            Ok(KvSize { entries: items.next()?, bytes: items.next()? })
        };
        Ok(match items.next::<String>()?.as_str() {
            "ok" => Self::Done(items),
            "again" => Self::Again,
            "full" => Self::Full { before: size(&mut items)?, after: size(&mut items)? },
            "large" => {
                return Err(
                    anyhow::Error::from(GuestError::new(ResponseBudget::too_large())).into()
                );
            }
            other => return Err(unexpected(format!("its status is {other:?}"))),
        })
    }
}

/// Returns an encoded value as Redis keeps it: integers as decimal digits, so that Redis can add to them, and
/// other values as they are.
pub(super) fn to_stored(encoded: Vec<u8>) -> Vec<u8> {
    match codec::decode_native::<i64>(&encoded) {
        Ok(integer) => integer.to_string().into_bytes(),
        Err(_) => encoded,
    }
}

/// Reverses [`to_stored`]. No encoding consists of digits only: its first four bytes are a small offset.
fn from_stored(stored: Vec<u8>) -> anyhow::Result<Vec<u8>> {
    let integer = std::str::from_utf8(&stored).ok().and_then(|text| text.parse::<i64>().ok());
    integer.map_or(Ok(stored), |integer| codec::encode_value(&integer.into_value()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_integers_but_zero_have_the_same_encoded_size() {
        for integer in [i64::MIN, -1, 7, i64::MAX] {
            assert_eq!(integer_bytes(integer), integer_bytes(1), "{integer}");
        }
    }

    #[test]
    fn stored_values_are_read_unchanged() {
        let text = |text: &str| text.to_string().into_value();
        let values = [0_i64, i64::MIN, i64::MAX].map(i64::into_value);
        for value in [Value::None, text(""), text("12"), 1.0_f64.into_value()].iter().chain(&values)
        {
            let encoded = codec::encode_value(value).unwrap();
            assert_eq!(from_stored(to_stored(encoded.clone())).unwrap(), encoded, "{value:?}");
        }
    }
}
