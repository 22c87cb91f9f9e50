//! The messages that cross, each on the fast path where it can be, and else by the general codec.

use std::ops::Bound;
use std::slice;

#[cfg(feature = "validate")]
use anyhow::anyhow;
use anyhow::{Context, Result};
use surrealdb_types::{Kind, Object, Value};

use super::error::CodecError;
use super::flatbuffers::reader::Message;
use super::flatbuffers::writer::write_message;
#[cfg(feature = "validate")]
use super::limits::MAX_CODEC_ERROR_BYTES;
use super::limits::{MAX_DECODED_BYTES, MAX_DECODED_KIND_BYTES};
use super::validate::Budget;
use super::zero::Part;
use super::{validate, value, zero};

/// Encodes a value, as `surrealdb_types::encode` does.
///
/// # Errors
///
/// When the value is nested more than 128 levels deep or cannot be represented, such as a duration of
/// 2^63 seconds.
pub fn encode_value(value: &Value) -> Result<Vec<u8>> {
    let fast = write_message(|writer| value::write_value(writer, value));
    let general = |parts: &[Value]| surrealdb_types::encode(&parts[0]);
    encode("a value", fast, slice::from_ref(value), general)
}

/// Decodes what [`encode_value`] encodes.
///
/// # Errors
///
/// When the bytes are not a value, or exceed a [limit](super#limits).
pub fn decode_value(bytes: &[u8]) -> Result<Value> {
    Decoder::new().decode_value(bytes)
}

/// Decodes messages whose values are held in memory together.
///
/// All of them together may take [`MAX_DECODED_BYTES`], or less, and have as many regular expressions as one
/// message may, since those are small encoded and large decoded.
#[derive(Debug)]
pub struct Decoder {
    max_memory: usize,
    budget: Budget,
}

impl Decoder {
    /// Returns a decoder that has not decoded anything yet.
    #[allow(clippy::new_without_default, reason = "no meaningful default")]
    pub fn new() -> Self {
        Self::with_max_memory(MAX_DECODED_BYTES)
    }

    /// Returns a decoder whose values may take `bytes` of memory, at most [`MAX_DECODED_BYTES`].
    pub fn with_max_memory(bytes: usize) -> Self {
        let max_memory = bytes.min(MAX_DECODED_BYTES);
        Self { max_memory, budget: Budget::new(max_memory) }
    }

    /// Decodes a value, as [`decode_value`] does.
    ///
    /// # Errors
    ///
    /// Those of [`decode_value`], and when this decoder's values hold more than they may.
    pub fn decode_value(&mut self, bytes: &[u8]) -> Result<Value> {
        self.decode("a value", bytes, value::read_value, validate::value, surrealdb_types::decode)
    }

    /// Decodes a list of values, as [`decode_values`] does.
    ///
    /// # Errors
    ///
    /// Those of [`decode_values`], and when this decoder's values hold more than they may.
    pub fn decode_values(&mut self, bytes: &[u8]) -> Result<Vec<Value>> {
        let general = surrealdb_types::decode_value_list;
        self.decode("a list of values", bytes, value::read_values, validate::values, general)
    }

    /// Decodes a list of optional values, as [`decode_optional_values`] does.
    ///
    /// # Errors
    ///
    /// Those of [`decode_optional_values`], and when this decoder's values hold more than they may.
    pub fn decode_optional_values(&mut self, bytes: &[u8]) -> Result<Vec<Option<Value>>> {
        let (fast, general) =
            (value::read_optional_values, surrealdb_types::decode_optional_values);
        self.decode("a list of optional values", bytes, fast, validate::optional_values, general)
    }

    /// Decodes keys with values, as [`decode_entries`] does.
    ///
    /// # Errors
    ///
    /// Those of [`decode_entries`], and when this decoder's values hold more than they may.
    pub fn decode_entries(&mut self, bytes: &[u8]) -> Result<Vec<(String, Value)>> {
        let (fast, general) = (value::read_entries, surrealdb_types::decode_string_key_values);
        self.decode("keys with values", bytes, fast, validate::entries, general)
    }

    /// Decodes the variables of a query, as [`decode_variables`] does.
    ///
    /// # Errors
    ///
    /// Those of [`decode_variables`], and when this decoder's values hold more than they may.
    pub fn decode_variables(&mut self, bytes: &[u8]) -> Result<Object> {
        Ok(self.decode_entries(bytes)?.into_iter().collect())
    }

    /// Decodes on the fast path, which trusts no byte, or, after validation, by the general codec.
    fn decode<T>(
        &mut self,
        what: &str,
        bytes: &[u8],
        fast: impl FnOnce(&Message<'_>) -> Result<T, CodecError>,
        validate: impl FnOnce(&[u8], &mut Budget) -> Result<()>,
        general: impl FnOnce(&[u8]) -> Result<T>,
    ) -> Result<T> {
        let message = Message::new(bytes, self.budget.memory);
        let decoded = match fast(&message) {
            Ok(value) => {
                self.budget.memory = message.memory().left();
                return Ok(value);
            }
            Err(CodecError::Unsupported) => {
                validate(bytes, &mut self.budget).and_then(|()| general(bytes))
            }
            Err(error) => Err(error.into()),
        };
        decoded.map_err(|error| describe(error, what, bytes.len(), self.max_memory))
    }
}

/// Encodes a list of values, as `surrealdb_types::encode_value_list` does.
///
/// # Errors
///
/// Those of [`encode_value`].
pub fn encode_values(values: &[Value]) -> Result<Vec<u8>> {
    let fast = write_message(|writer| value::write_values(writer, values));
    encode("a list of values", fast, values, surrealdb_types::encode_value_list)
}

/// Decodes what [`encode_values`] encodes.
///
/// # Errors
///
/// When the bytes are not a list of values, or exceed a [limit](super#limits).
pub fn decode_values(bytes: &[u8]) -> Result<Vec<Value>> {
    Decoder::new().decode_values(bytes)
}

/// Encodes a list of optional values, as `surrealdb_types::encode_optional_values` does.
///
/// # Errors
///
/// Those of [`encode_value`].
pub fn encode_optional_values(values: &[Option<Value>]) -> Result<Vec<u8>> {
    let fast = write_message(|writer| value::write_optional_values(writer, values));
    encode("a list of optional values", fast, values, surrealdb_types::encode_optional_values)
}

/// Decodes what [`encode_optional_values`] encodes.
///
/// # Errors
///
/// When the bytes are not a list of optional values, or exceed a [limit](super#limits).
pub fn decode_optional_values(bytes: &[u8]) -> Result<Vec<Option<Value>>> {
    Decoder::new().decode_optional_values(bytes)
}

/// Encodes keys with values, as `surrealdb_types::encode_string_key_values` does.
///
/// # Errors
///
/// Those of [`encode_value`].
pub fn encode_entries(entries: &[(String, Value)]) -> Result<Vec<u8>> {
    let fast = write_message(|writer| value::write_entries(writer, entries));
    encode("keys with values", fast, entries, surrealdb_types::encode_string_key_values)
}

/// Decodes what [`encode_entries`] encodes.
///
/// # Errors
///
/// When the bytes are not keys with values, or exceed a [limit](super#limits).
pub fn decode_entries(bytes: &[u8]) -> Result<Vec<(String, Value)>> {
    Decoder::new().decode_entries(bytes)
}

/// Decodes the variables of a query, which are encoded by [`encode_entries`]. If a name occurs twice, its
/// last value holds.
///
/// # Errors
///
/// Those of [`decode_entries`].
pub fn decode_variables(bytes: &[u8]) -> Result<Object> {
    Decoder::new().decode_variables(bytes)
}

/// Encodes a range of keys, as `surrealdb_types::encode_string_range` does.
///
/// # Errors
///
/// When the message would be too large.
pub fn encode_range(start: &Bound<String>, end: &Bound<String>) -> Result<Vec<u8>> {
    surrealdb_types::encode_string_range(start, end).context("cannot encode a range of keys")
}

/// Decodes what [`encode_range`] encodes.
///
/// # Errors
///
/// When the bytes are not a range of keys.
pub fn decode_range(bytes: &[u8]) -> Result<(Bound<String>, Bound<String>)> {
    let general = surrealdb_types::decode_string_range;
    Decoder::new().decode("a range of keys", bytes, no_fast_path, validate::range, general)
}

/// Encodes the arguments of a signature, by name and kind, as `surrealdb_types::encode_argument_list`
/// does.
///
/// # Errors
///
/// When a kind cannot be encoded.
pub fn encode_arguments(arguments: &[(&str, Kind)]) -> Result<Vec<u8>> {
    surrealdb_types::encode_argument_list(arguments).context("cannot encode a list of arguments")
}

/// Decodes what [`encode_arguments`] encodes.
///
/// # Errors
///
/// When the bytes are not a list of arguments, or exceed a [limit](super#limits).
pub fn decode_arguments(bytes: &[u8]) -> Result<Vec<(String, Kind)>> {
    let general = surrealdb_types::decode_argument_list;
    let mut decoder = Decoder::with_max_memory(MAX_DECODED_KIND_BYTES);
    decoder.decode("a list of arguments", bytes, no_fast_path, validate::arguments, general)
}

/// Encodes a kind, as `surrealdb_types::encode_kind` does.
///
/// # Errors
///
/// When the kind cannot be encoded.
pub fn encode_kind(kind: &Kind) -> Result<Vec<u8>> {
    surrealdb_types::encode_kind(kind).context("cannot encode a kind")
}

/// Decodes what [`encode_kind`] encodes.
///
/// # Errors
///
/// When the bytes are not a kind, or exceed a [limit](super#limits).
pub fn decode_kind(bytes: &[u8]) -> Result<Kind> {
    let mut decoder = Decoder::with_max_memory(MAX_DECODED_KIND_BYTES);
    decoder.decode("a kind", bytes, no_fast_path, validate::kind, surrealdb_types::decode_kind)
}

/// Returns what the fast path encoded, or, if it does not support one of the values, what the general
/// codec does.
fn encode<P: Part>(
    what: &str,
    fast: Result<Vec<u8>, CodecError>,
    parts: &[P],
    general: impl Fn(&[P]) -> Result<Vec<u8>>,
) -> Result<Vec<u8>> {
    let encoded = match fast {
        Err(CodecError::Unsupported) => {
            let mut values = parts.iter().filter_map(P::value);
            values.try_for_each(validate::check_depth).and_then(|()| zero::encode(parts, general))
        }
        fast => fast.map_err(Into::into),
    };
    encoded.with_context(|| format!("cannot encode {what}"))
}

/// Says what could not be decoded. The causes may repeat the message, so they are cut.
#[cfg(feature = "validate")]
fn describe(error: anyhow::Error, what: &str, len: usize, max_memory: usize) -> anyhow::Error {
    let cause = match error.downcast_ref() {
        Some(CodecError::Memory) => anyhow!(
            "the value would take more than {max_memory} bytes of memory when it is decoded: split it"
        ),
        _ => {
            let text = format!("{error:#}");
            match text.floor_char_boundary(MAX_CODEC_ERROR_BYTES) {
                end if end < text.len() => anyhow!("{}...", &text[..end]),
                _ => error,
            }
        }
    };
    cause.context(format!("cannot decode {what} from {len} bytes"))
}

/// Says what could not be decoded, without the code that formats causes.
#[cfg(not(feature = "validate"))]
fn describe(error: anyhow::Error, what: &str, len: usize, _: usize) -> anyhow::Error {
    error.context(format!("cannot decode {what} from {len} bytes"))
}

/// The fast path of messages that do not have one.
fn no_fast_path<T>(_: &Message<'_>) -> Result<T, CodecError> {
    Err(CodecError::Unsupported)
}

#[cfg(test)]
mod tests {
    use surrealdb_types::{SurrealValue, object};

    use super::*;

    #[test]
    fn every_message_round_trips() {
        let value = Value::Object(object! { name: "Ada".to_string(), tags: vec![1_i64, 2] });
        let entries = vec![("a".to_string(), value.clone()), ("b".to_string(), Value::None)];
        let range = (Bound::Included("a".to_string()), Bound::Unbounded);
        let arguments = vec![("age".to_string(), Kind::Int)];

        assert_eq!(decode_value(&encode_value(&value).unwrap()).unwrap(), value);
        let values = vec![value.clone(), Value::Null];
        assert_eq!(decode_values(&encode_values(&values).unwrap()).unwrap(), values);
        let optional = vec![Some(value), None];
        let bytes = encode_optional_values(&optional).unwrap();
        assert_eq!(decode_optional_values(&bytes).unwrap(), optional);
        assert_eq!(decode_entries(&encode_entries(&entries).unwrap()).unwrap(), entries);
        assert_eq!(decode_range(&encode_range(&range.0, &range.1).unwrap()).unwrap(), range);
        let bytes = encode_arguments(&[("age", Kind::Int)]).unwrap();
        assert_eq!(decode_arguments(&bytes).unwrap(), arguments);
        assert_eq!(decode_kind(&encode_kind(&Kind::Int).unwrap()).unwrap(), Kind::Int);
    }

    #[test]
    fn the_last_value_of_a_variable_holds() {
        let entries =
            vec![("x".to_string(), 1_i64.into_value()), ("x".to_string(), 2_i64.into_value())];
        let variables = decode_variables(&encode_entries(&entries).unwrap()).unwrap();
        assert_eq!(variables.get("x"), Some(&2_i64.into_value()));
    }

    #[test]
    fn errors_name_what_was_expected() {
        for bytes in [&b""[..], b"\0", b"not a flatbuffer", &[0xff; 64]] {
            let error = decode_value(bytes).unwrap_err().to_string();
            assert!(error.contains("cannot decode a value"), "{error}");
        }
    }
}
