//! Many rows in one call: the answers of as many calls, with one instance.

mod support;

use std::time::Duration;

use support::{INVOKE, Recorder, assert_says, builder, component, load, shared, value};
use surrealdb_types::Value;
use surrealism_runtime::limits::{MAX_OUTPUT_BYTES_PER_CALL, MAX_OUTPUT_LINE_BYTES, ROWS_PER_CALL};
use surrealism_runtime::{Isolation, SurrealismError, SurrealismPackage};

type Row = Vec<Value>;

fn ints(rows: impl IntoIterator<Item = i64>) -> Vec<Row> {
    rows.into_iter().map(|row| vec![value(row)]).collect()
}

#[tokio::test]
async fn every_row_is_answered_as_its_own_call_would_be() {
    let runtime = shared("attribute_matrix");
    let text = |text: &str| value(text.to_string());
    let many: Vec<Row> = (0..2 * ROWS_PER_CALL as i64 + 7).map(|n| vec![value(n); 2]).collect();
    for (function, rows) in [
        ("math::add", vec![]),
        ("math::add", many),
        ("optional", vec![vec![value(1_i64), Value::None], vec![Value::None, Value::None]]),
        ("fail::parse", vec![vec![text("1")], vec![text("one")], vec![text("")], vec![text("2")]]),
        ("fail::with_text", vec![vec![text("no")]]),
        ("math::add", vec![vec![text("1"), text("2")], vec![value(1_i64), value(2_i64)]]),
    ] {
        let answers = runtime.call_rows(function, rows.clone(), Recorder::new()).await.unwrap();
        assert_eq!(answers.len(), rows.len(), "{function}");
        for (row, answer) in rows.into_iter().zip(answers) {
            let alone = runtime.call(function, row.clone(), Recorder::new()).await;
            match (answer, alone) {
                (Ok(answer), Ok(alone)) => assert_eq!(answer, alone, "{function} {row:?}"),
                (Err(answer), Err(alone)) => assert_eq!(answer.to_string(), alone.to_string()),
                (answer, alone) => panic!("{function} {row:?}: {answer:?}, not {alone:?}"),
            }
        }
    }
}

#[tokio::test]
async fn rows_share_an_instance_and_calls_do_so_only_with_reuse() {
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
async fn what_ends_a_call_ends_the_rows_and_the_instance() {
    let runtime = builder("hostile").pool_size(1).build().unwrap();
    let context = Recorder::new;
    let text = |text: &str| vec![value(text.to_string())];

    let rows = ints([1]).into_iter().chain([Row::new()]);
    let error = runtime.call_rows("answer", rows, context()).await.unwrap_err();
    assert!(matches!(error, SurrealismError::FunctionCallError(_)), "{error:?}");
    assert_says(&error, &["row 2: ", "takes 1 argument, and the call has 0"]);

    let error = runtime.call_rows("nothing", ints([1]), context()).await.unwrap_err();
    assert_says(&error, &["has no function `nothing`"]);

    let error = runtime.call_rows("panics", [text("oh")], context()).await.unwrap_err();
    assert!(matches!(error, SurrealismError::Wasmtime(_)), "{error:?}");
    assert_says(&error, &["oh"]);

    let spinning = runtime.call_rows("spin", ints([5; 1_000]), context());
    let error = spinning.timeout(Duration::from_millis(50)).await.unwrap_err();
    assert!(error.is_timeout(), "{error:?}");

    let alive = runtime.call_rows("alive", [Row::new()], context()).await.unwrap();
    assert_eq!(alive.into_iter().map(Result::unwrap).collect::<Vec<_>>(), [value(true)]);
    assert_eq!(runtime.usage().instances.current, 1);
}

#[tokio::test]
async fn all_rows_print_no_more_than_one_call() {
    let context = Recorder::new();
    let line = MAX_OUTPUT_LINE_BYTES as i64 - 1;
    let rows = ints(vec![line; 2 * ROWS_PER_CALL]);
    shared("host").call_rows("print::long_line", rows, context.clone()).await.unwrap();
    let bytes: usize = context.stdout().iter().map(String::len).sum();
    assert!(bytes > MAX_OUTPUT_BYTES_PER_CALL / 2, "{bytes}");
    assert!(bytes < MAX_OUTPUT_BYTES_PER_CALL + 200, "{bytes}");
}

/// A component whose `invoke`, and what else has its type, runs some code and answers some bytes.
fn answering(bytes: &[u8], code: &str, exports: &str) -> SurrealismPackage {
    let data: String = bytes.iter().map(|byte| format!("\\{byte:02x}")).collect();
    component(&format!(
        r#"
        (core module $m
          (memory (export "memory") 1)
          (data (i32.const {ANSWER}) "{data}")
          (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
          (func (export "invoke") (param i32 i32 i32 i32 i32) (result i32)
            {code}
            (i32.store (i32.const 4) (i32.const {ANSWER}))
            (i32.store (i32.const 8) (i32.const {size}))
            (i32.const 0)))
        (core instance $i (instantiate $m))
        {INVOKE}
        {exports}"#,
        size = bytes.len(),
    ))
}

/// Where in the component's memory the answer is.
const ANSWER: usize = 256;

#[tokio::test]
async fn a_guest_that_takes_no_rows_is_called_for_each() {
    // Answers a count of its calls: the content of a 64-bit number, encoded.
    let answer = surrealism_types::codec::encode_value(&value(0x0101_i64)).unwrap();
    let place = answer.windows(8).position(|bytes| bytes == 0x0101_i64.to_le_bytes()).unwrap();
    let number = format!("(i32.const {})", ANSWER + place);
    let count = format!("(i64.store {number} (i64.add (i64.load {number}) (i64.const 1)))");
    let runtime = load(answering(&answer, &count, "")).build().unwrap();
    let counts = runtime.call_rows("f", vec![Row::new(); 3], Recorder::new()).await.unwrap();
    let counts: Vec<Value> = counts.into_iter().map(Result::unwrap).collect();
    assert_eq!(counts, [0x0102_i64, 0x0103, 0x0104].map(value));
}

#[tokio::test]
async fn a_guest_that_answers_another_number_of_rows_is_refused() {
    let rows = INVOKE
        .replace(r#"(export "invoke")"#, r#"(export "invoke-rows")"#)
        .replace(r#"param "args""#, r#"param "rows""#);
    for (answers, expected) in [
        (&b""[..], "was given 2 rows at once and did not answer as many"),
        (
            b"\x02\x00\x00\x00\x01x\x02\x00\x00\x00\x01y\x02\x00\x00\x00\x01z",
            "did not answer as many",
        ),
        (b"\xff\xff\xff\xff\x00", "leads out of it"),
        (b"\x01\x00\x00\x00\x07", "leads out of it"),
    ] {
        let runtime = load(answering(answers, "", &rows)).build().unwrap();
        let error = runtime.call_rows("f", vec![Row::new(); 2], Recorder::new()).await.unwrap_err();
        assert_says(&error, &[expected]);
    }
}

#[tokio::test]
async fn an_answer_that_cannot_be_decoded_is_that_rows_alone() {
    let rows = INVOKE
        .replace(r#"(export "invoke")"#, r#"(export "invoke-rows")"#)
        .replace(r#"param "args""#, r#"param "rows""#);
    let answers = b"\x02\x00\x00\x00\x00x\x02\x00\x00\x00\x01y";
    let runtime = load(answering(answers, "", &rows)).build().unwrap();
    let answers = runtime.call_rows("f", vec![Row::new(); 2], Recorder::new()).await.unwrap();
    for (answer, expected) in answers.into_iter().zip(["cannot decode a value", "y"]) {
        assert_says(&answer.unwrap_err(), &[expected]);
    }
}
