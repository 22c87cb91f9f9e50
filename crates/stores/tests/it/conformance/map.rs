//! A store is an ordered map within limits.

use std::ops::Bound::{self, Excluded, Included, Unbounded};
use std::sync::Arc;
use std::time::Duration;

use surrealdb_types::{SurrealValue, Value};
use surrealism_runtime::kv::MAX_KV_KEY_BYTES;
use surrealism_runtime::kv::enforce::KvSize;
use surrealism_runtime::limits::{KV_ENTRY_OVERHEAD_BYTES, KvLimits};
use surrealism_types::codec;

use crate::support::{Store, Stores, assert_error_contains, int, text};

/// Returns a store with the keys `a` to `d`, each of them its own value.
fn filled(stores: &Stores, limits: KvLimits) -> Arc<Store> {
    let store = stores.store(limits);
    for key in ["a", "b", "c", "d"] {
        stores.wait(store.set(key.into(), text(key))).unwrap();
    }
    store
}

pub(crate) fn ranges_honor_their_bounds(stores: &Stores) {
    let store = filled(stores, KvLimits::default());
    let s = String::from;
    let cases = [
        (Unbounded, Unbounded, "abcd"),
        (Included(s("b")), Unbounded, "bcd"),
        (Excluded(s("b")), Unbounded, "cd"),
        (Unbounded, Included(s("b")), "ab"),
        (Unbounded, Excluded(s("b")), "a"),
        (Included(s("b")), Excluded(s("d")), "bc"),
        (Included(s("b")), Included(s("b")), "b"),
        (Included(s("b")), Excluded(s("b")), ""),
        (Excluded(s("b")), Excluded(s("b")), ""),
        (Included(s("d")), Included(s("a")), ""),
        (Included(s("x")), Unbounded, ""),
    ];
    for (start, end, expected) in cases {
        let range = || (start.clone(), end.clone());
        let keys = stores.wait(store.keys(range().0, range().1)).unwrap();
        assert_eq!(keys.concat(), expected, "{start:?} to {end:?}");
        let count = stores.wait(store.count(range().0, range().1)).unwrap();
        assert_eq!(count, expected.len() as u64);
        let entries = stores.wait(store.entries(range().0, range().1)).unwrap();
        let values = stores.wait(store.values(range().0, range().1)).unwrap();
        assert!(entries.iter().map(|(_, value)| value).eq(&values));

        let rest = filled(stores, KvLimits::default());
        stores.wait(rest.del_rng(range().0, range().1)).unwrap();
        let left = stores.wait(rest.keys(Unbounded, Unbounded)).unwrap().concat();
        assert_eq!(left.len() + expected.len(), 4, "{start:?} to {end:?} left {left}");
    }
}

pub(crate) fn limits_are_kept_and_named(stores: &Stores) {
    let one = codec::encode_value(&text("a")).unwrap().len();
    let set =
        |store: &Store, key: &str, value: &str| stores.wait(store.set(key.into(), text(value)));

    let full = filled(stores, KvLimits { max_entries: Some(4), ..KvLimits::default() });
    assert_error_contains(
        set(&full, "e", "e"),
        &["the store would hold 5 keys, and `max_kv_entries` is 4: delete some first"],
    );
    set(&full, "a", "overwritten").unwrap();

    let small = filled(stores, KvLimits { max_value_bytes: Some(one), ..KvLimits::default() });
    let long = set(&small, "a", &"x".repeat(1_000));
    assert_error_contains(
        long,
        &["the value of key \"a\" takes", &format!("`max_kv_value_bytes` is {one}")],
    );

    let total = 4 * (one + 1 + KV_ENTRY_OVERHEAD_BYTES);
    let tight = filled(stores, KvLimits { max_bytes: Some(total), ..KvLimits::default() });
    assert_eq!(stores.wait(tight.size()), KvSize { entries: 4, bytes: total });
    assert_error_contains(
        set(&tight, "e", "e"),
        &[&format!("and the host allows {total}: delete some first")],
    );
    stores.wait(tight.del("a".into())).unwrap();
    set(&tight, "e", "e").unwrap();
    assert_eq!(stores.wait(tight.size()).bytes, total);

    let key = || "k".repeat(MAX_KV_KEY_BYTES + 1);
    let long = ["takes 1025 bytes, and a key has at most 1024"];
    assert_error_contains(stores.wait(full.get(key())), &long);
    assert_error_contains(stores.wait(full.exists(key())), &long);
    assert_error_contains(stores.wait(full.set(key(), Value::None)), &long);
    assert_error_contains(stores.wait(full.set_batch(vec![(key(), Value::None)])), &long);
    assert_error_contains(stores.wait(full.del(key())), &long);
    assert_error_contains(stores.wait(full.del_batch(vec![key()])), &long);
    assert_error_contains(stores.wait(full.get_batch(vec![key()])), &long);
    assert_error_contains(stores.wait(full.compare_and_set(key(), None, None)), &long);
    assert_error_contains(stores.wait(full.increment(key(), 1)), &long);
    assert_error_contains(
        stores.wait(full.set_with_ttl(key(), Value::None, Duration::from_secs(1))),
        &long,
    );
    assert_error_contains(stores.wait(full.ttl(key())), &long);
    assert_error_contains(stores.wait(full.set_ttl(key(), None)), &long);
}

pub(crate) fn responses_are_bounded_even_for_cheap_requests(stores: &Stores) {
    let store = stores.store(KvLimits::default());
    let megabyte = text(&"x".repeat(1 << 20));
    stores.wait(store.set("a".into(), megabyte.clone())).unwrap();
    let refused = ["the response takes more than 16777216 bytes: request less at a time"];
    assert_error_contains(stores.wait(store.get_batch(vec!["a".into(); 1_000])), &refused);
    for key in 0..20 {
        stores.wait(store.set(key.to_string(), megabyte.clone())).unwrap();
    }
    assert_error_contains(stores.wait(store.values(Unbounded, Unbounded)), &refused);
    assert_error_contains(stores.wait(store.entries(Unbounded, Unbounded)), &refused);
    assert_eq!(stores.wait(store.keys(Unbounded, Unbounded)).unwrap().len(), 21);
    assert_eq!(stores.wait(store.count(Unbounded, Unbounded)).unwrap(), 21);
}

pub(crate) fn a_batch_is_all_or_nothing(stores: &Stores) {
    let store = filled(stores, KvLimits { max_entries: Some(5), ..KvLimits::default() });
    let batch = |keys: &[&str]| keys.iter().map(|key| (key.to_string(), text("new"))).collect();
    let before = stores.wait(store.size());
    stores.wait(store.set_batch(batch(&["a", "e", "f"]))).unwrap_err();
    assert_eq!(stores.wait(store.size()), before);
    assert_eq!(stores.wait(store.get("a".into())).unwrap(), Some(text("a")));
    stores.wait(store.set_batch(batch(&["a", "e", "e"]))).unwrap();
    let got = stores.wait(store.get_batch(vec!["e".into(), "z".into()])).unwrap();
    assert_eq!(got, [Some(text("new")), None]);
    stores.wait(store.del_batch(vec!["a".into(), "z".into()])).unwrap();
    assert!(!stores.wait(store.exists("a".into())).unwrap());
    stores.wait(store.set_batch(Vec::new())).unwrap();
    stores.wait(store.del_batch(Vec::new())).unwrap();
    assert_eq!(stores.wait(store.get_batch(Vec::new())).unwrap(), []);
}

pub(crate) fn keys_are_ordered_by_their_bytes(stores: &Stores) {
    let store = stores.store(KvLimits::default());
    let keys = [
        "", "\0", "\0\0", "\n", "(a", "+", "-", "1", "10", "9", "A", "[a", "a", "a\0", "aa", "z",
        "{x}", "~", "é", "ü", "\u{ffff}", "😀",
    ];
    for key in keys.iter().rev() {
        stores.wait(store.set(key.to_string(), text(key))).unwrap();
    }
    assert_eq!(stores.wait(store.keys(Unbounded, Unbounded)).unwrap(), keys);
    for (index, key) in keys.iter().enumerate() {
        let from = |bound: fn(String) -> Bound<String>| {
            stores.wait(store.keys(bound(key.to_string()), Unbounded)).unwrap()
        };
        assert_eq!(from(Included), keys[index..], "{key:?}");
        assert_eq!(from(Excluded), keys[index + 1..], "{key:?}");
        assert_eq!(stores.wait(store.get(key.to_string())).unwrap(), Some(text(key)));
    }
}

pub(crate) fn values_are_returned_as_they_were_set(stores: &Stores) {
    let store = stores.store(KvLimits::default());
    let bytes = surrealdb_types::Bytes::from((0..=255).collect::<Vec<u8>>());
    let values = [
        Value::None,
        Value::Null,
        true.into_value(),
        int(0),
        int(i64::MIN),
        int(i64::MAX),
        int(1 << 60),
        1.0_f64.into_value(),
        f64::NEG_INFINITY.into_value(),
        text(""),
        text("12"),
        text("-1"),
        text("\0 ü 😀"),
        bytes.into_value(),
        Duration::from_nanos(1).into_value(),
        vec![int(1), Value::None, text("x")].into_value(),
        Vec::<Value>::new().into_value(),
        surrealdb_types::Value::Object(surrealdb_types::object! { a: 1_i64, b: vec![true] }),
    ];
    let keys: Vec<String> = (0..values.len()).map(|at| format!("{at:02}")).collect();
    let entries: Vec<_> = keys.iter().cloned().zip(values.iter().cloned()).collect();
    stores.wait(store.set_batch(entries.clone())).unwrap();
    let some: Vec<_> = values.iter().cloned().map(Some).collect();
    assert_eq!(stores.wait(store.get_batch(keys.clone())).unwrap(), some);
    assert_eq!(stores.wait(store.values(Unbounded, Unbounded)).unwrap(), values);
    assert_eq!(stores.wait(store.entries(Unbounded, Unbounded)).unwrap(), entries);
    for (key, value) in entries {
        assert_eq!(stores.wait(store.get(key.clone())).unwrap(), Some(value.clone()));
        let encoded = surrealdb_types::encode(&value).unwrap();
        assert_eq!(stores.wait(store.get_encoded(key.clone())).unwrap(), Some(encoded));
        assert!(stores.wait(store.compare_and_set(key, Some(value.clone()), Some(value))).unwrap());
    }
}

pub(crate) fn a_response_has_a_bounded_number_of_regular_expressions(stores: &Stores) {
    let store = stores.store(KvLimits::default());
    let regex = Value::Regex("a+".parse().unwrap());
    let entries = (0..17).map(|key| (format!("{key:02}"), regex.clone())).collect();
    stores.wait(store.set_batch(entries)).unwrap();
    let sixteen = (Unbounded, Excluded("16".to_string()));
    assert_eq!(stores.wait(store.values(sixteen.0.clone(), sixteen.1.clone())).unwrap().len(), 16);
    assert_eq!(stores.wait(store.entries(sixteen.0, sixteen.1)).unwrap().len(), 16);
    assert_eq!(stores.wait(store.get_batch(vec!["00".into(); 16])).unwrap().len(), 16);
    for refused in [
        stores.wait(store.values(Unbounded, Unbounded)).map(drop),
        stores.wait(store.entries(Unbounded, Unbounded)).map(drop),
        stores.wait(store.get_batch(vec!["00".into(); 17])).map(drop),
    ] {
        let error = format!("{:#}", refused.unwrap_err());
        assert!(error.contains("17 regular expressions, and 16"), "{error}");
    }
}

pub(crate) fn modules_are_isolated(stores: &Stores) {
    let (one, other) = (filled(stores, KvLimits::default()), filled(stores, KvLimits::default()));
    stores.wait(one.set_with_ttl("e".into(), int(1), Duration::from_millis(1))).unwrap();
    stores.wait(other.set_with_ttl("e".into(), int(1), Duration::from_secs(60))).unwrap();
    std::thread::sleep(Duration::from_millis(5));
    stores.wait(one.del_rng(Unbounded, Unbounded)).unwrap();
    assert_eq!(stores.wait(one.size()), KvSize::default());
    assert_eq!(stores.wait(other.size()).entries, 5);
    assert_eq!(stores.wait(other.count(Unbounded, Unbounded)).unwrap(), 5);
}

pub(crate) fn a_dropped_call_applies_as_a_whole_or_not_at_all(stores: &Stores) {
    let store = stores.store(KvLimits::default());
    let keys: Vec<String> = (0..100).map(|key| format!("{key:03}")).collect();
    for round in 0..50_i64 {
        let batch = keys.iter().map(|key| (key.clone(), int(round))).collect();
        stores.wait(async {
            let timeout = Duration::from_micros(40 * round as u64);
            let _ = tokio::time::timeout(timeout, store.set_batch(batch)).await;
        });
        let values = stores.wait(store.get_batch(keys.clone())).unwrap();
        assert!(values.iter().all(|value| *value == values[0]), "{values:?}");
    }
}
