//! Stands in for the client in a build without it: nothing can be connected to.

use std::time::Duration;

use surrealdb_types::{Object as Variables, Value};

use super::endpoint::Endpoint;
use super::session::Session;
use crate::error::{DatabaseError, DatabaseResult};

/// A pool that cannot be opened.
#[derive(Clone, Debug)]
pub(crate) enum ConnectionPool {}

impl ConnectionPool {
    /// Refuses every connection.
    ///
    /// # Errors
    ///
    /// Those of [`Session::validate`], and [`DatabaseError::NoClient`].
    pub(crate) async fn open(
        endpoint: Endpoint,
        session: Session,
        _authorities: &[Vec<u8>],
        _connect_timeout: Duration,
        _max_connections: usize,
    ) -> DatabaseResult<Self> {
        session.validate(&endpoint)?;
        Err(DatabaseError::NoClient { address: endpoint.to_string() })
    }

    pub(crate) async fn query(&self, _: &str, _: Variables, _: Duration) -> DatabaseResult<Value> {
        match *self {}
    }
}
