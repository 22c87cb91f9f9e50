//! What a guest may return, and guests without columns.

use surrealdb_types::SurrealValue;
use surrealism_runtime::{DetachedContext, ErrorKind, Runtime};
use surrealism_types::codec;

use crate::support::{INVOKE, MEMORY, component, data, trusted};

/// Where the result is in the guest's memory.
const RESULT: usize = 256;

/// A guest that says it has number 7 for every function, and whose `invoke-row` and `invoke-columns` return
/// `bytes` after `code`, which may use the number as `$number`.
fn returning(bytes: &[u8], code: &str) -> Runtime {
    let words = "u64 ".repeat(8);
    let flat = "i64 ".repeat(8);
    let size = bytes.len();
    let component = component(&format!(
        r#"(core module $m
             {MEMORY}
             (data (i32.const {RESULT}) "{data}")
             (func (export "invoke") (param i32 i32 i32 i32 i32) (result i32) unreachable)
             (func (export "find") (param i32 i32 i32 i32 i32) (result i32)
               (i32.store8 (i32.const 0) (i32.const 1))
               (i32.store (i32.const 4) (i32.const 7))
               (i32.const 0))
             (func $results (param $number i32) (result i32)
               (i32.store8 (i32.const 0) (i32.const 0))
               (i32.store (i32.const 4) (i32.const {RESULT}))
               (i32.store (i32.const 8) (i32.const {size}))
               {code}
               (i32.const 0))
             (func (export "row") (param i32 {flat}) (result i32) (call $results (local.get 0)))
             (func (export "columns") (param i32 i32 i32 i32) (result i32)
               (call $results (local.get 0))))
           (core instance $i (instantiate $m))
           (func (export "find-columns") (param "name" (option string)) (param "types" (list u8))
             (result (option u32))
             (canon lift (core func $i "find") (memory $i "memory") (realloc (func $i "realloc"))))
           (func (export "invoke-row") (param "function" u32) (param "columns" (tuple {words}))
             (result (result (list u8) (error string)))
             (canon lift (core func $i "row") (memory $i "memory")))
           (func (export "invoke-columns")
             (param "function" u32) (param "rows" u32) (param "columns" (list u8))
             (result (result (list u8) (error string)))
             (canon lift (core func $i "columns") (memory $i "memory")
               (realloc (func $i "realloc"))))
           {INVOKE}"#,
        data = data(bytes),
    ));
    trusted(component).build().unwrap()
}

/// Parts of a message, each aligned.
fn message(parts: &[&[u8]]) -> Vec<u8> {
    let mut message = Vec::new();
    for part in parts {
        message.extend_from_slice(part);
        message.resize(message.len().next_multiple_of(8), 0);
    }
    message
}

#[tokio::test]
async fn a_result_that_breaks_a_rule_is_an_error() {
    let offsets = |offsets: &[u32]| -> Vec<u8> {
        offsets.iter().flat_map(|offset| offset.to_le_bytes()).collect()
    };
    let context = DetachedContext::new;
    // For a function that returns a text.
    let cases: [(&str, Vec<u8>); 11] = [
        ("nothing", vec![]),
        ("only the number of errors", message(&[&[0]])),
        ("no bytes of the text", message(&[&[0], &offsets(&[0, 3])])),
        ("a text longer than the message", message(&[&[0], &offsets(&[0, 9]), b"Ada"])),
        ("offsets that begin later", message(&[&[0], &offsets(&[1, 3]), b"Ada"])),
        ("offsets that descend", message(&[&[0], &offsets(&[0, u32::MAX]), b"Ada"])),
        ("no UTF-8", message(&[&[0], &offsets(&[0, 3]), b"Ad\xff"])),
        ("more than the result", message(&[&[0], &offsets(&[0, 3]), b"Ada", b"more"])),
        ("more errors than rows", message(&[&offsets(&[2]), &offsets(&[0, 0])])),
        (
            "an error of no row",
            message(&[&[1], &offsets(&[0, 0]), &offsets(&[1]), &offsets(&[0, 1]), b"x"]),
        ),
        ("as many errors as there are numbers", message(&[&[255; 4], &offsets(&[0, 0])])),
    ];
    for (case, bytes) in cases {
        let runtime = returning(&bytes, "");
        let function = runtime.function::<(i64,), String>("f").unwrap();
        for error in [
            function.call((1,), context()).await.unwrap_err(),
            function.call_columns((&[1],), context()).await.unwrap_err(),
        ] {
            assert!(matches!(error.kind(), ErrorKind::InvalidResult), "{case}: {error:?}");
        }
        assert_eq!(runtime.usage().lost, 0, "{case}");
    }
    let correct = message(&[&[0], &offsets(&[0, 3]), b"Ada"]);
    let function = returning(&correct, "").function::<(i64,), String>("f").unwrap();
    assert_eq!(function.call((1,), context()).await.unwrap(), "Ada");
    let failed = message(&[&[1], &offsets(&[0, 0]), &offsets(&[0]), &offsets(&[0, 2]), b"no"]);
    let function = returning(&failed, "").function::<(i64,), String>("f").unwrap();
    let error = function.call((1,), context()).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Guest { text } if text == "no"), "{error:?}");
    let batch = function.call_columns((&[1],), context()).await.unwrap();
    assert_eq!(batch.errors()[0].1.to_string(), "no");
}

#[tokio::test]
async fn an_address_outside_of_memory_is_an_error() {
    let context = DetachedContext::new;
    for (start, length) in [(65_530, 8), (64, u32::MAX), (u32::MAX, 8)] {
        let code = format!(
            "(i32.store (i32.const 4) (i32.const {start})) (i32.store (i32.const 8) (i32.const {length}))"
        );
        let function = returning(&[], &code).function::<(i64,), i64>("f").unwrap();
        assert!(function.call((1,), context()).await.is_err(), "{start}, {length}");
        assert!(function.call_columns((&[1, 2],), context()).await.is_err(), "{start}, {length}");
    }
}

#[tokio::test]
async fn the_guest_gets_the_number_that_it_gave() {
    let unless_seven = "(if (i32.ne (local.get $number) (i32.const 7)) (then unreachable))";
    let seven = message(&[&[0], &7_i64.to_le_bytes()]);
    let function = returning(&seven, unless_seven).function::<(i64,), i64>("f").unwrap();
    for _ in 0..2 {
        assert_eq!(function.call((1,), DetachedContext::new()).await.unwrap(), 7);
    }
}

/// A guest with nothing but `invoke`, such as one of the published SDK.
#[tokio::test]
async fn a_guest_without_columns_is_called_by_the_published_interface() {
    let twenty = codec::encode_value(&20_i64.into_value()).unwrap();
    let runtime = trusted(component(&format!(
        r#"(core module $m
             {MEMORY}
             (data (i32.const {RESULT}) "{data}")
             (func (export "invoke") (param i32 i32 i32 i32 i32) (result i32)
               (i32.store (i32.const 4) (i32.const {RESULT}))
               (i32.store (i32.const 8) (i32.const {size}))
               (i32.const 0)))
           (core instance $i (instantiate $m))
           {INVOKE}"#,
        data = data(&twenty),
        size = twenty.len(),
    )))
    .build()
    .unwrap();
    let context = DetachedContext::new;
    let function = runtime.function::<(i64,), i64>("f").unwrap();
    for _ in 0..2 {
        assert_eq!(function.call((1,), context()).await.unwrap(), 20);
        let batch = function.call_columns((&[1, 2, 3],), context()).await.unwrap();
        assert_eq!(batch.into_values().unwrap(), [20; 3]);
    }
    let wrong = runtime.function::<(i64,), String>("f").unwrap();
    let error = wrong.call((1,), context()).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::InvalidResult), "{error:?}");
    // A value would have wrapped.
    let unsigned = runtime.function::<(u64,), i64>("f").unwrap();
    for _ in 0..2 {
        let error = unsigned.call((u64::MAX,), context()).await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::UnencodableArguments), "{error:?}");
        let error = unsigned.call_columns((&[u64::MAX],), context()).await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::UnencodableArguments), "{error:?}");
    }
}
