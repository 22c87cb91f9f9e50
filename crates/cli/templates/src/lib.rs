//! Functions for SurrealDB.

use surrealism::surrealism;

/// Greets someone by name.
#[surrealism]
fn greet(name: String) -> Result<String, String> {
    match name.trim() {
        "" => Err("there is nobody to greet: the name is empty".to_string()),
        name => Ok(format!("Hello, {name}!")),
    }
}

/// Functions in a module are called by its name too: `math::add`.
#[surrealism]
mod math {
    /// Adds two numbers, if their sum is one.
    #[surrealism]
    pub fn add(a: i64, b: i64) -> Result<i64, String> {
        a.checked_add(b).ok_or_else(|| format!("{a} + {b} is too large"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_are_greeted_by_name() {
        assert_eq!(greet("Ada".to_string()).unwrap(), "Hello, Ada!");
        assert!(greet(" ".to_string()).is_err());
    }

    #[test]
    fn sums_that_do_not_fit_are_errors() {
        assert_eq!(math::add(1, 2), Ok(3));
        assert!(math::add(i64::MAX, 1).is_err());
    }
}
