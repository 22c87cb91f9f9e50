//! `../functions.rs` for the next generation, which has no key-value store.

use surrealism::surrealism;

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
