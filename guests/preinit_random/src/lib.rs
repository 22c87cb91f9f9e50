//! An init whose map is seeded by the host's random numbers, and so differs from instance to instance.

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

/// The square of a small number.
#[surrealism]
fn square(number: i64) -> Option<i64> {
    MAP.get()?.get(&number).copied()
}

/// What the map's seeds make of a constant.
#[surrealism]
fn seed() -> Option<i64> {
    MAP.get().map(|map| map.hasher().hash_one(0) as i64)
}

#[cfg(test)]
mod tests {
    #[test]
    fn seeds() {
        assert_eq!(super::seed(), None);
        super::start();
        assert_eq!((super::square(3), super::square(10)), (Some(9), None));
        assert!(super::seed().is_some());
    }
}
