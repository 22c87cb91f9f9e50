//! The bytes that cross between host and guest.
//!
//! This is the one place where either side encodes or decodes. Each pair of functions is named for
//! what it carries; the format is that of the `surrealdb_types` function in the comment, and stays
//! so: hosts and guests of other makes are on the far end.

use std::ops::Bound;

use surrealdb_types::{Kind, Object, Value};

/// What every function here answers; the error says what could not be encoded or decoded.
pub type Result<T> = anyhow::Result<T>;

macro_rules! pair {
    ($what:literal, $carrier:literal,
     $encode:ident($value:ident: $borrowed:ty) = $encoder:expr,
     $decode:ident($bytes:ident) -> $owned:ty = $decoder:expr) => {
        #[doc = concat!("Encodes ", $what, " (", $carrier, ").")]
        ///
        /// # Errors
        ///
        /// When the encoder refuses it.
        pub fn $encode($value: $borrowed) -> Result<Vec<u8>> {
            $encoder.map_err(|error| anyhow::anyhow!("cannot encode {}: {error}", $what))
        }

        #[doc = concat!("Decodes ", $what, " (", $carrier, ").")]
        ///
        /// # Errors
        ///
        /// When the bytes are not what they should be.
        pub fn $decode($bytes: &[u8]) -> Result<$owned> {
            $decoder.map_err(|error| {
                anyhow::anyhow!("cannot decode {} from {} bytes: {error}", $what, $bytes.len())
            })
        }
    };
}

pair!("a value", "`encode`",
    encode_value(value: &Value) = surrealdb_types::encode(value),
    decode_value(bytes) -> Value = surrealdb_types::decode::<Value>(bytes));

pair!("a list of values", "`encode_value_list`",
    encode_values(values: &[Value]) = surrealdb_types::encode_value_list(values),
    decode_values(bytes) -> Vec<Value> = surrealdb_types::decode_value_list(bytes));

pair!("a list of optional values", "`encode_optional_values`",
    encode_optional_values(values: &[Option<Value>]) = surrealdb_types::encode_optional_values(values),
    decode_optional_values(bytes) -> Vec<Option<Value>> = surrealdb_types::decode_optional_values(bytes));

pair!("keys with values", "`encode_string_key_values`",
    encode_entries(entries: &[(String, Value)]) = surrealdb_types::encode_string_key_values(entries),
    decode_entries(bytes) -> Vec<(String, Value)> = surrealdb_types::decode_string_key_values(bytes));

pair!("a range of keys", "`encode_string_range`",
    encode_range(range: (&Bound<String>, &Bound<String>)) = surrealdb_types::encode_string_range(range.0, range.1),
    decode_range(bytes) -> (Bound<String>, Bound<String>) = surrealdb_types::decode_string_range(bytes));

pair!("a list of arguments", "`encode_argument_list`",
    encode_arguments(arguments: &[(&str, Kind)]) = surrealdb_types::encode_argument_list(arguments),
    decode_arguments(bytes) -> Vec<(String, Kind)> = surrealdb_types::decode_argument_list(bytes));

pair!("a kind", "`encode_kind`",
    encode_kind(kind: &Kind) = surrealdb_types::encode_kind(kind),
    decode_kind(bytes) -> Kind = surrealdb_types::decode_kind(bytes));

/// Decodes the variables of a query (`encode_string_key_values`); of a name that comes twice, the
/// later value holds.
///
/// # Errors
///
/// When the bytes are not what they should be.
pub fn decode_variables(bytes: &[u8]) -> Result<Object> {
    Ok(decode_entries(bytes)?.into_iter().collect())
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
        assert_eq!(decode_range(&encode_range((&range.0, &range.1)).unwrap()).unwrap(), range);
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
