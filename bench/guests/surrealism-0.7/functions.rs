//! `../functions.rs` for the next generation, which lacks a key-value store.

use std::sync::OnceLock;

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

/// The first primes.
static PRIMES: OnceLock<Vec<i64>> = OnceLock::new();

/// Deterministic work, which can be pre-initialized.
#[surrealism(init)]
fn prepare() -> Result<(), String> {
    let is_prime = |number: &i64| (2..*number).take_while(|d| d * d <= *number).all(|d| number % d != 0);
    PRIMES.set((2..10_000).filter(is_prime).collect()).map_err(|_| "`init` ran twice".to_string())
}

#[surrealism]
fn prime(index: i64) -> Option<i64> {
    PRIMES.get()?.get(usize::try_from(index).ok()?).copied()
}
