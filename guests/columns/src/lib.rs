//! Functions whose arguments and results cross as columns.

use surrealism::surrealdb_types::{Bytes, Value};
use surrealism::surrealism;

/// Exports functions that return their argument, one for each form of each type.
macro_rules! echoes {
    ($($ty:ty: $plain:ident $option:ident $list:ident $options:ident $some_list:ident $lists:ident;)*) => {
        $(echoes! { @
            $plain: $ty,
            $option: Option<$ty>,
            $list: Vec<$ty>,
            $options: Vec<Option<$ty>>,
            $some_list: Option<Vec<$ty>>,
            $lists: Vec<Vec<$ty>>,
        })*
    };
    (@ $($name:ident: $ty:ty,)*) => {
        $(#[surrealism]
        fn $name(x: $ty) -> $ty {
            x
        })*
    };
}
echoes! {
    bool: bool_plain bool_option bool_list bool_options bool_some_list bool_lists;
    i8: i8_plain i8_option i8_list i8_options i8_some_list i8_lists;
    i16: i16_plain i16_option i16_list i16_options i16_some_list i16_lists;
    i32: i32_plain i32_option i32_list i32_options i32_some_list i32_lists;
    i64: i64_plain i64_option i64_list i64_options i64_some_list i64_lists;
    u8: u8_plain u8_option u8_list u8_options u8_some_list u8_lists;
    u16: u16_plain u16_option u16_list u16_options u16_some_list u16_lists;
    u32: u32_plain u32_option u32_list u32_options u32_some_list u32_lists;
    u64: u64_plain u64_option u64_list u64_options u64_some_list u64_lists;
    f32: f32_plain f32_option f32_list f32_options f32_some_list f32_lists;
    f64: f64_plain f64_option f64_list f64_options f64_some_list f64_lists;
    String: string_plain string_option string_list string_options string_some_list string_lists;
    Bytes: bytes_plain bytes_option bytes_list bytes_options bytes_some_list bytes_lists;
}

#[surrealism]
fn can_drive(age: i64) -> bool {
    age >= 18
}

#[surrealism]
fn sum(numbers: Vec<i64>) -> i64 {
    numbers.into_iter().sum()
}

#[surrealism]
fn length(text: String) -> i64 {
    text.len() as i64
}

#[surrealism]
fn nothing() {}

/// Takes every width at once.
#[surrealism]
fn describe(a: bool, b: i8, c: Option<u16>, d: f32, e: String, f: Vec<i64>, g: f64) -> String {
    format!("{a} {b} {c:?} {d} {e} {f:?} {g}")
}

#[surrealism(default)]
fn greet(name: String) -> String {
    format!("hello {name}")
}

#[surrealism]
async fn later(x: i64) -> i64 {
    x
}

/// Fails for odd numbers.
#[surrealism]
fn half(number: i64) -> Result<i64, String> {
    if number % 2 == 0 { Ok(number / 2) } else { Err(format!("{number} is odd")) }
}

/// Returns a number that SurrealDB does not have.
#[surrealism]
fn beyond(by: u64) -> u64 {
    i64::MAX as u64 + by
}

/// Traps at a negative number.
#[surrealism]
fn trap(number: i64) -> i64 {
    assert!(number >= 0, "negative");
    number
}

/// Prints its argument and returns how often it was called.
#[surrealism]
fn count(text: String) -> i64 {
    use std::sync::atomic::{AtomicI64, Ordering};
    static CALLS: AtomicI64 = AtomicI64::new(0);
    println!("{text}");
    CALLS.fetch_add(1, Ordering::Relaxed) + 1
}

/// Never returns for a negative number.
#[surrealism]
fn spin(number: i64) -> i64 {
    while number < 0 {
        std::hint::black_box(number);
    }
    number
}

/// Calls the host.
#[surrealism]
fn query(text: String) -> surrealism::anyhow::Result<i64> {
    let _: Value = surrealism::sql(text)?;
    Ok(1)
}
