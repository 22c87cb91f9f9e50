//! One query on one connection: its value, or why it has none.

use std::time::Duration;

use surrealdb::IndexedResults;
use surrealdb::types::{Error, QueryError};
use surrealdb_types::{Object as Variables, Value};
use tokio::time::timeout;

use super::pool::ConnectionPool;
use crate::error::{DatabaseError, DatabaseResult};

impl ConnectionPool {
    /// Runs a query on a connection of its own and returns the value of its last statement.
    ///
    /// # Errors
    ///
    /// Those of [`Database::query`](crate::Database::query).
    pub(crate) async fn query(
        &self,
        query: &str,
        variables: Variables,
        limit: Duration,
    ) -> DatabaseResult<Value> {
        let connection = self.get().await?;
        let response = async { connection.query(query).bind(variables).await };
        let Ok(response) = timeout(limit, response).await else {
            return Err(DatabaseError::Timeout { address: self.address(), limit });
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
                let (address, reason) = (self.address(), error.to_string());
                Err(DatabaseError::OutcomeUnknown { address, reason })
            }
        }
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
