//! What a plugin may ask of its host.
//!
//! Every function is an error where the plugin's capabilities or the host do not allow it, and
//! outside a plugin, where there is no host.

use anyhow::{Context, Error, Result};
use surrealdb_types::{SurrealValue, Value};
use surrealism_types::args::Args;
use surrealism_types::codec;

use crate::host;

pub mod kv;

/// Runs a SurrealQL query; needs the capability `allow_arbitrary_queries`.
///
/// # Errors
///
/// When the query may not run or fails, or when its result is no `R`.
///
/// ```no_run
/// # fn main() -> surrealism::anyhow::Result<()> {
/// let people: i64 = surrealism::sql("RETURN count(SELECT * FROM person)")?;
/// # Ok(())
/// # }
/// ```
pub fn sql<S, R>(sql: S) -> Result<R>
where
    S: Into<String>,
    R: SurrealValue,
{
    sql_with_vars(sql, [])
}

/// Runs a SurrealQL query with variables, each under its name without the `$`; needs the
/// capability `allow_arbitrary_queries`.
///
/// # Errors
///
/// When the query may not run or fails, or when its result is no `R`.
///
/// ```no_run
/// use surrealism::surrealdb_types::SurrealValue;
///
/// # fn main() -> surrealism::anyhow::Result<()> {
/// let adults = "RETURN count(SELECT * FROM person WHERE age >= $age)";
/// let count: i64 = surrealism::sql_with_vars(adults, [("age".to_string(), 18.into_value())])?;
/// # Ok(())
/// # }
/// ```
pub fn sql_with_vars<S, V, R>(sql: S, vars: V) -> Result<R>
where
    S: Into<String>,
    V: IntoIterator<Item = (String, Value)>,
    R: SurrealValue,
{
    let vars: Vec<(String, Value)> = vars.into_iter().collect();
    let vars = codec::encode_entries(&vars)?;
    let answer = host::sql(&sql.into(), &vars).map_err(Error::msg)?;
    read(codec::decode_value(&answer)?).context("the result of the query")
}

/// Calls a function of the database, such as `fn::greet`, `math::abs` or `mod::text::slug`, or a
/// model of the `version` given; needs to be listed in the capability `allow_functions`.
///
/// # Errors
///
/// When the function may not be called or fails, or when its result is no `R`.
///
/// ```no_run
/// # fn main() -> surrealism::anyhow::Result<()> {
/// let slug: String = surrealism::run("string::slug", None, ("Hello World".to_string(),))?;
/// # Ok(())
/// # }
/// ```
pub fn run<F, A, R>(fnc: F, version: Option<String>, args: A) -> Result<R>
where
    F: Into<String>,
    A: Args,
    R: SurrealValue,
{
    let fnc = fnc.into();
    let args = codec::encode_values(&args.to_values())?;
    let answer = host::run(&fnc, version.as_deref(), &args).map_err(Error::msg)?;
    read(codec::decode_value(&answer)?).with_context(|| format!("the result of `{fnc}`"))
}

fn read<T: SurrealValue>(value: Value) -> Result<T> {
    T::from_value(value).map_err(Error::msg)
}
