use surrealism::surrealism;

#[surrealism]
unsafe fn f() {}

fn main() {}
