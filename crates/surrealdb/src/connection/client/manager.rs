//! Opens and recycles the connections of a pool.

use std::fmt;
use std::time::Duration;

use deadpool::managed::{Manager, Metrics, RecycleError, RecycleResult};
use surrealdb::Surreal;
use surrealdb::engine::any::{self, Any};
use surrealdb::opt::{Config, WebsocketConfig};
use tokio::time::timeout;

use super::{sign_in, tls};
use crate::connection::endpoint::{Endpoint, EndpointKind};
use crate::connection::session::Session;
use crate::error::{DatabaseError, DatabaseResult};
use crate::limits::{HEALTH_CHECK_AFTER_IDLE, MAX_MESSAGE_BYTES};

/// Opens connections that are signed in and have their database selected.
pub(crate) struct ConnectionManager {
    endpoint: Endpoint,
    session: Session,
    config: Config,
    connect_timeout: Duration,
    /// The embedded database, if the endpoint is one: its connections are sessions of this client.
    embedded: Option<Surreal<Any>>,
}

impl ConnectionManager {
    /// Prepares connections to an endpoint, and starts the database if it is embedded.
    ///
    /// # Errors
    ///
    /// [`DatabaseError::InvalidConfig`] for a session that is not valid and for certificates that cannot
    /// be used; [`DatabaseError::Unreachable`] for an embedded database that does not start.
    pub(crate) async fn new(
        endpoint: Endpoint,
        session: Session,
        authorities: &[Vec<u8>],
        connect_timeout: Duration,
    ) -> DatabaseResult<Self> {
        session.validate(&endpoint)?;
        let config = client_config(authorities)?;
        let mut manager = Self { endpoint, session, config, connect_timeout, embedded: None };
        if manager.endpoint.kind() == EndpointKind::Embedded {
            manager.embedded = Some(manager.connect().await?);
        }
        Ok(manager)
    }

    /// Returns the address, without credentials.
    pub(crate) fn address(&self) -> String {
        self.endpoint.to_string()
    }

    pub(crate) fn unreachable(&self, reason: impl fmt::Display) -> DatabaseError {
        DatabaseError::Unreachable { address: self.address(), reason: reason.to_string() }
    }

    async fn open(&self) -> DatabaseResult<Surreal<Any>> {
        let client = match &self.embedded {
            Some(embedded) => embedded.clone(),
            None => self.connect().await?,
        };
        sign_in::start(&self.session, &client).await.map_err(|error| {
            DatabaseError::AuthRejected { address: self.address(), reason: error.to_string() }
        })?;
        Ok(client)
    }

    async fn connect(&self) -> DatabaseResult<Surreal<Any>> {
        let address = (self.address(), self.config.clone());
        any::connect(address).await.map_err(|error| self.unreachable(error))
    }
}

fn client_config(authorities: &[Vec<u8>]) -> DatabaseResult<Config> {
    Config::new()
        .rustls(tls::client_config(authorities)?)
        .websocket(WebsocketConfig::new().max_message_size(MAX_MESSAGE_BYTES))
        .map_err(|error| DatabaseError::InvalidConfig(error.to_string()))
}

impl Manager for ConnectionManager {
    type Type = Surreal<Any>;
    type Error = DatabaseError;

    async fn create(&self) -> DatabaseResult<Surreal<Any>> {
        let limit = self.connect_timeout;
        let timed_out = |_| self.unreachable(format!("no connection within {limit:?}"));
        timeout(limit, self.open()).await.map_err(timed_out)?
    }

    async fn recycle(
        &self,
        client: &mut Surreal<Any>,
        metrics: &Metrics,
    ) -> RecycleResult<DatabaseError> {
        if metrics.last_used() > HEALTH_CHECK_AFTER_IDLE {
            client.health().await.map_err(|error| RecycleError::message(error.to_string()))?;
        }
        Ok(())
    }
}

impl fmt::Debug for ConnectionManager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectionManager")
            .field("endpoint", &self.address())
            .field("session", &self.session)
            .finish_non_exhaustive()
    }
}
