//! The state that an instance keeps between calls.

use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, Ordering};

// The attribute refers to the SDK by this name.
extern crate sdk as surrealism;

use sdk::surrealism;

static CALLS: AtomicI64 = AtomicI64::new(0);
static INITS: AtomicI64 = AtomicI64::new(0);
static HOARD: Mutex<Vec<Vec<u8>>> = Mutex::new(Vec::new());

/// Counts how often it runs, and prints.
#[surrealism(init)]
fn start() {
    INITS.fetch_add(1, Ordering::Relaxed);
    println!("init");
}

/// Returns how often `init` ran in this instance.
#[surrealism]
fn inits() -> i64 {
    INITS.load(Ordering::Relaxed)
}

/// Returns how often this function was called in this instance, including this call.
#[surrealism]
fn count() -> i64 {
    CALLS.fetch_add(1, Ordering::Relaxed) + 1
}

/// Allocates, writes and keeps `bytes` more bytes. Returns how many it keeps in all.
#[surrealism]
fn grow(bytes: usize) -> usize {
    let mut hoard = HOARD.lock().unwrap();
    hoard.push(vec![1; bytes]);
    hoard.iter().map(Vec::len).sum()
}

/// Frees what `grow` keeps.
#[surrealism]
fn shrink() {
    HOARD.lock().unwrap().clear();
}

#[cfg(test)]
mod tests {
    #[test]
    fn counts_and_grows() {
        assert_eq!((super::count(), super::count()), (1, 2));
        assert_eq!((super::grow(10), super::grow(5)), (10, 15));
    }
}
