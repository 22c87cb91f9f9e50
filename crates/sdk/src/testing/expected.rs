//! What a test expects its function to ask of the host.

use std::fmt;

use surrealdb_types::{Object, SurrealValue, ToSql, Value};
use surrealism_types::args::Args;

/// A query or a call of another function that a test expects, and its answer.
///
/// ```
/// use surrealism::testing::Expected;
///
/// let count = Expected::sql("SELECT VALUE age FROM person WHERE age >= $age")
///     .var("age", 18_i64)
///     .returns(vec![36_i64, 41]);
/// let model = Expected::run("ml::price", (3_i64,)).version("1.0.0").fails("no such model");
/// ```
#[derive(Clone, PartialEq)]
#[must_use = "pass it to `Host::expect`"]
pub struct Expected {
    pub(super) call: Call,
    pub(super) answer: Result<Value, String>,
}

/// A call, as the function makes it.
#[derive(Clone, PartialEq)]
pub(super) enum Call {
    Sql { query: String, vars: Object },
    Run { function: String, version: Option<String>, args: Vec<Value> },
}

impl Expected {
    /// Expects a query without variables. Blanks and line breaks of its text do not matter.
    ///
    /// It returns `NONE`, unless [`returns`](Self::returns) or [`fails`](Self::fails) says otherwise.
    pub fn sql(query: impl Into<String>) -> Self {
        Self::new(Call::Sql { query: query.into(), vars: Object::new() })
    }

    /// Expects a call without a version.
    ///
    /// It returns `NONE`, unless [`returns`](Self::returns) or [`fails`](Self::fails) says otherwise.
    pub fn run(function: impl Into<String>, args: impl Args) -> Self {
        Self::new(Call::Run { function: function.into(), version: None, args: args.to_values() })
    }

    fn new(call: Call) -> Self {
        Self { call, answer: Ok(Value::None) }
    }

    /// Adds a variable of the query.
    ///
    /// # Panics
    ///
    /// When this is not a query.
    pub fn var(mut self, name: impl Into<String>, value: impl SurrealValue) -> Self {
        let Call::Sql { vars, .. } = &mut self.call else { panic!("a call has no variables") };
        vars.insert(name.into(), value.into_value());
        self
    }

    /// Sets the version of the function.
    ///
    /// # Panics
    ///
    /// When this is a query.
    pub fn version(mut self, expected: impl Into<String>) -> Self {
        let Call::Run { version, .. } = &mut self.call else { panic!("a query has no version") };
        *version = Some(expected.into());
        self
    }

    /// Sets the result.
    pub fn returns(mut self, value: impl SurrealValue) -> Self {
        self.answer = Ok(value.into_value());
        self
    }

    /// Sets the error that the function gets.
    pub fn fails(mut self, error: impl Into<String>) -> Self {
        self.answer = Err(error.into());
        self
    }
}

impl Call {
    pub(super) fn is_like(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Sql { query, vars }, Self::Sql { query: other, vars: others }) => {
                query.split_whitespace().eq(other.split_whitespace()) && vars == others
            }
            _ => self == other,
        }
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sql { query, vars } if vars.is_empty() => write!(f, "sql: {query}"),
            Self::Sql { query, vars } => write!(f, "sql: {query} with {}", vars.to_sql()),
            Self::Run { function, version, args } => {
                let args: Vec<_> = args.iter().map(ToSql::to_sql).collect();
                let version = version.as_ref().map_or(String::new(), |v| format!("<{v}>"));
                write!(f, "run: {function}{version}({})", args.join(", "))
            }
        }
    }
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.call, f)
    }
}

impl fmt::Debug for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
