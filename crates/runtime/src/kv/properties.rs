//! The store against a plain model, through every sequence of requests.

use std::collections::BTreeMap;
use std::ops::{Bound, RangeBounds};

use futures::executor::block_on;
use proptest::collection::vec;
use proptest::prelude::*;
use surrealdb_types::SurrealValue;

use super::*;

type Range = (Bound<String>, Bound<String>);

#[derive(Debug, Clone)]
enum Request {
    Set(String, Value),
    SetBatch(Vec<(String, Value)>),
    Del(String),
    DelBatch(Vec<String>),
    DelRange(Range),
}

/// Few enough that they meet; one is as long as a key may be, and one longer.
fn key() -> impl Strategy<Value = String> {
    prop_oneof![
        8 => "[abc]{0,2}",
        1 => Just("ü".to_string()),
        1 => Just("k".repeat(MAX_KV_KEY_BYTES)),
        1 => Just("k".repeat(MAX_KV_KEY_BYTES + 1)),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::None),
        any::<i64>().prop_map(i64::into_value),
        (0..400_usize).prop_map(|length| "x".repeat(length).into_value()),
        vec(any::<bool>(), 0..8).prop_map(Vec::into_value),
    ]
}

fn bound() -> impl Strategy<Value = Bound<String>> {
    prop_oneof![
        key().prop_map(Bound::Included),
        key().prop_map(Bound::Excluded),
        Just(Bound::Unbounded),
    ]
}

fn request() -> impl Strategy<Value = Request> {
    prop_oneof![
        4 => (key(), value()).prop_map(|(key, value)| Request::Set(key, value)),
        2 => vec((key(), value()), 0..6).prop_map(Request::SetBatch),
        2 => key().prop_map(Request::Del),
        1 => vec(key(), 0..4).prop_map(Request::DelBatch),
        1 => (bound(), bound()).prop_map(Request::DelRange),
    ]
}

/// Tight enough that sequences run into them.
fn limits() -> impl Strategy<Value = KvLimits> {
    let most = |most: usize| proptest::option::of(0..most);
    (most(8), most(400), most(4_000)).prop_map(|(max_entries, max_value_bytes, max_total_bytes)| {
        KvLimits { max_entries, max_value_bytes, max_total_bytes }
    })
}

/// What a store should be: a map, and no thought for speed.
#[derive(Debug, Clone, Default, PartialEq)]
struct Model(BTreeMap<String, Value>);

impl Model {
    /// What comes of a request: the next state, or nothing where it must be refused.
    fn after(&self, request: Request, limits: KvLimits) -> Option<Self> {
        let mut next = self.clone();
        match request {
            Request::Set(key, value) => return self.with(vec![(key, value)], limits),
            Request::SetBatch(entries) => return self.with(entries, limits),
            Request::Del(key) => return self.without(vec![key]),
            Request::DelBatch(keys) => return self.without(keys),
            Request::DelRange(range) => next.0.retain(|key, _| !range.contains(key)),
        }
        Some(next)
    }

    fn with(&self, entries: Vec<(String, Value)>, limits: KvLimits) -> Option<Self> {
        let fits = |(key, value): &(String, Value)| {
            key.len() <= MAX_KV_KEY_BYTES && within(size(value), limits.max_value_bytes)
        };
        let all_fit = entries.iter().all(fits);
        let mut next = self.clone();
        next.0.extend(entries);
        // A store that is as full as it may be can still be overwritten in place, or emptied.
        let counts = next.0.len() <= self.0.len() || within(next.0.len(), limits.max_entries);
        let weighs = next.bytes() <= self.bytes() || within(next.bytes(), limits.max_total_bytes);
        (all_fit && counts && weighs).then_some(next)
    }

    fn without(&self, keys: Vec<String>) -> Option<Self> {
        let mut next = self.clone();
        next.0.retain(|key, _| !keys.contains(key));
        keys.iter().all(|key| key.len() <= MAX_KV_KEY_BYTES).then_some(next)
    }

    fn bytes(&self) -> usize {
        self.0.iter().map(|(key, value)| key.len() + size(value) + KV_ENTRY_BYTES).sum()
    }

    fn range(&self, range: &Range) -> Vec<(String, Value)> {
        let entries = self.0.iter().filter(|(key, _)| range.contains(*key));
        entries.map(|(key, value)| (key.clone(), value.clone())).collect()
    }
}

fn within(size: usize, most: Option<usize>) -> bool {
    most.is_none_or(|most| size <= most)
}

fn size(value: &Value) -> usize {
    codec::encode_value(value).unwrap().len()
}

fn ask(store: &BTreeMapStore, request: Request) -> Result<()> {
    block_on(match request {
        Request::Set(key, value) => store.set(key, value),
        Request::SetBatch(entries) => store.set_batch(entries),
        Request::Del(key) => store.del(key),
        Request::DelBatch(keys) => store.del_batch(keys),
        Request::DelRange((start, end)) => store.del_rng(start, end),
    })
}

/// Every way to read a range says the same as the model.
fn check_range(store: &BTreeMapStore, model: &Model, range: Range) -> Result<(), TestCaseError> {
    let expected = model.range(&range);
    let (keys, values): (Vec<String>, Vec<Value>) = expected.iter().cloned().unzip();
    let bounds = || range.clone();
    let ask = |(start, end)| block_on(store.keys(start, end)).unwrap();
    prop_assert_eq!(ask(bounds()), keys);
    let ask = |(start, end)| block_on(store.values(start, end)).unwrap();
    prop_assert_eq!(ask(bounds()), values);
    let ask = |(start, end)| block_on(store.entries(start, end)).unwrap();
    prop_assert_eq!(ask(bounds()), expected.clone());
    let ask = |(start, end)| block_on(store.count(start, end)).unwrap();
    prop_assert_eq!(ask(bounds()), expected.len() as u64);
    Ok(())
}

/// Every way to read keys says the same as the model.
fn check_keys(
    store: &BTreeMapStore,
    model: &Model,
    keys: Vec<String>,
) -> Result<(), TestCaseError> {
    let too_long = keys.iter().any(|key| key.len() > MAX_KV_KEY_BYTES);
    let expected: Vec<_> = keys.iter().map(|key| model.0.get(key).cloned()).collect();
    let batch = block_on(store.get_batch(keys.clone())).ok();
    prop_assert_eq!(batch, (!too_long).then_some(expected));
    for key in keys.into_iter().filter(|key| key.len() <= MAX_KV_KEY_BYTES) {
        let held = model.0.get(&key).cloned();
        prop_assert_eq!(block_on(store.exists(key.clone())).unwrap(), held.is_some());
        prop_assert_eq!(block_on(store.get(key)).unwrap(), held);
    }
    Ok(())
}

proptest! {
    /// What is refused changes nothing, and every byte is accounted for.
    #[test]
    fn a_store_is_a_map_within_its_limits(
        limits in limits(),
        requests in vec(request(), 0..40),
        range in (bound(), bound()),
        keys in vec(key(), 0..4),
    ) {
        let store = BTreeMapStore::bounded(limits);
        let (mut model, mut most) = (Model::default(), 0);
        for request in requests {
            let next = model.after(request.clone(), limits);
            let answer = ask(&store, request.clone());
            prop_assert_eq!(answer.is_ok(), next.is_some(), "{:?} answered {:?}", request, answer);
            model = next.unwrap_or(model);
            most = most.max(model.bytes());
            prop_assert_eq!(store.bytes(), Level { now: model.bytes(), most });
            check_range(&store, &model, (Bound::Unbounded, Bound::Unbounded))?;
        }
        check_range(&store, &model, range)?;
        check_keys(&store, &model, keys)?;
    }

    /// Inverted ranges are empty, and hold nothing to delete.
    #[test]
    fn ranges_hold_what_lies_between_their_bounds(
        keys in vec("[abc]{0,3}", 0..20),
        range in (bound(), bound()),
    ) {
        let store = BTreeMapStore::new();
        let entries: Vec<_> = keys.into_iter().map(|key| (key.clone(), key.into_value())).collect();
        let mut model = Model(entries.iter().cloned().collect());
        ask(&store, Request::SetBatch(entries)).unwrap();
        check_range(&store, &model, range.clone())?;

        ask(&store, Request::DelRange(range.clone())).unwrap();
        model.0.retain(|key, _| !range.contains(key));
        check_range(&store, &model, (Bound::Unbounded, Bound::Unbounded))?;
    }
}
