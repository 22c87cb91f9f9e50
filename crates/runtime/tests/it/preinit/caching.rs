//! Snapshots in the cache of compiled code, and among the runtimes of a process.

use std::fs;
use std::path::PathBuf;
use std::sync::Barrier;
use std::thread;
use std::time::Duration;

#[cfg(unix)]
use surrealism_runtime::EngineConfig;
use surrealism_runtime::usage::CodeSource::{Cache, Compiled, Shared};
use surrealism_runtime::{CodeCache, Isolation, Runtime, SurrealismPackage};

use super::fresh;
use super::guest::{CLOCK, Guest, IN_MEMORY, SPIN, keeping_number};
use crate::support::{INVOKE, MEMORY, PATIENCE, component, trusted};

/// The size of a file that records the absence of a snapshot.
const NEGATIVE_ENTRY: u64 = 4;

/// A cache with a directory of its own.
struct TestCache(tempfile::TempDir);

impl TestCache {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn load(&self, package: SurrealismPackage, isolation: Isolation, time: Duration) -> Runtime {
        let cache = CodeCache::open(self.0.path()).unwrap();
        let builder = trusted(package).isolation(isolation).code_cache(cache);
        builder.max_execution_time(time).build().unwrap()
    }

    fn load_fresh(&self, package: SurrealismPackage) -> Runtime {
        self.load(package, Isolation::Fresh, PATIENCE)
    }

    /// Its files and their sizes, the smallest first.
    fn files(&self) -> Vec<(u64, PathBuf)> {
        let entries = fs::read_dir(self.0.path()).unwrap().map(Result::unwrap);
        let mut files: Vec<_> =
            entries.map(|entry| (entry.metadata().unwrap().len(), entry.path())).collect();
        files.sort_unstable();
        files
    }

    fn has_negative_entry(&self) -> bool {
        self.files()[0].0 == NEGATIVE_ENTRY
    }
}

/// What a cache has after a module was loaded under `Fresh`.
struct Expected {
    preinitialized: bool,
    files: usize,
    negative_entry: bool,
}

fn assert_cached(package: impl Fn() -> SurrealismPackage, time: Duration, expected: Expected) {
    let Expected { preinitialized, files, negative_entry } = expected;
    let cache = TestCache::new();
    let load = |isolation| cache.load(package(), isolation, time).usage();
    for source in [Compiled, Cache, Cache] {
        let usage = load(Isolation::Fresh);
        assert_eq!((usage.code, usage.preinitialized), (source, preinitialized));
        assert_eq!(cache.files().len(), files);
        assert_eq!(cache.has_negative_entry(), negative_entry);
    }
    // `Reuse` has a file of its own, which `Fresh` shares without a snapshot.
    let reuse = load(Isolation::Reuse);
    assert_eq!(reuse.code, if preinitialized { Compiled } else { Cache });
    assert!(!reuse.preinitialized);
    assert_eq!(load(Isolation::Fresh).preinitialized, preinitialized);
}

#[test]
fn a_snapshot_is_cached() {
    let expected = Expected { preinitialized: true, files: 1, negative_entry: false };
    assert_cached(|| IN_MEMORY.package_of_its_own(1), PATIENCE, expected);
}

#[test]
fn that_a_component_is_unsupported_is_cached() {
    let expected = Expected { preinitialized: false, files: 2, negative_entry: true };
    assert_cached(|| keeping_number(CLOCK).package_of_its_own(2), PATIENCE, expected);
}

/// Another load may succeed, on a machine that is less busy.
#[test]
fn that_time_ran_out_is_not_cached() {
    let expected = Expected { preinitialized: false, files: 1, negative_entry: false };
    let endless = Guest { init: SPIN, ..IN_MEMORY };
    assert_cached(|| endless.package_of_its_own(3), Duration::from_millis(500), expected);
}

#[test]
fn a_component_without_init_needs_no_negative_entry() {
    let package = component(&format!(
        r#"(core module $m
             {MEMORY}
             (func (export "invoke") (param i32 i32 i32 i32 i32) (result i32) unreachable))
           (core instance $i (instantiate $m))
           {INVOKE}"#
    ));
    let cache = TestCache::new();
    assert!(!cache.load_fresh(package).usage().preinitialized);
    assert_eq!(cache.files().len(), 1);
    assert!(!cache.has_negative_entry());
}

#[cfg(unix)]
#[test]
fn an_unsupported_component_is_tried_again_only_when_its_entry_is_damaged() {
    use std::os::unix::fs::MetadataExt;

    let cache = TestCache::new();
    let load = || cache.load_fresh(keeping_number(CLOCK).package_of_its_own(4)).usage();
    load();
    let (size, entry) = cache.files().remove(0);
    assert_eq!(size, NEGATIVE_ENTRY);
    let intact = fs::read(&entry).unwrap();
    for (content, is_tried) in
        [(&intact[..], false), (b"", true), (b"none", true), (&intact, false)]
    {
        fs::write(&entry, content).unwrap();
        // Another attempt puts a new file in the place of the entry.
        let inode = fs::metadata(&entry).unwrap().ino();
        let usage = load();
        assert_eq!((usage.code, usage.preinitialized), (Cache, false));
        assert_eq!(fs::metadata(&entry).unwrap().ino() != inode, is_tried, "{content:?}");
        assert_eq!(fs::read(&entry).unwrap(), intact);
    }
}

#[test]
fn concurrent_loads_run_init_once() {
    const CALLERS: usize = 8;
    for (number, guest, preinitialized) in [(5, IN_MEMORY, true), (6, keeping_number(CLOCK), false)]
    {
        let barrier = Barrier::new(CALLERS);
        let load = || {
            let package = guest.package_of_its_own(number);
            barrier.wait();
            fresh(package).build().unwrap()
        };
        let runtimes: Vec<Runtime> = thread::scope(|scope| {
            let callers: Vec<_> = (0..CALLERS).map(|_| scope.spawn(load)).collect();
            callers.into_iter().map(|caller| caller.join().unwrap()).collect()
        });
        let from = |source| runtimes.iter().filter(|it| it.usage().code == source).count();
        assert_eq!((from(Compiled), from(Shared)), (1, CALLERS - 1), "guest {number}");
        assert!(runtimes.iter().all(|it| it.usage().preinitialized == preinitialized));
    }
}

#[cfg(unix)]
#[test]
fn that_the_machine_has_no_memory_is_not_cached() {
    use crate::support::{assert_child_succeeds, child_directory, start_child};

    const TEST: &str = "preinit::caching::that_the_machine_has_no_memory_is_not_cached";
    if let Some(directory) = child_directory(TEST) {
        // By itself, the engine would reserve less where so little is allowed.
        EngineConfig::new().reserve_address_space(true).install().unwrap();
        let cache = CodeCache::open(directory).unwrap();
        let runtime = fresh(IN_MEMORY.package_of_its_own(7)).code_cache(cache).build().unwrap();
        assert!(!runtime.usage().preinitialized);
        return;
    }
    let cache = TestCache::new();
    // Less address space than one memory reserves.
    assert_child_succeeds(start_child(TEST, cache.0.path(), "ulimit -v 3000000;"));
    assert!(cache.load_fresh(IN_MEMORY.package_of_its_own(7)).usage().preinitialized);
}
