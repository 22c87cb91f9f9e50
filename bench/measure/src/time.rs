//! Times of one round.

use std::future::Future;
use std::time::{Duration, Instant};

use anyhow::Result;

/// The least duration of a round.
const ROUND: Duration = Duration::from_millis(100);

/// Returns the microseconds of one `call`.
pub async fn round(mut call: impl AsyncFnMut() -> Result<()>) -> Result<f64> {
    round_with(|| (), async |()| call().await).await
}

/// Returns the microseconds of one `call`, without those of `make`, which makes its arguments.
pub async fn round_with<A>(
    mut make: impl FnMut() -> A,
    mut call: impl AsyncFnMut(A) -> Result<()>,
) -> Result<f64> {
    /// Calls between two readings of the clock. Long calls are timed one by one, so that their arguments
    /// are still in the processor's caches.
    const CALLS: u32 = 64;
    const LONG: Duration = Duration::from_micros(20);

    let (mut calls, mut took, mut batch) = (0, Duration::ZERO, 1);
    while took < ROUND {
        let arguments: Vec<A> = (0..batch).map(|_| make()).collect();
        let start = Instant::now();
        for arguments in arguments {
            call(arguments).await?;
        }
        took += start.elapsed();
        calls += batch;
        batch = if took / calls < LONG { CALLS } else { 1 };
    }
    Ok(took.as_secs_f64() * 1e6 / f64::from(calls))
}

/// Returns the microseconds per call, of many by `callers` tasks at once.
pub async fn concurrently<F>(
    callers: u32,
    call: impl Fn() -> F + Send + Clone + 'static,
) -> Result<f64>
where
    F: Future<Output = Result<()>> + Send + 'static,
{
    /// Calls between two readings of the clock, and before a task yields to the next.
    const CALLS: u32 = 32;

    let start = Instant::now();
    let tasks: Vec<_> = (0..callers)
        .map(|_| {
            let call = call.clone();
            tokio::spawn(async move {
                let mut calls = 0;
                while start.elapsed() < 2 * ROUND {
                    for _ in 0..CALLS {
                        call().await?;
                    }
                    calls += CALLS;
                    tokio::task::yield_now().await;
                }
                anyhow::Ok(calls)
            })
        })
        .collect();
    let mut calls = 0;
    for task in tasks {
        calls += task.await??;
    }
    Ok(start.elapsed().as_secs_f64() * 1e6 / f64::from(calls))
}
