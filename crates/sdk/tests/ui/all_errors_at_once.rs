#![allow(unused_variables)]

use surrealism::surrealism;

#[surrealism(defualt, name = "1", writeable = true)]
fn f<T>((a, b): (i64, i64), c: &str, #[name = "d"] e: i64, d: T) -> impl Clone {
    1
}

fn main() {}
