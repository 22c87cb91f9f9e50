//! Every way to misbehave.

use std::time::{Duration, Instant};

use surrealism::surrealdb_types::Value;
use surrealism::{anyhow, kv, surrealism};

/// Panics.
#[surrealism]
fn panics(message: String) {
    panic!("{message}");
}

/// Executes wasm's `unreachable`.
#[surrealism]
fn unreachable() {
    std::process::abort();
}

/// Ends the process, so to speak.
#[surrealism]
fn exit(code: i32) {
    std::process::exit(code);
}

/// Calls itself without end.
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

/// Keeps the processor busy for so many milliseconds.
#[surrealism]
fn spin(ms: u64) {
    let start = Instant::now();
    while start.elapsed() < Duration::from_millis(ms) {}
}

/// Sleeps for so many milliseconds.
#[surrealism]
fn sleep(ms: u64) {
    std::thread::sleep(Duration::from_millis(ms));
}

/// Takes memory until there is none.
#[surrealism]
fn hog() {
    let mut hoard: Vec<Vec<u8>> = Vec::new();
    loop {
        hoard.push(std::hint::black_box(vec![1; 1 << 20]));
    }
}

/// Takes memory until there is none; answers how many MiB there were, and lets go of them.
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

/// Answers an error, the instance unharmed.
#[surrealism]
fn fail(message: String) -> Result<(), String> {
    Err(message)
}

/// Answers a text of so many bytes.
#[surrealism]
fn answer(bytes: usize) -> String {
    "x".repeat(bytes)
}

/// Runs a query so many times; answers the last result.
#[surrealism]
fn query_often(query: String, times: i64) -> anyhow::Result<Value> {
    (0..times).try_fold(Value::None, |_, _| surrealism::sql(query.as_str()))
}

/// Fills the store with so many keys, whose values are texts of so many bytes.
#[surrealism]
fn fill_store(keys: i64, bytes: usize) -> anyhow::Result<()> {
    (0..keys).try_for_each(|key| kv::set(key.to_string(), "x".repeat(bytes)))
}

/// Works.
#[surrealism]
fn alive() -> bool {
    true
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_polite_ones_work_natively() {
        assert!(super::alive());
        assert_eq!(super::fail("no".to_string()), Err("no".to_string()));
        assert_eq!(super::answer(3), "xxx");
    }
}
