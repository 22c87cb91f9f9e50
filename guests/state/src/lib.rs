//! What an instance keeps between calls.

use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, Ordering};

use sdk::surrealism;

static CALLS: AtomicI64 = AtomicI64::new(0);
static INITS: AtomicI64 = AtomicI64::new(0);
static HOARD: Mutex<Vec<Vec<u8>>> = Mutex::new(Vec::new());

/// Counts the times it runs, and prints.
#[surrealism(init)]
fn start() {
    INITS.fetch_add(1, Ordering::Relaxed);
    println!("init");
}

/// How often `init` ran in this instance.
#[surrealism]
fn inits() -> i64 {
    INITS.load(Ordering::Relaxed)
}

/// How often this was called in this instance, with this call.
#[surrealism]
fn count() -> i64 {
    CALLS.fetch_add(1, Ordering::Relaxed) + 1
}

/// Keeps so many bytes more, all of them touched; answers how many it keeps by now.
#[surrealism]
fn grow(bytes: usize) -> usize {
    let mut hoard = HOARD.lock().unwrap();
    hoard.push(vec![1; bytes]);
    hoard.iter().map(Vec::len).sum()
}

/// Lets go of what `grow` keeps.
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
