use surrealism::SurrealValue;

struct Foreign;

#[derive(SurrealValue)]
struct Outer {
    foreign: Foreign,
}

fn main() {}
