//! Functions of a database, by paths that come from guests.

use semver::Version;
use surrealdb_types::{Object, Value};

use crate::error::{DatabaseError, DatabaseResult};
use crate::limits::{MAX_FUNCTION_ARGS, MAX_FUNCTION_PATH_BYTES};

/// The functions whose path is a single word. Other single words are not functions, and some are
/// statements: `RETURN delete(…)` would delete.
const SINGLE_WORD_FUNCTIONS: [&str; 4] = ["count", "not", "rand", "sleep"];

/// A function with a valid path, so that the query that calls it does nothing else.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct DatabaseFunction<'a> {
    path: &'a str,
    version: Option<Version>,
}

impl<'a> DatabaseFunction<'a> {
    /// Validates a path and a version.
    ///
    /// # Errors
    ///
    /// [`DatabaseError::InvalidFunction`] when no function can have that path or that version.
    pub(crate) fn parse(path: &'a str, version: Option<&str>) -> DatabaseResult<Self> {
        check_path(path).map_err(DatabaseError::InvalidFunction)?;
        let version = version.map(|version| parse_version(path, version)).transpose();
        Ok(Self { path, version: version.map_err(DatabaseError::InvalidFunction)? })
    }

    /// Returns the query that calls it with `args`, and the variables of that query.
    ///
    /// # Errors
    ///
    /// [`DatabaseError::InvalidFunction`] for more arguments than [`MAX_FUNCTION_ARGS`].
    pub(crate) fn call(&self, args: Vec<Value>) -> DatabaseResult<(String, Object)> {
        if args.len() > MAX_FUNCTION_ARGS {
            return Err(DatabaseError::InvalidFunction(format!(
                "{} was called with {} arguments, and {MAX_FUNCTION_ARGS} are allowed: pass an array",
                self.path,
                args.len()
            )));
        }
        let names: Vec<String> = (0..args.len()).map(|index| format!("arg{index}")).collect();
        let parameters: Vec<String> = names.iter().map(|name| format!("${name}")).collect();
        let version = self.version.as_ref().map_or(String::new(), |version| format!("<{version}>"));
        let query = format!("RETURN {}{version}({})", self.path, parameters.join(", "));
        Ok((query, names.into_iter().zip(args).collect()))
    }
}

fn check_path(path: &str) -> Result<(), String> {
    if path.len() > MAX_FUNCTION_PATH_BYTES {
        return Err(format!(
            "the function path has {} bytes, and {MAX_FUNCTION_PATH_BYTES} are allowed: use a shorter name",
            path.len()
        ));
    }
    if !path.split("::").all(is_identifier) {
        return Err(format!(
            "the function path {path:?} is invalid: use words of letters, digits and `_` with `::` \
             between them, as in fn::greet and string::len"
        ));
    }
    if !path.contains("::") && !SINGLE_WORD_FUNCTIONS.contains(&path) {
        return Err(format!(
            "the database has no built-in function {path:?}: a function defined there is fn::{path}"
        ));
    }
    Ok(())
}

/// Returns whether `text` can stand between two `::`.
pub(crate) fn is_identifier(text: &str) -> bool {
    let mut chars = text.chars();
    let starts = chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
    starts && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn parse_version(path: &str, version: &str) -> Result<Version, String> {
    if !path.starts_with("ml::") {
        return Err(format!(
            "{path} was called with a version, and only models, `ml::…`, have one"
        ));
    }
    Version::parse(version)
        .map_err(|error| format!("the version {version:?} of the model {path} is invalid: {error}"))
}

#[cfg(test)]
mod tests {
    use surrealdb_types::SurrealValue;

    use super::*;

    fn call(path: &str, version: Option<&str>, args: usize) -> DatabaseResult<String> {
        let args = (0..args).map(|index| (index as i64).into_value()).collect();
        let (query, variables) = DatabaseFunction::parse(path, version)?.call(args)?;
        for (name, value) in variables {
            assert_eq!(name, format!("arg{}", value.into_int().unwrap()));
        }
        Ok(query)
    }

    #[test]
    fn a_call_is_a_path_with_bound_arguments() {
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
    fn paths_that_could_change_the_query_are_refused() {
        let long = format!("fn::{}", "x".repeat(MAX_FUNCTION_PATH_BYTES));
        for (path, version, args, expected) in [
            ("", None, 0, "is invalid"),
            ("fn::", None, 0, "is invalid"),
            ("::fn", None, 0, "is invalid"),
            ("fn::1", None, 0, "is invalid"),
            ("fn::a(); DELETE person; fn::b", None, 0, "is invalid"),
            ("fn::a/**/", None, 0, "is invalid"),
            ("fn::a\n", None, 0, "is invalid"),
            ("fn::`a`", None, 0, "is invalid"),
            ("fn::é", None, 0, "is invalid"),
            ("fn::a<1.0.0>", None, 0, "is invalid"),
            ("delete", None, 1, "is fn::delete"),
            ("DELETE", None, 1, "is fn::DELETE"),
            ("throw", None, 1, "is fn::throw"),
            ("fn::a", Some("1.0.0"), 0, "only models"),
            ("ml::a", Some("1>(); DELETE person; ml::a<1"), 0, "of the model ml::a is invalid"),
            ("ml::a", Some(""), 0, "of the model ml::a is invalid"),
            (long.as_str(), None, 0, "260 bytes, and 256 are allowed"),
            ("fn::a", None, MAX_FUNCTION_ARGS + 1, "1001 arguments, and 1000 are allowed"),
        ] {
            let error = call(path, version, args).unwrap_err().to_string();
            assert!(error.contains(expected), "{path:?}: {error}");
        }
    }
}
