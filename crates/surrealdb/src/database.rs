//! A database that guests may be lent.

use std::fmt;
use std::ops::Deref;
use std::time::Duration;

use deadpool::Runtime;
use deadpool::managed::{Object, Pool, PoolError, TimeoutType};
use surrealdb::IndexedResults;
use surrealdb::types::{Error, QueryError};
use surrealdb_types::{Object as Variables, Value};
use tokio::time::timeout;

use crate::connect::ConnectOptions;
use crate::connection::Connections;
use crate::error::{DatabaseError, DatabaseResult};
use crate::function::DatabaseFunction;
use crate::limits::{MAX_CONNECTION_WAIT, PING_TIMEOUT};

/// A database, and a pool of connections to it. Clones share the pool.
///
/// Each query has a connection to itself. One whose query was given up, because the call's deadline
/// passed or its future was dropped, is closed: over `ws://` and `wss://` that is what tells the server
/// to stop. A connection that breaks is replaced when the next query comes.
#[derive(Clone)]
pub struct Database {
    connections: Pool<Connections>,
    query_timeout: Duration,
}

impl Database {
    /// Begins to connect to a database; await what it gives.
    ///
    /// - `ws://HOST:PORT` or `wss://HOST`: a server. The one to choose.
    /// - `http://` or `https://`: a server behind something that lets no WebSockets through. A query
    ///   that was given up runs to its end there.
    /// - `mem://` or `surrealkv://FOLDER`: a database inside this process, with the feature `embedded`.
    ///
    /// ```no_run
    /// use surrealism_surrealdb::{Credentials, Database};
    ///
    /// # async fn example(password: String) -> Result<(), Box<dyn std::error::Error>> {
    /// let database = Database::connect("wss://db.example.com")
    ///     .namespace("shop")
    ///     .database("main")
    ///     .credentials(Credentials::database("app", password))
    ///     .await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Awaited, [`InvalidConfig`](DatabaseError::InvalidConfig) for an address that is none or has credentials in it,
    /// [`Unreachable`](DatabaseError::Unreachable) where nobody answers, and
    /// [`AuthRejected`](DatabaseError::AuthRejected) where the credentials are not accepted.
    pub fn connect(address: impl AsRef<str>) -> ConnectOptions {
        ConnectOptions::new(address.as_ref())
    }

    pub(crate) async fn open(
        mut connections: Connections,
        max_connections: usize,
        query_timeout: Duration,
    ) -> DatabaseResult<Self> {
        if max_connections == 0 {
            let mistake = "a database needs at least 1 connection, and 0 were allowed";
            return Err(DatabaseError::InvalidConfig(mistake.to_string()));
        }
        connections.begin().await?;
        let pool = Pool::builder(connections)
            .max_size(max_connections)
            .wait_timeout(Some(MAX_CONNECTION_WAIT))
            .recycle_timeout(Some(PING_TIMEOUT))
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(|error| DatabaseError::InvalidConfig(error.to_string()))?;
        let database = Self { connections: pool, query_timeout };
        // Whoever cannot connect should hear of it now.
        database.lease().await?.keep();
        Ok(database)
    }

    /// Runs SurrealQL with bound variables, and gives the value of its last statement. That of `COMMIT`
    /// is `NONE`: what should be done as a whole and have a value is a block, `RETURN { … }`.
    ///
    /// # Errors
    ///
    /// [`Query`](DatabaseError::Query) when a statement fails, whichever it is, with the database's own
    /// words; [`Timeout`](DatabaseError::Timeout), [`Busy`](DatabaseError::Busy),
    /// [`Unreachable`](DatabaseError::Unreachable) and [`OutcomeUnknown`](DatabaseError::OutcomeUnknown) when
    /// there is no answer.
    pub async fn query(&self, query: &str, variables: Variables) -> DatabaseResult<Value> {
        let lease = self.lease().await?;
        let asked = async { lease.query(query).bind(variables).await };
        let Ok(answer) = timeout(self.query_timeout, asked).await else {
            let address = self.address();
            return Err(DatabaseError::Timeout { address, limit: self.query_timeout });
        };
        match answer {
            Ok(results) => {
                lease.keep();
                last_value(results).map_err(answered)
            }
            Err(error) if is_of_the_query(&error) => {
                lease.keep();
                Err(answered(error))
            }
            // It may have been done: even where the connection broke, this is not out of reach.
            Err(error) => {
                let (address, reason) = (self.address(), error.to_string());
                Err(DatabaseError::OutcomeUnknown { address, reason })
            }
        }
    }

    /// Calls a function of the database: `fn::name`, one that is built in, or with a version a model.
    /// Its arguments are bound, and its path is held to what can be one, so that neither can say
    /// anything else than this call.
    ///
    /// # Errors
    ///
    /// [`InvalidFunction`](DatabaseError::InvalidFunction) when the path cannot be one; those of
    /// [`query`](Self::query).
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

    /// Where it is.
    fn address(&self) -> String {
        self.manager().endpoint.to_string()
    }

    fn manager(&self) -> &Connections {
        self.connections.manager()
    }

    async fn lease(&self) -> DatabaseResult<Lease> {
        match self.connections.get().await {
            Ok(connection) => Ok(Lease(Some(connection))),
            Err(PoolError::Backend(error)) => Err(error),
            Err(PoolError::Timeout(TimeoutType::Wait)) => Err(DatabaseError::Busy {
                address: self.address(),
                connections: self.connections.status().max_size,
                waited: MAX_CONNECTION_WAIT,
            }),
            Err(error) => Err(self.manager().unreachable(error)),
        }
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Database")
            .field("connections", self.manager())
            .field("query_timeout", &self.query_timeout)
            .finish()
    }
}

/// A connection for one query. It is closed when this is dropped, unless it was [kept](Self::keep).
struct Lease(Option<Object<Connections>>);

impl Lease {
    /// Gives the connection back, for others to use.
    fn keep(mut self) {
        self.0.take();
    }
}

impl Deref for Lease {
    type Target = Object<Connections>;

    fn deref(&self) -> &Self::Target {
        self.0.as_ref().expect("a lease has its connection until it is given back")
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(connection) = self.0.take() {
            drop(Object::take(connection));
        }
    }
}

/// Whether an error is the query's own, and says nothing against the connection.
fn is_of_the_query(error: &Error) -> bool {
    error.is_validation() || error.is_query() || error.is_thrown()
}

fn answered(error: Error) -> DatabaseError {
    DatabaseError::Query(error.to_string())
}

/// The value of the last statement, if none of them failed.
fn last_value(mut results: IndexedResults) -> Result<Value, Error> {
    let (mut last, mut failed) = (Value::None, None);
    for statement in 0.. {
        let left = results.num_statements();
        if left == 0 {
            break;
        }
        match results.take(statement) {
            // Some statements, such as `KILL`, have no place among the results.
            Ok(value) if results.num_statements() < left => last = value,
            Ok::<Value, _>(_) => (),
            Err(error) => failed = Some(weightier(failed, error)),
        }
    }
    failed.map_or(Ok(last), Err)
}

/// Of two errors, the one that tells what went wrong: the first, unless it only says that its
/// statement was not run because of another.
fn weightier(first: Option<Error>, second: Error) -> Error {
    let is_consequence =
        |error: &Error| matches!(error.query_details(), Some(QueryError::NotExecuted));
    match first {
        Some(first) if !is_consequence(&first) => first,
        _ => second,
    }
}
