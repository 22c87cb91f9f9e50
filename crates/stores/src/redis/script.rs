//! The script that Redis runs for a store, what it is told, and what it answers.

use std::sync::LazyLock;

use anyhow::{Context, Result, bail};
use redis::{Cmd, FromRedisValue};
use surrealdb_types::{Number, SurrealValue, Value};
use surrealism_runtime::kv::bounds::{Answer, KvSize};
use surrealism_runtime::limits::{
    KV_ENTRY_OVERHEAD_BYTES, KV_EXPIRED_PER_STEP, MAX_KV_RESPONSE_BYTES,
};
use surrealism_types::codec::{self, Decoder};

use crate::limits::REDIS_PAGE;

/// The script, with the bounds it keeps; and the hash by which Redis knows it once it has seen it.
static SCRIPT: LazyLock<(String, String)> = LazyLock::new(|| {
    let [zero_bytes, integer_bytes] = [0_i64, 1].map(integer_bytes);
    let source = format!(
        "local ENTRY_BYTES, ANSWER_BYTES = {KV_ENTRY_OVERHEAD_BYTES}, {MAX_KV_RESPONSE_BYTES}\n\
         local PAGE, EXPIRED_PER_STEP = {REDIS_PAGE}, {KV_EXPIRED_PER_STEP}\n\
         local ZERO_BYTES, INTEGER_BYTES = {zero_bytes}, {integer_bytes}\n{}",
        include_str!("store.lua")
    );
    let hash = redis::Script::new(&source).get_hash().to_string();
    (source, hash)
});

fn integer_bytes(integer: i64) -> usize {
    codec::encode_value(&integer.into_value()).expect("an integer can be encoded").len()
}

/// What a store asks, by the name that the script has for it.
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
    Add,
    SetTtl,
}

impl Command {
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
            Self::Add => "add",
            Self::SetTtl => "set_ttl",
        }
    }

    /// Whether it can be sent twice and be as good as once.
    pub(super) fn only_reads(self) -> bool {
        matches!(
            self,
            Self::Get | Self::Exists | Self::Range | Self::Count | Self::Ttl | Self::Size
        )
    }
}

/// A command with all that the script wants of it.
pub(super) struct Request {
    pub(super) command: Command,
    arguments: Vec<Vec<u8>>,
}

impl Request {
    /// Begins with the bounds of a store.
    pub(super) fn new(
        command: Command,
        max_entries: Option<usize>,
        max_bytes: Option<usize>,
    ) -> Self {
        let bound = |most: Option<usize>| most.map_or(String::new(), |most| most.to_string());
        let first = [command.name().to_string(), bound(max_entries), bound(max_bytes)];
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

    /// Calls the script by its hash.
    pub(super) fn by_hash(&self, keys: &[String]) -> Cmd {
        self.calling("EVALSHA", &SCRIPT.1, keys)
    }

    /// Calls the script and tells it, to a server that has not seen it since it started.
    pub(super) fn by_source(&self, keys: &[String]) -> Cmd {
        self.calling("EVAL", &SCRIPT.0, keys)
    }

    fn calling(&self, how: &str, script: &str, keys: &[String]) -> Cmd {
        let mut call = redis::cmd(how);
        call.arg(script).arg(keys.len()).arg(keys).arg(&self.arguments);
        call
    }
}

/// What the script answers.
pub(super) enum Reply {
    Done(Items),
    /// Much had expired; there may be more.
    Again,
    /// The store would hold more than it may.
    Full {
        before: KvSize,
        after: KvSize,
    },
}

/// What a command has to say, one item after another.
pub(super) struct Items {
    items: std::vec::IntoIter<redis::Value>,
    decoder: Decoder,
}

impl Items {
    pub(super) fn next<T: FromRedisValue>(&mut self) -> Result<T> {
        let item = self.items.next().context("Redis answered less than it was asked")?;
        redis::from_redis_value(item).context("Redis answered something else than it was asked")
    }

    /// The next item as a stored value, if it is one.
    pub(super) fn value(&mut self) -> Result<Option<Value>> {
        let stored = self.next::<Option<Vec<u8>>>()?;
        stored.map(|stored| load(&stored, &mut self.decoder)).transpose()
    }

    /// Every item that is left, by what takes one.
    pub(super) fn all<T>(mut self, take: impl Fn(&mut Self) -> Result<T>) -> Result<Vec<T>> {
        let mut all = Vec::new();
        while !self.items.as_slice().is_empty() {
            all.push(take(&mut self)?);
        }
        Ok(all)
    }
}

impl Reply {
    pub(super) fn read(reply: redis::Value) -> Result<Self> {
        let items: Vec<redis::Value> = redis::from_redis_value(reply)?;
        let mut items = Items { items: items.into_iter(), decoder: Decoder::new() };
        let size = |items: &mut Items| -> Result<KvSize> {
            Ok(KvSize { entries: items.next()?, bytes: items.next()? })
        };
        Ok(match items.next::<String>()?.as_str() {
            "ok" => Self::Done(items),
            "again" => Self::Again,
            "full" => Self::Full { before: size(&mut items)?, after: size(&mut items)? },
            "large" => bail!(Answer::too_large()),
            other => bail!("Redis answered {other:?}, which is no answer of the store's script"),
        })
    }
}

/// A value as Redis keeps it: integers in digits, so that it can add to them, all else encoded.
pub(super) fn stored(value: &Value, encoded: Vec<u8>) -> Vec<u8> {
    match value {
        Value::Number(Number::Int(integer)) => integer.to_string().into_bytes(),
        _ => encoded,
    }
}

/// What [`stored`] made. No encoding is just digits: its first four bytes are a small number.
fn load(stored: &[u8], decoder: &mut Decoder) -> Result<Value> {
    let integer = std::str::from_utf8(stored).ok().and_then(|text| text.parse::<i64>().ok());
    match integer {
        Some(integer) => Ok(integer.into_value()),
        None => decoder.decode_value(stored),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_integers_but_zero_take_as_much() {
        for integer in [i64::MIN, -1, 7, i64::MAX] {
            assert_eq!(integer_bytes(integer), integer_bytes(1), "{integer}");
        }
    }

    #[test]
    fn values_come_back_as_they_were_stored() {
        let text = |text: &str| text.to_string().into_value();
        let values = [0_i64, i64::MIN, i64::MAX].map(i64::into_value);
        for value in [Value::None, text(""), text("12"), 1.0_f64.into_value()].iter().chain(&values)
        {
            let kept = stored(value, codec::encode_value(value).unwrap());
            assert_eq!(load(&kept, &mut Decoder::new()).unwrap(), *value);
        }
    }
}
