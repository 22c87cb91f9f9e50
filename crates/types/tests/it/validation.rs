//! What decoding refuses from an untrusted guest, and what it must not refuse.

use std::ops::Bound;

use flatbuffers::{FlatBufferBuilder, WIPOffset};
use surrealdb_protocol::fb::v1;
use surrealdb_types::{
    Array, Object, Range, RecordId, RecordIdKey, RecordIdKeyRange, Set, SurrealValue, Value,
};
use surrealism_types::codec::{
    Decoder, decode_entries, decode_optional_values, decode_value, decode_values, encode_entries,
    encode_optional_values, encode_value, encode_values,
};

/// Levels of a value.
const MAX_VALUE_DEPTH: usize = 128;
/// Regular expressions of a message.
const MAX_REGEXES: usize = 16;

fn nested(levels: usize) -> Value {
    (1..levels).fold(Value::None, |value, _| Value::Array(Array::from(vec![value])))
}

#[test]
fn values_may_be_128_levels_deep() {
    let deepest = nested(MAX_VALUE_DEPTH);
    assert_eq!(decode_value(&encode_value(&deepest).unwrap()).unwrap(), deepest);
    for levels in [MAX_VALUE_DEPTH + 1, 1_000] {
        let error = format!("{:#}", encode_value(&nested(levels)).unwrap_err());
        assert!(error.contains("nested more than 128 levels"), "{error}");
        encode_values(&[nested(levels)]).unwrap_err();
    }
}

#[test]
fn a_message_that_is_too_deep_is_refused() {
    // Encoding it needs the large stack.
    let maker = std::thread::Builder::new().stack_size(64 << 20);
    let make = || surrealdb_types::encode(&nested(MAX_VALUE_DEPTH + 2)).unwrap();
    let bytes = maker.spawn(make).unwrap().join().unwrap();
    decode_value(&bytes).unwrap_err();
}

type Buffer<'a> = FlatBufferBuilder<'a>;
type Offset<'a> = WIPOffset<v1::Value<'a>>;

fn array<'a>(buffer: &mut Buffer<'a>, items: &[Offset<'a>]) -> Offset<'a> {
    let values = Some(buffer.create_vector(items));
    let array = v1::Array::create(buffer, &v1::ArrayArgs { values });
    let value =
        v1::ValueArgs { value_type: v1::ValueType::Array, value: Some(array.as_union_value()) };
    v1::Value::create(buffer, &value)
}

fn string<'a>(buffer: &mut Buffer<'a>, text: &str) -> Offset<'a> {
    let value = Some(buffer.create_string(text));
    let string = v1::StringValue::create(buffer, &v1::StringValueArgs { value });
    let value =
        v1::ValueArgs { value_type: v1::ValueType::String, value: Some(string.as_union_value()) };
    v1::Value::create(buffer, &value)
}

#[test]
fn a_message_that_amplifies_is_refused() {
    // Ten levels of a hundred offsets each to the one level below: 10^20 values in 5 kB.
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

// Each limit, from both sides.
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
        (vec![r"^\w{1,20}$".to_string(); 2], Some("weigh 32046, and 16384 of 16384 are left")),
        (vec![large], Some("weigh 48060, and 16384 of 16384 are left")),
        // An escaped slash, which is unescaped before the pattern is compiled.
        (vec![r"\/\w{60}".to_string()], Some("weigh 48062, and 16384 of 16384 are left")),
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

/// Encodes a regular expression without compiling it.
fn encode_pattern(pattern: &str) -> Vec<u8> {
    let mut buffer = FlatBufferBuilder::new();
    let value = Some(buffer.create_string(pattern));
    let regex = v1::StringValue::create(&mut buffer, &v1::StringValueArgs { value });
    let value =
        v1::ValueArgs { value_type: v1::ValueType::Regex, value: Some(regex.as_union_value()) };
    let value = v1::Value::create(&mut buffer, &value);
    buffer.finish_minimal(value);
    buffer.finished_data().to_vec()
}

// Each of the refused patterns takes from a tenth of a second to minutes to translate or compile.
#[test]
fn regular_expressions_that_are_costly_to_translate_are_refused_before() {
    const FOLDED: &str = "`(?i)` folds";
    const WEIGHS: &str = "classes and repetitions weigh";
    let all_chars = "[ -\u{10FFFF}]";
    for (pattern, expected) in [
        (format!("(?i){all_chars}"), None),
        (format!("(?i){}", all_chars.repeat(4)), Some(FOLDED)),
        (format!("(?i){}", all_chars.repeat(500)), Some(FOLDED)),
        (format!("(?i:{})", all_chars.repeat(4)), Some(FOLDED)),
        (format!("((?i){})", all_chars.repeat(4)), Some(FOLDED)),
        (all_chars.repeat(200), None),
        (format!("(?i){}", "[^a[^b]]".repeat(4)), Some(FOLDED)),
        (format!("(?i){}", "[[^a]&&[^b]]".repeat(4)), Some(FOLDED)),
        (format!("(?i){}", r"[\P{L}]".repeat(4)), Some(FOLDED)),
        (format!("(?i){}", r"\p{Any}".repeat(9)), Some(FOLDED)),
        (format!("(?i){}", r"[\W]".repeat(4)), Some(FOLDED)),
        (format!("[{}]", r"\w".repeat(2_000)), Some(WEIGHS)),
        (format!("[{}]", r"\w&&".repeat(20)), Some(WEIGHS)),
        (r"\w{1000}{1000}".to_string(), Some(WEIGHS)),
        ("(?:(?:x{1000}){1000}){1000}".to_string(), Some(WEIGHS)),
        (r"(?:\b{1000}){1000}".to_string(), Some(WEIGHS)),
        ("(?:){1000000000}".to_string(), Some(WEIGHS)),
        ("(".repeat(100), Some("invalid")),
        (format!("{}x{}", "(".repeat(200), ")".repeat(200)), Some("nested")),
        // What people write.
        (r"(?i)^[a-z0-9._%+-]+@[a-z0-9.-]+\.[a-z]{2,}$".to_string(), None),
        (r"(?i)[a-z&&[^aeiou]]+".to_string(), None),
        (r"(?i)\bstra(ß|ss)e\b|\p{Greek}+".to_string(), None),
        (r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}$".to_string(), None),
        (r"^(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?!$)|$)){4}$".replace("(?!$)", ""), None),
    ] {
        let decoded = decode_value(&encode_pattern(&pattern));
        match (decoded, expected) {
            (Ok(Value::Regex(_)), None) => {}
            (Err(error), Some(expected)) => {
                let error = format!("{error:#}");
                assert!(error.contains(expected), "{pattern}: {error}");
                assert!(error.len() < 500, "{pattern}: {error}");
            }
            (decoded, _) => panic!("{pattern} became {decoded:?}"),
        }
    }
}

// `\p{x}` passes the syntax tree, and the error of the translation repeats the pattern.
#[test]
fn the_error_of_a_refused_regular_expression_is_short() {
    for pattern in [format!(r"{}\p{{Nothing}}", "\u{7f}x\n".repeat(1_000)), "é(".repeat(1_000)] {
        let error = format!("{:#}", decode_value(&encode_pattern(&pattern)).unwrap_err());
        assert!(error.len() < 2_000, "{} bytes", error.len());
    }
}

#[test]
fn all_messages_of_a_decoder_share_its_regular_expressions() {
    let mut decoder = Decoder::new();
    let heavy = encode_pattern(r"\w{1,12}");
    decoder.decode_value(&heavy).unwrap();
    let error = format!("{:#}", decoder.decode_value(&heavy).unwrap_err());
    assert!(error.contains("are left"), "{error}");
    decoder.decode_value(&encode_pattern(r"\w{1,7}")).unwrap();
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
    // A set keeps one of several equal values.
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
    assert!(error.contains("17 regular expressions, and 16"), "{error}");
    together.decode_value(&encode_value(&Value::None).unwrap()).unwrap();

    let seventeen = regexes(17);
    decode_values(&encode_values(&seventeen).unwrap()).unwrap_err();
    let optional: Vec<_> = seventeen.iter().cloned().map(Some).collect();
    decode_optional_values(&encode_optional_values(&optional).unwrap()).unwrap_err();
    let entries: Vec<_> = seventeen.into_iter().map(|regex| ("k".into(), regex)).collect();
    decode_entries(&encode_entries(&entries).unwrap()).unwrap_err();
}

#[test]
fn a_string_without_a_value_is_an_error_in_every_message() {
    let mut buffer = FlatBufferBuilder::new();
    let string = v1::StringValue::create(&mut buffer, &v1::StringValueArgs { value: None });
    let empty =
        v1::ValueArgs { value_type: v1::ValueType::String, value: Some(string.as_union_value()) };
    let empty = v1::Value::create(&mut buffer, &empty);
    // A kind that the fast path does not know, so that the general codec gets the message.
    let name = Some(buffer.create_string("x"));
    let table = v1::StringValue::create(&mut buffer, &v1::StringValueArgs { value: name });
    let table =
        v1::ValueArgs { value_type: v1::ValueType::Table, value: Some(table.as_union_value()) };
    let table = v1::Value::create(&mut buffer, &table);
    let node = array(&mut buffer, &[table, empty]);
    buffer.finish_minimal(node);
    let error = format!("{:#}", decode_value(buffer.finished_data()).unwrap_err());
    assert!(error.contains("a string of the message has no value"), "{error}");
}

#[test]
fn every_honest_message_passes() {
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
