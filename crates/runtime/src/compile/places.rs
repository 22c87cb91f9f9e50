//! The places of the process's pool, shared by its modules.
//!
//! A module may hold as many places as it leaves free: half of the pool when it is alone, half of the rest
//! when there is another. So no module takes the pool from the others. Instances that get no place are
//! allocated on demand.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The number of places of the pool, and of those in use.
#[derive(Debug, Default)]
pub(crate) struct Places {
    total: usize,
    used: AtomicUsize,
}

/// The number of places that the instances of one module hold.
pub(crate) type ModulePlaces = Arc<AtomicUsize>;

impl Places {
    pub(super) fn new(total: usize) -> Self {
        Self { total, used: AtomicUsize::new(0) }
    }

    /// Takes a place for an instance of a module; `None` when the module's share is used up.
    pub(crate) fn take(&'static self, module: &ModulePlaces) -> Option<Place> {
        // Counted first, so that concurrent callers cannot exceed the share together.
        let place = Place { places: self, module: module.clone() };
        let used = self.used.fetch_add(1, Ordering::Relaxed) + 1;
        let held = module.fetch_add(1, Ordering::Relaxed) + 1;
        (held <= (self.total + 1).saturating_sub(used)).then_some(place)
    }
}

/// A place of the pool, given back on drop.
#[derive(Debug)]
pub(crate) struct Place {
    places: &'static Places,
    module: ModulePlaces,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.places.used.fetch_sub(1, Ordering::Relaxed);
        self.module.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_module_gets_half_of_what_the_others_left() {
        let places: &Places = Box::leak(Box::new(Places::new(64)));
        let modules: Vec<ModulePlaces> = (0..3).map(|_| ModulePlaces::default()).collect();
        let take_all = |module| std::iter::from_fn(|| places.take(module)).collect::<Vec<_>>();
        let held: Vec<Vec<Place>> = modules.iter().map(take_all).collect();
        assert_eq!(held.iter().map(Vec::len).collect::<Vec<_>>(), [32, 16, 8]);

        drop(held);
        assert_eq!(places.used.load(Ordering::Relaxed), 0);
        assert_eq!(take_all(&modules[0]).len(), 32);
    }

    #[test]
    fn small_pools_have_a_place_and_none_has_none() {
        for (total, share) in [(0, 0), (1, 1), (2, 1), (3, 2)] {
            let places: &Places = Box::leak(Box::new(Places::new(total)));
            let module = ModulePlaces::default();
            let held: Vec<Place> = std::iter::from_fn(|| places.take(&module)).collect();
            assert_eq!(held.len(), share, "{total}");
        }
    }
}
