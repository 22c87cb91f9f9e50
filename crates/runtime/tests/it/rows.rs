//! Many rows in one call: the results of as many calls, from one instance.

use std::time::Duration;

use surrealdb_types::Value;
use surrealism_runtime::limits::{MAX_OUTPUT_BYTES_PER_CALL, MAX_OUTPUT_LINE_BYTES, ROWS_PER_CALL};
use surrealism_runtime::{ErrorKind, Isolation, SurrealismPackage};
use surrealism_types::codec;

use crate::support::{
    INVOKE, MEMORY, Recorder, Transcript, assert_error_contains, builder, component, data, load,
    shared, text, value, without_backtrace,
};

type Row = Vec<Value>;

fn ints(rows: impl IntoIterator<Item = i64>) -> Vec<Row> {
    rows.into_iter().map(|row| vec![value(row)]).collect()
}

#[tokio::test]
async fn a_row_has_the_result_of_a_call() {
    let runtime = shared("attribute_matrix");
    let many: Vec<Row> = (0..2 * ROWS_PER_CALL as i64 + 7).map(|n| vec![value(n); 2]).collect();
    for (function, rows) in [
        ("math::add", vec![]),
        ("math::add", many),
        ("optional", vec![vec![value(1_i64), Value::None], vec![Value::None, Value::None]]),
        ("fail::parse", vec![vec![text("1")], vec![text("one")], vec![text("")], vec![text("2")]]),
        ("fail::with_text", vec![vec![text("no")]]),
        ("math::add", vec![vec![text("1"), text("2")], vec![value(1_i64), value(2_i64)]]),
    ] {
        let results = runtime.call_rows(function, rows.clone(), Recorder::new()).await.unwrap();
        assert_eq!(results.len(), rows.len(), "{function}");
        for (row, result) in rows.into_iter().zip(results) {
            let alone = runtime.call(function, row.clone(), Recorder::new()).await;
            match (result, alone) {
                (Ok(result), Ok(alone)) => assert_eq!(result, alone, "{function} {row:?}"),
                (Err(result), Err(alone)) => assert_eq!(result.to_string(), alone.to_string()),
                (result, alone) => panic!("{function} {row:?}: {result:?}, not {alone:?}"),
            }
        }
    }
}

#[tokio::test]
async fn rows_share_an_instance_under_every_isolation() {
    for (isolation, then) in [(Isolation::Reuse, 4), (Isolation::Fresh, 1)] {
        let runtime = builder("state").isolation(isolation).pool_size(1).build().unwrap();
        for first in [1, then] {
            let rows = vec![Row::new(); 3];
            let counts = runtime.call_rows("count", rows, Recorder::new()).await.unwrap();
            let counts: Vec<Value> = counts.into_iter().map(Result::unwrap).collect();
            assert_eq!(counts, [first, first + 1, first + 2].map(value), "{isolation:?}");
        }
    }
}

#[tokio::test]
async fn what_fails_a_call_fails_all_rows() {
    let runtime = builder("hostile").pool_size(1).build().unwrap();
    let mut transcript = Transcript::default();
    for (case, function, rows, is_trap) in [
        ("a row without arguments", "answer", vec![vec![value(1_i64)], Row::new()], false),
        ("an unknown function", "nothing", ints([1]), false),
        ("a panic", "panics", vec![vec![text("oh")]], true),
    ] {
        let error = runtime.call_rows(function, rows, Recorder::new()).await.unwrap_err();
        assert_eq!(error.is_trap(), is_trap, "{error:?}");
        let refused = matches!(
            error.kind(),
            ErrorKind::Arguments { row: Some(1), .. } | ErrorKind::UnknownFunction { .. }
        );
        assert_eq!(refused, !is_trap, "{error:?}");
        let message = if is_trap { without_backtrace(&error) } else { error.to_string() };
        transcript.add(case, message);
    }
    transcript.assert(|text| insta::assert_snapshot!(text));

    let spinning = runtime.call_rows("spin", ints([5; 1_000]), Recorder::new());
    let error = spinning.timeout(Duration::from_millis(50)).await.unwrap_err();
    assert!(error.is_timeout(), "{error:?}");

    let alive = runtime.call_rows("alive", [Row::new()], Recorder::new()).await.unwrap();
    assert_eq!(alive.into_iter().map(Result::unwrap).collect::<Vec<_>>(), [value(true)]);
    assert_eq!(runtime.usage().instances.current, 1);
}

#[tokio::test]
async fn all_rows_share_the_output_limit_of_one_call() {
    let context = Recorder::new();
    let line = MAX_OUTPUT_LINE_BYTES as i64 - 1;
    let rows = ints(vec![line; 2 * ROWS_PER_CALL]);
    shared("host").call_rows("print::long_line", rows, context.clone()).await.unwrap();
    let bytes: usize = context.stdout().iter().map(String::len).sum();
    assert!(bytes > MAX_OUTPUT_BYTES_PER_CALL / 2, "{bytes}");
    assert!(bytes < MAX_OUTPUT_BYTES_PER_CALL + 200, "{bytes}");
}

/// A component whose `invoke`, and other exports of its type, run `code` and return `bytes`.
fn returning(bytes: &[u8], code: &str, exports: &str) -> SurrealismPackage {
    component(&format!(
        r#"
        (core module $m
          {MEMORY}
          (data (i32.const {RESULT}) "{data}")
          (func (export "invoke") (param i32 i32 i32 i32 i32) (result i32)
            {code}
            (i32.store (i32.const 4) (i32.const {RESULT}))
            (i32.store (i32.const 8) (i32.const {size}))
            (i32.const 0)))
        (core instance $i (instantiate $m))
        {INVOKE}
        {exports}"#,
        data = data(bytes),
        size = bytes.len(),
    ))
}

/// The address of the result in the component's memory.
const RESULT: usize = 256;

/// The export `invoke-rows`, which is `invoke` as well.
fn invoke_rows() -> String {
    INVOKE
        .replace(r#"(export "invoke")"#, r#"(export "invoke-rows")"#)
        .replace(r#"param "args""#, r#"param "rows""#)
}

#[tokio::test]
async fn a_guest_without_invoke_rows_is_called_for_each_row() {
    // Returns the number of its calls, by counting up the content of an encoded integer.
    const START: i64 = 0x0101;
    let encoded = codec::encode_value(&value(START)).unwrap();
    let content = encoded.windows(8).position(|bytes| bytes == START.to_le_bytes()).unwrap();
    let address = format!("(i32.const {})", RESULT + content);
    let count = format!("(i64.store {address} (i64.add (i64.load {address}) (i64.const 1)))");
    let runtime = load(returning(&encoded, &count, "")).build().unwrap();
    let counts = runtime.call_rows("f", vec![Row::new(); 3], Recorder::new()).await.unwrap();
    let counts: Vec<Value> = counts.into_iter().map(Result::unwrap).collect();
    assert_eq!(counts, [START + 1, START + 2, START + 3].map(value));
}

#[tokio::test]
async fn a_guest_that_returns_another_number_of_rows_is_refused() {
    let mut transcript = Transcript::default();
    for (case, bytes) in [
        ("no rows", &b""[..]),
        ("three rows for two", b"\x02\x00\x00\x00\x01x\x02\x00\x00\x00\x01y\x02\x00\x00\x00\x01z"),
        ("a length beyond the end", b"\xff\xff\xff\xff\x00"),
        ("an unknown tag", b"\x01\x00\x00\x00\x07"),
    ] {
        let runtime = load(returning(bytes, "", &invoke_rows())).build().unwrap();
        let error = runtime.call_rows("f", vec![Row::new(); 2], Recorder::new()).await.unwrap_err();
        transcript.add(case, error);
    }
    transcript.assert(|text| insta::assert_snapshot!(text));
}

#[tokio::test]
async fn a_result_that_cannot_be_decoded_fails_its_row_alone() {
    let bytes = b"\x02\x00\x00\x00\x00x\x02\x00\x00\x00\x01y";
    let runtime = load(returning(bytes, "", &invoke_rows())).build().unwrap();
    let results = runtime.call_rows("f", vec![Row::new(); 2], Recorder::new()).await.unwrap();
    assert_eq!(results.len(), 2);
    for (result, expected) in results.into_iter().zip(["cannot decode a value", "y"]) {
        assert_error_contains(&result.unwrap_err(), &[expected]);
    }
}
