//! An expired key behaves like one that does not exist.

use std::ops::Bound::Unbounded;
use std::thread::sleep;
use std::time::{Duration, Instant};

use surrealism_runtime::limits::{KV_EXPIRED_PER_STEP, KvLimits, MAX_KV_TTL};

use crate::support::{Stores, assert_error_contains, int, text};

const SHORT: Duration = Duration::from_millis(30);
const LONG: Duration = Duration::from_secs(60);

pub(crate) fn expired_keys_do_not_exist(stores: &Stores) {
    let store = stores.store(KvLimits::default());
    stores.wait(store.set("b".into(), int(1))).unwrap();
    for key in ["a", "c"] {
        stores.wait(store.set_with_ttl(key.into(), int(7), LONG)).unwrap();
        assert_eq!(stores.wait(store.get(key.into())).unwrap(), Some(int(7)));
        stores.wait(store.set_with_ttl(key.into(), int(7), SHORT)).unwrap();
    }
    sleep(2 * SHORT);
    for key in ["a", "c"] {
        assert_eq!(stores.wait(store.get(key.into())).unwrap(), None);
        assert!(!stores.wait(store.exists(key.into())).unwrap());
        assert_eq!(stores.wait(store.ttl(key.into())).unwrap(), None);
        assert!(!stores.wait(store.set_ttl(key.into(), Some(LONG))).unwrap());
    }
    let some = ["a", "b", "c"].map(String::from).to_vec();
    assert_eq!(stores.wait(store.get_batch(some)).unwrap(), [None, Some(int(1)), None]);
    assert_eq!(stores.wait(store.keys(Unbounded, Unbounded)).unwrap(), ["b"]);
    assert_eq!(stores.wait(store.values(Unbounded, Unbounded)).unwrap(), [int(1)]);
    assert_eq!(
        stores.wait(store.entries(Unbounded, Unbounded)).unwrap(),
        [("b".to_string(), int(1))]
    );
    assert_eq!(stores.wait(store.count(Unbounded, Unbounded)).unwrap(), 1);
    // An increment starts at 0 again.
    assert_eq!(stores.wait(store.increment("a".into(), 1)).unwrap(), 1);
    assert!(stores.wait(store.compare_and_set("c".into(), None, Some(int(2)))).unwrap());
    assert_eq!(stores.wait(store.size()).entries, 3);
    for key in ["a", "c"] {
        assert_eq!(stores.wait(store.ttl(key.into())).unwrap(), None);
    }
}

/// More entries than one step removes.
pub(crate) fn expired_entries_make_room(stores: &Stores) {
    let max = KV_EXPIRED_PER_STEP + 100;
    let store = stores.store(KvLimits { max_entries: Some(max), ..KvLimits::default() });
    let entry = |key: usize| (format!("{key:05}"), int(1));
    stores.wait(store.set_batch((0..max).map(entry).collect())).unwrap();
    stores.wait(store.set("more".into(), int(1))).unwrap_err();

    // All have to expire after the last is set, so this measures first how long setting them takes.
    let started = Instant::now();
    for key in 0..max {
        assert!(stores.wait(store.set_ttl(entry(key).0, Some(LONG))).unwrap());
    }
    let end = Instant::now() + 3 * started.elapsed() + Duration::from_secs(1);
    for key in 0..max {
        let left = end.saturating_duration_since(Instant::now());
        assert!(stores.wait(store.set_ttl(entry(key).0, Some(left))).unwrap());
    }
    assert_eq!(stores.wait(store.count(Unbounded, Unbounded)).unwrap(), max as u64);
    sleep(end.saturating_duration_since(Instant::now()) + SHORT);
    // The last of them were set later than their time to live was computed.
    let give_up = Instant::now() + LONG;
    while stores.wait(store.count(Unbounded, Unbounded)).unwrap() > 0 {
        assert!(Instant::now() < give_up, "entries do not expire");
        sleep(SHORT);
    }
    stores.wait(store.set_batch((0..max).map(entry).collect())).unwrap();
    assert_eq!(stores.wait(store.size()).entries, max);
}

pub(crate) fn a_time_to_live_is_read_set_and_removed(stores: &Stores) {
    let store = stores.store(KvLimits::default());
    let key = || "a".to_string();
    let ttl = || stores.wait(store.ttl(key())).unwrap();
    let is_about =
        |left: Option<Duration>| left.is_some_and(|left| left <= LONG && left > LONG / 2);

    assert_eq!(ttl(), None);
    assert!(!stores.wait(store.set_ttl(key(), Some(LONG))).unwrap());
    stores.wait(store.set(key(), int(1))).unwrap();
    assert_eq!(ttl(), None);
    assert!(stores.wait(store.set_ttl(key(), Some(LONG))).unwrap());
    assert!(is_about(ttl()));
    assert_eq!(stores.wait(store.increment(key(), 1)).unwrap(), 2);
    assert!(is_about(ttl()), "an increment keeps the time to live");
    assert!(stores.wait(store.set_ttl(key(), None)).unwrap());
    assert_eq!(ttl(), None);
    assert_eq!(stores.wait(store.get(key())).unwrap(), Some(int(2)));

    type Ending<'a> = &'a dyn Fn();
    let endings: [(&str, Ending<'_>); 4] = [
        ("set", &|| stores.wait(store.set(key(), int(1))).unwrap()),
        ("set_batch", &|| stores.wait(store.set_batch(vec![(key(), int(1))])).unwrap()),
        ("compare_and_set", &|| {
            assert!(stores.wait(store.compare_and_set(key(), Some(int(1)), Some(int(1)))).unwrap());
        }),
        ("del", &|| stores.wait(store.del(key())).unwrap()),
    ];
    for (how, ending) in endings {
        stores.wait(store.set_with_ttl(key(), int(1), LONG)).unwrap();
        assert!(is_about(ttl()));
        ending();
        assert_eq!(ttl(), None, "{how}");
    }

    stores.wait(store.set_with_ttl(key(), text("x"), MAX_KV_TTL)).unwrap();
    stores.wait(store.set_with_ttl(key(), text("x"), Duration::from_nanos(1))).unwrap();
    let zero = ["the time to live of key \"a\" is zero: delete it instead"];
    let far = ["the time to live of key \"a\" is 3153600001 seconds, and at most 3153600000"];
    for (time, refused) in [(Duration::ZERO, zero), (MAX_KV_TTL + Duration::from_secs(1), far)] {
        assert_error_contains(stores.wait(store.set_with_ttl(key(), int(1), time)), &refused);
        assert_error_contains(stores.wait(store.set_ttl(key(), Some(time))), &refused);
        assert_error_contains(stores.wait(store.increment_with_ttl(key(), 1, time)), &refused);
    }
}

pub(crate) fn a_counter_gets_its_time_to_live_when_it_is_made(stores: &Stores) {
    let store = stores.store(KvLimits::default());
    let count = |key: &str, ttl| stores.wait(store.increment_with_ttl(key.into(), 1, ttl)).unwrap();
    let ttl = |key: &str| stores.wait(store.ttl(key.into())).unwrap();

    assert_eq!(count("a", LONG), 1);
    assert!(ttl("a").is_some_and(|left| left <= LONG && left > LONG / 2));
    // A second caller does not move the end.
    assert_eq!(count("a", MAX_KV_TTL), 2);
    assert!(ttl("a").is_some_and(|left| left <= LONG));
    // Neither does one that lacks the time to live, and a key without one gets none.
    assert_eq!(stores.wait(store.increment("a".into(), 1)).unwrap(), 3);
    assert!(ttl("a").is_some());
    stores.wait(store.set("b".into(), int(5))).unwrap();
    assert_eq!(count("b", LONG), 6);
    assert_eq!(ttl("b"), None);

    // It begins anew after its end, of which all that count at once set one.
    assert_eq!(count("c", SHORT), 1);
    sleep(2 * SHORT);
    let again = (0..8).map(|_| store.increment_with_ttl("c".into(), 1, LONG));
    let mut sums: Vec<_> =
        stores.wait(futures::future::join_all(again)).into_iter().map(Result::unwrap).collect();
    sums.sort();
    assert_eq!(sums, [1, 2, 3, 4, 5, 6, 7, 8]);
    assert!(ttl("c").is_some_and(|left| left > LONG / 2));
}
