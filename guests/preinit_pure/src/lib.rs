//! A slow `init` that calls nothing of the host, so that an instance can be pre-initialized.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, OnceLock};

use surrealism::surrealism;

const LIMIT: usize = 2_000_000;

static INITS: AtomicI64 = AtomicI64::new(0);
static PRIMES: OnceLock<Vec<u32>> = OnceLock::new();
static NAMES: Mutex<BTreeMap<String, i64>> = Mutex::new(BTreeMap::new());

/// Fills a table, a map and a counter.
#[surrealism(init)]
fn start() {
    INITS.fetch_add(1, Ordering::Relaxed);
    PRIMES.get_or_init(primes);
    NAMES.lock().unwrap().insert("init".to_string(), 1);
}

fn primes() -> Vec<u32> {
    let mut composite = vec![false; LIMIT];
    let mut primes = Vec::new();
    for n in 2..LIMIT {
        if !composite[n] {
            primes.push(n as u32);
            (2 * n..LIMIT).step_by(n).for_each(|multiple| composite[multiple] = true);
        }
    }
    primes
}

/// Returns how often `init` ran in this instance.
#[surrealism]
fn inits() -> i64 {
    INITS.load(Ordering::Relaxed)
}

/// Returns the prime with this index, counted from 0.
#[surrealism]
fn prime(number: usize) -> Option<i64> {
    PRIMES.get()?.get(number).copied().map(i64::from)
}

/// Adds a name to those of `init`, and returns all of them.
#[surrealism]
fn name(name: String) -> Vec<String> {
    let mut names = NAMES.lock().unwrap();
    names.insert(name, 2);
    names.keys().cloned().collect()
}

/// Traps inside a nested function.
#[surrealism]
fn trap() {
    deep_in_the_guest(std::hint::black_box(0));
}

#[inline(never)]
fn deep_in_the_guest(depth: i64) {
    if std::hint::black_box(depth) == 0 {
        std::process::abort();
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn init_prepares_the_instance() {
        assert_eq!(super::prime(0), None);
        super::start();
        assert_eq!((super::inits(), super::prime(0), super::prime(5)), (1, Some(2), Some(13)));
        assert_eq!(super::name("a".to_string()), ["a", "init"]);
    }
}
