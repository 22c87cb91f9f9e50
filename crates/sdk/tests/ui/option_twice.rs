use surrealism::surrealism;

#[surrealism(name = "a", writeable, name = "b", writeable)]
fn f() {}

fn main() {}
