//! Functions of a database, by names that come from guests.

use semver::Version;
use surrealdb_types::{Object, Value};

use crate::error::{DatabaseError, DatabaseResult};
use crate::limits::{MAX_FUNCTION_ARGS, MAX_FUNCTION_PATH_BYTES};

/// The functions without a family. Any other single word is none, and many are statements: a call of
/// `delete` with brackets after it would delete.
const SINGLE_WORDS: [&str; 4] = ["count", "not", "rand", "sleep"];

/// A function that can be called without saying anything else.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct DatabaseFunction<'a> {
    path: &'a str,
    version: Option<Version>,
}

impl<'a> DatabaseFunction<'a> {
    /// # Errors
    ///
    /// [`DatabaseError::InvalidFunction`] when no function has such a path or such a version.
    pub(crate) fn parse(path: &'a str, version: Option<&str>) -> DatabaseResult<Self> {
        check_path(path).map_err(DatabaseError::InvalidFunction)?;
        let version = version.map(|version| parse_version(path, version)).transpose();
        Ok(Self { path, version: version.map_err(DatabaseError::InvalidFunction)? })
    }

    /// The query that calls it, and its variables.
    ///
    /// # Errors
    ///
    /// [`DatabaseError::InvalidFunction`] for more arguments than [`MAX_FUNCTION_ARGS`].
    pub(crate) fn call(&self, args: Vec<Value>) -> DatabaseResult<(String, Object)> {
        if args.len() > MAX_FUNCTION_ARGS {
            return Err(DatabaseError::InvalidFunction(format!(
                "the call of {} has {} arguments, and {MAX_FUNCTION_ARGS} are allowed: pass an array",
                self.path,
                args.len()
            )));
        }
        let names: Vec<String> = (0..args.len()).map(|place| format!("arg{place}")).collect();
        let places: Vec<String> = names.iter().map(|name| format!("${name}")).collect();
        let version = self.version.as_ref().map_or(String::new(), |version| format!("<{version}>"));
        let query = format!("RETURN {}{version}({})", self.path, places.join(", "));
        Ok((query, names.into_iter().zip(args).collect()))
    }
}

fn check_path(path: &str) -> Result<(), String> {
    if path.len() > MAX_FUNCTION_PATH_BYTES {
        return Err(format!(
            "the name of a function has {} bytes, and {MAX_FUNCTION_PATH_BYTES} are allowed",
            path.len()
        ));
    }
    if !path.split("::").all(is_word) {
        return Err(format!(
            "{path:?} is no name of a function: words of letters, digits and `_`, with `::` between \
             them, are one, as in fn::greet and string::len"
        ));
    }
    if !path.contains("::") && !SINGLE_WORDS.contains(&path) {
        return Err(format!(
            "the database has no function {path:?}: one that is defined there is called fn::{path}"
        ));
    }
    Ok(())
}

/// Whether it can stand between two `::`.
pub(crate) fn is_word(text: &str) -> bool {
    let mut letters = text.chars();
    let begins = letters.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
    begins && letters.all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn parse_version(path: &str, version: &str) -> Result<Version, String> {
    if !path.starts_with("ml::") {
        return Err(format!("{path} has no versions: only models do, as in ml::prices<1.0.0>"));
    }
    Version::parse(version)
        .map_err(|error| format!("{version:?} is no version of the model {path}: {error}"))
}

#[cfg(test)]
mod tests {
    use surrealdb_types::SurrealValue;

    use super::*;

    fn call(path: &str, version: Option<&str>, args: usize) -> DatabaseResult<String> {
        let args = (0..args).map(|place| (place as i64).into_value()).collect();
        let (query, variables) = DatabaseFunction::parse(path, version)?.call(args)?;
        for (name, value) in variables {
            assert_eq!(name, format!("arg{}", value.into_int().unwrap()));
        }
        Ok(query)
    }

    #[test]
    fn a_call_is_its_path_with_arguments_that_are_bound() {
        for (path, version, args, expected) in [
            ("fn::greet", None, 0, "RETURN fn::greet()"),
            ("fn::deep::_er2", None, 1, "RETURN fn::deep::_er2($arg0)"),
            ("string::len", None, 1, "RETURN string::len($arg0)"),
            ("math::max", None, 2, "RETURN math::max($arg0, $arg1)"),
            ("count", None, 1, "RETURN count($arg0)"),
            ("ml::prices", Some("1.0.0-rc.1"), 1, "RETURN ml::prices<1.0.0-rc.1>($arg0)"),
        ] {
            assert_eq!(call(path, version, args).unwrap(), expected);
        }
        let many = "$arg9, $arg10, $arg11)";
        assert!(call("math::max", None, 12).unwrap().ends_with(many));
    }

    #[test]
    fn what_could_say_anything_else_is_refused() {
        let long = format!("fn::{}", "x".repeat(MAX_FUNCTION_PATH_BYTES));
        for (path, version, args, expected) in [
            ("", None, 0, "is no name of a function"),
            ("fn::", None, 0, "is no name of a function"),
            ("::fn", None, 0, "is no name of a function"),
            ("fn::1", None, 0, "is no name of a function"),
            ("fn::a(); DELETE person; fn::b", None, 0, "is no name of a function"),
            ("fn::a/**/", None, 0, "is no name of a function"),
            ("fn::a\n", None, 0, "is no name of a function"),
            ("fn::`a`", None, 0, "is no name of a function"),
            ("fn::é", None, 0, "is no name of a function"),
            ("fn::a<1.0.0>", None, 0, "is no name of a function"),
            ("delete", None, 1, "called fn::delete"),
            ("DELETE", None, 1, "called fn::DELETE"),
            ("throw", None, 1, "called fn::throw"),
            ("fn::a", Some("1.0.0"), 0, "only models do"),
            ("ml::a", Some("1>(); DELETE person; ml::a<1"), 0, "is no version of the model"),
            ("ml::a", Some(""), 0, "is no version of the model"),
            (long.as_str(), None, 0, "260 bytes, and 256 are allowed"),
            ("fn::a", None, MAX_FUNCTION_ARGS + 1, "1001 arguments, and 1000 are allowed"),
        ] {
            let error = call(path, version, args).unwrap_err().to_string();
            assert!(error.contains(expected), "{path:?}: {error}");
        }
    }
}
