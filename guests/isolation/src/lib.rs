//! Hides secrets, and looks for them.
//!
//! Who looks is told the secret backwards, and nothing here turns it round: a search of all memory
//! finds what another call left, never its own question.

use std::cell::RefCell;
use std::fs;
use std::io::Write;
use std::sync::Mutex;

use surrealism::{anyhow, kv, surrealism};

static KEPT: Mutex<Vec<String>> = Mutex::new(Vec::new());

thread_local! {
    static KEPT_BY_THREAD: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// Hides a secret in a place.
#[surrealism]
fn hide(place: String, secret: String) -> anyhow::Result<()> {
    match place.as_str() {
        "static" => KEPT.lock().unwrap().push(secret),
        "thread local" => KEPT_BY_THREAD.with_borrow_mut(|kept| kept.push(secret)),
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
        _ => anyhow::bail!("there is no place {place:?}"),
    }
    Ok(())
}

/// Whether a secret, given backwards, is in a place.
#[surrealism]
fn seek(place: String, backwards: String) -> anyhow::Result<bool> {
    let is_it = |text: &String| text.bytes().rev().eq(backwards.bytes());
    Ok(match place.as_str() {
        "static" => KEPT.lock().unwrap().iter().any(is_it),
        "thread local" => KEPT_BY_THREAD.with_borrow(|kept| kept.iter().any(is_it)),
        "freed heap" => memory::holds(backwards.as_bytes()),
        "file" => fs::read_to_string("/secret.txt").is_ok_and(|text| is_it(&text)),
        "store" => kv::keys(..)?.iter().any(is_it),
        _ => anyhow::bail!("there is no place {place:?}"),
    })
}

/// The text of a file, if it can be had.
#[surrealism]
fn read(path: String) -> Option<String> {
    fs::read_to_string(path).ok()
}

/// Prints a line.
#[surrealism]
fn say(line: String) {
    println!("{line}");
}

/// Traps, without a word.
#[surrealism]
fn trap() {
    std::process::abort();
}

#[cfg(target_family = "wasm")]
mod memory {
    use std::arch::wasm32::{memory_grow, memory_size};

    const PAGE: usize = 64 << 10;
    /// Never used before, unless by another instance.
    const NEW_PAGES: usize = 64;

    /// Whether all of memory, some new pages included, has a text that is given backwards.
    pub(crate) fn holds(backwards: &[u8]) -> bool {
        memory_grow::<0>(NEW_PAGES);
        let end = memory_size::<0>() * PAGE - backwards.len();
        (1..end).any(|start| is_at(start, backwards))
    }

    fn is_at(start: usize, backwards: &[u8]) -> bool {
        // SAFETY: `start` and what follows are below the end of linear memory, any byte of which
        // may be read in wasm; volatile, since it may belong to anything.
        let byte = |offset| unsafe { std::ptr::read_volatile((start + offset) as *const u8) };
        backwards.iter().rev().enumerate().all(|(offset, expected)| byte(offset) == *expected)
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
