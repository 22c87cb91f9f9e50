//! The functions that every side of the benchmark runs.

use surrealism::{kv, surrealism};

#[surrealism]
fn can_drive(age: i64) -> bool {
    age >= 18
}

#[surrealism]
fn length(text: String) -> i64 {
    text.len() as i64
}

#[surrealism]
fn sum(numbers: Vec<i64>) -> i64 {
    numbers.into_iter().sum()
}

#[surrealism]
fn kv_set(key: String, value: i64) -> Result<(), String> {
    kv::set(key, value).map_err(|error| error.to_string())
}

#[surrealism]
fn kv_get(key: String) -> Result<Option<i64>, String> {
    kv::get(key).map_err(|error| error.to_string())
}
