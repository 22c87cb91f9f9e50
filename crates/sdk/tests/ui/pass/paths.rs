//! The attribute by its full path, without imports.

#[surrealism::surrealism(default)]
fn f(x: i64) -> i64 {
    x
}

#[surrealism::surrealism]
mod module {
    #[surrealism::surrealism]
    fn g() -> Result<(), std::num::ParseIntError> {
        Ok(())
    }
}

fn main() {
    assert_eq!(f(1), 1);
}
