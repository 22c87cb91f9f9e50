use surrealism::surrealism;

#[surrealism]
mod elsewhere;

fn main() {}
