use surrealism::surrealism;

#[surrealism]
struct Struct;

struct Type;

#[surrealism]
impl Type {}

#[surrealism]
mod module {
    use surrealism::surrealism;

    #[surrealism]
    const X: i64 = 1;
}

trait Trait {
    #[surrealism]
    fn without_body();
}

fn main() {}
