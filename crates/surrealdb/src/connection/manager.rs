//! One connection, and how the pool of them makes it and takes it back.

use std::fmt;
use std::time::Duration;

use deadpool::managed::{Manager, Metrics, RecycleError, RecycleResult};
use surrealdb::Surreal;
use surrealdb::engine::any::{self, Any};
use surrealdb::opt::{Config, WebsocketConfig};
use tokio::time::timeout;

use crate::credentials::Credentials;
use crate::endpoint::{Endpoint, Place};
use crate::error::{DatabaseError, DatabaseResult};
use crate::limits::{MAX_MESSAGE_BYTES, TRUSTED_IDLE_TIME};
use crate::tls;

/// Makes connections that are signed in and have their database chosen.
pub(crate) struct Connections {
    pub(crate) endpoint: Endpoint,
    pub(crate) namespace: Option<String>,
    pub(crate) database: Option<String>,
    pub(crate) credentials: Option<Credentials>,
    pub(crate) config: Config,
    pub(crate) connect_timeout: Duration,
    /// The database inside this process, if that is where it is: its connections are sessions of it.
    pub(crate) engine: Option<Surreal<Any>>,
}

/// How to reach a server, beside its address.
///
/// # Errors
///
/// [`DatabaseError::InvalidConfig`] when an authority cannot be used.
pub(crate) fn config(authorities: &[Vec<u8>]) -> DatabaseResult<Config> {
    Config::new()
        .rustls(tls::client(authorities)?)
        .websocket(WebsocketConfig::new().max_message_size(MAX_MESSAGE_BYTES))
        .map_err(|error| DatabaseError::InvalidConfig(error.to_string()))
}

impl Connections {
    /// Makes ready for the first connection.
    pub(crate) async fn begin(&mut self) -> DatabaseResult<()> {
        if self.endpoint.place == Place::Embedded {
            self.engine = Some(self.reach().await?);
        }
        Ok(())
    }

    async fn open(&self) -> DatabaseResult<Surreal<Any>> {
        let client = match &self.engine {
            Some(engine) => engine.clone(),
            None => self.reach().await?,
        };
        self.introduce(&client).await.map_err(|error| {
            let (address, reason) = (self.endpoint.to_string(), error.to_string());
            DatabaseError::AuthRejected { address, reason }
        })?;
        Ok(client)
    }

    async fn reach(&self) -> DatabaseResult<Surreal<Any>> {
        let address = (self.endpoint.to_string(), self.config.clone());
        any::connect(address).await.map_err(|error| self.unreachable(error))
    }

    async fn introduce(&self, client: &Surreal<Any>) -> surrealdb::Result<()> {
        let (namespace, database) = (self.namespace.as_deref(), self.database.as_deref());
        if let Some(credentials) = &self.credentials {
            credentials.sign_in(client, namespace, database).await?;
        }
        match (namespace, database) {
            (Some(namespace), Some(database)) => {
                client.use_ns(namespace).use_db(database).await?;
            }
            (Some(namespace), None) => {
                client.use_ns(namespace).await?;
            }
            (None, _) => (),
        }
        Ok(())
    }

    pub(crate) fn unreachable(&self, reason: impl fmt::Display) -> DatabaseError {
        let (address, reason) = (self.endpoint.to_string(), reason.to_string());
        DatabaseError::Unreachable { address, reason }
    }
}

impl Manager for Connections {
    type Type = Surreal<Any>;
    type Error = DatabaseError;

    async fn create(&self) -> DatabaseResult<Surreal<Any>> {
        let limit = self.connect_timeout;
        let late = |_| self.unreachable(format!("no connection within {limit:?}"));
        timeout(limit, self.open()).await.map_err(late)?
    }

    async fn recycle(
        &self,
        client: &mut Surreal<Any>,
        metrics: &Metrics,
    ) -> RecycleResult<DatabaseError> {
        if metrics.last_used() > TRUSTED_IDLE_TIME {
            client.health().await.map_err(|error| RecycleError::message(error.to_string()))?;
        }
        Ok(())
    }
}

impl fmt::Debug for Connections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connections")
            .field("endpoint", &self.endpoint.to_string())
            .field("namespace", &self.namespace)
            .field("database", &self.database)
            .field("credentials", &self.credentials)
            .finish_non_exhaustive()
    }
}
