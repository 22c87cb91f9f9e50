//! The same queries on whichever runtime this was built with: a line for each, with what it measured
//! and its microseconds.

use std::time::{Duration, Instant};

use drop_in::{ask, database, define, put};
use surrealdb::Surreal;
use surrealdb::engine::local::Db;

const ROUNDS: usize = 5;
const ROUND: Duration = Duration::from_millis(300);
const CALLERS: usize = 64;
const CALLS_OF_EACH: usize = 50;

/// What is measured, and the query.
const QUERIES: [(&str, &str); 6] = [
    ("a query without a call", "RETURN 1 + 2"),
    ("a small call", "RETURN mod::calls::math::add(1, 2)"),
    (
        "1,000 small calls in one query",
        "RETURN array::range(0, 1000).map(|$n| mod::calls::math::add($n, 1))",
    ),
    ("a value set", "RETURN mod::host::kv::set('a', 1)"),
    ("a value got", "RETURN mod::host::kv::get('a')"),
    ("a query from the guest", "RETURN mod::host::sql('RETURN 1 + 2')"),
];

#[tokio::main]
async fn main() -> surrealdb::Result<()> {
    let db = database().await?;
    for module in ["calls", "host"] {
        define(&db, module).await?;
    }
    for (name, query) in QUERIES {
        println!("{name}\t{}", micros(least(&db, query).await?));
    }
    println!("a small call, of 64 callers at once\t{}", micros(at_once(&db).await?));
    println!("a module defined once more, and its first call\t{}", micros(first_call(&db).await?));
    Ok(())
}

fn micros(time: Duration) -> f64 {
    time.as_nanos() as f64 / 1000.0
}

/// The time of a query: the mean of the best round.
async fn least(db: &Surreal<Db>, query: &str) -> surrealdb::Result<Duration> {
    let mut least = Duration::MAX;
    for _ in 0..ROUNDS {
        let (start, mut times) = (Instant::now(), 0);
        while start.elapsed() < ROUND {
            ask(db, query).await?;
            times += 1;
        }
        least = least.min(start.elapsed() / times);
    }
    Ok(least)
}

/// The time for each call of many callers, on as many threads as there are processors.
async fn at_once(db: &Surreal<Db>) -> surrealdb::Result<Duration> {
    let mut least = Duration::MAX;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        let callers: Vec<_> = (0..CALLERS).map(|_| tokio::spawn(call(db.clone()))).collect();
        for caller in callers {
            caller.await.expect("a caller does not panic")?;
        }
        least = least.min(start.elapsed() / (CALLERS * CALLS_OF_EACH) as u32);
    }
    Ok(least)
}

async fn call(db: Surreal<Db>) -> surrealdb::Result<()> {
    for _ in 0..CALLS_OF_EACH {
        ask(&db, "RETURN mod::calls::math::add(1, 2)").await?;
    }
    Ok(())
}

/// The time to define a module that is compiled already by another name, and to call it.
async fn first_call(db: &Surreal<Db>) -> surrealdb::Result<Duration> {
    put(db, "text").await?;
    let mut least = Duration::MAX;
    for round in 0..ROUNDS {
        let start = Instant::now();
        let name = format!("mod::round{round}");
        ask(db, &format!("DEFINE MODULE {name} FROM f'archives:/text.surli' UNSIGNED")).await?;
        ask(db, &format!("RETURN {name}::slug('x')")).await?;
        least = least.min(start.elapsed());
    }
    Ok(least)
}
