//! Fills a table with first sentences and enriches it through the plugin `examples/text`.
//!
//! `cargo run -p enrich -- text.surli ws://127.0.0.1:8000`. Without an address, and with the feature
//! `embedded`, the database is in memory.

use std::env;
use std::sync::Arc;

use anyhow::{Context, Result};
use surrealism_runtime::{Grants, Runtime, SurrealismPackage};
use surrealism_surrealdb::{Credentials, Database};

#[tokio::main]
async fn main() -> Result<()> {
    let mut args = env::args().skip(1);
    let archive = args.next().context("usage: enrich ARCHIVE [ADDRESS]")?;
    let address = args.next().unwrap_or_else(|| "mem://".to_string());

    let package = SurrealismPackage::from_file(archive.into())?;
    let grants = Grants::none().key_value();
    let text = Arc::new(Runtime::builder(package).grants(grants).build_async().await?);
    let database = connect(&address).await?;

    enrich::fill(&database).await?;
    println!("{} records enriched", enrich::enrich(&database, &text).await?);
    for language in enrich::languages(&database).await? {
        println!("{:4} {}", language.texts, language.name.as_deref().unwrap_or("(unknown)"));
    }
    Ok(())
}

/// Connects, with the user and the password of the command's environment variables if they are set.
async fn connect(address: &str) -> Result<Database> {
    let connect = Database::connect(address).namespace("examples").database("enrich");
    let connect = match (env::var("SURREALISM_DB_USER"), env::var("SURREALISM_DB_PASS")) {
        (Ok(user), Ok(pass)) => connect.credentials(Credentials::root(user, pass)),
        _ => connect,
    };
    Ok(connect.await?)
}
