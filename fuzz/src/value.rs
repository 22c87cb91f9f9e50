//! The messages that cross between host and guest.

use std::fmt::Debug;
use std::ops::Bound;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

use arbitrary::Unstructured;
use surrealdb_types::{Kind, Value};
use surrealism_types::codec::{self, Decoder};

use crate::{MEMORY, generators};

/// Bytes that a decoder's values may take. Inputs are small, so this is as well: many reach it.
const MAX_MEMORY: usize = 64 << 10;

/// Bytes that a decoder may allocate on top of that: its errors, and what finds regular expressions. Parsing
/// those takes a multiple of their length.
const SLACK: usize = 256 << 10;

/// Bytes that a kind may take, which has a limit of its own.
const MAX_KIND_MEMORY: usize = 16 << 20;

/// Part of the panic of `surrealdb_types` at a value without content, which an honest encoder does not write.
const KNOWN_PANIC: &str = "uaranteed to be";

/// An encoder and its decoder.
struct Codec<T> {
    encode: fn(&T) -> anyhow::Result<Vec<u8>>,
    decode: fn(&[u8]) -> anyhow::Result<T>,
    /// What the decoder's values may take, in bytes.
    max_memory: usize,
}

/// Returns the decoder of untrusted bytes.
fn decoder() -> Decoder {
    Decoder::with_max_memory(MAX_MEMORY)
}

/// Untrusted bytes, or the choices to generate a value from.
struct Input<'a> {
    untrusted: bool,
    bytes: &'a [u8],
}

/// Checks the codec. The first byte of the input chooses the message, and whether the other bytes are
/// untrusted bytes to decode or choices to generate a value from.
///
/// Untrusted bytes must decode within a budget of memory, and what they decode to must survive
/// encoding and decoding. Generated values must encode to the bytes of `surrealdb_types`, and either
/// decoder must read what the other encoder wrote.
pub fn value(input: &[u8]) {
    let Some((choice, bytes)) = input.split_first() else { return };
    let input = Input { untrusted: choice % 2 == 0, bytes };
    match (choice / 2) % 7 {
        0 => check(
            input,
            generators::value,
            Codec {
                encode: codec::encode_value,
                decode: |bytes| decoder().decode_value(bytes),
                max_memory: MAX_MEMORY,
            },
            Codec {
                encode: surrealdb_types::encode,
                decode: surrealdb_types::decode,
                max_memory: 0,
            },
        ),
        1 => check::<Vec<Value>>(
            input,
            |u| generators::list(u, generators::value),
            Codec {
                encode: |v| codec::encode_values(v),
                decode: |bytes| decoder().decode_values(bytes),
                max_memory: MAX_MEMORY,
            },
            Codec {
                encode: |v| surrealdb_types::encode_value_list(v),
                decode: surrealdb_types::decode_value_list,
                max_memory: 0,
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
                decode: |bytes| decoder().decode_optional_values(bytes),
                max_memory: MAX_MEMORY,
            },
            Codec {
                encode: |v| surrealdb_types::encode_optional_values(v),
                decode: surrealdb_types::decode_optional_values,
                max_memory: 0,
            },
        ),
        3 => check::<Vec<(String, Value)>>(
            input,
            |u| generators::list(u, |u| generators::named(u, generators::value)),
            Codec {
                encode: |v| codec::encode_entries(v),
                decode: |bytes| decoder().decode_entries(bytes),
                max_memory: MAX_MEMORY,
            },
            Codec {
                encode: |v| surrealdb_types::encode_string_key_values(v),
                decode: surrealdb_types::decode_string_key_values,
                max_memory: 0,
            },
        ),
        4 => check::<(Bound<String>, Bound<String>)>(
            input,
            |u| Ok((generators::bound(u)?, generators::bound(u)?)),
            Codec {
                encode: |(start, end)| codec::encode_range(start, end),
                decode: codec::decode_range,
                max_memory: MAX_MEMORY,
            },
            Codec {
                encode: |(start, end)| surrealdb_types::encode_string_range(start, end),
                decode: surrealdb_types::decode_string_range,
                max_memory: 0,
            },
        ),
        5 => check::<Vec<(String, Kind)>>(
            input,
            |u| generators::list(u, |u| generators::named(u, generators::kind)),
            Codec {
                encode: |arguments| codec::encode_arguments(&borrowed(arguments)),
                decode: codec::decode_arguments,
                max_memory: MAX_KIND_MEMORY,
            },
            Codec {
                encode: |arguments| surrealdb_types::encode_argument_list(&borrowed(arguments)),
                decode: surrealdb_types::decode_argument_list,
                max_memory: 0,
            },
        ),
        _ => check(
            input,
            generators::kind,
            Codec {
                encode: codec::encode_kind,
                decode: codec::decode_kind,
                max_memory: MAX_KIND_MEMORY,
            },
            Codec {
                encode: surrealdb_types::encode_kind,
                decode: surrealdb_types::decode_kind,
                max_memory: 0,
            },
        ),
    }
}

fn borrowed(arguments: &[(String, Kind)]) -> Vec<(&str, Kind)> {
    arguments.iter().map(|(name, kind)| (name.as_str(), kind.clone())).collect()
}

fn check<T: Debug>(
    input: Input<'_>,
    generate: impl FnOnce(&mut Unstructured<'_>) -> arbitrary::Result<T>,
    ours: Codec<T>,
    theirs: Codec<T>,
) {
    if input.untrusted {
        check_bytes(input.bytes, &ours, &theirs);
    } else if let Ok(value) = generate(&mut Unstructured::new(input.bytes)) {
        check_value(&value, &ours, &theirs);
    }
}

fn check_bytes<T: Debug>(bytes: &[u8], ours: &Codec<T>, theirs: &Codec<T>) {
    static SILENCED: Once = Once::new();
    SILENCED.call_once(|| crate::silence_panics(KNOWN_PANIC));

    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    let decoded = (ours.decode)(bytes);
    let used = MEMORY.peak_usage().saturating_sub(before);
    let allowed = ours.max_memory + SLACK;
    assert!(used <= allowed, "decoding {} bytes took {used}, of at most {allowed}", bytes.len());

    let Ok(value) = decoded else { return };
    // `surrealdb_types` rejects more, so it may not decode this.
    if let Some(Ok(expected)) = without_known_panic(|| (theirs.decode)(bytes)) {
        assert_same("what `surrealdb_types` decodes", &expected, &value);
    }
    // Encoding it again may separate what the bytes shared, and exceed a limit.
    let Some(again) = check_value(&value, ours, theirs) else { return };
    // Decoding closes a polygon's ring, which is never closed if its ends are NaN.
    if !format!("{value:?}").contains("NaN") {
        assert_same("what was decoded first", &value, &again);
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

/// Checks a value, and returns what its encoding decodes to. That may differ from the value: a kind that is
/// listed twice is decoded once. `None` if the value cannot be encoded, as the longest durations, or exceeds
/// what the decoder allows.
fn check_value<T: Debug>(value: &T, ours: &Codec<T>, theirs: &Codec<T>) -> Option<T> {
    let (bytes, expected) = ((ours.encode)(value), (theirs.encode)(value));
    assert_eq!(bytes.is_ok(), expected.is_ok(), "{bytes:?} and {expected:?} from {value:?}");
    let (bytes, expected) = (bytes.ok()?, expected.ok()?);
    assert_eq!(bytes, expected, "two encodings of {value:?}");
    let decoded = match (ours.decode)(&bytes) {
        // Only decoding limits regular expressions and memory.
        Err(error) if is_limit(&format!("{error:#}")) => return None,
        decoded => decoded.unwrap(),
    };
    assert_same("what `surrealdb_types` decodes", &(theirs.decode)(&bytes).unwrap(), &decoded);
    Some(decoded)
}

fn is_limit(error: &str) -> bool {
    ["regular expression", "of memory when it is decoded"].iter().any(|limit| error.contains(limit))
}

/// Compares values by their `Debug` text, since NaN does not equal itself.
fn assert_same<T: Debug>(what: &str, expected: &T, got: &T) {
    assert_eq!(format!("{got:?}"), format!("{expected:?}"), "not {what}");
}
