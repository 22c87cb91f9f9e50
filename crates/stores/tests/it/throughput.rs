//! Measures durable writes a second, for `docs/performance.md`. Run it alone, on a quiet machine:
//!
//! ```sh
//! cargo test --workspace --test it throughput -- --ignored --nocapture
//! ```

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use futures::future::join_all;
use redb::{ReadableTable, TableDefinition};
use redis::AsyncTypedCommands;
use surrealism_runtime::KVStore;
use surrealism_runtime::limits::KvLimits;
use surrealism_stores::{RedbDatabase, RedisClient};

use crate::support::executor;
use crate::support::redis_server::Server;

const CALLERS: [usize; 3] = [1, 16, 64];
const TIME: Duration = Duration::from_secs(3);

/// Runs `write` again and again for each of some callers, and returns how often it ran in a second.
async fn measure<F: Future<Output = ()> + Send + 'static>(
    callers: usize,
    write: impl Fn() -> F + Clone + Send + 'static,
) -> f64 {
    let (done, started) = (Arc::new(AtomicU64::new(0)), Instant::now());
    let callers = (0..callers).map(|_| {
        let (done, write) = (done.clone(), write.clone());
        tokio::spawn(async move {
            while started.elapsed() < TIME {
                write().await;
                done.fetch_add(1, Ordering::Relaxed);
            }
        })
    });
    for ended in join_all(callers).await {
        ended.unwrap();
    }
    done.load(Ordering::Relaxed) as f64 / started.elapsed().as_secs_f64()
}

fn increment(store: impl KVStore + 'static) -> impl Fn() -> BoxFuture + Clone + Send + 'static {
    let store = Arc::new(store);
    move || {
        let store = store.clone();
        Box::pin(async move {
            store.increment("n".into(), 1).await.unwrap();
        })
    }
}

type BoxFuture = std::pin::Pin<Box<dyn Future<Output = ()> + Send>>;

/// Adds to a number in a transaction of its own, with redb alone.
fn increment_with_redb(database: &redb::Database) {
    const NUMBERS: TableDefinition<&str, i64> = TableDefinition::new("numbers");

    let mut transaction = database.begin_write().unwrap();
    transaction.set_two_phase_commit(true);
    {
        let mut numbers = transaction.open_table(NUMBERS).unwrap();
        let sum = numbers.get("n").unwrap().map_or(0, |number| number.value()) + 1;
        numbers.insert("n", sum).unwrap();
    }
    transaction.commit().unwrap();
}

#[test]
#[ignore = "a measurement"]
fn durable_increments_a_second() {
    let directory = tempfile::tempdir().unwrap();
    let redis = Server::start(&["--save", "", "--appendonly", "yes", "--appendfsync", "always"]);
    executor().block_on(async {
        let database = RedbDatabase::open(directory.path().join("ours.redb")).unwrap();
        let plain = redb::Database::create(directory.path().join("plain.redb")).unwrap();
        let plain = Arc::new(plain);
        let client = RedisClient::connect(&redis.url()).await.unwrap();
        let connection =
            redis::Client::open(redis.url()).unwrap().get_multiplexed_async_connection().await;
        let connection = connection.unwrap();

        println!("| callers | `RedbStore` | redb alone | `RedisStore` | `INCR` |");
        println!("|--:|--:|--:|--:|--:|");
        for callers in CALLERS {
            let ours = increment(database.module("acme/a", KvLimits::default()).unwrap());
            let on_redis = increment(client.module("acme/a", KvLimits::default()).unwrap());
            let plain = plain.clone();
            let with_redb = move || {
                let plain = plain.clone();
                let written = tokio::task::spawn_blocking(move || increment_with_redb(&plain));
                async { written.await.unwrap() }
            };
            let connection = connection.clone();
            let incr = move || {
                let mut connection = connection.clone();
                async move {
                    connection.incr("n", 1).await.unwrap();
                }
            };
            let rates = [
                measure(callers, ours).await,
                measure(callers, with_redb).await,
                measure(callers, on_redis).await,
                measure(callers, incr).await,
            ];
            let rates = rates.map(|rate| format!("{rate:.0}")).join(" | ");
            println!("| {callers} | {rates} |");
        }
    });
}
