//! The project beside its peers: the same functions, in turns, in one process. Prints a table.
//!
//! `surrealism-bench GUEST_ON_THE_PUBLISHED_SDK.wasm GUEST_ON_OURS.wasm`

mod bare;
mod cases;
mod measure;
mod side;

use anyhow::{Context, Result};

fn main() -> Result<()> {
    let guests: Vec<Vec<u8>> = std::env::args()
        .skip(1)
        .map(|path| std::fs::read(&path).context(path))
        .collect::<Result<_>>()?;
    let [theirs, ours] = <[Vec<u8>; 2]>::try_from(guests)
        .map_err(|_| anyhow::anyhow!("two components are needed: see the top of main.rs"))?;
    let executor =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    executor.block_on(cases::run(&theirs, &ours))
}
