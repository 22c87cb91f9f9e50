//! A database that guests query.

use std::time::Duration;

use surrealdb_types::{Object as Variables, Value};

use crate::connection::ConnectionPool;
#[cfg(doc)]
use crate::error::DatabaseError;
use crate::error::DatabaseResult;
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
        self.connections.query(query, variables, self.query_timeout).await
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
