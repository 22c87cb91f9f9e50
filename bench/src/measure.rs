//! Times, taken in turns: the least of some rounds, as the machine's other work only ever adds.

use std::future::Future;
use std::time::{Duration, Instant};

pub(crate) const ROUNDS: usize = 5;

/// How long one round of one side may take, about.
const ROUND: Duration = Duration::from_millis(150);

/// Microseconds for one of `n` repetitions.
pub(crate) async fn round<F: Future<Output = anyhow::Result<()>>>(
    mut call: impl FnMut() -> F,
) -> anyhow::Result<f64> {
    let mut n = 1_u32;
    loop {
        let start = Instant::now();
        for _ in 0..n {
            call().await?;
        }
        let took = start.elapsed();
        if took >= ROUND / 2 {
            return Ok(took.as_secs_f64() * 1e6 / f64::from(n));
        }
        n = n.saturating_mul(2);
    }
}
