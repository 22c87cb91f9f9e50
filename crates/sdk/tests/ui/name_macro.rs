use surrealism::surrealism;

#[surrealism(name = concat!("math::", "add"), writeable)]
fn add() {}

#[surrealism(crate = "not a path")]
fn misplaced() {}

fn main() {}
