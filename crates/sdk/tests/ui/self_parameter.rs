use surrealism::surrealism;

struct Counter;

impl Counter {
    #[surrealism]
    fn by_reference(&self) {}
}

fn main() {}
