//! Values and JSON by the kinds of signatures.

mod document;
mod hostile;
mod json;
mod properties;
mod values;

use std::fmt::{Debug, Display};

use surrealdb_types::{ToSql, Value};

/// The text of a value, or the beginning of an error's text.
type Expected = Result<&'static str, &'static str>;

/// Compares a result with what is expected, and returns the value if it is one.
#[track_caller]
fn check_result<E: Debug + Display>(
    result: Result<Value, E>,
    expected: Expected,
    shown: &str,
) -> Option<Value> {
    match (result, expected) {
        (Ok(value), Ok(expected)) => {
            assert_eq!(value.to_sql(), expected, "{shown}");
            Some(value)
        }
        (Err(error), Err(expected)) => {
            let error = error.to_string();
            assert!(error.starts_with(expected), "{shown}:\n  {error}\nis not\n  {expected}");
            None
        }
        (result, _) => panic!("{shown}: {result:?}"),
    }
}
