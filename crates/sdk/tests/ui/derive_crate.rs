use surrealism::SurrealValue;

#[derive(SurrealValue)]
#[surreal(crate = "surrealism::surrealdb_types", rename_all = "camelCase")]
struct Dropped {
    first_name: String,
}

#[derive(SurrealValue)]
#[surreal(tag = "type", crate = "surrealism::surrealdb_types")]
enum Alone {
    A { first_name: String },
}

#[derive(SurrealValue)]
#[surreal(crate = "surrealism::surrealdb_types")]
struct Superfluous {
    name: String,
}

#[derive(SurrealValue)]
#[surreal(sdk = 3)]
struct NotAPath {
    name: String,
}

fn main() {}
