//! What a guest can make its host pay: attacks on the bounds of single steps.

use std::time::Duration;

use surrealdb_types::{Array, Object, SurrealValue, Value};
use surrealism_runtime::kv::MAX_KV_KEY_BYTES;
use surrealism_runtime::limits::{
    DEFAULT_MAX_IDLE_GROWTH_BYTES, MAX_QUERY_BYTES, MAX_RUN_NAME_BYTES, ROWS_PER_CALL,
};
use surrealism_runtime::{DetachedContext, Runtime, SurrealismPackage};
use surrealism_types::codec;

use crate::support::{
    INVOKE, PATIENCE, Recorder, assert_error_contains, builder, component, data, load, shared,
    text, value,
};

/// The longest error that repeats a text of a guest, with what is around the text.
const MAX_ERROR_BYTES: usize = 17 << 10;

/// A component whose `invoke` and `invoke-rows` return `bytes`.
fn returning(bytes: &[u8]) -> SurrealismPackage {
    const RESULT: usize = 4096;
    let rows = INVOKE
        .replace(r#"(export "invoke")"#, r#"(export "invoke-rows")"#)
        .replace(r#"param "args""#, r#"param "rows""#);
    component(&format!(
        r#"
        (core module $m
          (memory (export "memory") {pages})
          (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const {allocation}))
          (data (i32.const {RESULT}) "{data}")
          (func (export "invoke") (param i32 i32 i32 i32 i32) (result i32)
            (i32.store (i32.const 4) (i32.const {RESULT}))
            (i32.store (i32.const 8) (i32.const {size}))
            (i32.const 0)))
        (core instance $i (instantiate $m))
        {INVOKE}
        {rows}"#,
        allocation = (RESULT + bytes.len()).next_multiple_of(16),
        pages = bytes.len() / (64 << 10) + 4,
        data = data(bytes),
        size = bytes.len(),
    ))
}

fn regex(pattern: &str) -> Value {
    Value::Regex(pattern.parse().unwrap())
}

#[tokio::test]
async fn a_result_takes_no_more_memory_on_the_host_than_its_module_may() {
    let object = || Value::Object(Object::from_iter([(String::new(), Value::None)]));
    let objects: Vec<Value> = (0..10_000).map(|_| object()).collect();
    let bytes = codec::encode_value(&Value::Array(Array::from(objects))).unwrap();
    assert!(bytes.len() < 1 << 20);
    for (max_memory, fits) in [(4 << 20, false), (64 << 20, true)] {
        let runtime = load(returning(&bytes)).max_memory_bytes(max_memory).build().unwrap();
        match runtime.call("f", (), DetachedContext::new()).await {
            Ok(value) => assert!(fits && value.into_array().unwrap().len() == 10_000),
            Err(error) => {
                assert!(!fits, "{error}");
                assert_error_contains(&error, &["would take more than 4194304 bytes of memory"]);
            }
        }
    }
}

#[tokio::test]
async fn the_rows_of_a_batch_share_the_regular_expressions_of_one_message() {
    let row = codec::encode_value(&regex(r"\w{12}")).unwrap();
    let mut results = Vec::new();
    for _ in 0..ROWS_PER_CALL {
        codec::push_result(&mut results, Ok(row.clone())).unwrap();
    }
    let runtime = load(returning(&results)).build().unwrap();
    let rows = vec![Vec::<Value>::new(); ROWS_PER_CALL];
    let results = runtime.call_rows("f", rows, DetachedContext::new()).await.unwrap();
    let (decoded, refused): (Vec<_>, Vec<_>) = results.into_iter().partition(Result::is_ok);
    assert_eq!((decoded.len(), refused.len()), (1, ROWS_PER_CALL - 1));
    for error in refused {
        assert_error_contains(&error.unwrap_err(), &["classes and repetitions weigh"]);
    }
}

/// Decoding a row is not interrupted, so that the time is looked at between rows.
#[cfg(unix)]
#[test]
fn a_batch_whose_time_is_over_ends_between_two_rows() {
    // CPU time, which does not depend on what else the machine does.
    let spent = || rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    let since = |start: rustix::time::Timespec| {
        let now = spent();
        let nanos = (now.tv_sec - start.tv_sec) * 1_000_000_000 + now.tv_nsec - start.tv_nsec;
        Duration::from_nanos(nanos as u64)
    };
    let row = codec::encode_value(&value((0..500_i64).collect::<Vec<_>>())).unwrap();
    let mut results = Vec::new();
    for _ in 0..ROWS_PER_CALL {
        codec::push_result(&mut results, Ok(row.clone())).unwrap();
    }
    let runtime = load(returning(&results)).max_memory_bytes(512 << 20).build().unwrap();
    let call = |timeout| {
        let rows = vec![Vec::<Value>::new(); ROWS_PER_CALL];
        let call = runtime.call_rows("f", rows, DetachedContext::new()).timeout(timeout);
        let start = spent();
        let result = futures::executor::block_on(call.into_future());
        (result, since(start))
    };
    // The first call makes the instance.
    let ((first, _), (second, whole)) = (call(PATIENCE), call(PATIENCE));
    assert_eq!((first.unwrap().len(), second.unwrap().len()), (ROWS_PER_CALL, ROWS_PER_CALL));
    let (result, part) = call(whole / 4);
    assert!(result.unwrap_err().is_timeout());
    println!("all rows took {whole:?}, those until the deadline {part:?}");
    assert!(part < whole * 3 / 5, "{part:?} of {whole:?}");
}

#[tokio::test]
async fn a_result_with_a_costly_regular_expression_is_refused() {
    // The smallest value with a pattern of this length, whose pattern is then replaced.
    let costly = format!("(?i){}", r"[\s\S]".repeat(600));
    let harmless = "x".repeat(costly.len());
    let mut bytes = codec::encode_value(&regex(&harmless)).unwrap();
    let at = bytes.windows(harmless.len()).position(|part| part == harmless.as_bytes()).unwrap();
    bytes[at..at + costly.len()].copy_from_slice(costly.as_bytes());
    let runtime = load(returning(&bytes)).build().unwrap();
    let error = runtime.call("f", (), DetachedContext::new()).await.unwrap_err();
    assert_error_contains(&error, &["the regular expressions are too large"]);
    assert!(error.to_string().len() < MAX_ERROR_BYTES);
}

// Both sides of each limit.
#[tokio::test]
async fn texts_that_a_guest_passes_are_refused_by_their_length() {
    let runtime = shared("host");
    let none = || Value::Array(Array::new());
    for (function, max, before, after) in [
        ("run", MAX_RUN_NAME_BYTES, vec![], vec![Value::None, none()]),
        ("run", MAX_RUN_NAME_BYTES, vec![text("fn::f")], vec![none()]),
        ("sql", MAX_QUERY_BYTES, vec![], vec![]),
        ("kv::get", MAX_KV_KEY_BYTES, vec![], vec![]),
        ("kv::exists", MAX_KV_KEY_BYTES, vec![], vec![]),
        ("kv::del", MAX_KV_KEY_BYTES, vec![], vec![]),
        ("kv::set", MAX_KV_KEY_BYTES, vec![], vec![Value::None]),
    ] {
        for (length, fits) in [(max, true), (max + 1, false), (8 << 20, false)] {
            let mut args = before.clone();
            args.push(text(&"\n".repeat(length)));
            args.extend(after.clone());
            let context = Recorder::new();
            let result = runtime.call(function, args, context.clone()).await;
            let reached = !context.calls().is_empty();
            if let Err(error) = result {
                let error = error.to_string();
                assert!(error.len() <= MAX_ERROR_BYTES, "{function}: {} bytes", error.len());
                assert!(fits || error.contains(&format!("{length} bytes")), "{function}: {error}");
            } else {
                assert!(fits, "{function} with {length} bytes");
            }
            assert_eq!(reached, fits && !function.starts_with("kv"), "{function}, {length}");
        }
    }
}

#[tokio::test]
async fn errors_that_repeat_a_guest_are_bounded() {
    let runtime = shared("hostile");
    for function in ["fail", "panics"] {
        let message = text(&"\u{1b}".repeat(1 << 20));
        let error = runtime.call(function, (message,), DetachedContext::new()).await.unwrap_err();
        let length = error.to_string().len();
        assert!(length <= MAX_ERROR_BYTES, "{function}: {length} bytes");
    }
}

#[test]
fn the_error_of_a_component_with_long_names_is_bounded() {
    let name = "x".repeat(90_000);
    let package = component(&format!(r#"(import "{name}" (func))"#));
    let error = Runtime::builder(package).build().unwrap_err().to_string();
    assert!(error.len() <= MAX_ERROR_BYTES, "{} bytes", error.len());
}

#[tokio::test]
async fn an_instance_that_grew_far_is_not_kept() {
    let far = DEFAULT_MAX_IDLE_GROWTH_BYTES + (8 << 20);
    for (max_growth, bytes, kept) in [
        (None, 1 << 20, true),
        (None, far, false),
        (Some(usize::MAX), far, true),
        (Some(0), 1 << 20, false),
        (Some(0), 0, true),
    ] {
        let builder = builder("state").pool_size(1);
        let builder = match max_growth {
            Some(bytes) => builder.max_idle_growth_bytes(bytes),
            None => builder,
        };
        let runtime = builder.build().unwrap();
        runtime.call("count", (), DetachedContext::new()).await.unwrap();
        let grown = runtime.call("grow", (value(bytes as i64),), DetachedContext::new()).await;
        assert_eq!(grown.unwrap(), value(bytes as i64));
        let case = format!("{max_growth:?}, {bytes} bytes");
        assert_eq!(runtime.usage().instances.current, usize::from(kept), "{case}");
        let count = runtime.call("count", (), DetachedContext::new()).await.unwrap();
        assert_eq!(count, value(if kept { 2_i64 } else { 1 }), "{case}");
    }
}

#[tokio::test]
async fn a_write_pays_for_a_bounded_number_of_expired_entries() {
    use surrealism_runtime::limits::{KV_EXPIRED_PER_STEP, KvLimits};
    use surrealism_runtime::{BTreeMapStore, KVStore};

    const EXPIRED: usize = 4 * KV_EXPIRED_PER_STEP;
    let limits = KvLimits { max_entries: Some(EXPIRED), ..KvLimits::default() };
    let expired = async || {
        let store = BTreeMapStore::bounded(limits);
        for key in 0..EXPIRED {
            let ttl = Duration::from_millis(1);
            store.set_with_ttl(key.to_string(), Value::None, ttl).await.unwrap();
        }
        store
    };
    let size = |store: &BTreeMapStore| store.size().entries;

    // Entries expire while others are set, so what is left after that is counted from here.
    let store = expired().await;
    tokio::time::sleep(Duration::from_millis(5)).await;
    let before = size(&store);
    store.del("none".into()).await.unwrap();
    assert_eq!(size(&store), before.saturating_sub(KV_EXPIRED_PER_STEP));

    // What has expired still makes room for all that is written.
    let entries = |count: usize| (0..count).map(|n| (format!("new{n}"), n.into_value())).collect();
    let store = expired().await;
    tokio::time::sleep(Duration::from_millis(5)).await;
    store.set_batch(entries(EXPIRED)).await.unwrap();
    assert_eq!(size(&store), EXPIRED);
    store.set("one more".into(), Value::None).await.unwrap_err();
}
