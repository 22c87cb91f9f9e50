use surrealism::surrealism;

#[surrealism]
fn add() {}

#[surrealism(name = "add")]
fn plus() {}

#[surrealism]
mod math {
    #[surrealism]
    fn add() {}

    #[surrealism(default)]
    fn default() {}
}

mod elsewhere {
    #[surrealism::surrealism(name = "math::add")]
    fn add() {}

    #[surrealism::surrealism]
    fn math() {}
}

fn main() {}
