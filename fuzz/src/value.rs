//! What crosses between host and guest.

use std::fmt::Debug;
use std::ops::Bound;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

use arbitrary::Unstructured;
use surrealdb_types::{Kind, Value};
use surrealism_types::codec;

use crate::{MEMORY, generators};

/// What a decoder may take for each byte, and for any input, in bytes: a value is many times larger
/// than its encoding, and what honest ones need is a part of this.
const MEMORY_PER_BYTE: usize = 200;
const MEMORY_AT_LEAST: usize = 64 << 10;

/// What the regular expressions of one input may take on top of that, in bytes.
const MEMORY_OF_REGEXES: usize = 32 << 20;

/// How `surrealdb_types` panics at a value that lacks its content, as no honest encoder writes it.
const KNOWN_PANIC: &str = "uaranteed to be";

/// The two ways of one encoding.
struct Codec<T> {
    encode: fn(&T) -> anyhow::Result<Vec<u8>>,
    decode: fn(&[u8]) -> anyhow::Result<T>,
}

/// Bytes of a stranger's, or what to make a value from.
struct Input<'a> {
    hostile: bool,
    bytes: &'a [u8],
}

/// The first byte chooses what is carried, and whether the others are bytes to decode or choices to
/// make a value from.
///
/// Strangers' bytes take no more memory than so many times their length and what their regular
/// expressions may, and what decodes encodes and decodes to the same. Of values, we make the bytes
/// that `surrealdb_types` makes, and each decodes the other's.
pub fn value(input: &[u8]) {
    let Some((choice, bytes)) = input.split_first() else { return };
    let input = Input { hostile: choice % 2 == 0, bytes };
    match (choice / 2) % 7 {
        0 => check(
            input,
            generators::value,
            Codec { encode: codec::encode_value, decode: codec::decode_value },
            Codec { encode: surrealdb_types::encode, decode: surrealdb_types::decode },
        ),
        1 => check::<Vec<Value>>(
            input,
            |u| generators::list(u, generators::value),
            Codec { encode: |v| codec::encode_values(v), decode: codec::decode_values },
            Codec {
                encode: |v| surrealdb_types::encode_value_list(v),
                decode: surrealdb_types::decode_value_list,
            },
        ),
        2 => check::<Vec<Option<Value>>>(
            input,
            |u| {
                generators::list(u, |u| {
                    u.arbitrary::<bool>()?.then(|| generators::value(u)).transpose()
                })
            },
            Codec {
                encode: |v| codec::encode_optional_values(v),
                decode: codec::decode_optional_values,
            },
            Codec {
                encode: |v| surrealdb_types::encode_optional_values(v),
                decode: surrealdb_types::decode_optional_values,
            },
        ),
        3 => check::<Vec<(String, Value)>>(
            input,
            |u| generators::list(u, |u| generators::named(u, generators::value)),
            Codec { encode: |v| codec::encode_entries(v), decode: codec::decode_entries },
            Codec {
                encode: |v| surrealdb_types::encode_string_key_values(v),
                decode: surrealdb_types::decode_string_key_values,
            },
        ),
        4 => check::<(Bound<String>, Bound<String>)>(
            input,
            |u| Ok((generators::bound(u)?, generators::bound(u)?)),
            Codec {
                encode: |(start, end)| codec::encode_range(start, end),
                decode: codec::decode_range,
            },
            Codec {
                encode: |(start, end)| surrealdb_types::encode_string_range(start, end),
                decode: surrealdb_types::decode_string_range,
            },
        ),
        5 => check::<Vec<(String, Kind)>>(
            input,
            |u| generators::list(u, |u| generators::named(u, generators::kind)),
            Codec {
                encode: |arguments| codec::encode_arguments(&borrowed(arguments)),
                decode: codec::decode_arguments,
            },
            Codec {
                encode: |arguments| surrealdb_types::encode_argument_list(&borrowed(arguments)),
                decode: surrealdb_types::decode_argument_list,
            },
        ),
        _ => check(
            input,
            generators::kind,
            Codec { encode: codec::encode_kind, decode: codec::decode_kind },
            Codec { encode: surrealdb_types::encode_kind, decode: surrealdb_types::decode_kind },
        ),
    }
}

fn borrowed(arguments: &[(String, Kind)]) -> Vec<(&str, Kind)> {
    arguments.iter().map(|(name, kind)| (name.as_str(), kind.clone())).collect()
}

fn check<T: Debug>(
    input: Input<'_>,
    make: impl FnOnce(&mut Unstructured<'_>) -> arbitrary::Result<T>,
    ours: Codec<T>,
    theirs: Codec<T>,
) {
    if input.hostile {
        check_bytes(input.bytes, &ours, &theirs);
    } else if let Ok(value) = make(&mut Unstructured::new(input.bytes)) {
        check_value(&value, &ours, &theirs);
    }
}

fn check_bytes<T: Debug>(bytes: &[u8], ours: &Codec<T>, theirs: &Codec<T>) {
    static HUSHED: Once = Once::new();
    HUSHED.call_once(|| crate::hush_panics(KNOWN_PANIC));

    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    let decoded = (ours.decode)(bytes);
    let taken = MEMORY.peak_usage().saturating_sub(before);
    let of_regexes = if format!("{decoded:?}").contains("egex") { MEMORY_OF_REGEXES } else { 0 };
    let allowed = bytes.len() * MEMORY_PER_BYTE + MEMORY_AT_LEAST + of_regexes;
    assert!(taken <= allowed, "{} bytes took {taken} to decode", bytes.len());

    let Ok(value) = decoded else { return };
    // They refuse more than we do: what they do not read may be as unsound as it likes.
    if let Some(Ok(expected)) = without_known_panic(|| (theirs.decode)(bytes)) {
        check_same("what they decode", &expected, &value);
    }
    let again = check_value(&value, ours, theirs).expect("what was decoded can be encoded");
    // A polygon's ring is closed where it is decoded; with a NaN for its ends it never is.
    if !format!("{value:?}").contains("NaN") {
        check_same("what was decoded at first", &value, &again);
    }
}

fn without_known_panic<T>(decode: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(decode))
        .inspect_err(|panic| {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or(panic.downcast_ref().copied()).unwrap_or_default();
            assert!(text.contains(KNOWN_PANIC), "{text}");
        })
        .ok()
}

/// What the value's encoding decodes to, which is not always the value: of kinds that are listed
/// twice, one is left. `None` if it cannot be encoded, as the longest durations, or holds more regular
/// expressions than are decoded.
fn check_value<T: Debug>(value: &T, ours: &Codec<T>, theirs: &Codec<T>) -> Option<T> {
    let (bytes, expected) = ((ours.encode)(value), (theirs.encode)(value));
    assert_eq!(bytes.is_ok(), expected.is_ok(), "{bytes:?} and {expected:?} from {value:?}");
    let (bytes, expected) = (bytes.ok()?, expected.ok()?);
    assert_eq!(bytes, expected, "two encodings of {value:?}");
    let decoded = match (ours.decode)(&bytes) {
        // Only what is decoded is bounded in them.
        Err(error) if format!("{error:#}").contains("regular expression") => return None,
        decoded => decoded.unwrap(),
    };
    check_same("what they decode", &(theirs.decode)(&bytes).unwrap(), &decoded);
    Some(decoded)
}

/// By their text: what is not a number is not equal to itself.
fn check_same<T: Debug>(what: &str, expected: &T, got: &T) {
    assert_eq!(format!("{got:?}"), format!("{expected:?}"), "not {what}");
}
