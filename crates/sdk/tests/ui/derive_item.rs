use surrealism::SurrealValue;

#[derive(SurrealValue)]
union Union {
    int: i64,
    float: f64,
}

#[derive(SurrealValue)]
enum Empty {}

fn main() {}
