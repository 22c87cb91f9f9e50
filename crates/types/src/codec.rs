//! The bytes that cross between host and guest.
//!
//! This is the one place where either side encodes or decodes. Each pair of functions is named for
//! what it carries; the format is that of the `surrealdb_types` function that its doc names, and
//! stays so: hosts and guests of other makes are on the far end.
//!
//! Every function here fails when what it is given is not what it should be, or holds a value that
//! is nested too deeply. On a host (feature `host`), decoding also refuses bytes that unfold to far
//! more than an honest encoder puts into as many, and more than a few regular expressions.

use std::ops::Bound;

use anyhow::Context;
use surrealdb_types::{Kind, Object, Value};

mod bounds;
mod inline_call;
mod kinds;
mod layout;
mod native;
mod read;
mod rows;
#[cfg(feature = "host")]
mod suspect;
mod value;
mod write;

pub use self::kinds::{NativeList, encode_native_arguments, encode_native_kind};
pub use self::native::{Argument, Arguments, DecodeError, Native, encode_native};
pub use self::rows::{answers, encode_rows, push_result, rows};
pub use self::inline_call::{InlineCall, InlineHalf};

use self::bounds::{MAX_REGEXES, check_depth, tree};
use self::write::message;

/// Levels of a value. `surrealdb_types` decodes twice as many, but its recursion takes about 5 KiB of
/// stack for each, and a host function leaves most of a call's stack to the context.
const MAX_VALUE_DEPTH: usize = 128;

/// What every function here answers; the error says what could not be encoded or decoded.
pub type Result<T> = anyhow::Result<T>;

/// Why the hot path does not take a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "public in name only")]
pub enum CodecError {
    /// Then the general codec does.
    #[error("it holds a kind of value that the hot path does not know")]
    Unsupported,
    #[error("it is nested more than {MAX_VALUE_DEPTH} levels deep: flatten it")]
    TooDeep,
    #[error("it would take more than {} bytes", i32::MAX)]
    TooLarge,
    #[error("an offset or a length leads out of it, or a text is not UTF-8")]
    Malformed,
    #[error("it unfolds to far more than its bytes hold")]
    Amplification,
}

/// Encodes a value, as `surrealdb_types::encode`.
pub fn encode_value(value: &Value) -> Result<Vec<u8>> {
    let hot = message(|writer| value::write_one(writer, value));
    encode("a value", hot, [value], || surrealdb_types::encode(value))
}

/// Decodes what [`encode_value`] encodes.
pub fn decode_value(bytes: &[u8]) -> Result<Value> {
    decode("a value", bytes, value::read_one, tree!(Value), surrealdb_types::decode)
}

/// Decodes values that will be held together. Each is a message by itself, and of regular expressions,
/// which are small encoded and large decoded, all of them may have what one message may have.
#[derive(Debug)]
pub struct Decoder {
    regexes: usize,
}

impl Decoder {
    /// A decoder that has decoded nothing yet.
    #[allow(clippy::new_without_default, reason = "nobody wants a default decoder")]
    pub fn new() -> Self {
        Self { regexes: MAX_REGEXES }
    }

    /// As [`decode_value`].
    pub fn decode_value(&mut self, bytes: &[u8]) -> Result<Value> {
        let verify = |bytes: &[u8]| {
            let regexes = tree!(Value)(bytes)?;
            self.regexes = self.regexes.checked_sub(regexes).with_context(|| {
                format!(
                    "values that are asked for at once hold more than {MAX_REGEXES} regular \
                     expressions: ask for less at a time, or keep them as strings"
                )
            })?;
            Ok(regexes)
        };
        decode("a value", bytes, value::read_one, verify, surrealdb_types::decode)
    }
}

/// Encodes a list of values, as `surrealdb_types::encode_value_list`.
pub fn encode_values(values: &[Value]) -> Result<Vec<u8>> {
    let hot = message(|writer| value::write_values(writer, values));
    encode("a list of values", hot, values, || surrealdb_types::encode_value_list(values))
}

/// Decodes what [`encode_values`] encodes.
pub fn decode_values(bytes: &[u8]) -> Result<Vec<Value>> {
    let general = surrealdb_types::decode_value_list;
    decode("a list of values", bytes, value::read_list, tree!(ValueList), general)
}

/// Encodes a list with gaps, as `surrealdb_types::encode_optional_values`.
pub fn encode_optional_values(values: &[Option<Value>]) -> Result<Vec<u8>> {
    let hot = message(|writer| value::write_optional_values(writer, values));
    encode("a list of optional values", hot, values.iter().flatten(), || {
        surrealdb_types::encode_optional_values(values)
    })
}

/// Decodes what [`encode_optional_values`] encodes.
pub fn decode_optional_values(bytes: &[u8]) -> Result<Vec<Option<Value>>> {
    let (hot, general) = (value::read_optional_list, surrealdb_types::decode_optional_values);
    decode("a list of optional values", bytes, hot, tree!(OptionalValueList), general)
}

/// Encodes keys with values, as `surrealdb_types::encode_string_key_values`.
pub fn encode_entries(entries: &[(String, Value)]) -> Result<Vec<u8>> {
    let values = entries.iter().map(|(_, value)| value);
    let hot = message(|writer| value::write_entries(writer, entries));
    encode("keys with values", hot, values, || surrealdb_types::encode_string_key_values(entries))
}

/// Decodes what [`encode_entries`] encodes.
pub fn decode_entries(bytes: &[u8]) -> Result<Vec<(String, Value)>> {
    let (hot, general) = (value::read_entries, surrealdb_types::decode_string_key_values);
    decode("keys with values", bytes, hot, tree!(StringKeyValueList), general)
}

/// Decodes the variables of a query, encoded as entries; of a name that comes twice, the later
/// value holds.
pub fn decode_variables(bytes: &[u8]) -> Result<Object> {
    Ok(decode_entries(bytes)?.into_iter().collect())
}

/// Encodes a range of keys, as `surrealdb_types::encode_string_range`.
pub fn encode_range(start: &Bound<String>, end: &Bound<String>) -> Result<Vec<u8>> {
    surrealdb_types::encode_string_range(start, end).context("cannot encode a range of keys")
}

/// Decodes what [`encode_range`] encodes.
pub fn decode_range(bytes: &[u8]) -> Result<(Bound<String>, Bound<String>)> {
    let general = surrealdb_types::decode_string_range;
    decode("a range of keys", bytes, rare, tree!(StringRange), general)
}

/// Encodes the arguments of a signature, as `surrealdb_types::encode_argument_list`.
pub fn encode_arguments(arguments: &[(&str, Kind)]) -> Result<Vec<u8>> {
    surrealdb_types::encode_argument_list(arguments).context("cannot encode a list of arguments")
}

/// Decodes what [`encode_arguments`] encodes.
pub fn decode_arguments(bytes: &[u8]) -> Result<Vec<(String, Kind)>> {
    let general = surrealdb_types::decode_argument_list;
    decode("a list of arguments", bytes, rare, tree!(ArgumentList), general)
}

/// Encodes a kind, as `surrealdb_types::encode_kind`.
pub fn encode_kind(kind: &Kind) -> Result<Vec<u8>> {
    surrealdb_types::encode_kind(kind).context("cannot encode a kind")
}

/// Decodes what [`encode_kind`] encodes.
pub fn decode_kind(bytes: &[u8]) -> Result<Kind> {
    decode("a kind", bytes, rare, tree!(Kind), surrealdb_types::decode_kind)
}

/// What the hot path encoded, or, with a kind of value in it that it does not know, the general codec.
fn encode<'a>(
    what: &str,
    hot: std::result::Result<Vec<u8>, CodecError>,
    values: impl IntoIterator<Item = &'a Value>,
    general: impl FnOnce() -> anyhow::Result<Vec<u8>>,
) -> Result<Vec<u8>> {
    let encoded = match hot {
        Err(CodecError::Unsupported) => {
            values.into_iter().try_for_each(check_depth).and_then(|()| general())
        }
        hot => hot.map_err(Into::into),
    };
    encoded.with_context(|| format!("cannot encode {what}"))
}

/// Decodes as [`encode`] encodes. The hot path trusts no byte by itself; for the general codec, the
/// bytes are verified first.
fn decode<T>(
    what: &str,
    bytes: &[u8],
    hot: fn(&[u8]) -> std::result::Result<T, CodecError>,
    verify: impl FnOnce(&[u8]) -> Result<usize>,
    general: impl FnOnce(&[u8]) -> anyhow::Result<T>,
) -> Result<T> {
    let decoded = match hot(bytes) {
        Err(CodecError::Unsupported) => verify(bytes).and_then(|_| general(bytes)),
        hot => hot.map_err(Into::into),
    };
    decoded.with_context(|| format!("cannot decode {what} from {} bytes", bytes.len()))
}

/// The hot path of what has none.
fn rare<T>(_: &[u8]) -> std::result::Result<T, CodecError> {
    Err(CodecError::Unsupported)
}

#[cfg(test)]
mod tests {
    use surrealdb_types::{SurrealValue, object};

    use super::*;

    #[test]
    fn every_carrier_survives_the_way_there_and_back() {
        let value = Value::Object(object! { name: "Ada".to_string(), tags: vec![1_i64, 2] });
        let entries = vec![("a".to_string(), value.clone()), ("b".to_string(), Value::None)];
        let range = (Bound::Included("a".to_string()), Bound::Unbounded);
        let arguments = vec![("age".to_string(), Kind::Int)];

        assert_eq!(decode_value(&encode_value(&value).unwrap()).unwrap(), value);
        let values = vec![value.clone(), Value::Null];
        assert_eq!(decode_values(&encode_values(&values).unwrap()).unwrap(), values);
        let gaps = vec![Some(value), None];
        assert_eq!(decode_optional_values(&encode_optional_values(&gaps).unwrap()).unwrap(), gaps);
        assert_eq!(decode_entries(&encode_entries(&entries).unwrap()).unwrap(), entries);
        assert_eq!(decode_range(&encode_range(&range.0, &range.1).unwrap()).unwrap(), range);
        let bytes = encode_arguments(&[("age", Kind::Int)]).unwrap();
        assert_eq!(decode_arguments(&bytes).unwrap(), arguments);
        assert_eq!(decode_kind(&encode_kind(&Kind::Int).unwrap()).unwrap(), Kind::Int);
    }

    #[test]
    fn of_a_variable_named_twice_the_later_holds() {
        let entries =
            vec![("x".to_string(), 1_i64.into_value()), ("x".to_string(), 2_i64.into_value())];
        let variables = decode_variables(&encode_entries(&entries).unwrap()).unwrap();
        assert_eq!(variables.get("x"), Some(&2_i64.into_value()));
    }

    #[test]
    fn rubbish_is_an_error_that_says_what_was_expected() {
        for bytes in [&b""[..], b"\0", b"not a flatbuffer", &[0xff; 64]] {
            let error = decode_value(bytes).unwrap_err().to_string();
            assert!(error.contains("cannot decode a value"), "{error}");
        }
    }
}
