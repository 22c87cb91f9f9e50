//! Functions with Rust types: calls of one row and of many, as columns and by the published interface.

mod columns;
mod messages;
mod types;

use std::time::Duration;

use surrealism_runtime::record::Recorder as Recordings;
use surrealism_runtime::{DetachedContext, ErrorKind, Isolation};

use crate::support::{AMPLE, Recorder, assert_error_contains, builder, shared};

#[tokio::test]
async fn a_function_has_a_name_or_none_and_any_number_of_arguments() {
    let runtime = shared("columns");
    let context = DetachedContext::new;
    let can_drive = runtime.function::<(i64,), bool>("can_drive").unwrap();
    assert!(!can_drive.call((17,), context()).await.unwrap());
    assert!(can_drive.clone().call((18,), context()).await.unwrap());

    let greet = runtime.function::<(String,), String>(None).unwrap();
    assert_eq!(greet.call(("Ada".to_string(),), context()).await.unwrap(), "hello Ada");

    let nothing = runtime.function::<(), ()>("nothing").unwrap();
    nothing.call((), context()).await.unwrap();

    let later = runtime.function::<(i64,), i64>("later").unwrap();
    assert_eq!(later.call((7,), context()).await.unwrap(), 7);

    type Args = (bool, i8, Option<u16>, f32, String, Vec<i64>, f64);
    let describe = runtime.function::<Args, String>("describe").unwrap();
    let args: Args = (true, -1, None, 0.5, "x".repeat(3), vec![1, -2], -0.0);
    let described = describe.call(args, context()).await.unwrap();
    assert_eq!(described, "true -1 None 0.5 xxx [1, -2] -0");

    let sum = shared("attribute_matrix");
    let args = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10);
    type Ten = (i64, i64, i64, i64, i64, i64, i64, i64, i64, i64);
    let sum = sum.function::<Ten, i64>("sum::of_10").unwrap();
    assert_eq!(sum.call(args, context()).await.unwrap(), 55);
}

#[tokio::test]
async fn a_text_of_any_length_crosses() {
    let greet = shared("columns").function::<(String,), String>(None).unwrap();
    let lengths = (0..80).chain([1_000, 1 << 20]);
    for length in lengths {
        let text = "é".repeat(length);
        let greeting = greet.call((text.clone(),), DetachedContext::new()).await.unwrap();
        assert!(greeting == format!("hello {text}"), "{length}");
    }
}

#[tokio::test]
async fn a_function_outlives_its_runtime() {
    let can_drive = {
        let runtime = builder("columns").build().unwrap();
        runtime.function::<(i64,), bool>("can_drive").unwrap()
    };
    assert!(can_drive.call((18,), DetachedContext::new()).await.unwrap());
}

#[tokio::test]
async fn errors_are_those_of_a_call() {
    let runtime = builder("columns").pool_size(1).build().unwrap();
    let context = Recorder::new;
    let half = runtime.function::<(i64,), i64>("half").unwrap();
    let typed = half.call((3,), context()).await.unwrap_err();
    let called = runtime.call("half", (3_i64,), context()).await.unwrap_err();
    assert_eq!(typed.to_string(), called.to_string());
    assert!(matches!(typed.kind(), ErrorKind::Guest { text } if text == "3 is odd"), "{typed:?}");
    assert_eq!(half.call((4,), context()).await.unwrap(), 2);

    let beyond = runtime.function::<(u64,), u64>("beyond").unwrap();
    assert_eq!(beyond.call((0,), context()).await.unwrap(), i64::MAX as u64);
    let typed = beyond.call((1,), context()).await.unwrap_err();
    let called = runtime.call("beyond", (1_u64,), context()).await.unwrap_err();
    assert_eq!(typed.to_string(), called.to_string());
    let error = beyond.call((u64::MAX,), context()).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::UnencodableArguments), "{error:?}");

    let query = runtime.function::<(String,), i64>("query").unwrap();
    assert_eq!(query.call(("ok".to_string(),), context()).await.unwrap(), 1);
    for text in ["fail", "break"] {
        let typed = query.call((text.to_string(),), context()).await.unwrap_err();
        let called = runtime.call("query", (text.to_string(),), context()).await.unwrap_err();
        assert_eq!(format!("{typed:?}"), format!("{called:?}"));
    }
    let error = query.call(("ok".to_string(),), DetachedContext::new()).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Denied(_)), "{error:?}");

    let trap = runtime.function::<(i64,), i64>("trap").unwrap();
    let lost = runtime.usage().lost;
    let error = trap.call((-1,), context()).await.unwrap_err();
    assert!(error.is_trap(), "{error:?}");
    // The call crossed as a row of columns.
    assert_error_contains(&error, &["function `trap` of", "invoke-row at 0x"]);
    assert_eq!(runtime.usage().lost, lost + 1);
    assert_eq!(trap.call((1,), context()).await.unwrap(), 1);
}

#[tokio::test]
async fn a_call_is_limited_cancelled_and_measured_as_any_other() {
    let runtime = builder("columns").pool_size(1).build().unwrap();
    let spin = runtime.function::<(i64,), i64>("spin").unwrap();
    let context = Recorder::new;
    for _ in 0..2 {
        let error =
            spin.call((-1,), context()).timeout(Duration::from_millis(50)).await.unwrap_err();
        assert!(error.is_timeout() && !error.is_retryable(), "{error:?}");
    }
    let lost = runtime.usage().lost;
    let cancelled =
        tokio::time::timeout(Duration::from_millis(50), spin.call((-1,), context()).into_future());
    cancelled.await.unwrap_err();
    assert_eq!(runtime.usage().lost, lost + 1);

    let held = runtime.acquire_controller(context().boxed()).await.unwrap();
    let waiting = spin.call((1,), context()).max_wait(Duration::from_millis(5)).await;
    assert!(waiting.unwrap_err().is_busy());
    runtime.release_controller(held);

    let (result, stats) = spin.call((1,), context()).with_stats().await;
    assert_eq!(result.unwrap(), 1);
    assert!(stats.memory_bytes > 0 && stats.ran > Duration::ZERO, "{stats:?}");
    let query = runtime.function::<(String,), i64>("query").unwrap();
    let (_, stats) = query.call(("ok".to_string(),), context()).with_stats().await;
    assert!(stats.in_host > Duration::ZERO, "{stats:?}");

    let context = context();
    let waits = query.call(("wait".to_string(),), context.clone()).timeout(AMPLE);
    let cancel = async {
        context.called(1).await;
        runtime.drain(Duration::ZERO).await
    };
    tokio::select! {
        _ = waits.into_future() => panic!("the query never ends"),
        left = cancel => assert_eq!(left, 1),
    }
    assert_eq!(context.cancelled(), 1);
}

#[tokio::test]
async fn isolation_and_output_are_those_of_a_call() {
    for (isolation, expected) in [(Isolation::Reuse, [1, 2, 3]), (Isolation::Fresh, [1, 1, 1])] {
        let runtime = builder("columns").isolation(isolation).pool_size(1).build().unwrap();
        let count = runtime.function::<(String,), i64>("count").unwrap();
        for expected in expected {
            let context = Recorder::new();
            let counted = count.call(("printed".to_string(),), context.clone()).await.unwrap();
            assert_eq!(counted, expected, "{isolation:?}");
            assert_eq!(context.stdout(), ["printed"]);
        }
    }
}

#[tokio::test]
async fn a_recorder_records_a_typed_call_as_any_other() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let recorder = Recordings::new(file.reopen().unwrap());
    let runtime = builder("columns").recorder(recorder.clone()).build().unwrap();
    let can_drive = runtime.function::<(i64,), bool>("can_drive").unwrap();
    assert!(can_drive.call((20,), DetachedContext::new()).await.unwrap());
    runtime.call("can_drive", (20_i64,), DetachedContext::new()).await.unwrap();
    recorder.flush().unwrap();
    let lines = std::fs::read_to_string(file.path()).unwrap();
    let (typed, called) = (lines.lines().nth(1).unwrap(), lines.lines().nth(2).unwrap());
    for line in [typed, called] {
        assert!(line.contains("can_drive") && line.contains("20"), "{line}");
    }
}
