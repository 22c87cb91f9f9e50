//! Calls of every sort with faults injected, over and over: the process must hold as much at the end as at
//! the beginning. `cargo xtask soak` runs it for longer.
//!
//! A program of its own: it counts the threads, the files and the memory of the process.

/// The helpers of the program `it`.
#[allow(dead_code, unused_imports, reason = "a part of them is used here")]
mod it {
    pub(crate) mod support;
}

use std::fs;
use std::future::{Future, IntoFuture};
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::task::{Context, Waker};
use std::time::{Duration, Instant};

use futures::FutureExt;
use it::support::{Recorder, archive, builder, text, value};
use surrealdb_types::Value;
use surrealism_runtime::{Isolation, Runtime, SurrealismPackage, UnpackOptions};

/// How long to run; the default is for every run of the tests.
fn duration() -> Duration {
    let seconds = std::env::var("SOAK_SECONDS").ok().and_then(|seconds| seconds.parse().ok());
    Duration::from_secs(seconds.unwrap_or(5))
}

/// Pseudorandom numbers, the same in every run: splitmix64, <https://prng.di.unimi.it/splitmix64.c>.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % bound as u64) as usize
    }
}

/// Resources of the process in which a leak would show.
#[derive(Debug, Clone, Copy)]
struct Resources {
    threads: usize,
    files: usize,
    resident_kib: usize,
}

impl Resources {
    #[cfg(target_os = "linux")]
    fn now() -> Self {
        let count = |path| fs::read_dir(path).unwrap().count();
        let status = fs::read_to_string("/proc/self/status").unwrap();
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        let resident_kib = resident.trim().trim_end_matches(" kB").parse().unwrap();
        Self { threads: count("/proc/self/task"), files: count("/proc/self/fd"), resident_kib }
    }

    #[cfg(not(target_os = "linux"))]
    fn now() -> Self {
        Self { threads: 0, files: 0, resident_kib: 0 }
    }
}

/// Polls a future at most `polls` times, and drops it.
fn poll_and_drop<F: Future>(future: F, polls: usize) {
    let mut future = pin!(future);
    let mut cx = Context::from_waker(Waker::noop());
    for _ in 0..polls {
        if future.as_mut().poll(&mut cx).is_ready() {
            return;
        }
    }
}

async fn one_call(runtime: &Runtime, numbers: &mut Numbers) {
    let (function, args) = match numbers.below(10) {
        0 => ("panics", vec![text("x")]),
        1 => ("unreachable", vec![]),
        2 => ("spin_forever", vec![]),
        3 => ("sleep", vec![value(1_000_i64)]),
        4 => ("query_often", vec![text("wait"), value(1_i64)]),
        5 => ("query_often", vec![text("panic"), value(1_i64)]),
        6 => ("fail", vec![text("no")]),
        7 => ("fill_store", vec![value(20_i64), value(1_000_i64)]),
        8 => ("answer", vec![value(100_000_i64)]),
        _ => ("alive", vec![]),
    };
    let args: Vec<Value> = args;
    let context = Recorder::with_store(runtime.kv_store().clone());
    let timeout = Duration::from_millis(numbers.below(25) as u64);
    let call = runtime.call(function, args, context).timeout(timeout).into_future();
    let call = AssertUnwindSafe(call).catch_unwind();
    match numbers.below(3) {
        0 => poll_and_drop(call, numbers.below(4)),
        _ => drop(call.await),
    }
}

/// Reads an archive, truncated and whole, and unpacks it in `directory`.
fn read_archives(bytes: &[u8], directory: &std::path::Path, numbers: &mut Numbers) {
    let opts = UnpackOptions { temp_base: Some(directory), ..UnpackOptions::default() };
    let cut = numbers.below(bytes.len());
    assert!(SurrealismPackage::from_reader(&bytes[..cut], &opts).is_err());
    SurrealismPackage::from_reader(bytes, &opts).unwrap();
}

#[test]
fn nothing_leaks() {
    // Panics that are made on purpose would fill the log.
    let print = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !panic.payload_as_str().is_some_and(|text| text.contains("on purpose")) {
            print(panic);
        }
    }));
    let executor = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let directory = tempfile::tempdir().unwrap();
    let files = fs::read(archive("files")).unwrap();
    let mut numbers = Numbers(1);
    let runtimes = [Isolation::Reuse, Isolation::Fresh]
        .map(|isolation| builder("hostile").isolation(isolation).build().unwrap());

    let mut round = |calls: usize| {
        executor.block_on(async {
            for _ in 0..calls {
                for runtime in &runtimes {
                    one_call(runtime, &mut numbers).await;
                }
            }
        });
        read_archives(&files, directory.path(), &mut numbers);
    };
    // Pools, caches and the threads of the executor are warm before anything is counted.
    round(100);
    let before = Resources::now();
    let began = Instant::now();
    let mut rounds = 0;
    while began.elapsed() < duration() {
        round(20);
        rounds += 1;
    }
    let after = Resources::now();

    assert!(rounds > 0);
    assert!(after.threads <= before.threads, "{before:?} became {after:?}");
    assert!(after.files <= before.files, "{before:?} became {after:?}");
    let grown = after.resident_kib.saturating_sub(before.resident_kib);
    assert!(grown < 64 << 10, "{before:?} became {after:?}");
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0, "a temporary directory is left");
    for runtime in &runtimes {
        let usage = runtime.usage();
        assert!(usage.instances.peak <= 2, "{usage:?}");
        let alive = runtime.call("alive", (), Recorder::new()).into_future();
        assert_eq!(executor.block_on(alive).unwrap(), value(true));
    }
}
