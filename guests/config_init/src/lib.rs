//! Reads its configuration in `init`.

use std::sync::OnceLock;

use surrealism::{anyhow, config, surrealism};

static KEY: OnceLock<String> = OnceLock::new();

/// Keeps the key.
#[surrealism(init)]
fn start() -> anyhow::Result<()> {
    let key = config::get("key")?;
    KEY.get_or_init(|| key);
    Ok(())
}

/// Returns the key that `init` read.
#[surrealism]
fn key() -> String {
    KEY.get().cloned().unwrap_or_default()
}
