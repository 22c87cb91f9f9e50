//! Times of one round.

use std::future::Future;
use std::time::{Duration, Instant};

use anyhow::Result;

/// How long a round takes at least.
const ROUND: Duration = Duration::from_millis(100);

/// Microseconds that one `call` takes.
pub async fn round(mut call: impl AsyncFnMut() -> Result<()>) -> Result<f64> {
    round_with(|| (), async |()| call().await).await
}

/// Microseconds that one `call` takes of arguments that `make` has made before.
pub async fn round_with<A>(
    mut make: impl FnMut() -> A,
    mut call: impl AsyncFnMut(A) -> Result<()>,
) -> Result<f64> {
    /// Calls between two looks at the clock; of long ones there is one, so that its arguments are as
    /// warm as those that are made once for all.
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

/// Microseconds for one call, of many by `callers` tasks at once.
pub async fn together<F>(callers: u32, call: impl Fn() -> F + Send + Clone + 'static) -> Result<f64>
where
    F: Future<Output = Result<()>> + Send + 'static,
{
    /// Calls between two looks at the clock, and before the next caller has its turn.
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
