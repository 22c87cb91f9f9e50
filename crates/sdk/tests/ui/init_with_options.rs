use surrealism::surrealism;

#[surrealism(init, writeable, comment = "Starts.")]
fn f() {}

fn main() {}
