//! Batches: their order, errors, limits and deadline.

use std::time::Duration;

use surrealism_runtime::limits::{COLUMN_BYTES_PER_CALL, ROWS_PER_COLUMN_CALL};
use surrealism_runtime::{DetachedContext, ErrorKind, Isolation};

use crate::support::{Recorder, assert_error_contains, builder, shared};

#[tokio::test]
async fn a_row_has_the_result_of_a_call() {
    let runtime = shared("columns");
    let context = DetachedContext::new;
    let half = runtime.function::<(i64,), i64>("half").unwrap();
    for rows in [0, 1, 2, ROWS_PER_COLUMN_CALL, 2 * ROWS_PER_COLUMN_CALL + 7] {
        let numbers: Vec<i64> = (0..rows as i64).collect();
        let batch = half.call_columns((&numbers,), context()).await.unwrap();
        assert_eq!((batch.len(), batch.is_empty()), (rows, rows == 0));
        assert_eq!(batch.errors().len(), rows / 2);
        for (number, result) in numbers.iter().zip(batch.iter()) {
            match result {
                Ok(half) => assert_eq!(half * 2, *number),
                Err(error) => assert_eq!(error.to_string(), format!("{number} is odd")),
            }
        }
        assert_eq!(batch.iter().count(), rows);
        let owned: Vec<_> = batch.into_results().map(Result::ok).collect();
        let expected: Vec<_> = numbers.iter().map(|n| (n % 2 == 0).then_some(n / 2)).collect();
        assert_eq!(owned, expected);
    }
    let batch = half.call_columns((&[2, 3, 4, 5],), context()).await.unwrap();
    let (row, error) = batch.into_values().unwrap_err();
    assert_eq!((row, error.to_string().as_str()), (1, "3 is odd"));
}

#[tokio::test]
async fn columns_of_texts_are_slices_of_either_text() {
    let length = shared("columns").function::<(String,), i64>("length").unwrap();
    let context = DetachedContext::new;
    let texts = ["", "Ada", "grüße"];
    let owned = texts.map(str::to_string);
    for batch in [
        length.call_columns((&texts,), context()).await,
        length.call_columns((&owned,), context()).await,
        length.call_columns((texts.as_slice(),), context()).await,
        length.call_columns((&owned.to_vec(),), context()).await,
    ] {
        assert_eq!(batch.unwrap().into_values().unwrap(), [0, 3, 7]);
    }
    // Parts of more than a guest call takes, and a row that alone is more than that.
    let large: Vec<String> = (0..40)
        .map(|row| "x".repeat(if row == 20 { 3 * COLUMN_BYTES_PER_CALL } else { 50_000 + row }))
        .collect();
    let lengths = length.call_columns((&large,), context()).await.unwrap().into_values().unwrap();
    assert_eq!(lengths, large.iter().map(|text| text.len() as i64).collect::<Vec<_>>());
}

#[tokio::test]
async fn columns_of_different_lengths_are_refused() {
    let runtime = shared("attribute_matrix");
    let add = runtime.function::<(i64, i64), i64>("math::add").unwrap();
    let sums = add.call_columns((&[1, 2], &vec![10, 20]), DetachedContext::new()).await.unwrap();
    assert_eq!(sums.into_values().unwrap(), [11, 22]);
    let error = add.call_columns((&[1, 2], &[1, 2, 3]), DetachedContext::new()).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::UnencodableArguments), "{error:?}");
    assert_error_contains(&error, &["the first has 2 rows, and column 2 has 3"]);
}

#[tokio::test]
async fn what_fails_a_call_fails_all_rows() {
    let runtime = builder("columns").pool_size(1).build().unwrap();
    let trap = runtime.function::<(i64,), i64>("trap").unwrap();
    let lost = runtime.usage().lost;
    let error = trap.call_columns((&[1, -1, 2],), Recorder::new()).await.unwrap_err();
    assert!(error.is_trap(), "{error:?}");
    assert_error_contains(&error, &["function `trap` of", "invoke-columns at 0x"]);
    assert_eq!(runtime.usage().lost, lost + 1);

    let beyond = runtime.function::<(u64,), u64>("beyond").unwrap();
    let error = beyond.call_columns((&[0, u64::MAX],), Recorder::new()).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::UnencodableArguments), "{error:?}");
    let batch = beyond.call_columns((&[0, 1],), Recorder::new()).await.unwrap();
    assert_eq!(batch.errors().len(), 1);
}

#[tokio::test]
async fn the_deadline_ends_a_batch_in_the_middle() {
    let runtime = builder("columns").pool_size(1).build().unwrap();
    let spin = runtime.function::<(i64,), i64>("spin").unwrap();
    let mut numbers = vec![0; 3 * ROWS_PER_COLUMN_CALL];
    // In the middle of a guest call, and of the batch.
    numbers[ROWS_PER_COLUMN_CALL + 100] = -1;
    let limit = Duration::from_millis(100);
    let error = spin.call_columns((&numbers,), Recorder::new()).timeout(limit).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::TimedOut { limit: Some(of), .. } if *of == limit));

    // No row takes long, and all together do: whichever guest call the deadline finds, it ends the batch.
    let many = vec![0; 100_000_000];
    let limit = Duration::from_millis(20);
    let error = spin.call_columns((&many,), Recorder::new()).timeout(limit).await.unwrap_err();
    assert!(error.is_timeout(), "{error:?}");

    // The executor gets its turn while a batch runs, so that the caller can give up.
    let batch = spin.call_columns((&many,), Recorder::new()).into_future();
    tokio::time::timeout(limit, batch).await.expect_err("it was cancelled");
    let (result, stats) = spin.call_columns((&[1, 2],), Recorder::new()).with_stats().await;
    assert_eq!(result.unwrap().into_values().unwrap(), [1, 2]);
    assert!(stats.fresh && stats.ran > Duration::ZERO, "{stats:?}");
}

#[tokio::test]
async fn all_rows_share_an_instance_and_a_context() {
    for isolation in [Isolation::Reuse, Isolation::Fresh] {
        let runtime = builder("columns").isolation(isolation).pool_size(1).build().unwrap();
        let count = runtime.function::<(String,), i64>("count").unwrap();
        let context = Recorder::new();
        let counts = count.call_columns((&["a", "b", "c"],), context.clone()).await.unwrap();
        assert_eq!(counts.into_values().unwrap(), [1, 2, 3], "{isolation:?}");
        assert_eq!(context.stdout(), ["a", "b", "c"]);
    }
}

#[tokio::test]
async fn results_take_no_more_memory_on_the_host_than_the_module_may() {
    let runtime = builder("columns").max_memory_bytes(16 << 20).build().unwrap();
    let echo = runtime.function::<(String,), String>("string_plain").unwrap();
    let texts = vec!["x".repeat(1 << 20); 20];
    let error = echo.call_columns((&texts,), DetachedContext::new()).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::InvalidResult), "{error:?}");
    let few = echo.call_columns((&texts[..10],), DetachedContext::new()).await.unwrap();
    assert_eq!(few.len(), 10);
}
