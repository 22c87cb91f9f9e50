use surrealism::surrealism;

#[surrealism(default)]
fn one() {}

#[surrealism(default)]
fn other() {}

fn main() {}
