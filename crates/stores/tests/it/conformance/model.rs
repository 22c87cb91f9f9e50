//! A store against a plain model, through every sequence of requests.

use std::collections::BTreeMap;
use std::ops::{Bound, RangeBounds};
use std::time::Duration;

use anyhow::Result;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use surrealdb_types::{Number, SurrealValue, Value};
use surrealism_runtime::kv::MAX_KV_KEY_BYTES;
use surrealism_runtime::kv::bounds::KvSize;
use surrealism_runtime::limits::{KV_ENTRY_OVERHEAD_BYTES, KvLimits};
use surrealism_types::codec;

use crate::support::{Kind, Store, Stores};

type Range = (Bound<String>, Bound<String>);

/// Longer than any test takes.
const TTL: Duration = Duration::from_secs(3_600);

#[derive(Debug, Clone)]
enum Request {
    Set(String, Value),
    SetBatch(Vec<(String, Value)>),
    Del(String),
    DelBatch(Vec<String>),
    DelRange(Range),
    CompareAndSet(String, Expected, Option<Value>),
    Add(String, i64),
    SetFor(String, Value),
    SetTtl(String, Option<Duration>),
}

/// What a key is expected to have: what it has, nothing, or something.
#[derive(Debug, Clone)]
enum Expected {
    Held,
    Nothing,
    Something(Value),
}

/// What a request answers, where it is not refused.
#[derive(Debug, Clone, PartialEq)]
enum Answer {
    Done,
    Yes(bool),
    Sum(i64),
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

fn expected() -> impl Strategy<Value = Expected> {
    prop_oneof![
        Just(Expected::Held),
        Just(Expected::Nothing),
        value().prop_map(Expected::Something),
    ]
}

fn request() -> impl Strategy<Value = Request> {
    let ttl = proptest::option::of(Just(TTL));
    prop_oneof![
        4 => (key(), value()).prop_map(|(key, value)| Request::Set(key, value)),
        2 => vec((key(), value()), 0..6).prop_map(Request::SetBatch),
        2 => key().prop_map(Request::Del),
        1 => vec(key(), 0..4).prop_map(Request::DelBatch),
        1 => (bound(), bound()).prop_map(Request::DelRange),
        2 => (key(), expected(), proptest::option::of(value()))
            .prop_map(|(key, expected, new)| Request::CompareAndSet(key, expected, new)),
        2 => (key(), prop_oneof![-5..5_i64, any::<i64>()])
            .prop_map(|(key, delta)| Request::Add(key, delta)),
        1 => (key(), value()).prop_map(|(key, value)| Request::SetFor(key, value)),
        1 => (key(), ttl).prop_map(|(key, ttl)| Request::SetTtl(key, ttl)),
    ]
}

/// Tight enough that sequences run into them.
fn limits() -> impl Strategy<Value = KvLimits> {
    let most = |most: usize| proptest::option::of(0..most);
    (most(8), most(400), most(4_000)).prop_map(|(max_entries, max_value_bytes, max_bytes)| {
        KvLimits { max_entries, max_value_bytes, max_bytes }
    })
}

/// What a store should be: a map of values, some of which end, and no thought for speed.
#[derive(Debug, Clone, Default, PartialEq)]
struct Model(BTreeMap<String, (Value, bool)>);

impl Model {
    /// What comes of a request: the next state and the answer, or nothing where it must be refused.
    fn after(&self, request: Request, limits: KvLimits) -> Option<(Self, Answer)> {
        let done = |next: Self| (next, Answer::Done);
        match request {
            Request::Set(key, value) => self.with(vec![(key, value)], false, limits).map(done),
            Request::SetBatch(entries) => self.with(entries, false, limits).map(done),
            Request::SetFor(key, value) => self.with(vec![(key, value)], true, limits).map(done),
            Request::Del(key) => self.without(vec![key]).map(done),
            Request::DelBatch(keys) => self.without(keys).map(done),
            Request::DelRange(range) => {
                let mut next = self.clone();
                next.0.retain(|key, _| !range.contains(key));
                Some(done(next))
            }
            Request::CompareAndSet(key, expected, new) => {
                let held = self.value(&key);
                let is_held = match expected {
                    Expected::Held => true,
                    Expected::Nothing => held.is_none(),
                    Expected::Something(value) => held == Some(value),
                };
                // A value that is too large is refused whatever the key has.
                let fits = new.as_ref().is_none_or(|new| within(size(new), limits.max_value_bytes));
                if key.len() > MAX_KV_KEY_BYTES || !fits {
                    return None;
                }
                let next = match new {
                    _ if !is_held => return Some((self.clone(), Answer::Yes(false))),
                    Some(new) => self.with(vec![(key, new)], false, limits),
                    None => self.without(vec![key]),
                };
                next.map(|next| (next, Answer::Yes(true)))
            }
            Request::Add(key, delta) => {
                let (held, ends) = self.0.get(&key).cloned().unwrap_or((0_i64.into_value(), false));
                let Value::Number(Number::Int(held)) = held else { return None };
                let sum = held.checked_add(delta)?;
                let next = self.with(vec![(key, sum.into_value())], ends, limits)?;
                Some((next, Answer::Sum(sum)))
            }
            Request::SetTtl(key, ttl) => {
                let mut next = self.clone();
                let entry = next.0.get_mut(&key);
                let is_there = entry.is_some();
                if let Some((_, ends)) = entry {
                    *ends = ttl.is_some();
                }
                (key.len() <= MAX_KV_KEY_BYTES).then_some((next, Answer::Yes(is_there)))
            }
        }
    }

    fn with(&self, entries: Vec<(String, Value)>, ends: bool, limits: KvLimits) -> Option<Self> {
        let fits = |(key, value): &(String, Value)| {
            key.len() <= MAX_KV_KEY_BYTES && within(size(value), limits.max_value_bytes)
        };
        let all_fit = entries.iter().all(fits);
        let mut next = self.clone();
        next.0.extend(entries.into_iter().map(|(key, value)| (key, (value, ends))));
        // A store that is as full as it may be can still be overwritten in place, or emptied.
        let counts = next.0.len() <= self.0.len() || within(next.0.len(), limits.max_entries);
        let weighs = next.bytes() <= self.bytes() || within(next.bytes(), limits.max_bytes);
        (all_fit && counts && weighs).then_some(next)
    }

    fn without(&self, keys: Vec<String>) -> Option<Self> {
        let mut next = self.clone();
        next.0.retain(|key, _| !keys.contains(key));
        keys.iter().all(|key| key.len() <= MAX_KV_KEY_BYTES).then_some(next)
    }

    fn value(&self, key: &str) -> Option<Value> {
        self.0.get(key).map(|(value, _)| value.clone())
    }

    fn bytes(&self) -> usize {
        self.0
            .iter()
            .map(|(key, (value, _))| key.len() + size(value) + KV_ENTRY_OVERHEAD_BYTES)
            .sum()
    }

    fn range(&self, range: &Range) -> Vec<(String, Value)> {
        let entries = self.0.iter().filter(|(key, _)| range.contains(*key));
        entries.map(|(key, (value, _))| (key.clone(), value.clone())).collect()
    }
}

fn within(size: usize, most: Option<usize>) -> bool {
    most.is_none_or(|most| size <= most)
}

fn size(value: &Value) -> usize {
    codec::encode_value(value).unwrap().len()
}

async fn ask(store: &Store, request: Request, model: &Model) -> Result<Answer> {
    Ok(match request {
        Request::Set(key, value) => store.set(key, value).await.map(|()| Answer::Done)?,
        Request::SetBatch(entries) => store.set_batch(entries).await.map(|()| Answer::Done)?,
        Request::Del(key) => store.del(key).await.map(|()| Answer::Done)?,
        Request::DelBatch(keys) => store.del_batch(keys).await.map(|()| Answer::Done)?,
        Request::DelRange((start, end)) => {
            store.del_rng(start, end).await.map(|()| Answer::Done)?
        }
        Request::CompareAndSet(key, expected, new) => {
            let expected = match expected {
                Expected::Held => model.value(&key),
                Expected::Nothing => None,
                Expected::Something(value) => Some(value),
            };
            Answer::Yes(store.compare_and_set(key, expected, new).await?)
        }
        Request::Add(key, delta) => Answer::Sum(store.increment(key, delta).await?),
        Request::SetFor(key, value) => {
            store.set_with_ttl(key, value, TTL).await.map(|()| Answer::Done)?
        }
        Request::SetTtl(key, ttl) => Answer::Yes(store.set_ttl(key, ttl).await?),
    })
}

/// Every way to read a range says the same as the model.
async fn check_range(store: &Store, model: &Model, range: Range) -> Result<(), TestCaseError> {
    let expected = model.range(&range);
    let (keys, values): (Vec<String>, Vec<Value>) = expected.iter().cloned().unzip();
    let (start, end) = range;
    let bounds = || (start.clone(), end.clone());
    prop_assert_eq!(store.keys(bounds().0, bounds().1).await.unwrap(), keys);
    prop_assert_eq!(store.values(bounds().0, bounds().1).await.unwrap(), values);
    prop_assert_eq!(store.entries(bounds().0, bounds().1).await.unwrap(), expected.clone());
    prop_assert_eq!(store.count(bounds().0, bounds().1).await.unwrap(), expected.len() as u64);
    Ok(())
}

/// Every way to read keys says the same as the model.
async fn check_keys(store: &Store, model: &Model, keys: Vec<String>) -> Result<(), TestCaseError> {
    let too_long = keys.iter().any(|key| key.len() > MAX_KV_KEY_BYTES);
    let expected: Vec<_> = keys.iter().map(|key| model.value(key)).collect();
    let batch = store.get_batch(keys.clone()).await.ok();
    prop_assert_eq!(batch, (!too_long).then_some(expected));
    for key in keys.into_iter().filter(|key| key.len() <= MAX_KV_KEY_BYTES) {
        let held = model.value(&key);
        let ends = model.0.get(&key).is_some_and(|(_, ends)| *ends);
        prop_assert_eq!(store.exists(key.clone()).await.unwrap(), held.is_some());
        prop_assert_eq!(store.ttl(key.clone()).await.unwrap().is_some(), ends);
        prop_assert_eq!(store.get(key.clone()).await.unwrap(), held.clone());
        let encoded = held.map(|value| surrealdb_types::encode(&value).unwrap());
        prop_assert_eq!(store.get_encoded(key).await.unwrap(), encoded);
    }
    Ok(())
}

/// As many cases as a kind of store does in some seconds.
fn runner(stores: &Stores) -> TestRunner {
    let cases = match stores.kind {
        Kind::Memory => 256,
        Kind::Redb(..) => 32,
        Kind::Redis(..) => 48,
        Kind::Cluster(..) => 24,
    };
    TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() })
}

/// What is refused changes nothing, and every byte is accounted for.
pub(crate) fn a_store_is_a_map_within_its_limits(stores: &Stores) {
    let input = (limits(), vec(request(), 0..40), (bound(), bound()), vec(key(), 0..4));
    let outcome = runner(stores).run(&input, |(limits, requests, range, keys)| {
        let store = stores.store(limits);
        stores.wait(async {
            let mut model = Model::default();
            for request in requests {
                let next = model.after(request.clone(), limits);
                let answer = ask(&store, request.clone(), &model).await;
                let told = format!("{request:?} answered {answer:?}");
                let expected = next.as_ref().map(|(_, answer)| answer.clone());
                prop_assert_eq!(answer.ok(), expected, "{}", told);
                model = next.map_or(model, |(next, _)| next);
                let size = KvSize { entries: model.0.len(), bytes: model.bytes() };
                prop_assert_eq!(store.size().await, size, "{}", told);
            }
            check_range(&store, &model, (Bound::Unbounded, Bound::Unbounded)).await?;
            check_range(&store, &model, range).await?;
            check_keys(&store, &model, keys).await?;
            check_keys(&store, &model, model.0.keys().cloned().collect()).await
        })
    });
    outcome.unwrap();
}

/// Inverted ranges are empty, and hold nothing to delete.
pub(crate) fn ranges_hold_what_lies_between_their_bounds(stores: &Stores) {
    let input = (vec("[abc]{0,3}", 0..20), (bound(), bound()));
    let outcome = runner(stores).run(&input, |(keys, range)| {
        let store = stores.store(KvLimits::default());
        let entries: Vec<_> = keys.into_iter().map(|key| (key.clone(), key.into_value())).collect();
        stores.wait(async {
            let mut model = Model::default();
            for request in [Request::SetBatch(entries), Request::DelRange(range.clone())] {
                ask(&store, request.clone(), &model).await.unwrap();
                model = model.after(request, KvLimits::default()).unwrap().0;
                check_range(&store, &model, range.clone()).await?;
                check_range(&store, &model, (Bound::Unbounded, Bound::Unbounded)).await?;
            }
            Ok(())
        })
    });
    outcome.unwrap();
}
