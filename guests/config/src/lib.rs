//! Reads its configuration.

use std::time::Duration;

use surrealism::surrealdb_types::Value;
use surrealism::{SurrealValue, anyhow, config, surrealism};

#[derive(SurrealValue)]
struct Server {
    host: String,
    port: i64,
    tags: Vec<String>,
}

/// Returns the value of a key.
#[surrealism]
fn get(key: String) -> anyhow::Result<Value> {
    config::get(&key)
}

/// Returns the address of the service.
#[surrealism]
fn url() -> anyhow::Result<String> {
    let url: String = config::get("api_url")?;
    let retries: u8 = config::get("retries")?;
    let timeout: Duration = config::get("timeout")?;
    let note: Option<String> = config::get("note")?;
    Ok(format!("{url} {retries} {timeout:?} {note:?}"))
}

/// Returns the address of the server.
#[surrealism]
fn server() -> anyhow::Result<String> {
    let Server { host, port, tags } = config::get("server")?;
    Ok(format!("{host}:{port} {tags:?}"))
}

/// Returns the length of the key.
#[surrealism]
fn key_length() -> anyhow::Result<usize> {
    Ok(config::get::<String>("api_key")?.len())
}

/// Reads a string as a number.
#[surrealism]
fn mistyped() -> anyhow::Result<i64> {
    config::get("api_key")
}

/// Fails with the key in hand.
#[surrealism]
fn fail() -> anyhow::Result<i64> {
    anyhow::ensure!(config::get::<String>("api_key")?.is_empty(), "the service refused the key");
    Ok(0)
}

/// Traps with the key in hand.
#[surrealism]
fn trap() -> anyhow::Result<Value> {
    let key: String = config::get("api_key")?;
    if std::hint::black_box(key.len()) > 0 {
        std::process::abort();
    }
    Ok(key.into_value())
}
