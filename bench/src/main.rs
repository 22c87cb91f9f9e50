//! The project beside its peers: the same functions, in turns, in one process.

mod bare;
mod cases;
mod measure;
mod ours;
mod published;

fn main() -> anyhow::Result<()> {
    let executor = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    executor.block_on(cases::run())
}
