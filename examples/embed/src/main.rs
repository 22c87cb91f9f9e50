//! The smallest host: loads an archive, calls a function and prints its result.
//!
//! `cargo run -p embed -- ARCHIVE FUNCTION TEXT`, such as `text.surli slug 'Grüße aus Köln'`.

use std::time::Duration;

use anyhow::{Context, Result};
use surrealism_runtime::{DetachedContext, Grants, Runtime, SurrealismPackage};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let mut args = std::env::args().skip(1);
    let mut next = || args.next().context("usage: embed ARCHIVE FUNCTION TEXT");
    let (archive, function, text) = (next()?, next()?, next()?);

    let package = SurrealismPackage::from_file(archive.into())?;
    let runtime = Runtime::builder(package).grants(Grants::none().key_value()).build()?;

    let context =
        DetachedContext::new().kv(runtime.kv_store().clone()).output(|line| eprintln!("{line}"));
    let value =
        runtime.call(function.as_str(), (text,), context).timeout(Duration::from_secs(1)).await?;
    println!("{value:?}");
    Ok(())
}
