//! Each layer alone. Run with `cargo xtask bench layers`, which sets `BENCH_GUEST`.

use std::hint::black_box;
use std::path::PathBuf;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use surrealdb_types::SurrealValue;
use surrealism_bench::contract::ours::{args, call, context, load, package};
use surrealism_ours::{BTreeMapStore, CodeCache, Grants, Isolation, KVStore, Runtime};
use surrealism_types::codec;

use bench_measure::{Work, executor, unique_component};

criterion_group!(layers, encoding, calls, store, loading);
criterion_main!(layers);

/// Returns the component of `bench/guests/ours`.
fn guest() -> Vec<u8> {
    let path = std::env::var_os("BENCH_GUEST").map(PathBuf::from);
    let path = path.expect("BENCH_GUEST must name the guest: run `cargo xtask bench layers`");
    std::fs::read(path).unwrap()
}

fn encoding(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("codec");
    for (name, work) in [
        ("an integer", Work::CanDrive),
        ("1 MiB of text", Work::Length(1 << 20)),
        ("10,000 integers", Work::Sum(10_000)),
    ] {
        let values = args(work);
        let bytes = codec::encode_values(&values).unwrap();
        group.bench_function(BenchmarkId::new("encode", name), |bencher| {
            bencher.iter(|| codec::encode_values(black_box(&values)).unwrap());
        });
        group.bench_function(BenchmarkId::new("decode", name), |bencher| {
            bencher.iter(|| codec::decode_values(black_box(&bytes)).unwrap());
        });
    }
}

fn calls(criterion: &mut Criterion) {
    let executor = executor().unwrap();
    let runtime = load(&guest(), 1).unwrap();
    for (group, name, work) in [
        ("call", "an integer", Work::CanDrive),
        ("call", "1 MiB of text", Work::Length(1 << 20)),
        ("call", "10,000 integers", Work::Sum(10_000)),
        ("host call", "KV set", Work::KvSet),
        ("host call", "KV get", Work::KvGet),
    ] {
        criterion.benchmark_group(group).bench_function(name, |bencher| {
            bencher.to_async(&executor).iter_batched(
                || args(work),
                |args| async { call(&runtime, work.function(), args).await.unwrap() },
                criterion::BatchSize::SmallInput,
            );
        });
    }
}

fn store(criterion: &mut Criterion) {
    let executor = executor().unwrap();
    let store = BTreeMapStore::new();
    let entries = (0..1_000_i64).map(|number| (format!("key {number:04}"), number.into_value()));
    executor.block_on(store.set_batch(entries.collect())).unwrap();
    let mut group = criterion.benchmark_group("KV");
    let key = || "key 0500".to_string();
    group.bench_function("get, of 1,000", |bencher| {
        bencher.to_async(&executor).iter(|| async { store.get(key()).await.unwrap() });
    });
    group.bench_function("set, of 1,000", |bencher| {
        bencher
            .to_async(&executor)
            .iter(|| async { store.set(key(), 1_i64.into_value()).await.unwrap() });
    });
    group.bench_function("100 of 1,000 entries", |bencher| {
        use std::ops::Bound::{Excluded, Included};
        let range = || (Included("key 0500".to_string()), Excluded("key 0600".to_string()));
        bencher.to_async(&executor).iter(|| async {
            let (start, end) = range();
            store.entries(start, end).await.unwrap()
        });
    });
}

fn loading(criterion: &mut Criterion) {
    let executor = executor().unwrap();
    let guest = guest();
    let mut group = criterion.benchmark_group("instantiate");
    for (name, isolation) in
        [("and run `init`", Isolation::Reuse), ("with a snapshot of `init`", Isolation::Fresh)]
    {
        let package = package(&guest).unwrap();
        let runtime = Runtime::builder(package)
            .grants(Grants::as_requested())
            .isolation(isolation)
            .build()
            .unwrap();
        group.bench_function(name, |bencher| {
            bencher.to_async(&executor).iter(|| async {
                let context = Box::new(context(&runtime));
                let mut controller = runtime.new_controller(context).await.unwrap();
                controller.init().await.unwrap();
            });
        });
    }
    drop(group);

    let mut group = criterion.benchmark_group("load");
    group.sample_size(10);
    let mut number = 0;
    group.bench_function("compile", |bencher| {
        bencher.iter(|| {
            number += 1;
            load(&unique_component(&guest, number), 1).unwrap()
        });
    });
    let directory = tempfile::tempdir().unwrap();
    let cache = CodeCache::open(directory.path().join("code")).unwrap();
    let other = unique_component(&guest, 0);
    let cached = || {
        Runtime::builder(package(&other).unwrap())
            .grants(Grants::as_requested())
            .code_cache(cache.clone())
            .build()
    };
    cached().unwrap();
    group.bench_function("from the cache", |bencher| bencher.iter(|| cached().unwrap()));
}
