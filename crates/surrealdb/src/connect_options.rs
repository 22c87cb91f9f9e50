//! What a host says about a database before it connects.

use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::time::Duration;

use crate::connection::{self, Connections};
use crate::credentials::Credentials;
use crate::database::Database;
use crate::endpoint::{Endpoint, Place};
use crate::error::{DatabaseError, DatabaseResult};
use crate::limits::{DEFAULT_CONNECT_TIMEOUT, DEFAULT_MAX_CONNECTIONS, DEFAULT_QUERY_TIMEOUT};

/// A connection that is not made yet; await it. Made by [`Database::connect`].
#[derive(Debug)]
#[must_use = "nothing is connected until it is awaited"]
pub struct ConnectOptions {
    endpoint: DatabaseResult<Endpoint>,
    namespace: Option<String>,
    database: Option<String>,
    credentials: Option<Credentials>,
    authorities: Vec<Vec<u8>>,
    max_connections: usize,
    connect_timeout: Duration,
    query_timeout: Duration,
}

impl ConnectOptions {
    pub(crate) fn new(address: &str) -> Self {
        Self {
            endpoint: Endpoint::parse(address),
            namespace: None,
            database: None,
            credentials: None,
            authorities: Vec::new(),
            max_connections: DEFAULT_MAX_CONNECTIONS,
            connect_timeout: DEFAULT_CONNECT_TIMEOUT,
            query_timeout: DEFAULT_QUERY_TIMEOUT,
        }
    }

    /// The namespace that queries begin in. Default: none.
    pub fn namespace(mut self, name: impl Into<String>) -> Self {
        self.namespace = Some(name.into());
        self
    }

    /// The database that queries begin in; it needs a [namespace](Self::namespace). Default: none.
    pub fn database(mut self, name: impl Into<String>) -> Self {
        self.database = Some(name.into());
        self
    }

    /// Who to act as. Default: nobody, with the rights that the server gives to guests.
    pub fn credentials(mut self, credentials: Credentials) -> Self {
        self.credentials = Some(credentials);
        self
    }

    /// Also trusts servers whose certificates come from these authorities, in PEM. Default: those
    /// that browsers trust, and no others.
    pub fn certificate_authority(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.authorities.push(pem.into());
        self
    }

    /// Connections at a time, at least 1; as many queries run at once. Default:
    /// [`DEFAULT_MAX_CONNECTIONS`].
    pub fn max_connections(mut self, connections: usize) -> Self {
        self.max_connections = connections;
        self
    }

    /// Time for opening a connection, sign-in and choice of the database included. Default:
    /// [`DEFAULT_CONNECT_TIMEOUT`].
    pub fn connect_timeout(mut self, time: Duration) -> Self {
        self.connect_timeout = time;
        self
    }

    /// Time for one query. Default: [`DEFAULT_QUERY_TIMEOUT`].
    pub fn query_timeout(mut self, time: Duration) -> Self {
        self.query_timeout = time;
        self
    }

    async fn open(self) -> DatabaseResult<Database> {
        let endpoint = self.endpoint?;
        check(&endpoint, &self.namespace, &self.database, &self.credentials)?;
        let connections = Connections {
            endpoint,
            namespace: self.namespace,
            database: self.database,
            credentials: self.credentials,
            config: connection::config(&self.authorities)?,
            connect_timeout: self.connect_timeout,
            engine: None,
        };
        Database::open(connections, self.max_connections, self.query_timeout).await
    }
}

/// What is a mistake, whoever answers.
fn check(
    endpoint: &Endpoint,
    namespace: &Option<String>,
    database: &Option<String>,
    credentials: &Option<Credentials>,
) -> DatabaseResult<()> {
    let (namespace, database) = (namespace.as_deref(), database.as_deref());
    if let (None, Some(database)) = (namespace, database) {
        let mistake = format!("the database {database:?} needs a namespace, and none was named");
        return Err(DatabaseError::InvalidConfig(mistake));
    }
    let Some(credentials) = credentials else { return Ok(()) };
    if endpoint.place == Place::Embedded {
        let mistake = format!(
            "{endpoint} is a database of this process alone, which has every right in it: leave \
                 the {credentials:?} out"
        );
        return Err(DatabaseError::InvalidConfig(mistake));
    }
    credentials.check(namespace, database)
}

impl IntoFuture for ConnectOptions {
    type Output = DatabaseResult<Database>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.open())
    }
}
