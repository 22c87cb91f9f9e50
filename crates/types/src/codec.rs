//! The bytes that cross between host and guest.
//!
//! This is the one place where either side encodes or decodes. Each pair of functions is named for
//! what it carries; the format is that of the `surrealdb_types` function that its doc names, and
//! stays so: hosts and guests of other makes are on the far end.
//!
//! Every function here fails when what it is given is not what it should be, or holds a value that
//! is nested too deeply. On a host (feature `host`), decoding also refuses bytes that unfold to far
//! more than an honest encoder puts into as many.

use std::ops::Bound;

use anyhow::Context;
use surrealdb_types::{Kind, Object, Value};

#[cfg(feature = "host")]
mod bounds;

/// The check that bytes are a tree of this format; a guest trusts its host and has none.
macro_rules! tree {
    ($format:ident) => {{
        #[cfg(feature = "host")]
        let verify = |bytes: &[u8]| bounds::verify::<surrealdb_protocol::fb::v1::$format>(bytes);
        #[cfg(not(feature = "host"))]
        let verify = |_: &[u8]| Ok(());
        verify
    }};
}

/// What every function here answers; the error says what could not be encoded or decoded.
pub type Result<T> = anyhow::Result<T>;

/// Encodes a value, as `surrealdb_types::encode`.
pub fn encode_value(value: &Value) -> Result<Vec<u8>> {
    encode("a value", [value], || surrealdb_types::encode(value))
}

/// Decodes what [`encode_value`] encodes.
pub fn decode_value(bytes: &[u8]) -> Result<Value> {
    decode("a value", bytes, tree!(Value), surrealdb_types::decode)
}

/// Encodes a list of values, as `surrealdb_types::encode_value_list`.
pub fn encode_values(values: &[Value]) -> Result<Vec<u8>> {
    encode("a list of values", values, || surrealdb_types::encode_value_list(values))
}

/// Decodes what [`encode_values`] encodes.
pub fn decode_values(bytes: &[u8]) -> Result<Vec<Value>> {
    decode("a list of values", bytes, tree!(ValueList), surrealdb_types::decode_value_list)
}

/// Encodes a list with gaps, as `surrealdb_types::encode_optional_values`.
pub fn encode_optional_values(values: &[Option<Value>]) -> Result<Vec<u8>> {
    encode("a list of optional values", values.iter().flatten(), || {
        surrealdb_types::encode_optional_values(values)
    })
}

/// Decodes what [`encode_optional_values`] encodes.
pub fn decode_optional_values(bytes: &[u8]) -> Result<Vec<Option<Value>>> {
    let decoder = surrealdb_types::decode_optional_values;
    decode("a list of optional values", bytes, tree!(OptionalValueList), decoder)
}

/// Encodes keys with values, as `surrealdb_types::encode_string_key_values`.
pub fn encode_entries(entries: &[(String, Value)]) -> Result<Vec<u8>> {
    encode("keys with values", entries.iter().map(|(_, value)| value), || {
        surrealdb_types::encode_string_key_values(entries)
    })
}

/// Decodes what [`encode_entries`] encodes.
pub fn decode_entries(bytes: &[u8]) -> Result<Vec<(String, Value)>> {
    let decoder = surrealdb_types::decode_string_key_values;
    decode("keys with values", bytes, tree!(StringKeyValueList), decoder)
}

/// Decodes the variables of a query, encoded as entries; of a name that comes twice, the later
/// value holds.
pub fn decode_variables(bytes: &[u8]) -> Result<Object> {
    Ok(decode_entries(bytes)?.into_iter().collect())
}

/// Encodes a range of keys, as `surrealdb_types::encode_string_range`.
pub fn encode_range(start: &Bound<String>, end: &Bound<String>) -> Result<Vec<u8>> {
    encode("a range of keys", [], || surrealdb_types::encode_string_range(start, end))
}

/// Decodes what [`encode_range`] encodes.
pub fn decode_range(bytes: &[u8]) -> Result<(Bound<String>, Bound<String>)> {
    decode("a range of keys", bytes, tree!(StringRange), surrealdb_types::decode_string_range)
}

/// Encodes the arguments of a signature, as `surrealdb_types::encode_argument_list`.
pub fn encode_arguments(arguments: &[(&str, Kind)]) -> Result<Vec<u8>> {
    encode("a list of arguments", [], || surrealdb_types::encode_argument_list(arguments))
}

/// Decodes what [`encode_arguments`] encodes.
pub fn decode_arguments(bytes: &[u8]) -> Result<Vec<(String, Kind)>> {
    decode("a list of arguments", bytes, tree!(ArgumentList), surrealdb_types::decode_argument_list)
}

/// Encodes a kind, as `surrealdb_types::encode_kind`.
pub fn encode_kind(kind: &Kind) -> Result<Vec<u8>> {
    encode("a kind", [], || surrealdb_types::encode_kind(kind))
}

/// Decodes what [`encode_kind`] encodes.
pub fn decode_kind(bytes: &[u8]) -> Result<Kind> {
    decode("a kind", bytes, tree!(Kind), surrealdb_types::decode_kind)
}

fn encode<'a>(
    what: &str,
    values: impl IntoIterator<Item = &'a Value>,
    encoder: impl FnOnce() -> anyhow::Result<Vec<u8>>,
) -> Result<Vec<u8>> {
    values
        .into_iter()
        .try_for_each(check_depth)
        .and_then(|()| encoder())
        .with_context(|| format!("cannot encode {what}"))
}

fn decode<T>(
    what: &str,
    bytes: &[u8],
    verify: fn(&[u8]) -> Result<()>,
    decoder: impl FnOnce(&[u8]) -> anyhow::Result<T>,
) -> Result<T> {
    verify(bytes)
        .and_then(|()| decoder(bytes))
        .with_context(|| format!("cannot decode {what} from {} bytes", bytes.len()))
}

#[cfg(feature = "host")]
use bounds::check_depth;

/// A guest that nests too deeply runs out of its own stack.
#[cfg(not(feature = "host"))]
fn check_depth(_: &Value) -> Result<()> {
    Ok(())
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
