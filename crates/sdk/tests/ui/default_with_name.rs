use surrealism::surrealism;

#[surrealism(default, name = "a")]
fn f() {}

fn main() {}
