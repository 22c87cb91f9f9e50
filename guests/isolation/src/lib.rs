//! Hides secrets in every place that an instance has, and searches for them.
//!
//! A search gets the secret reversed, and never reverses it: so it finds in memory what another call left,
//! and not its own argument.

use std::cell::RefCell;
use std::fs;
use std::io::Write;
use std::sync::Mutex;

use surrealism::{anyhow, kv, surrealism};

static SECRETS: Mutex<Vec<String>> = Mutex::new(Vec::new());

thread_local! {
    static THREAD_SECRETS: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// Stores a secret in a place.
#[surrealism]
fn hide(place: String, secret: String) -> anyhow::Result<()> {
    match place.as_str() {
        "static" => SECRETS.lock().unwrap().push(secret),
        "thread local" => THREAD_SECRETS.with_borrow_mut(|secrets| secrets.push(secret)),
        "freed heap" => drop(std::hint::black_box(secret.repeat(1_000))),
        "file" => fs::write("/secret.txt", secret)?,
        "store" => kv::set(secret, true)?,
        "output" => print!("{secret}"),
        "flushed output" => {
            print!("{secret}");
            std::io::stdout().flush()?;
        }
        "flushed output, then a trap" => {
            print!("{secret}");
            std::io::stdout().flush()?;
            trap();
        }
        "error output" => eprint!("{secret}"),
        _ => anyhow::bail!("unknown place {place:?}"),
    }
    Ok(())
}

/// Returns whether a secret, which is passed reversed, is in a place.
#[surrealism]
fn seek(place: String, reversed: String) -> anyhow::Result<bool> {
    let matches = |text: &String| text.bytes().rev().eq(reversed.bytes());
    Ok(match place.as_str() {
        "static" => SECRETS.lock().unwrap().iter().any(matches),
        "thread local" => THREAD_SECRETS.with_borrow(|secrets| secrets.iter().any(matches)),
        "freed heap" => memory::holds(reversed.as_bytes()),
        "file" => fs::read_to_string("/secret.txt").is_ok_and(|text| matches(&text)),
        "store" => kv::keys(..)?.iter().any(matches),
        _ => anyhow::bail!("unknown place {place:?}"),
    })
}

/// Returns the text of a file, if it can be read.
#[surrealism]
fn read(path: String) -> Option<String> {
    fs::read_to_string(path).ok()
}

/// Prints a line.
#[surrealism]
fn say(line: String) {
    println!("{line}");
}

/// Traps without printing anything.
#[surrealism]
fn trap() {
    std::process::abort();
}

#[cfg(target_family = "wasm")]
mod memory {
    use std::arch::wasm32::{memory_grow, memory_size};

    const PAGE: usize = 64 << 10;
    /// Pages that this instance has not used before.
    const NEW_PAGES: usize = 64;

    /// Returns whether memory, including some new pages, has a text, which is passed reversed.
    pub(crate) fn holds(reversed: &[u8]) -> bool {
        memory_grow::<0>(NEW_PAGES);
        let end = memory_size::<0>() * PAGE - reversed.len();
        (1..end).any(|start| is_at(start, reversed))
    }

    fn is_at(start: usize, reversed: &[u8]) -> bool {
        // SAFETY: these addresses are inside linear memory, where wasm may read every byte. The read is
        // volatile, since the byte may belong to any object.
        let byte = |offset| unsafe { std::ptr::read_volatile((start + offset) as *const u8) };
        reversed.iter().rev().enumerate().all(|(offset, expected)| byte(offset) == *expected)
    }
}

#[cfg(not(target_family = "wasm"))]
mod memory {
    pub(crate) fn holds(_: &[u8]) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_is_hidden_is_found() {
        for place in ["static", "thread local"] {
            super::hide(place.to_string(), "abc".to_string()).unwrap();
            assert!(super::seek(place.to_string(), "cba".to_string()).unwrap());
            assert!(!super::seek(place.to_string(), "abc".to_string()).unwrap());
        }
    }
}
