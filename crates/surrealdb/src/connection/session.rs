//! The state that every new connection starts in: its user, its namespace and its database.

use super::credentials::Credentials;
use super::endpoint::{Endpoint, EndpointKind};
use crate::error::{DatabaseError, DatabaseResult};

/// The user, the namespace and the database of a connection.
#[derive(Debug, Default)]
pub(crate) struct Session {
    pub(crate) namespace: Option<String>,
    pub(crate) database: Option<String>,
    pub(crate) credentials: Option<Credentials>,
}

impl Session {
    /// Refuses what no database would accept, before anything is connected.
    ///
    /// # Errors
    ///
    /// [`DatabaseError::InvalidConfig`] for a database without a namespace, for credentials without the
    /// namespace or database that they belong to, and for credentials of an embedded database.
    pub(crate) fn validate(&self, endpoint: &Endpoint) -> DatabaseResult<()> {
        if let (None, Some(database)) = (&self.namespace, &self.database) {
            return Err(DatabaseError::InvalidConfig(format!(
                "the database {database:?} needs a namespace: set one with `namespace`"
            )));
        }
        let Some(credentials) = &self.credentials else { return Ok(()) };
        if endpoint.kind() == EndpointKind::Embedded {
            return Err(DatabaseError::InvalidConfig(format!(
                "the embedded database {endpoint} has no users, and this process has every right in it: \
                 remove the {credentials:?}"
            )));
        }
        credentials.validate(self.namespace.as_deref(), self.database.as_deref())
    }
}
