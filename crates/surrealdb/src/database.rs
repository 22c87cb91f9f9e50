//! A database that guests query.

use std::time::Duration;

use surrealdb::IndexedResults;
use surrealdb::types::{Error, QueryError};
use surrealdb_types::{Object as Variables, Value};
use tokio::time::timeout;

use crate::connection::ConnectionPool;
use crate::error::{DatabaseError, DatabaseResult};
use crate::function::DatabaseFunction;

/// A database, and a pool of connections to it. Clones share the pool.
///
/// [`Database::connect`] opens it. Each query has a connection to itself. When a query is given up,
/// because the deadline of the call passes or its future is dropped, its connection is closed: over
/// `ws://` and `wss://` this tells the server to stop. The next query replaces a broken connection.
#[derive(Clone, Debug)]
pub struct Database {
    connections: ConnectionPool,
    query_timeout: Duration,
}

impl Database {
    pub(crate) fn new(connections: ConnectionPool, query_timeout: Duration) -> Self {
        Self { connections, query_timeout }
    }

    /// Runs SurrealQL with bound variables and returns the value of its last statement.
    ///
    /// The value of `COMMIT` is `NONE`: use a block, `RETURN { … }`, for a transaction with a value.
    ///
    /// # Errors
    ///
    /// [`Query`](DatabaseError::Query) when any statement fails, with the message of the database;
    /// [`PoolTimeout`](DatabaseError::PoolTimeout), [`Unreachable`](DatabaseError::Unreachable) and
    /// [`AuthRejected`](DatabaseError::AuthRejected) when the query was not sent;
    /// [`Timeout`](DatabaseError::Timeout) and [`OutcomeUnknown`](DatabaseError::OutcomeUnknown) when it
    /// was sent and may have been executed.
    pub async fn query(&self, query: &str, variables: Variables) -> DatabaseResult<Value> {
        let connection = self.connections.get().await?;
        let response = async { connection.query(query).bind(variables).await };
        let Ok(response) = timeout(self.query_timeout, response).await else {
            let address = self.connections.address();
            return Err(DatabaseError::Timeout { address, limit: self.query_timeout });
        };
        match response {
            Ok(results) => {
                connection.recycle();
                last_value(results).map_err(query_error)
            }
            Err(error) if is_query_error(&error) => {
                connection.recycle();
                Err(query_error(error))
            }
            // Not `Unreachable`, even where the connection broke: the query may have been executed.
            Err(error) => {
                let (address, reason) = (self.connections.address(), error.to_string());
                Err(DatabaseError::OutcomeUnknown { address, reason })
            }
        }
    }

    /// Calls a function of the database: `fn::name`, a built-in function, or, with a version, a model.
    ///
    /// The path is validated and the arguments are bound, so that neither can change the query.
    ///
    /// # Errors
    ///
    /// [`InvalidFunction`](DatabaseError::InvalidFunction) when the path or the version is invalid or
    /// there are too many arguments; those of [`query`](Self::query).
    pub async fn call(
        &self,
        function: &str,
        version: Option<&str>,
        args: Vec<Value>,
    ) -> DatabaseResult<Value> {
        let function = DatabaseFunction::parse(function, version)?;
        let (query, variables) = function.call(args)?;
        self.query(&query, variables).await
    }
}

/// Returns whether an error is of the query itself, so that the connection is still good.
fn is_query_error(error: &Error) -> bool {
    error.is_validation() || error.is_query() || error.is_thrown()
}

fn query_error(error: Error) -> DatabaseError {
    DatabaseError::Query(error.to_string())
}

/// Returns the value of the last statement, if no statement failed.
fn last_value(mut results: IndexedResults) -> Result<Value, Error> {
    let (mut last, mut failed) = (Value::None, None);
    for statement in 0.. {
        let left = results.num_statements();
        if left == 0 {
            break;
        }
        match results.take(statement) {
            // Some statements, such as `KILL`, have no entry among the results.
            Ok(value) if results.num_statements() < left => last = value,
            Ok::<Value, _>(_) => (),
            Err(error) => failed = Some(root_cause(failed, error)),
        }
    }
    failed.map_or(Ok(last), Err)
}

/// Returns the error that says what went wrong: the first, unless it only says that its statement was not
/// executed because another one failed.
fn root_cause(first: Option<Error>, second: Error) -> Error {
    let is_consequence =
        |error: &Error| matches!(error.query_details(), Some(QueryError::NotExecuted));
    match first {
        Some(first) if !is_consequence(&first) => first,
        _ => second,
    }
}
