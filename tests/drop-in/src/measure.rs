//! Measures queries on the runtime that this program was built with. Prints a line for each: a title, a tab
//! and the time in microseconds.

use std::time::{Duration, Instant};

use drop_in::{database, define, put, query};
use surrealdb::Surreal;
use surrealdb::engine::local::Db;

const ROUNDS: usize = 5;
const ROUND: Duration = Duration::from_millis(300);
const CALLERS: usize = 64;
const CALLS_PER_CALLER: usize = 50;

/// The title and the text of each query.
const QUERIES: [(&str, &str); 6] = [
    ("a query without a call", "RETURN 1 + 2"),
    ("a small call", "RETURN mod::attribute_matrix::math::add(1, 2)"),
    (
        "1,000 small calls in one query",
        "RETURN array::range(0, 1000).map(|$n| mod::attribute_matrix::math::add($n, 1))",
    ),
    ("a value set", "RETURN mod::host::kv::set('a', 1)"),
    ("a value got", "RETURN mod::host::kv::get('a')"),
    ("a query from the guest", "RETURN mod::host::sql('RETURN 1 + 2')"),
];

#[tokio::main]
async fn main() -> surrealdb::Result<()> {
    let db = database().await?;
    for module in ["attribute_matrix", "host"] {
        define(&db, module).await?;
    }
    for (title, text) in QUERIES {
        println!("{title}\t{}", micros(best_mean(&db, text).await?));
    }
    println!("a small call, of 64 callers at once\t{}", micros(concurrent_call(&db).await?));
    println!("a module defined once more, and its first call\t{}", micros(first_call(&db).await?));
    Ok(())
}

fn micros(time: Duration) -> f64 {
    time.as_nanos() as f64 / 1000.0
}

/// Returns the mean time of a query in the best round.
async fn best_mean(db: &Surreal<Db>, text: &str) -> surrealdb::Result<Duration> {
    let mut best = Duration::MAX;
    for _ in 0..ROUNDS {
        let (start, mut runs) = (Instant::now(), 0);
        while start.elapsed() < ROUND {
            query(db, text).await?;
            runs += 1;
        }
        best = best.min(start.elapsed() / runs);
    }
    Ok(best)
}

/// Returns the time per call with many callers, on one thread for each processor.
async fn concurrent_call(db: &Surreal<Db>) -> surrealdb::Result<Duration> {
    let mut best = Duration::MAX;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        let callers: Vec<_> = (0..CALLERS).map(|_| tokio::spawn(call(db.clone()))).collect();
        for caller in callers {
            caller.await.expect("a caller does not panic")?;
        }
        best = best.min(start.elapsed() / (CALLERS * CALLS_PER_CALLER) as u32);
    }
    Ok(best)
}

async fn call(db: Surreal<Db>) -> surrealdb::Result<()> {
    for _ in 0..CALLS_PER_CALLER {
        query(&db, "RETURN mod::attribute_matrix::math::add(1, 2)").await?;
    }
    Ok(())
}

/// Returns the time to define a module, whose archive is compiled already, under another name and to call it.
async fn first_call(db: &Surreal<Db>) -> surrealdb::Result<Duration> {
    put(db, "text").await?;
    let mut best = Duration::MAX;
    for round in 0..ROUNDS {
        let start = Instant::now();
        let name = format!("mod::round{round}");
        query(db, &format!("DEFINE MODULE {name} FROM f'archives:/text.surli' UNSIGNED")).await?;
        query(db, &format!("RETURN {name}::slug('x')")).await?;
        best = best.min(start.elapsed());
    }
    Ok(best)
}
