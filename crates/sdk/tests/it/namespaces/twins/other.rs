#[surrealism::surrealism]
fn twin() {}
