//! Bounds for the general codec: what a buffer from a stranger may decode to, and how deep a value
//! may be.
//!
//! A FlatBuffers buffer is a graph: an offset may lead to what another offset leads to, so that a
//! few kilobytes unfold to as many gigabytes. An honest encoder writes a tree. The bounds here hold
//! for every tree and for nothing much larger.

use std::ops::Bound;

use anyhow::{Result, ensure};
use surrealdb_types::{Geometry, RecordIdKey, Value};

#[cfg(feature = "host")]
use super::message;
use crate::codec::{CodecError, MAX_VALUE_DEPTH};

/// The check that bytes are a tree of this format; a guest trusts its host and has none.
macro_rules! tree {
    ($format:ident) => {{
        #[cfg(feature = "host")]
        let verify = |bytes: &[u8]| {
            $crate::codec::validate::depth::verify::<surrealdb_protocol::fb::v1::$format>(bytes)
        };
        #[cfg(not(feature = "host"))]
        let verify = |_: &[u8]| -> $crate::codec::Result<usize> { Ok(0) };
        verify
    }};
}
pub(super) use tree;

/// Regular expressions of one message, and of messages that are held together.
pub(super) const MAX_REGEXES: usize = 16;

/// Length of the regular expressions of one message together, in bytes: what a class of characters
/// takes before it is compiled is a thousand times as much.
#[cfg(feature = "host")]
pub(super) const MAX_REGEX_PATTERN_BYTES: usize = 4 << 10;

/// Size of the regular expressions of one message when they are compiled, in bytes; of several, each
/// has its even part. Enough for some twenty `\w`.
#[cfg(feature = "host")]
pub(super) const MAX_REGEX_BYTES: usize = 1 << 20;

/// Refuses a buffer that is no tree of sound tables, or holds what must not be decoded; answers how many
/// regular expressions it has.
///
/// # Errors
///
/// When it is broken, too deep, unfolds to more than it holds, or as [`message::check`].
#[cfg(feature = "host")]
pub(super) fn verify<'a, T>(bytes: &'a [u8]) -> Result<usize>
where
    T: flatbuffers::Follow<'a> + flatbuffers::Verifiable + 'a,
    T::Inner: message::Part<'a>,
{
    /// Tables inside each other: two for each level of a value, and the list it is in.
    const MAX_TABLE_DEPTH: usize = 2 * MAX_VALUE_DEPTH + 2;
    /// The smallest table in a buffer: the offset of its layout, in bytes.
    const SMALLEST_TABLE_BYTES: usize = 4;

    let options = flatbuffers::VerifierOptions {
        max_depth: MAX_TABLE_DEPTH,
        max_tables: bytes.len() / SMALLEST_TABLE_BYTES,
        max_apparent_size: bytes
            .len()
            .saturating_mul(crate::codec::flatbuffers::reader::MAX_APPARENT_SIZE_RATIO),
        ..flatbuffers::VerifierOptions::default()
    };
    message::check(flatbuffers::root_with_opts::<T>(&options, bytes)?)
}

/// Refuses a value that would run the encoder out of stack.
///
/// # Errors
///
/// When it is deeper than a value may be.
pub(super) fn check_depth(value: &Value) -> Result<()> {
    ensure!(is_within(value, MAX_VALUE_DEPTH), CodecError::TooDeep);
    Ok(())
}

fn is_within(value: &Value, levels: usize) -> bool {
    let Some(inner) = levels.checked_sub(1) else { return false };
    match value {
        Value::Array(values) => values.iter().all(|value| is_within(value, inner)),
        Value::Set(values) => values.iter().all(|value| is_within(value, inner)),
        Value::Object(fields) => fields.values().all(|value| is_within(value, inner)),
        Value::Range(range) => {
            is_bound_within(&range.start, |value| is_within(value, inner))
                && is_bound_within(&range.end, |value| is_within(value, inner))
        }
        Value::RecordId(record) => is_key_within(&record.key, inner),
        Value::Geometry(geometry) => is_geometry_within(geometry, inner),
        _ => true,
    }
}

fn is_bound_within<T>(bound: &Bound<T>, is_within: impl FnOnce(&T) -> bool) -> bool {
    match bound {
        Bound::Included(value) | Bound::Excluded(value) => is_within(value),
        Bound::Unbounded => true,
    }
}

fn is_key_within(key: &RecordIdKey, levels: usize) -> bool {
    let Some(inner) = levels.checked_sub(1) else { return false };
    match key {
        RecordIdKey::Array(values) => values.iter().all(|value| is_within(value, inner)),
        RecordIdKey::Object(fields) => fields.values().all(|value| is_within(value, inner)),
        RecordIdKey::Range(range) => {
            is_bound_within(&range.start, |key| is_key_within(key, inner))
                && is_bound_within(&range.end, |key| is_key_within(key, inner))
        }
        _ => true,
    }
}

fn is_geometry_within(geometry: &Geometry, levels: usize) -> bool {
    let Some(inner) = levels.checked_sub(1) else { return false };
    match geometry {
        Geometry::Collection(parts) => parts.iter().all(|part| is_geometry_within(part, inner)),
        _ => true,
    }
}

#[cfg(all(test, feature = "host"))]
mod tests {
    use flatbuffers::{FlatBufferBuilder, WIPOffset};
    use surrealdb_protocol::fb::v1;
    use surrealdb_types::{Array, Object, Range, RecordId, RecordIdKeyRange, Set, SurrealValue};

    use super::*;
    use crate::codec::{
        Decoder, decode_entries, decode_optional_values, decode_value, decode_values,
        encode_entries, encode_optional_values, encode_value, encode_values,
    };

    fn nested(levels: usize) -> Value {
        (1..levels).fold(Value::None, |value, _| Value::Array(Array::from(vec![value])))
    }

    #[test]
    fn values_are_as_deep_as_a_decoder_takes_and_no_deeper() {
        let deepest = nested(MAX_VALUE_DEPTH);
        assert_eq!(decode_value(&encode_value(&deepest).unwrap()).unwrap(), deepest);
        for levels in [MAX_VALUE_DEPTH + 1, 1_000] {
            let error = format!("{:#}", encode_value(&nested(levels)).unwrap_err());
            assert!(error.contains("nested more than 128 levels"), "{error}");
            encode_values(&[nested(levels)]).unwrap_err();
        }
    }

    #[test]
    fn every_way_to_nest_counts() {
        let ways: [fn(Value) -> Value; 5] = [
            |value| Value::Array(Array::from(vec![value])),
            |value| Value::Object([("a".to_string(), value)].into_iter().collect()),
            |value| {
                Value::Range(Box::new(Range {
                    start: Bound::Included(value),
                    end: Bound::Unbounded,
                }))
            },
            |value| {
                Value::Range(Box::new(Range {
                    start: Bound::Unbounded,
                    end: Bound::Excluded(value),
                }))
            },
            |value| {
                Value::RecordId(RecordId {
                    table: "t".into(),
                    key: RecordIdKey::Array(Array::from(vec![value])),
                })
            },
        ];
        for nest in ways {
            check_depth(&(0..50).fold(Value::None, |value, _| nest(value))).unwrap();
            check_depth(&(0..200).fold(Value::None, |value, _| nest(value))).unwrap_err();
        }
        let shapes = (0..200)
            .fold(Geometry::Collection(vec![]), |inner, _| Geometry::Collection(vec![inner]));
        check_depth(&Value::Geometry(shapes)).unwrap_err();
    }

    #[test]
    fn a_buffer_that_is_too_deep_is_refused() {
        // Only the encoder that makes it needs so much stack.
        let maker = std::thread::Builder::new().stack_size(64 << 20);
        let make = || surrealdb_types::encode(&nested(MAX_VALUE_DEPTH + 2)).unwrap();
        let bytes = maker.spawn(make).unwrap().join().unwrap();
        decode_value(&bytes).unwrap_err();
    }

    type Buffer<'a> = FlatBufferBuilder<'a>;
    type Node<'a> = WIPOffset<v1::Value<'a>>;

    fn array<'a>(buffer: &mut Buffer<'a>, items: &[Node<'a>]) -> Node<'a> {
        let values = Some(buffer.create_vector(items));
        let array = v1::Array::create(buffer, &v1::ArrayArgs { values });
        let value =
            v1::ValueArgs { value_type: v1::ValueType::Array, value: Some(array.as_union_value()) };
        v1::Value::create(buffer, &value)
    }

    fn string<'a>(buffer: &mut Buffer<'a>, text: &str) -> Node<'a> {
        let value = Some(buffer.create_string(text));
        let string = v1::StringValue::create(buffer, &v1::StringValueArgs { value });
        let value = v1::ValueArgs {
            value_type: v1::ValueType::String,
            value: Some(string.as_union_value()),
        };
        v1::Value::create(buffer, &value)
    }

    #[test]
    fn a_buffer_that_unfolds_is_refused() {
        // Ten levels of a hundred offsets each to the one level below: 10^20 values in 5 KB.
        let mut buffer = FlatBufferBuilder::new();
        let mut node = string(&mut buffer, "x");
        for _ in 0..10 {
            node = array(&mut buffer, &[node; 100]);
        }
        buffer.finish_minimal(node);
        assert!(buffer.finished_data().len() < 8_000);
        decode_value(buffer.finished_data()).unwrap_err();

        // Ten thousand offsets to one string of a megabyte: 10 GB in 1 MB.
        let mut buffer = FlatBufferBuilder::new();
        let megabyte = string(&mut buffer, &"x".repeat(1 << 20));
        let node = array(&mut buffer, &[megabyte; 10_000]);
        buffer.finish_minimal(node);
        decode_value(buffer.finished_data()).unwrap_err();
    }

    /// `surrealdb_types` compiles what is on the one side of each bound for a stranger.
    #[test]
    fn regular_expressions_are_bounded_before_they_are_compiled() {
        let list = |patterns: &[String]| {
            let regex = |pattern: &String| Value::Regex(pattern.parse().unwrap());
            Value::Array(Array::from(patterns.iter().map(regex).collect::<Vec<_>>()))
        };
        let (long, large) = ("x".repeat(256), r"\w{60}".to_string());
        for (patterns, expected) in [
            (vec![String::new(); MAX_REGEXES], None),
            (vec!["x".to_string(); MAX_REGEXES + 1], Some("17 regular expressions, and 16")),
            (vec![long.clone(); 16], None),
            (vec![long + "x"; 16], Some("are 4112 bytes long together, and 4096 are allowed")),
            (vec![r"^[\w.]+@[\w.]+\.\w{2,3}$".to_string()], None),
            (vec![r"^\w{1,20}$".to_string()], None),
            (vec![r"^\w{1,20}$".to_string(); 2], Some("exceeds size limit of 524288 bytes")),
            (vec![large], Some("exceeds size limit of 1048576 bytes")),
            // A slash may be escaped, which is undone before it is compiled.
            (vec![r"\/\w{60}".to_string()], Some("exceeds size limit of 1048576 bytes")),
        ] {
            let value = list(&patterns);
            let bytes = encode_value(&value).unwrap();
            match (decode_value(&bytes), expected) {
                (Ok(decoded), None) => assert_eq!(decoded, value),
                (Err(error), Some(expected)) => {
                    let error = format!("{error:#}");
                    assert!(error.contains(expected), "{error}");
                }
                (decoded, _) => panic!("{patterns:?} became {decoded:?}"),
            }
        }
    }

    #[test]
    fn regular_expressions_count_wherever_they_are() {
        let regexes = |count| vec![Value::Regex("x".parse().unwrap()); count];
        let array = |count| Array::from(regexes(count));
        let object = |count| -> Object {
            let named = regexes(count).into_iter().enumerate();
            named.map(|(n, regex)| (format!("field_{n}"), regex)).collect()
        };
        let record = |key| Value::RecordId(RecordId { table: "t".into(), key });
        let holders: [&dyn Fn(usize) -> Value; 8] = [
            &|count| Value::Array(array(count)),
            &|count| Value::Object(object(count)),
            &|count| Value::Array(Array::from(vec![Value::Array(array(count))])),
            &|count| {
                let end = Bound::Excluded(Value::Array(array(count)));
                Value::Range(Box::new(Range { start: Bound::Unbounded, end }))
            },
            &|count| {
                let start = Bound::Included(Value::Array(array(count)));
                Value::Range(Box::new(Range { start, end: Bound::Unbounded }))
            },
            &|count| record(RecordIdKey::Array(array(count))),
            &|count| record(RecordIdKey::Object(object(count))),
            &|count| {
                let start = Bound::Included(RecordIdKey::Array(array(count)));
                let range = RecordIdKeyRange { start, end: Bound::Unbounded };
                record(RecordIdKey::Range(Box::new(range)))
            },
        ];
        // Of equals, a set keeps one.
        let set = (0..17).map(|n| Value::Regex(n.to_string().parse().unwrap()));
        let set = Value::Set(Set::from(set.collect::<Vec<_>>()));
        for hold in holders {
            assert_eq!(decode_value(&encode_value(&hold(16)).unwrap()).unwrap(), hold(16));
            decode_value(&encode_value(&hold(17)).unwrap()).unwrap_err();
        }
        decode_value(&encode_value(&set).unwrap()).unwrap_err();

        let one = encode_value(&regexes(1)[0]).unwrap();
        let mut together = Decoder::new();
        for _ in 0..16 {
            together.decode_value(&one).unwrap();
        }
        let error = format!("{:#}", together.decode_value(&one).unwrap_err());
        assert!(error.contains("more than 16 regular expressions"), "{error}");
        together.decode_value(&encode_value(&Value::None).unwrap()).unwrap();

        let seventeen = regexes(17);
        decode_values(&encode_values(&seventeen).unwrap()).unwrap_err();
        let gaps: Vec<_> = seventeen.iter().cloned().map(Some).collect();
        decode_optional_values(&encode_optional_values(&gaps).unwrap()).unwrap_err();
        let entries: Vec<_> = seventeen.into_iter().map(|regex| ("k".into(), regex)).collect();
        decode_entries(&encode_entries(&entries).unwrap()).unwrap_err();
    }

    #[test]
    fn a_string_without_its_text_is_an_error_beside_whatever() {
        let mut buffer = FlatBufferBuilder::new();
        let string = v1::StringValue::create(&mut buffer, &v1::StringValueArgs { value: None });
        let hollow = v1::ValueArgs {
            value_type: v1::ValueType::String,
            value: Some(string.as_union_value()),
        };
        let hollow = v1::Value::create(&mut buffer, &hollow);
        // Of a kind that the hot path does not know.
        let name = Some(buffer.create_string("x"));
        let table = v1::StringValue::create(&mut buffer, &v1::StringValueArgs { value: name });
        let table =
            v1::ValueArgs { value_type: v1::ValueType::Table, value: Some(table.as_union_value()) };
        let table = v1::Value::create(&mut buffer, &table);
        let node = array(&mut buffer, &[table, hollow]);
        buffer.finish_minimal(node);
        let error = format!("{:#}", decode_value(buffer.finished_data()).unwrap_err());
        assert!(error.contains("a string in it has no text"), "{error}");
    }

    #[test]
    fn every_honest_buffer_passes() {
        let text = |length: usize| "x".repeat(length).into_value();
        let object = || {
            let fields = (0..20).map(|n| (format!("field_{n}"), n.into_value()));
            Value::Object(fields.collect())
        };
        let list = |length, item: &dyn Fn() -> Value| {
            Value::Array(Array::from((0..length).map(|_| item()).collect::<Vec<_>>()))
        };
        for value in [
            Value::None,
            Value::Bool(true),
            text(0),
            text(1 << 20),
            list(0, &|| Value::None),
            list(10_000, &|| Value::Null),
            list(10_000, &|| 1_i64.into_value()),
            list(10_000, &|| text(0)),
            list(1_000, &object),
            list(100, &|| list(100, &object)),
        ] {
            assert!(decode_value(&encode_value(&value).unwrap()).unwrap() == value);
        }
    }
}
