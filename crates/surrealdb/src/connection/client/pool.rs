//! A pool of connections, each of them used by one query at a time.

use std::fmt;
use std::ops::Deref;
use std::time::Duration;

use deadpool::Runtime;
use deadpool::managed::{Object, Pool, PoolError, TimeoutType};
use surrealdb::Surreal;
use surrealdb::engine::any::Any;

use super::manager::ConnectionManager;
use crate::connection::endpoint::Endpoint;
use crate::connection::session::Session;
use crate::error::{DatabaseError, DatabaseResult};
use crate::limits::{HEALTH_CHECK_TIMEOUT, MAX_CONNECTION_WAIT};

/// A bounded pool of connections to one database. Clones share it.
#[derive(Clone)]
pub(crate) struct ConnectionPool(Pool<ConnectionManager>);

/// A connection for one query. Dropping it closes the connection, unless it was
/// [recycled](Self::recycle).
pub(super) struct PooledConnection(Option<Object<ConnectionManager>>);

impl ConnectionPool {
    /// Makes a pool and opens its first connection, so that a wrong address or password shows now.
    ///
    /// # Errors
    ///
    /// Those of [`ConnectionManager::new`]; [`DatabaseError::InvalidConfig`] for a pool of no connections;
    /// those of [`get`](Self::get).
    pub(crate) async fn open(
        endpoint: Endpoint,
        session: Session,
        authorities: &[Vec<u8>],
        connect_timeout: Duration,
        max_connections: usize,
    ) -> DatabaseResult<Self> {
        let manager =
            ConnectionManager::new(endpoint, session, authorities, connect_timeout).await?;
        let pool = Pool::builder(manager)
            .max_size(max_connections)
            .wait_timeout(Some(MAX_CONNECTION_WAIT))
            .recycle_timeout(Some(HEALTH_CHECK_TIMEOUT))
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(|error| DatabaseError::InvalidConfig(error.to_string()))?;
        let pool = Self(pool);
        pool.get().await?.recycle();
        Ok(pool)
    }

    /// Checks a connection out, and opens one if none is idle and there is room for one more.
    ///
    /// # Errors
    ///
    /// [`DatabaseError::PoolTimeout`] when all are checked out for too long;
    /// [`DatabaseError::Unreachable`] and [`DatabaseError::AuthRejected`] when none can be opened.
    pub(super) async fn get(&self) -> DatabaseResult<PooledConnection> {
        match self.0.get().await {
            Ok(connection) => Ok(PooledConnection(Some(connection))),
            Err(PoolError::Backend(error)) => Err(error),
            Err(PoolError::Timeout(TimeoutType::Wait)) => Err(DatabaseError::PoolTimeout {
                address: self.address(),
                connections: self.0.status().max_size,
                waited: MAX_CONNECTION_WAIT,
            }),
            Err(error) => Err(self.0.manager().unreachable(error)),
        }
    }

    /// Returns the address, without credentials.
    pub(super) fn address(&self) -> String {
        self.0.manager().address()
    }
}

impl fmt::Debug for ConnectionPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.manager().fmt(f)
    }
}

impl PooledConnection {
    /// Returns the connection to the pool, for other queries.
    pub(super) fn recycle(mut self) {
        self.0.take();
    }
}

impl Deref for PooledConnection {
    type Target = Surreal<Any>;

    fn deref(&self) -> &Self::Target {
        self.0.as_ref().expect("the connection is taken only when `self` goes")
    }
}

impl Drop for PooledConnection {
    fn drop(&mut self) {
        if let Some(connection) = self.0.take() {
            // Detached from the pool, so that dropping it closes it.
            drop(Object::take(connection));
        }
    }
}
