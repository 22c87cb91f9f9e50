use surrealism::surrealism;

#[surrealism]
fn sometimes(a: i64, #[cfg(any())] b: i64) -> i64 {
    a
}

#[surrealism]
fn renamed(#[cfg_attr(all(), name = "b")] a: i64) -> i64 {
    a
}

fn main() {}
