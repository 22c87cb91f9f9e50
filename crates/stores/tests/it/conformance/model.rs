//! Random sequences of requests to a store, checked against a simple model.

use std::collections::BTreeMap;
use std::ops::{Bound, RangeBounds};
use std::time::Duration;

use anyhow::Result;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use surrealdb_types::{Number, SurrealValue, Value};
use surrealism_runtime::kv::MAX_KV_KEY_BYTES;
use surrealism_runtime::kv::enforce::KvSize;
use surrealism_runtime::limits::{KV_ENTRY_OVERHEAD_BYTES, KV_TTL_OVERHEAD_BYTES, KvLimits};
use surrealism_types::codec;

use crate::support::{Kind, Store, Stores};

type Range = (Bound<String>, Bound<String>);

/// Longer than any test runs.
const TTL: Duration = Duration::from_secs(3_600);

#[derive(Debug, Clone)]
enum Request {
    Set(String, Value),
    SetBatch(Vec<(String, Value)>),
    Del(String),
    DelBatch(Vec<String>),
    DelRange(Range),
    CompareAndSet(String, Expected, Option<Value>),
    Increment(String, i64),
    IncrementWithTtl(String, i64),
    SetWithTtl(String, Value),
    SetTtl(String, Option<Duration>),
}

/// The expected value of a `CompareAndSet`: the current one, none, or any.
#[derive(Debug, Clone)]
enum Expected {
    Current,
    None,
    Some(Value),
}

/// The result of a request that is not refused.
#[derive(Debug, Clone, PartialEq)]
enum Outcome {
    Done,
    Bool(bool),
    Sum(i64),
}

/// Few different keys, so that requests meet: among them the longest that is allowed, and a longer one.
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
    prop_oneof![Just(Expected::Current), Just(Expected::None), value().prop_map(Expected::Some),]
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
            .prop_map(|(key, delta)| Request::Increment(key, delta)),
        1 => (key(), -5..5_i64).prop_map(|(key, delta)| Request::IncrementWithTtl(key, delta)),
        1 => (key(), value()).prop_map(|(key, value)| Request::SetWithTtl(key, value)),
        1 => (key(), ttl).prop_map(|(key, ttl)| Request::SetTtl(key, ttl)),
    ]
}

/// Limits that are tight enough for random sequences to reach them.
fn limits() -> impl Strategy<Value = KvLimits> {
    let limit = |max: usize| proptest::option::of(0..max);
    (limit(8), limit(400), limit(4_000)).prop_map(|(max_entries, max_value_bytes, max_bytes)| {
        KvLimits { max_entries, max_value_bytes, max_bytes }
    })
}

/// The model of a store: a map of values, each with whether it has a time to live, and the bytes that such a
/// time counts.
#[derive(Debug, Clone, PartialEq)]
struct Model(BTreeMap<String, (Value, bool)>, usize);

impl Model {
    /// Returns the next state and the result of a request, or `None` if the store must refuse it.
    fn after(&self, request: Request, limits: KvLimits) -> Option<(Self, Outcome)> {
        let done = |next: Self| (next, Outcome::Done);
        match request {
            Request::Set(key, value) => self.with(vec![(key, value)], false, limits).map(done),
            Request::SetBatch(entries) => self.with(entries, false, limits).map(done),
            Request::SetWithTtl(key, value) => {
                self.with(vec![(key, value)], true, limits).map(done)
            }
            Request::Del(key) => self.without(vec![key]).map(done),
            Request::DelBatch(keys) => self.without(keys).map(done),
            Request::DelRange(range) => {
                let mut next = self.clone();
                next.0.retain(|key, _| !range.contains(key));
                Some(done(next))
            }
            Request::CompareAndSet(key, expected, new) => {
                let current = self.value(&key);
                let matches = match expected {
                    Expected::Current => true,
                    Expected::None => current.is_none(),
                    Expected::Some(value) => current == Some(value),
                };
                // A value that is too large is refused whatever the current value is.
                let fits = new.as_ref().is_none_or(|new| within(size(new), limits.max_value_bytes));
                if key.len() > MAX_KV_KEY_BYTES || !fits {
                    return None;
                }
                let next = match new {
                    _ if !matches => return Some((self.clone(), Outcome::Bool(false))),
                    Some(new) => self.with(vec![(key, new)], false, limits),
                    None => self.without(vec![key]),
                };
                next.map(|next| (next, Outcome::Bool(true)))
            }
            Request::Increment(key, delta) => self.plus(key, delta, false, limits),
            Request::IncrementWithTtl(key, delta) => self.plus(key, delta, true, limits),
            Request::SetTtl(key, ttl) => {
                let mut next = self.clone();
                let entry = next.0.get_mut(&key);
                let exists = entry.is_some();
                if let Some((_, expires)) = entry {
                    *expires = ttl.is_some();
                }
                let fits = key.len() <= MAX_KV_KEY_BYTES && next.weighs_in(self, limits);
                fits.then_some((next, Outcome::Bool(exists)))
            }
        }
    }

    fn with(&self, entries: Vec<(String, Value)>, expires: bool, limits: KvLimits) -> Option<Self> {
        let fits = |(key, value): &(String, Value)| {
            key.len() <= MAX_KV_KEY_BYTES && within(size(value), limits.max_value_bytes)
        };
        let all_fit = entries.iter().all(fits);
        let mut next = self.clone();
        next.0.extend(entries.into_iter().map(|(key, value)| (key, (value, expires))));
        // A full store can still be overwritten in place and emptied.
        let counts = next.0.len() <= self.0.len() || within(next.0.len(), limits.max_entries);
        (all_fit && counts && next.weighs_in(self, limits)).then_some(next)
    }

    fn weighs_in(&self, before: &Self, limits: KvLimits) -> bool {
        self.bytes() <= before.bytes() || within(self.bytes(), limits.max_bytes)
    }

    fn plus(
        &self,
        key: String,
        delta: i64,
        expires: bool,
        limits: KvLimits,
    ) -> Option<(Self, Outcome)> {
        let (current, expires) = self.0.get(&key).cloned().unwrap_or((0_i64.into_value(), expires));
        let Value::Number(Number::Int(current)) = current else { return None };
        let sum = current.checked_add(delta)?;
        let next = self.with(vec![(key, sum.into_value())], expires, limits)?;
        Some((next, Outcome::Sum(sum)))
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
            .map(|(key, (value, expires))| {
                let ttl_bytes = if *expires { self.1 } else { 0 };
                key.len() + size(value) + KV_ENTRY_OVERHEAD_BYTES + ttl_bytes
            })
            .sum()
    }

    fn range(&self, range: &Range) -> Vec<(String, Value)> {
        let entries = self.0.iter().filter(|(key, _)| range.contains(*key));
        entries.map(|(key, (value, _))| (key.clone(), value.clone())).collect()
    }
}

fn within(size: usize, max: Option<usize>) -> bool {
    max.is_none_or(|max| size <= max)
}

fn size(value: &Value) -> usize {
    codec::encode_value(value).unwrap().len()
}

async fn send(store: &Store, request: Request, model: &Model) -> Result<Outcome> {
    Ok(match request {
        Request::Set(key, value) => store.set(key, value).await.map(|()| Outcome::Done)?,
        Request::SetBatch(entries) => store.set_batch(entries).await.map(|()| Outcome::Done)?,
        Request::Del(key) => store.del(key).await.map(|()| Outcome::Done)?,
        Request::DelBatch(keys) => store.del_batch(keys).await.map(|()| Outcome::Done)?,
        Request::DelRange((start, end)) => {
            store.del_rng(start, end).await.map(|()| Outcome::Done)?
        }
        Request::CompareAndSet(key, expected, new) => {
            let expected = match expected {
                Expected::Current => model.value(&key),
                Expected::None => None,
                Expected::Some(value) => Some(value),
            };
            Outcome::Bool(store.compare_and_set(key, expected, new).await?)
        }
        Request::Increment(key, delta) => Outcome::Sum(store.increment(key, delta).await?),
        Request::IncrementWithTtl(key, delta) => {
            Outcome::Sum(store.increment_with_ttl(key, delta, TTL).await?)
        }
        Request::SetWithTtl(key, value) => {
            store.set_with_ttl(key, value, TTL).await.map(|()| Outcome::Done)?
        }
        Request::SetTtl(key, ttl) => Outcome::Bool(store.set_ttl(key, ttl).await?),
    })
}

/// Asserts that every way to read a range agrees with the model.
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

/// Asserts that every way to read keys agrees with the model.
async fn check_keys(store: &Store, model: &Model, keys: Vec<String>) -> Result<(), TestCaseError> {
    let too_long = keys.iter().any(|key| key.len() > MAX_KV_KEY_BYTES);
    let expected: Vec<_> = keys.iter().map(|key| model.value(key)).collect();
    let batch = store.get_batch(keys.clone()).await.ok();
    prop_assert_eq!(batch, (!too_long).then_some(expected));
    for key in keys.into_iter().filter(|key| key.len() <= MAX_KV_KEY_BYTES) {
        let value = model.value(&key);
        let expires = model.0.get(&key).is_some_and(|(_, expires)| *expires);
        prop_assert_eq!(store.exists(key.clone()).await.unwrap(), value.is_some());
        prop_assert_eq!(store.ttl(key.clone()).await.unwrap().is_some(), expires);
        prop_assert_eq!(store.get(key.clone()).await.unwrap(), value.clone());
        let encoded = value.map(|value| surrealdb_types::encode(&value).unwrap());
        prop_assert_eq!(store.get_encoded(key).await.unwrap(), encoded);
    }
    Ok(())
}

/// Runs as many cases as a kind of store takes some seconds for.
fn runner(stores: &Stores) -> TestRunner {
    let cases = match stores.kind {
        Kind::Memory | Kind::UnitTest => 256,
        Kind::Redb(..) => 32,
        Kind::Redis(..) => 48,
        Kind::Cluster(..) => 24,
    };
    TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() })
}

/// A refused request changes nothing, and the size is exact after each request.
pub(crate) fn a_store_is_a_map_within_its_limits(stores: &Stores) {
    let input = (limits(), vec(request(), 0..40), (bound(), bound()), vec(key(), 0..4));
    let outcome = runner(stores).run(&input, |(limits, requests, range, keys)| {
        let store = stores.store(limits);
        stores.wait(async {
            let ttl_bytes = match stores.kind {
                Kind::Memory | Kind::UnitTest => KV_TTL_OVERHEAD_BYTES,
                _ => 0,
            };
            let mut model = Model(BTreeMap::new(), ttl_bytes);
            for request in requests {
                let next = model.after(request.clone(), limits);
                let result = send(&store, request.clone(), &model).await;
                let message = format!("{request:?} returned {result:?}");
                let expected = next.as_ref().map(|(_, outcome)| outcome.clone());
                prop_assert_eq!(result.ok(), expected, "{}", message);
                model = next.map_or(model, |(next, _)| next);
                let size = KvSize { entries: model.0.len(), bytes: model.bytes() };
                prop_assert_eq!(store.size().await, size, "{}", message);
            }
            check_range(&store, &model, (Bound::Unbounded, Bound::Unbounded)).await?;
            check_range(&store, &model, range).await?;
            check_keys(&store, &model, keys).await?;
            check_keys(&store, &model, model.0.keys().cloned().collect()).await
        })
    });
    outcome.unwrap();
}

/// Inverted ranges are empty, and deleting them changes nothing.
pub(crate) fn any_range_is_read_and_deleted_like_that_of_a_map(stores: &Stores) {
    let input = (vec("[abc]{0,3}", 0..20), (bound(), bound()));
    let outcome = runner(stores).run(&input, |(keys, range)| {
        let store = stores.store(KvLimits::default());
        let entries: Vec<_> = keys.into_iter().map(|key| (key.clone(), key.into_value())).collect();
        stores.wait(async {
            let ttl_bytes = match stores.kind {
                Kind::Memory | Kind::UnitTest => KV_TTL_OVERHEAD_BYTES,
                _ => 0,
            };
            let mut model = Model(BTreeMap::new(), ttl_bytes);
            for request in [Request::SetBatch(entries), Request::DelRange(range.clone())] {
                send(&store, request.clone(), &model).await.unwrap();
                model = model.after(request, KvLimits::default()).unwrap().0;
                check_range(&store, &model, range.clone()).await?;
                check_range(&store, &model, (Bound::Unbounded, Bound::Unbounded)).await?;
            }
            Ok(())
        })
    });
    outcome.unwrap();
}
