//! An `init` whose map is seeded with random numbers of the host, and so differs between instances.

use std::collections::HashMap;
use std::hash::BuildHasher;
use std::sync::OnceLock;

use surrealism::surrealism;

static MAP: OnceLock<HashMap<i64, i64>> = OnceLock::new();

/// Fills a map.
#[surrealism(init)]
fn start() {
    MAP.get_or_init(|| (0..10).map(|number| (number, number * number)).collect());
}

/// Returns the square of a number below 10.
#[surrealism]
fn square(number: i64) -> Option<i64> {
    MAP.get()?.get(&number).copied()
}

/// Returns the hash of a constant, which depends on the map's seed.
#[surrealism]
fn seed() -> Option<i64> {
    MAP.get().map(|map| map.hasher().hash_one(0) as i64)
}

#[cfg(test)]
mod tests {
    #[test]
    fn init_seeds_the_map() {
        assert_eq!(super::seed(), None);
        super::start();
        assert_eq!((super::square(3), super::square(10)), (Some(9), None));
        assert!(super::seed().is_some());
    }
}
