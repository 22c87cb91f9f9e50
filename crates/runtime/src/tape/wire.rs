//! What crosses between guest and host, as JSON and back.

use std::ops::Bound;

use anyhow::{Context, Result, ensure};
use serde_json::{Value as Json, json};
use surrealdb_types::Kind;
use surrealism_types::codec;
use surrealism_types::json::{from_json, to_json_lossless};

type AnyValue = surrealdb_types::Value;
type Bytes = Vec<u8>;

/// A type of the interface.
pub(crate) trait Wire {
    /// What the bindings have.
    type Raw;

    /// Returns about how many bytes the JSON will have.
    fn size(raw: &Self::Raw) -> usize;

    fn to_json(raw: &Self::Raw) -> Json;

    /// # Errors
    ///
    /// When the JSON is not what [`to_json`](Self::to_json) writes.
    fn from_json(json: &Json) -> Result<Self::Raw>;
}

macro_rules! wires {
    ($($(#[$attribute:meta])* $name:ident($raw:ty): $size:expr, $write:expr, $read:expr;)*) => {$(
        $(#[$attribute])*
        pub(crate) struct $name;

        impl Wire for $name {
            type Raw = $raw;

            fn size(raw: &$raw) -> usize {
                let size: fn(&$raw) -> usize = $size;
                size(raw)
            }

            fn to_json(raw: &$raw) -> Json {
                let write: fn(&$raw) -> Json = $write;
                write(raw)
            }

            fn from_json(json: &Json) -> Result<$raw> {
                let read: fn(&Json) -> Result<$raw> = $read;
                read(json)
            }
        }
    )*};
}

/// What a number takes at most.
const NUMBER_BYTES: usize = 20;

wires! {
    Unit(()): |_| 0, |_| Json::Null, |json| typed(json);
    Flag(bool): |_| 5, |flag| json!(flag), typed;
    Count(u64): |_| NUMBER_BYTES, |count| json!(count), typed;
    Int(i64): |_| NUMBER_BYTES, |int| json!(int), typed;
    Number(u64): |_| NUMBER_BYTES, |number| json!(number.to_string()), number;
    OptionalMillis(Option<u64>): |_| NUMBER_BYTES, |millis| json!(millis), typed;
    Text(String): String::len, |text| json!(text), typed;
    OptionalText(Option<String>): |text| text.as_ref().map_or(4, String::len), |text| json!(text), typed;
    Texts(Vec<String>): |texts| texts.iter().map(|text| text.len() + 3).sum(), |texts| json!(texts), typed;
    Hex(Bytes): |bytes| 2 * bytes.len(), |bytes| json!(hex::encode(bytes)), |json| {
        Ok(hex::decode(typed::<String>(json)?)?)
    };
    /// Seconds and nanoseconds since 1970.
    Time((u64, u32)): |_| 2 * NUMBER_BYTES, |time| json!(time), typed;
    Seed((u64, u64)): |_| 2 * NUMBER_BYTES, |(a, b)| json!([a.to_string(), b.to_string()]), |json| {
        let [a, b] = items(json)?;
        Ok((number(a)?, number(b)?))
    };
    Value(Bytes): Vec::len, |bytes| decoded(codec::decode_value(bytes), to_json_lossless), |json| {
        codec::encode_value(&value(json)?)
    };
    OptionalValue(Option<Bytes>): |bytes| bytes.as_ref().map_or(0, Vec::len), |bytes| {
        Json::from_iter(bytes.iter().map(Value::to_json))
    }, |json| {
        typed::<Vec<Json>>(json)?.first().map(Value::from_json).transpose()
    };
    Values(Bytes): Vec::len, |bytes| {
        decoded(codec::decode_values(bytes), |values| values.iter().map(to_json_lossless).collect())
    }, |json| {
        codec::encode_values(&values(json)?)
    };
    /// A value that does not exist is an empty list, another one a list of one.
    OptionalValues(Bytes): Vec::len, |bytes| {
        decoded(codec::decode_optional_values(bytes), |values| {
            values.iter().map(|value| Json::from_iter(value.iter().map(to_json_lossless))).collect()
        })
    }, |json| {
        let values: Vec<Vec<Json>> = typed(json)?;
        let values = values.iter().map(|item| item.first().map(value).transpose());
        codec::encode_optional_values(&values.collect::<Result<Vec<_>>>()?)
    };
    Entries(Bytes): Vec::len, |bytes| {
        decoded(codec::decode_entries(bytes), |entries| {
            entries.iter().map(|(key, value)| json!([key, to_json_lossless(value)])).collect()
        })
    }, |json| {
        let entries: Vec<(String, Json)> = typed(json)?;
        let entries = entries.into_iter().map(|(key, json)| Ok((key, value(&json)?)));
        codec::encode_entries(&entries.collect::<Result<Vec<_>>>()?)
    };
    /// The variables of a query, which are an object without order.
    Variables(Bytes): Vec::len, |bytes| {
        decoded(codec::decode_variables(bytes), |vars| {
            vars.iter().map(|(name, value)| (name.clone(), to_json_lossless(value))).collect()
        })
    }, |json| {
        let vars: Vec<(String, Json)> = typed(json)?;
        let vars = vars.into_iter().map(|(name, json)| Ok((name, value(&json)?)));
        codec::encode_entries(&vars.collect::<Result<Vec<_>>>()?)
    };
    Range(Bytes): Vec::len, |bytes| {
        decoded(codec::decode_range(bytes), |(start, end)| json!([bound(start), bound(end)]))
    }, |_| {
        // Hosts are asked for ranges, and do not answer with them.
        anyhow::bail!("a range is not an answer")
    };
}

/// Writes what can be decoded. The host itself refuses the rest, and says why.
fn decoded<T>(decoded: Result<T>, write: impl FnOnce(&T) -> Json) -> Json {
    decoded.as_ref().map_or_else(|_| json!({ "$undecodable": null }), write)
}

fn typed<T: serde::de::DeserializeOwned>(json: &Json) -> Result<T> {
    Ok(T::deserialize(json)?)
}

/// Reads a number that JSON itself would round.
fn number(json: &Json) -> Result<u64> {
    Ok(typed::<String>(json)?.parse()?)
}

fn items<const N: usize>(json: &Json) -> Result<[&Json; N]> {
    let items = json.as_array().context("it is not an array")?;
    ensure!(items.len() == N, "it has {} items, and {N} are expected", items.len());
    Ok(std::array::from_fn(|index| &items[index]))
}

fn value(json: &Json) -> Result<AnyValue> {
    Ok(from_json(json, &Kind::Any)?)
}

fn values(json: &Json) -> Result<Vec<AnyValue>> {
    typed::<Vec<Json>>(json)?.iter().map(value).collect()
}

fn bound(bound: &Bound<String>) -> Json {
    match bound {
        Bound::Included(key) => json!({ "included": key }),
        Bound::Excluded(key) => json!({ "excluded": key }),
        Bound::Unbounded => Json::Null,
    }
}
