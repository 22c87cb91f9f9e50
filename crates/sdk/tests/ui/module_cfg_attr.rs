use surrealism::surrealism;

#[surrealism]
mod math {
    #[cfg_attr(all(), surrealism::surrealism)]
    fn add(a: i64, b: i64) -> i64 {
        a + b
    }
}

fn main() {}
