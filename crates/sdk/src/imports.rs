//! What a host provides to a plugin: queries, other functions, the store [`kv`], and the values of
//! [`config`].
//!
//! Each returns an error if the plugin's capabilities or the host deny it. In native tests, a test host
//! serves them (module `testing`), and without one each returns an error.

use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, Error, Result};
use surrealdb_types::{SurrealValue, Value};
use surrealism_types::args::Args;
use surrealism_types::{codec, convert};

use crate::host;

pub mod config;
pub mod kv;

/// Runs a SurrealQL query and returns its result.
///
/// Needs the capability `allow_arbitrary_queries`. Pass values by [`sql_with_vars`], never in the text.
///
/// # Errors
///
/// When the query is denied or fails, and when its result is not an `R`.
///
/// # Example
///
/// ```
/// use surrealism::anyhow;
///
/// fn count_people() -> anyhow::Result<i64> {
///     surrealism::sql("RETURN count(SELECT * FROM person)")
/// }
/// ```
pub fn sql<S, R>(sql: S) -> Result<R>
where
    S: Into<String>,
    R: SurrealValue,
{
    query(&sql.into(), &[])
}

/// Runs a SurrealQL query with bound variables and returns its result. A variable's name is without the `$`.
///
/// Needs the capability `allow_arbitrary_queries`.
///
/// # Errors
///
/// When the query is denied or fails, and when its result is not an `R`.
///
/// # Example
///
/// ```
/// use surrealism::surrealdb_types::SurrealValue;
/// use surrealism::{anyhow, sql_with_vars};
///
/// fn count_adults(age: i64) -> anyhow::Result<i64> {
///     let query = "RETURN count(SELECT * FROM person WHERE age >= $age)";
///     sql_with_vars(query, [("age", age)])
/// }
///
/// fn find(name: String, age: i64) -> anyhow::Result<Vec<String>> {
///     let query = "SELECT VALUE name FROM person WHERE name = $name AND age = $age";
///     sql_with_vars(query, [("name", name.into_value()), ("age", age.into_value())])
/// }
/// ```
pub fn sql_with_vars<S, V, R>(sql: S, vars: V) -> Result<R>
where
    S: Into<String>,
    V: IntoIterator<Item: Variable>,
    R: SurrealValue,
{
    let vars = vars.into_iter().map(Variable::into_entry).collect::<Result<Vec<_>>>()?;
    query(&sql.into(), &vars)
}

/// A variable of a query: its name, a `&str` or a `String`, and its value, of any type of a value.
pub trait Variable {
    #[doc(hidden)]
    fn into_entry(self) -> Result<(String, Value)>;
}

impl<N: Into<String>, T: SurrealValue> Variable for (N, T) {
    fn into_entry(self) -> Result<(String, Value)> {
        Ok((self.0.into(), convert::into_value(self.1)?))
    }
}

fn query<R: SurrealValue>(sql: &str, vars: &[(String, Value)]) -> Result<R> {
    let vars = codec::encode_entries(vars)?;
    let result = host::sql(sql, &vars).map_err(Error::msg)?;
    from_value(codec::decode_value(&result)?).context("cannot convert the result of the query")
}

/// Calls a function and returns its result.
///
/// `fnc` is a function of the database (`math::abs`, `fn::greet`), of another plugin (`mod::text::slug`),
/// or, with a `version`, a model (`ml::price`). Needs the capability `allow_functions` to list it.
///
/// # Errors
///
/// When the call is denied or fails, and when its result is not an `R`.
///
/// # Example
///
/// ```
/// use surrealism::{anyhow, run};
///
/// fn slug(title: String) -> anyhow::Result<String> {
///     run("string::slug", None, (title,))
/// }
/// ```
pub fn run<F, A, R>(fnc: F, version: Option<String>, args: A) -> Result<R>
where
    F: Into<String>,
    A: Args,
    R: SurrealValue,
{
    let fnc = fnc.into();
    let args = codec::encode_values(&convert::into_values(args)?)?;
    let result = host::run(&fnc, version.as_deref(), &args).map_err(Error::msg)?;
    from_value(codec::decode_value(&result)?)
        .with_context(|| format!("cannot convert the result of `{fnc}`"))
}

/// Returns the path of a file that `[attach] fs` of `surrealism.toml` attaches.
///
/// In the plugin, that is the path below `/`. In a native test with a host, it is the file in the project.
///
/// # Errors
///
/// In native tests: without a host, without `[attach] fs`, and for a path with `..`.
///
/// # Example
///
/// ```
/// fn rates() -> std::io::Result<String> {
///     std::fs::read_to_string(surrealism::attached("rates.csv")?)
/// }
/// ```
pub fn attached(path: impl AsRef<Path>) -> io::Result<PathBuf> {
    host::attached(path.as_ref())
}

fn from_value<T: SurrealValue>(value: Value) -> Result<T> {
    convert::from_value(value).map_err(Error::msg)
}
