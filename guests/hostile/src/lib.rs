//! Functions that misbehave.

use std::time::{Duration, Instant};

use surrealism::surrealdb_types::Value;
use surrealism::{anyhow, kv, surrealism};

/// Panics.
#[surrealism]
fn panics(message: String) {
    panic!("{message}");
}

/// Executes the instruction `unreachable`.
#[surrealism]
fn unreachable() {
    std::process::abort();
}

/// Exits the process, which is a trap.
#[surrealism]
fn exit(code: i32) {
    std::process::exit(code);
}

/// Recurses without end.
#[surrealism]
fn recurse() -> i64 {
    #[allow(unconditional_recursion)]
    fn deeper(n: i64) -> i64 {
        std::hint::black_box(deeper(std::hint::black_box(n) + 1)) + 1
    }
    deeper(0)
}

/// Loops without end.
#[surrealism]
fn spin_forever() {
    loop {
        std::hint::black_box(());
    }
}

/// Keeps the CPU busy for `ms` milliseconds.
#[surrealism]
fn spin(ms: u64) {
    let start = Instant::now();
    while start.elapsed() < Duration::from_millis(ms) {}
}

/// Sleeps for `ms` milliseconds.
#[surrealism]
fn sleep(ms: u64) {
    std::thread::sleep(Duration::from_millis(ms));
}

/// Awaits what nothing can wake.
#[surrealism]
async fn wait_forever() {
    std::future::pending().await
}

/// Allocates until memory runs out, which is a trap.
#[surrealism]
fn hog() {
    let mut hoard: Vec<Vec<u8>> = Vec::new();
    loop {
        hoard.push(std::hint::black_box(vec![1; 1 << 20]));
    }
}

/// Allocates until memory runs out, and frees it. Returns how many MiB there were.
#[surrealism]
fn hog_politely() -> usize {
    let mut hoard: Vec<Vec<u8>> = Vec::new();
    loop {
        let mut mib = Vec::new();
        if mib.try_reserve_exact(1 << 20).is_err() {
            return hoard.len();
        }
        mib.resize(1 << 20, 1);
        hoard.push(std::hint::black_box(mib));
    }
}

/// Returns an error. The instance can be reused.
#[surrealism]
fn fail(message: String) -> Result<(), String> {
    Err(message)
}

/// Returns a string of `bytes` bytes.
#[surrealism]
fn answer(bytes: usize) -> String {
    "x".repeat(bytes)
}

/// Runs a query `times` times, and returns the last result.
#[surrealism]
fn query_often(query: String, times: i64) -> anyhow::Result<Value> {
    (0..times).try_fold(Value::None, |_, _| surrealism::sql(query.as_str()))
}

/// Sets `keys` keys of the store to strings of `bytes` bytes.
#[surrealism]
fn fill_store(keys: i64, bytes: usize) -> anyhow::Result<()> {
    (0..keys).try_for_each(|key| kv::set(key.to_string(), "x".repeat(bytes)))
}

/// Returns `true`.
#[surrealism]
fn alive() -> bool {
    true
}

#[cfg(test)]
mod tests {
    #[test]
    fn harmless_functions_run_natively() {
        assert!(super::alive());
        assert_eq!(super::fail("no".to_string()), Err("no".to_string()));
        assert_eq!(super::answer(3), "xxx");
    }
}
