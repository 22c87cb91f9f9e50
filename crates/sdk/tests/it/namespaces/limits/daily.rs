surrealism::namespace!(daily::usage);

#[surrealism::surrealism(name = "allow")]
fn renamed() -> String {
    "of a module below".to_string()
}
