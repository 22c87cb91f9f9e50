//! Times of one round.

use std::future::Future;
use std::time::{Duration, Instant};

use anyhow::Result;

/// How long a round takes at least.
const ROUND: Duration = Duration::from_millis(100);

/// Microseconds that one `call` takes.
pub async fn round(mut call: impl AsyncFnMut() -> Result<()>) -> Result<f64> {
    let mut times = 1_u32;
    loop {
        let start = Instant::now();
        for _ in 0..times {
            call().await?;
        }
        let took = start.elapsed();
        if took >= ROUND {
            return Ok(took.as_secs_f64() * 1e6 / f64::from(times));
        }
        times = times.saturating_mul(2);
    }
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
