//! Acknowledged writes survive `kill -9` of the writer and of the server, and every batch is there as a
//! whole or not at all. The variable `CRASHES` sets the number of crashes of each test; the default is 50.

use std::fs;
use std::io::{BufRead, BufReader};
use std::ops::Bound::{Excluded, Included, Unbounded};
use std::process::{Child, Command, Stdio};
use std::thread::{scope, sleep};
use std::time::Duration;

use anyhow::Result;
use surrealdb_types::Value;
use surrealism_runtime::kv::enforce::KvSize;
use surrealism_runtime::limits::KvLimits;
use surrealism_stores::{RedbDatabase, RedisClient};
use surrealism_types::codec;

use crate::support::redis_server::Server;
use crate::support::{Store, executor, int};

/// The variable that makes a test process a writer, with the path or URL of its store.
const STORE_VARIABLE: &str = "CRASHING_STORE";

/// The number of keys that are unique to one batch, and of keys that every batch sets.
const PARTS: u64 = 8;

fn crashes() -> u64 {
    std::env::var("CRASHES").map_or(50, |crashes| crashes.parse().unwrap())
}

async fn open(location: &str) -> Result<Store> {
    let (module, limits) = ("acme/crash", KvLimits::default());
    Ok(match location.strip_prefix("redis:") {
        Some(_) => Store::Redis(RedisClient::connect(location).await?.module(module, limits)?),
        None => Store::Redb(RedbDatabase::open(location)?.module(module, limits)?),
    })
}

fn unique_key(batch: u64, part: u64) -> String {
    format!("unique:{batch:08}:{part}")
}

/// Writes one batch: its unique keys, and the keys that mark it as the last batch.
async fn write(store: &Store, batch: u64) -> Result<()> {
    let value = int(batch as i64);
    let entries = (0..PARTS)
        .flat_map(|part| [unique_key(batch, part), format!("last:{part}")])
        .map(|key| (key, value.clone()))
        .collect();
    store.set_batch(entries).await
}

/// Returns the last batch, and asserts that all of it is there.
async fn last_batch(store: &Store) -> u64 {
    let marks = store.values(Included("last:".into()), Excluded("last;".into())).await.unwrap();
    assert!(
        marks.iter().all(|mark| *mark == marks[0]),
        "the marks {marks:?} are of several batches"
    );
    assert!(marks.is_empty() || marks.len() as u64 == PARTS, "the marks {marks:?} are incomplete");
    let Some(Value::Number(last)) = marks.first() else { return 0 };
    last.to_int().unwrap() as u64
}

/// Asserts that every acknowledged batch is there, and at most one more, which was being written. Returns
/// the last batch.
async fn check(store: &Store, acknowledged: u64) -> u64 {
    let last = last_batch(store).await;
    assert!(
        last == acknowledged || last == acknowledged + 1,
        "batch {acknowledged} was acknowledged, and {last} is the last one there"
    );
    let count = store.count(Included("unique:".into()), Excluded("unique;".into())).await.unwrap();
    assert_eq!(count, last * PARTS);
    for batch in last.saturating_sub(3).max(1)..=last {
        let keys = (0..PARTS).map(|part| unique_key(batch, part)).collect();
        let values = store.get_batch(keys).await.unwrap();
        assert!(values.iter().all(|value| *value == Some(int(batch as i64))), "{values:?}");
    }
    last
}

/// Asserts that the size of the store is that of its entries, read in ranges below the response limit.
async fn check_size(store: &Store, last: u64) {
    const BATCHES: u64 = 5_000;

    let ranges = (0..=last).step_by(BATCHES as usize);
    let ranges = ranges
        .map(|first| (Included(unique_key(first, 0)), Excluded(unique_key(first + BATCHES, 0))));
    let mut size = KvSize::default();
    for (start, end) in ranges.chain([(Unbounded, Excluded("unique:".into()))]) {
        for (key, value) in store.entries(start, end).await.unwrap() {
            size = size.plus_entry(&key, codec::encode_value(&value).unwrap().len());
        }
    }
    assert_eq!(store.size().await, size);
}

/// Writes until it is killed, if [`Writer::start`] started this process. Does nothing otherwise.
fn write_if_this_is_a_writer() {
    let Ok(location) = std::env::var(STORE_VARIABLE) else { return };
    executor().block_on(async {
        let store = open(&location).await.unwrap();
        let first = last_batch(&store).await + 1;
        for batch in first.. {
            write(&store, batch).await.unwrap();
            println!("\nacknowledged {batch}");
        }
    });
}

struct Writer(Child);

fn acknowledged(line: &str) -> Option<u64> {
    line.trim_end().strip_prefix("acknowledged ")?.parse().ok()
}

impl Writer {
    /// Starts this test program again, with the one test that calls [`write_if_this_is_a_writer`].
    fn start(test: &str, location: &str) -> Self {
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", &format!("crashes::{test}"), "--nocapture"])
            .env(STORE_VARIABLE, location)
            .stdout(Stdio::piped())
            .spawn();
        Self(child.unwrap())
    }

    /// Kills it some time after its first batch; returns the last batch that it acknowledged.
    fn kill_after(mut self, time: Duration) -> u64 {
        let mut first = String::new();
        let mut output = BufReader::new(self.0.stdout.take().unwrap());
        while acknowledged(&first).is_none() {
            first.clear();
            assert_ne!(output.read_line(&mut first).unwrap(), 0, "the writer writes");
        }
        sleep(time);
        self.end(output).max(acknowledged(&first).unwrap_or_default())
    }

    /// Kills it now; returns the last batch that it acknowledged, or 0.
    fn kill(mut self) -> u64 {
        let output = BufReader::new(self.0.stdout.take().unwrap());
        self.end(output)
    }

    fn end(mut self, output: impl BufRead) -> u64 {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
        let lines = output.lines().map_while(Result::ok);
        lines.filter_map(|line| acknowledged(&line)).last().unwrap_or_default()
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts and kills one writer after the other, and checks the store after each. `test` is the name of the
/// calling test, which has to begin with [`write_if_this_is_a_writer`].
fn kill_writers(test: &str, location: &str) {
    let executor = executor();
    let mut last = 0;
    for crash in 0..crashes() {
        let acknowledged =
            Writer::start(test, location).kill_after(Duration::from_millis(crash * 7 % 40));
        let check = async { check(&open(location).await.unwrap(), acknowledged).await };
        last = executor.block_on(check);
    }
    executor.block_on(async { check_size(&open(location).await.unwrap(), last).await });
}

#[test]
fn a_file_survives_its_writer() {
    write_if_this_is_a_writer();
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("kv.redb");
    kill_writers("a_file_survives_its_writer", file.to_str().unwrap());
}

/// Kills the writer as soon as anything is in the directory, and some time later.
#[test]
fn a_new_file_survives_its_writer() {
    write_if_this_is_a_writer();
    let executor = executor();
    for crash in 0..crashes() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("kv.redb");
        let location = file.to_str().unwrap();
        let writer = Writer::start("a_new_file_survives_its_writer", location);
        while fs::read_dir(directory.path()).unwrap().next().is_none() {
            std::hint::spin_loop();
        }
        sleep(Duration::from_micros(crash * 97 % 4_000));
        let acknowledged = writer.kill();
        executor.block_on(async { check(&open(location).await.unwrap(), acknowledged).await });
    }
}

#[test]
fn redis_has_no_partial_batch_of_a_killed_writer() {
    write_if_this_is_a_writer();
    let server = Server::start(&["--save", ""]);
    kill_writers("redis_has_no_partial_batch_of_a_killed_writer", &server.url());
}

#[test]
fn a_killed_redis_restarts_with_all_acknowledged_writes() {
    let mut server =
        Server::start(&["--save", "", "--appendonly", "yes", "--appendfsync", "always"]);
    let executor = executor();
    let store = executor.block_on(open(&server.url())).unwrap();
    let mut last = 0;
    for crash in 0..crashes() / 5 {
        let acknowledged = scope(|threads| {
            // Writes until the server is gone.
            let writer = threads.spawn(|| {
                let mut batch = last;
                while executor.block_on(write(&store, batch + 1)).is_ok() {
                    batch += 1;
                }
                batch
            });
            sleep(Duration::from_millis(5 + crash * 7 % 40));
            server.kill();
            writer.join().unwrap()
        });
        server.run();
        last = executor.block_on(check(&store, acknowledged));
    }
    executor.block_on(check_size(&store, last));
}
