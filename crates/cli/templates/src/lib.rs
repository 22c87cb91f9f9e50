//! Functions for SurrealDB.

use surrealism::surrealism;

/// Greets a person by name.
#[surrealism]
fn greet(name: String) -> Result<String, String> {
    match name.trim() {
        "" => Err("cannot greet: the name is empty".to_string()),
        name => Ok(format!("Hello, {name}!")),
    }
}

/// A module is a namespace: its function is called as `math::add`.
#[surrealism]
mod math {
    /// Adds two numbers. Fails if the sum overflows.
    #[surrealism]
    pub fn add(a: i64, b: i64) -> Result<i64, String> {
        a.checked_add(b)
            .ok_or_else(|| format!("cannot add {a} and {b}: the sum overflows"))
    }
}

#[cfg(test)]
mod tests {
{{host_import}}    use super::*;

    #[test]
    fn a_person_is_greeted_by_name() {
        assert_eq!(greet("Ada".to_string()).unwrap(), "Hello, Ada!");
        assert!(greet(" ".to_string()).is_err());
    }

    #[test]
    fn an_overflow_is_an_error() {
        assert_eq!(math::add(1, 2), Ok(3));
        assert!(math::add(i64::MAX, 1).is_err());
    }
{{host_test}}}
