//! `compare_and_set` and `increment` are atomic under concurrent writes.

use std::ops::Bound::Unbounded;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use surrealdb_types::{SurrealValue, Value};
use surrealism_runtime::limits::{KV_ENTRY_OVERHEAD_BYTES, KvLimits};
use surrealism_types::codec;

use crate::support::{Store, Stores, assert_error_contains, int, text};

pub(crate) fn a_key_changes_if_it_has_the_expected_value(stores: &Stores) {
    let cases = [
        (None, None, Some(int(1)), true),
        (None, Some(int(1)), Some(int(2)), false),
        (None, None, None, true),
        (Some(int(1)), None, Some(int(2)), false),
        (Some(int(1)), Some(int(1)), Some(text("x")), true),
        (Some(int(1)), Some(int(1)), None, true),
        (Some(int(1)), Some(int(2)), None, false),
        (Some(int(1)), Some(1.0_f64.into_value()), None, false),
        (Some(int(1)), Some(text("1")), None, false),
        (Some(Value::None), Some(Value::None), Some(Value::Null), true),
        (Some(Value::None), None, Some(Value::Null), false),
        (Some(Value::None), Some(Value::Null), None, false),
        (Some(text("")), Some(text("")), Some(text("y")), true),
    ];
    for case in cases {
        let (current, expected, new, result) = case.clone();
        let store = stores.store(KvLimits::default());
        if let Some(current) = &current {
            stores.wait(store.set("a".into(), current.clone())).unwrap();
        }
        let changed = stores.wait(store.compare_and_set("a".into(), expected, new.clone()));
        assert_eq!(changed.unwrap(), result, "{case:?}");
        let after = stores.wait(store.get("a".into())).unwrap();
        assert_eq!(after, if result { new } else { current }, "{case:?}");
    }
}

pub(crate) fn sums_are_exact_and_integers(stores: &Stores) {
    let store = stores.store(KvLimits::default());
    let add = |key: &str, delta| stores.wait(store.increment(key.into(), delta));
    assert_eq!(add("new", 5).unwrap(), 5);
    assert_eq!(add("new", -7).unwrap(), -2);
    assert_eq!(add("new", 2).unwrap(), 0);
    assert_eq!(add("zero", 0).unwrap(), 0);
    assert_eq!(stores.wait(store.get("zero".into())).unwrap(), Some(int(0)));
    // Larger than the integers that a float represents exactly.
    stores.wait(store.set("big".into(), int((1 << 53) + 1))).unwrap();
    assert_eq!(add("big", 2).unwrap(), (1 << 53) + 3);
    assert_eq!(stores.wait(store.get("big".into())).unwrap(), Some(int((1 << 53) + 3)));

    for (held, delta) in [(i64::MAX, 1), (i64::MIN, -1), (1, i64::MAX), (-2, i64::MIN)] {
        stores.wait(store.set("edge".into(), int(held))).unwrap();
        assert_error_contains(
            add("edge", delta),
            &[&format!("key \"edge\" has {held}, and {delta} more does not fit 64 bits")],
        );
        assert_eq!(stores.wait(store.get("edge".into())).unwrap(), Some(int(held)));
    }
    stores.wait(store.set("edge".into(), int(-1))).unwrap();
    assert_eq!(add("edge", i64::MIN + 1).unwrap(), i64::MIN);

    for held in [text("5"), text(""), 1.0_f64.into_value(), Value::None, vec![1_i64].into_value()] {
        stores.wait(store.set("other".into(), held.clone())).unwrap();
        assert_error_contains(add("other", 1), &["the value of key \"other\" is not an integer"]);
        assert_eq!(stores.wait(store.get("other".into())).unwrap(), Some(held));
    }
}

/// A value that no reader may decode: it has more regular expressions than a message may.
pub(crate) fn a_value_that_is_not_asked_for_is_not_decoded(stores: &Stores) {
    let store = stores.store(KvLimits::default());
    let key = || "a".to_string();
    let regex = Value::Regex("x".parse().unwrap());
    let value = vec![regex; 100].into_value();
    stores.wait(store.set(key(), value.clone())).unwrap();
    assert_error_contains(stores.wait(store.get(key())), &["regular expressions"]);

    let refused = ["the value of key \"a\" is not an integer"];
    let minute = Duration::from_secs(60);
    assert_error_contains(stores.wait(store.increment(key(), 1)), &refused);
    assert_error_contains(stores.wait(store.increment_with_ttl(key(), 1, minute)), &refused);
    assert!(stores.wait(store.exists(key())).unwrap());
    assert_eq!(stores.wait(store.keys(Unbounded, Unbounded)).unwrap(), ["a"]);
    let encoded = codec::encode_value(&value).unwrap();
    assert_eq!(stores.wait(store.get_encoded(key())).unwrap(), Some(encoded));
    assert!(!stores.wait(store.compare_and_set(key(), Some(int(1)), None)).unwrap());
    assert!(stores.wait(store.compare_and_set(key(), Some(value), Some(int(1)))).unwrap());
    assert_eq!(stores.wait(store.increment(key(), 1)).unwrap(), 2);
}

pub(crate) fn limits_hold_for_every_way_to_write(stores: &Stores) {
    let integer = codec::encode_value(&int(1)).unwrap().len();
    let minute = Duration::from_secs(60);
    let one_more = [
        KvLimits { max_entries: Some(1), ..KvLimits::default() },
        KvLimits {
            max_bytes: Some(2 * (1 + KV_ENTRY_OVERHEAD_BYTES + integer) - 1),
            ..KvLimits::default()
        },
    ];
    for limits in one_more {
        let store = stores.store(limits);
        assert_eq!(stores.wait(store.increment("a".into(), 1)).unwrap(), 1);
        let full = ["the store would hold", "delete some first"];
        assert_error_contains(stores.wait(store.increment("b".into(), 1)), &full);
        assert_error_contains(stores.wait(store.set_with_ttl("b".into(), int(1), minute)), &full);
        let counted = stores.wait(store.increment_with_ttl("b".into(), 1, minute));
        assert_error_contains(counted, &full);
        assert_error_contains(
            stores.wait(store.compare_and_set("b".into(), None, Some(int(1)))),
            &full,
        );
        assert_eq!(stores.wait(store.increment("a".into(), 1)).unwrap(), 2);
        assert!(
            !stores.wait(store.compare_and_set("b".into(), Some(int(1)), Some(int(2)))).unwrap()
        );
        assert_eq!(stores.wait(store.keys(Unbounded, Unbounded)).unwrap(), ["a"]);
        assert_eq!(stores.wait(store.size()).entries, 1);
    }

    let store =
        stores.store(KvLimits { max_value_bytes: Some(integer - 1), ..KvLimits::default() });
    let large = [&*format!("the value of key \"a\" takes {integer} bytes")];
    assert_error_contains(stores.wait(store.increment("a".into(), 1)), &large);
    assert_error_contains(stores.wait(store.set_with_ttl("a".into(), int(1), minute)), &large);
    assert_error_contains(stores.wait(store.increment_with_ttl("a".into(), 1, minute)), &large);
    assert_error_contains(
        stores.wait(store.compare_and_set("a".into(), None, Some(int(1)))),
        &large,
    );
    assert_eq!(stores.wait(store.size()).entries, 0);
}

pub(crate) fn many_at_once_lose_nothing_and_break_no_limit(stores: &Stores) {
    const ROOM: usize = 10;

    let store = stores.store(KvLimits::default());
    concurrently(stores, &store, |store, caller| async move {
        store.increment("sum".into(), caller).await.is_ok()
    });
    let sum = stores.wait(store.get("sum".into())).unwrap();
    assert_eq!(sum, Some(int(CALLERS * (CALLERS - 1) / 2)));

    let won = concurrently(stores, &store, |store, caller| async move {
        store.compare_and_set("lock".into(), None, Some(int(caller))).await.unwrap()
    });
    assert_eq!(won, 1);

    let store = stores.store(KvLimits { max_entries: Some(ROOM), ..KvLimits::default() });
    let won = concurrently(stores, &store, |store, caller| async move {
        store.set(caller.to_string(), int(caller)).await.is_ok()
    });
    assert_eq!(won, ROOM);
    assert_eq!(stores.wait(store.size()).entries, ROOM);
}

const CALLERS: i64 = 64;

/// Runs `call` for many callers at a time, on two threads, and returns how many of them got `true`.
fn concurrently<F>(stores: &Stores, store: &Arc<Store>, call: fn(Arc<Store>, i64) -> F) -> usize
where
    F: Future<Output = bool> + Send + 'static,
{
    let _entered = stores.runtime.enter();
    let call = |caller| tokio::spawn(call(store.clone(), caller));
    let calls: Vec<_> = (0..CALLERS).map(call).collect();
    let results = stores.wait(join_all(calls));
    results.into_iter().filter(|result| *result.as_ref().unwrap()).count()
}
