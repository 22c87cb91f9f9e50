//! Tries to take more of its host than every bound allows: one attack for each.

mod files;
mod host;
mod http;
mod sockets;
mod streams;

use surrealism::{anyhow, surrealism};

/// Handles that an attack tries to hold, more than an instance may have.
const MANY: u64 = 1_000;

/// Returns `true`: the instance, or the next one, serves another call.
#[surrealism]
fn alive() -> bool {
    true
}

/// Runs an attack. What `size` and `text` mean depends on it. Returns how often it had what it asked for; one
/// that has no end returns never.
#[surrealism]
fn attack(name: String, size: usize, text: String) -> anyhow::Result<u64> {
    let (group, name) = name.split_once(": ").unwrap_or(("", &name));
    match group {
        "files" => files::attack(name, size),
        "host" => host::attack(name, size, &text),
        "http" => http::attack(name, size, &text),
        "sockets" => sockets::attack(name, size, &text),
        "streams" => streams::attack(name, size),
        _ => anyhow::bail!("no attacks of the group {group:?}"),
    }
}

/// Takes what `one` returns until it returns nothing, and never gives it back. Returns how many there were.
fn hoard<T>(mut one: impl FnMut() -> Option<T>) -> u64 {
    (0..MANY).map_while(|_| one().map(std::mem::forget)).count() as u64
}

/// Repeats `one` until it returns an error, for ever if it does not.
fn repeat<T>(mut one: impl FnMut() -> anyhow::Result<T>) -> anyhow::Result<u64> {
    loop {
        one()?;
    }
}

fn unknown(name: &str) -> anyhow::Result<u64> {
    anyhow::bail!("no attack {name:?}")
}

fn wasi_error(error: impl std::fmt::Debug) -> anyhow::Error {
    anyhow::anyhow!("{error:?}")
}
