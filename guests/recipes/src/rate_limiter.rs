use std::time::Duration;

use surrealism::{anyhow, kv, surrealism};

const LIMIT: i64 = 3;
const WINDOW: Duration = Duration::from_secs(60);

/// Returns whether a client may go on: a few calls in each minute.
#[surrealism]
fn allow(client: String) -> anyhow::Result<bool> {
    let calls = kv::increment_with_ttl(format!("calls/{client}"), 1, WINDOW)?;
    Ok(calls <= LIMIT)
}
