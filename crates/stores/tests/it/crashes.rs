//! What was acknowledged survives `kill -9`, of the writer and of the server, and nothing is there by
//! halves. `CRASHES=1000` makes it that many.

mod support;

use std::io::{BufRead, BufReader};
use std::ops::Bound::{Excluded, Included, Unbounded};
use std::process::{Child, Command, Stdio};
use std::thread::{scope, sleep};
use std::time::Duration;

use anyhow::Result;
use surrealdb_types::Value;
use surrealism_runtime::kv::bounds::KvSize;
use surrealism_runtime::limits::KvLimits;
use surrealism_stores::{RedbDatabase, RedisClient};
use surrealism_types::codec;

use support::redis_server::Server;
use support::{Store, executor, int};

/// Where the writer that is to be killed finds its store.
const PLACE: &str = "CRASHING_STORE";

/// Keys of one batch that are its own, and as many that every batch sets.
const PARTS: u64 = 8;

fn crashes() -> u64 {
    std::env::var("CRASHES").map_or(50, |crashes| crashes.parse().unwrap())
}

async fn open(place: &str) -> Result<Store> {
    let (module, limits) = ("acme/crash", KvLimits::default());
    Ok(match place.strip_prefix("redis:") {
        Some(_) => Store::Redis(RedisClient::connect(place).await?.module(module, limits)?),
        None => Store::Redb(RedbDatabase::open(place)?.module(module, limits)?),
    })
}

fn own(batch: u64, part: u64) -> String {
    format!("own:{batch:08}:{part}")
}

/// Every batch has keys of its own, and says of itself that it was the last.
async fn write(store: &Store, batch: u64) -> Result<()> {
    let value = int(batch as i64);
    let entries = (0..PARTS)
        .flat_map(|part| [own(batch, part), format!("last:{part}")])
        .map(|key| (key, value.clone()))
        .collect();
    store.set_batch(entries).await
}

/// The last batch; an error in it would be one that is half there.
async fn last(store: &Store) -> u64 {
    let marks = store.values(Included("last:".into()), Excluded("last;".into())).await.unwrap();
    assert!(marks.iter().all(|mark| *mark == marks[0]), "{marks:?} are of several batches");
    assert!(marks.is_empty() || marks.len() as u64 == PARTS, "{marks:?} are not all of a batch");
    let Some(Value::Number(last)) = marks.first() else { return 0 };
    last.to_int().unwrap() as u64
}

/// All batches are there up to the last one acknowledged, and perhaps the one that was under way.
async fn check(store: &Store, acknowledged: u64) -> u64 {
    let last = last(store).await;
    assert!(
        last == acknowledged || last == acknowledged + 1,
        "batch {acknowledged} was acknowledged, and {last} is the last one there"
    );
    let count = store.count(Included("own:".into()), Excluded("own;".into())).await.unwrap();
    assert_eq!(count, last * PARTS);
    for batch in last.saturating_sub(3).max(1)..=last {
        let keys = (0..PARTS).map(|part| own(batch, part)).collect();
        let values = store.get_batch(keys).await.unwrap();
        assert!(values.iter().all(|value| *value == Some(int(batch as i64))), "{values:?}");
    }
    last
}

/// What the store says it holds is what it holds, asked for in answers that are not too large.
async fn check_size(store: &Store, last: u64) {
    const BATCHES: u64 = 5_000;

    let pieces = (0..=last).step_by(BATCHES as usize);
    let pieces = pieces.map(|first| (Included(own(first, 0)), Excluded(own(first + BATCHES, 0))));
    let mut size = KvSize::default();
    for (start, end) in pieces.chain([(Unbounded, Excluded("own:".into()))]) {
        for (key, value) in store.entries(start, end).await.unwrap() {
            size = size.with(&key, codec::encode_value(&value).unwrap().len());
        }
    }
    assert_eq!(store.size().await, size);
}

/// Writes until it is killed, in the processes that [`kill_writers`] starts of a test; nothing in others.
fn write_if_started_to() {
    let Ok(place) = std::env::var(PLACE) else { return };
    executor().block_on(async {
        let store = open(&place).await.unwrap();
        let first = last(&store).await + 1;
        for batch in first.. {
            write(&store, batch).await.unwrap();
            println!("\nacknowledged {batch}");
        }
    });
}

struct Writer(Child);

impl Writer {
    fn start(test: &str, place: &str) -> Self {
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", test, "--nocapture"])
            .env(PLACE, place)
            .stdout(Stdio::piped())
            .spawn();
        Self(child.unwrap())
    }

    /// Kills it after a while from its first batch on; answers the last one that it acknowledged.
    fn kill_after(mut self, while_: Duration) -> u64 {
        let mut lines = BufReader::new(self.0.stdout.take().unwrap()).lines().map_while(Result::ok);
        let mut acknowledged =
            || lines.find_map(|line| line.strip_prefix("acknowledged ")?.parse::<u64>().ok());
        let mut last = acknowledged().expect("the writer writes");
        sleep(while_);
        self.0.kill().unwrap();
        self.0.wait().unwrap();
        while let Some(batch) = acknowledged() {
            last = batch;
        }
        last
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Kills one after the other, each of them this very `test`, which begins with [`write_if_started_to`].
fn kill_writers(test: &str, place: &str) {
    let executor = executor();
    let mut last = 0;
    for crash in 0..crashes() {
        let acknowledged =
            Writer::start(test, place).kill_after(Duration::from_millis(crash * 7 % 40));
        let check = async { check(&open(place).await.unwrap(), acknowledged).await };
        last = executor.block_on(check);
    }
    executor.block_on(async { check_size(&open(place).await.unwrap(), last).await });
}

#[test]
fn a_file_outlives_its_writer() {
    write_if_started_to();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("kv.redb");
    kill_writers("a_file_outlives_its_writer", file.to_str().unwrap());
}

#[test]
fn redis_has_no_half_batch_of_a_writer() {
    write_if_started_to();
    let server = Server::start(&["--save", ""]);
    kill_writers("redis_has_no_half_batch_of_a_writer", &server.url());
}

#[test]
fn redis_comes_back_with_what_it_acknowledged() {
    let mut server =
        Server::start(&["--save", "", "--appendonly", "yes", "--appendfsync", "always"]);
    let executor = executor();
    let store = executor.block_on(open(&server.url())).unwrap();
    let mut last = 0;
    for crash in 0..crashes() / 5 {
        let acknowledged = scope(|threads| {
            // Until the server is gone.
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
