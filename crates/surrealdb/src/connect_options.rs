//! The options of a connection, and connecting.

use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::time::Duration;

use crate::connection::{ConnectionPool, Credentials, Endpoint, Session};
use crate::database::Database;
use crate::error::{DatabaseError, DatabaseResult};
use crate::limits::{DEFAULT_CONNECT_TIMEOUT, DEFAULT_MAX_CONNECTIONS, DEFAULT_QUERY_TIMEOUT};

/// The options of a connection to a database. Awaiting them connects.
///
/// [`Database::connect`] returns them.
#[derive(Debug)]
#[must_use = "options connect only when they are awaited"]
pub struct ConnectOptions {
    endpoint: DatabaseResult<Endpoint>,
    session: Session,
    authorities: Vec<Vec<u8>>,
    max_connections: usize,
    connect_timeout: Duration,
    query_timeout: Duration,
}

impl Database {
    /// Returns the options of a connection to the database at `address`; await them to connect.
    ///
    /// - `ws://HOST:PORT` or `wss://HOST`: a server. Prefer this.
    /// - `http://` or `https://`: a server behind a proxy that does not pass WebSockets. A query that the
    ///   caller gave up runs to its end there.
    /// - `mem://` or `surrealkv://DIRECTORY`: a database inside this process, with the feature `embedded`.
    ///
    /// ```no_run
    /// use surrealism_surrealdb::{Credentials, Database, DatabaseResult};
    ///
    /// async fn connect(password: String) -> DatabaseResult<Database> {
    ///     Database::connect("wss://db.example.com")
    ///         .namespace("shop")
    ///         .database("main")
    ///         .credentials(Credentials::database("app", password))
    ///         .await
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// When awaited: [`InvalidConfig`](DatabaseError::InvalidConfig) for an address that is invalid or
    /// contains credentials, [`NoClient`](DatabaseError::NoClient) without the feature `client`,
    /// [`Unreachable`](DatabaseError::Unreachable) when nothing answers there, and
    /// [`AuthRejected`](DatabaseError::AuthRejected) when the credentials are rejected.
    pub fn connect(address: impl AsRef<str>) -> ConnectOptions {
        ConnectOptions {
            endpoint: Endpoint::parse(address.as_ref()),
            session: Session::default(),
            authorities: Vec::new(),
            max_connections: DEFAULT_MAX_CONNECTIONS,
            connect_timeout: DEFAULT_CONNECT_TIMEOUT,
            query_timeout: DEFAULT_QUERY_TIMEOUT,
        }
    }
}

impl ConnectOptions {
    /// Sets the namespace that queries start in. Default: none.
    pub fn namespace(mut self, name: impl Into<String>) -> Self {
        self.session.namespace = Some(name.into());
        self
    }

    /// Sets the database that queries start in; it needs a [namespace](Self::namespace). Default: none.
    pub fn database(mut self, name: impl Into<String>) -> Self {
        self.session.database = Some(name.into());
        self
    }

    /// Sets the user or token that queries act as. Default: none, with the rights that the server gives
    /// to anonymous connections.
    pub fn credentials(mut self, credentials: Credentials) -> Self {
        self.session.credentials = Some(credentials);
        self
    }

    /// Adds certificate authorities, in PEM, whose servers are trusted. Default: the authorities that
    /// browsers trust, and no others.
    pub fn certificate_authority(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.authorities.push(pem.into());
        self
    }

    /// Sets the number of connections, at least 1; as many queries run at a time. Default:
    /// [`DEFAULT_MAX_CONNECTIONS`].
    pub fn max_connections(mut self, connections: usize) -> Self {
        self.max_connections = connections;
        self
    }

    /// Sets the time for opening one connection, including sign-in and selecting the database. Default:
    /// [`DEFAULT_CONNECT_TIMEOUT`].
    pub fn connect_timeout(mut self, time: Duration) -> Self {
        self.connect_timeout = time;
        self
    }

    /// Sets the time for one query. Default: [`DEFAULT_QUERY_TIMEOUT`].
    pub fn query_timeout(mut self, time: Duration) -> Self {
        self.query_timeout = time;
        self
    }

    async fn open(self) -> DatabaseResult<Database> {
        let endpoint = self.endpoint?;
        if self.max_connections == 0 {
            let problem = "`max_connections` is 0: a database needs at least 1";
            return Err(DatabaseError::InvalidConfig(problem.to_string()));
        }
        let Self { session, authorities, connect_timeout, max_connections, .. } = self;
        let pool =
            ConnectionPool::open(endpoint, session, &authorities, connect_timeout, max_connections);
        Ok(Database::new(pool.await?, self.query_timeout))
    }
}

impl IntoFuture for ConnectOptions {
    type Output = DatabaseResult<Database>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.open())
    }
}
