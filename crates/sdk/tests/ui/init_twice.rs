use surrealism::surrealism;

#[surrealism(init)]
fn one() {}

#[surrealism]
mod module {
    #[surrealism(init)]
    fn other() {}
}

fn main() {}
