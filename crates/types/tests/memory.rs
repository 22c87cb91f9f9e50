//! What decoding takes in memory, measured: its own program, since memory is counted for the whole process.

use std::fmt::Debug;

use flatbuffers::{FlatBufferBuilder, WIPOffset};
use peak_alloc::PeakAlloc;
use surrealdb_protocol::fb::v1;
use surrealdb_types::{
    Array, Geometry, Kind, KindLiteral, Object, RecordId, RecordIdKey, Set, SurrealValue, Value,
};
use surrealism_types::codec::{
    Decoder, decode_kind, encode_entries, encode_kind, encode_value, encode_values,
};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// What a decoder may use in these tests.
const MAX_MEMORY: usize = 1 << 20;

/// What decoding may take beside its values: errors, and the checker of messages.
const SLACK: usize = 64 << 10;

/// Runs a decoder, and returns its result and how much memory it took at most.
fn measure<T>(decode: impl FnOnce() -> T) -> (T, usize) {
    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    let decoded = decode();
    (decoded, MEMORY.peak_usage().saturating_sub(before))
}

fn assert_bounded<T: Debug>(what: &str, decode: impl FnOnce(&mut Decoder) -> anyhow::Result<T>) {
    let mut decoder = Decoder::with_max_memory(MAX_MEMORY);
    let (decoded, used) = measure(|| decode(&mut decoder));
    assert!(used <= MAX_MEMORY + SLACK, "{what} took {used} bytes: {:?}", decoded.is_ok());
    let error = format!("{:#}", decoded.map(drop).expect_err(what));
    assert!(error.contains("would take more than 1048576 bytes of memory"), "{what}: {error}");
}

fn list(count: usize, item: impl Fn(usize) -> Value) -> Value {
    Value::Array(Array::from((0..count).map(item).collect::<Vec<_>>()))
}

/// An array whose items are all the one table that `write` writes.
fn shared(
    count: usize,
    write: impl Fn(&mut FlatBufferBuilder<'static>) -> WIPOffset<v1::Value<'static>>,
) -> Vec<u8> {
    let mut buffer = FlatBufferBuilder::new();
    let item = write(&mut buffer);
    let values = Some(buffer.create_vector(&vec![item; count]));
    let array = v1::Array::create(&mut buffer, &v1::ArrayArgs { values });
    let value =
        v1::ValueArgs { value_type: v1::ValueType::Array, value: Some(array.as_union_value()) };
    let value = v1::Value::create(&mut buffer, &value);
    buffer.finish_minimal(value);
    buffer.finished_data().to_vec()
}

fn shared_object(buffer: &mut FlatBufferBuilder<'static>) -> WIPOffset<v1::Value<'static>> {
    let none = v1::Value::create(buffer, &v1::ValueArgs::default());
    let key = Some(buffer.create_string(""));
    let entry = v1::KeyValue::create(buffer, &v1::KeyValueArgs { key, value: Some(none) });
    let items = Some(buffer.create_vector(&[entry]));
    let object = v1::Object::create(buffer, &v1::ObjectArgs { items });
    let value =
        v1::ValueArgs { value_type: v1::ValueType::Object, value: Some(object.as_union_value()) };
    v1::Value::create(buffer, &value)
}

// One test, since memory is counted for the whole process.
#[test]
fn values_take_no_more_memory_than_their_decoder_may_use() {
    let object = || Object::from_iter([(String::new(), Value::None)]);
    let record = |key| Value::RecordId(RecordId { table: "t".into(), key });
    // The kind `table` sends a message to the general codec.
    let general = |count: usize, item: &dyn Fn(usize) -> Value| {
        let mut items: Vec<_> = (0..count).map(item).collect();
        items.push(Value::Table("t".into()));
        Value::Array(Array::from(items))
    };
    let values: [(&str, Value); 12] = [
        ("none", list(40_000, |_| Value::None)),
        ("objects of one entry", list(2_000, |_| Value::Object(object()))),
        ("empty arrays", list(40_000, |_| list(0, |_| Value::None))),
        ("short strings", list(20_000, |n| n.to_string().into_value())),
        (
            "a large object",
            Value::Object((0..20_000).map(|n| (n.to_string(), Value::None)).collect()),
        ),
        ("a long string", "x".repeat(2 << 20).into_value()),
        ("many values", general(40_000, &|_| Value::Null)),
        ("many objects", general(2_000, &|_| Value::Object(object()))),
        (
            "a set",
            general(1, &|_| {
                Value::Set(Set::from(
                    (0..20_000_i64).map(SurrealValue::into_value).collect::<Vec<_>>(),
                ))
            }),
        ),
        ("records", general(10_000, &|n| record(RecordIdKey::String(n.to_string())))),
        ("records with objects", general(2_000, &|_| record(RecordIdKey::Object(object())))),
        (
            "geometries",
            general(1, &|_| {
                let points = (0..40_000).map(|n| (f64::from(n), 0.0)).collect::<Vec<_>>();
                Value::Geometry(Geometry::Line(points.into()))
            }),
        ),
    ];
    for (what, value) in values {
        let bytes = encode_value(&value).unwrap();
        assert_bounded(what, |decoder| decoder.decode_value(&bytes));
        let bytes = encode_values(std::slice::from_ref(&value)).unwrap();
        assert_bounded(what, |decoder| decoder.decode_values(&bytes));
        let bytes = encode_entries(&[(String::new(), value)]).unwrap();
        assert_bounded(what, |decoder| decoder.decode_entries(&bytes));
    }

    // Four bytes for each object, and 900 bytes of memory.
    let bytes = shared(100_000, shared_object);
    assert!(bytes.len() < 500_000);
    assert_bounded("a shared object", |decoder| decoder.decode_value(&bytes));
    let (decoded, used) = measure(|| Decoder::new().decode_value(&bytes).map(drop));
    assert!(used <= 256 << 20, "{used} bytes: {decoded:?}");

    // All messages of a decoder count together.
    let quarter = encode_value(&list(300, |_| Value::Object(object()))).unwrap();
    assert_bounded("several messages", |decoder| {
        (0..5).map(|_| decoder.decode_value(&quarter)).collect::<anyhow::Result<Vec<_>>>()
    });

    // What is within the limit is decoded within it.
    for (what, bytes) in [
        ("values", encode_value(&list(500, |_| Value::Object(object()))).unwrap()),
        ("general values", encode_value(&general(100, &|_| Value::Object(object()))).unwrap()),
        ("a regular expression", encode_value(&Value::Regex(r"\w{2}".parse().unwrap())).unwrap()),
    ] {
        let mut decoder = Decoder::with_max_memory(MAX_MEMORY);
        let (decoded, used) = measure(|| decoder.decode_value(&bytes));
        assert!(used <= MAX_MEMORY + SLACK, "{what}: {used}");
        decoded.expect(what);
    }

    // Regular expressions, the heaviest that one message may have, take less than their charge.
    for (pattern, weight) in [(r"\w{20}", 16_030), ("(?i)k{3200}", 16_010), (".{1800}", 16_210)] {
        let bytes = encode_value(&Value::Regex(pattern.parse().unwrap())).unwrap();
        let (decoded, used) = measure(|| Decoder::new().decode_value(&bytes));
        decoded.expect(pattern);
        println!("{pattern} of weight {weight} takes {used} bytes");
        assert!(used <= (16 << 10) + weight * 512, "{pattern}: {used}");
    }

    // Each union copies and hashes the kinds in it.
    let kinds = (0..5_000).map(|n| Kind::Literal(KindLiteral::Integer(n))).collect::<Vec<_>>();
    let deep = (0..60).fold(Kind::Either(kinds), |kind, _| {
        Kind::Either(vec![Kind::Array(Box::new(kind), None), Kind::Null])
    });
    let bytes = encode_kind(&deep).unwrap();
    let (decoded, used) = measure(|| decode_kind(&bytes).map(drop));
    assert!(used <= (16 << 20) + SLACK, "{used} bytes");
    let error = format!("{:#}", decoded.unwrap_err());
    assert!(error.contains("would take more than 16777216 bytes of memory"), "{error}");
}
