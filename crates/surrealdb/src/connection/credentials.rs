//! The user or token of a connection.

use std::fmt;

use crate::error::{DatabaseError, DatabaseResult};

/// The user or token that a connection acts as: every query of every guest has exactly its rights.
///
/// Prefer [`database`](Self::database), whose user has no rights outside that database. `Debug` shows no
/// password and no token.
#[derive(Clone)]
pub struct Credentials(pub(super) Login);

#[derive(Clone)]
#[cfg_attr(not(feature = "client"), expect(dead_code, reason = "only the client signs in"))]
pub(super) enum Login {
    Root { user: String, password: String },
    Namespace { user: String, password: String },
    Database { user: String, password: String },
    Token(String),
}

impl Credentials {
    /// Signs in as a user of the whole server.
    pub fn root(user: impl Into<String>, password: impl Into<String>) -> Self {
        Self(Login::Root { user: user.into(), password: password.into() })
    }

    /// Signs in as a user of the connection's namespace.
    pub fn namespace(user: impl Into<String>, password: impl Into<String>) -> Self {
        Self(Login::Namespace { user: user.into(), password: password.into() })
    }

    /// Signs in as a user of the connection's database.
    pub fn database(user: impl Into<String>, password: impl Into<String>) -> Self {
        Self(Login::Database { user: user.into(), password: password.into() })
    }

    /// Signs in with a token (JWT), as the user that it was issued to, such as a record user.
    pub fn token(token: impl Into<String>) -> Self {
        Self(Login::Token(token.into()))
    }

    /// Refuses credentials of a namespace or a database that is not selected.
    ///
    /// # Errors
    ///
    /// [`DatabaseError::InvalidConfig`] then.
    pub(crate) fn validate(
        &self,
        namespace: Option<&str>,
        database: Option<&str>,
    ) -> DatabaseResult<()> {
        let missing = match &self.0 {
            Login::Namespace { .. } if namespace.is_none() => "namespace",
            Login::Database { .. } if namespace.is_none() => "namespace",
            Login::Database { .. } if database.is_none() => "database",
            _ => return Ok(()),
        };
        Err(DatabaseError::InvalidConfig(format!(
            "the {self:?} need a {missing}: set one with `{missing}`"
        )))
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (level, user) = match &self.0 {
            Login::Root { user, .. } => ("root", user),
            Login::Namespace { user, .. } => ("namespace", user),
            Login::Database { user, .. } => ("database", user),
            Login::Token(_) => return f.write_str("credentials with a token"),
        };
        write!(f, "credentials of the {level} user {user:?}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_secret() {
        for (credentials, shown) in [
            (Credentials::root("ada", "hunter2"), "credentials of the root user \"ada\""),
            (Credentials::namespace("ada", "hunter2"), "credentials of the namespace user \"ada\""),
            (Credentials::database("ada", "hunter2"), "credentials of the database user \"ada\""),
            (Credentials::token("hunter2"), "credentials with a token"),
        ] {
            assert_eq!(format!("{credentials:?}"), shown);
        }
    }

    #[test]
    fn credentials_need_the_namespace_and_database_they_belong_to() {
        let both = (Some("n"), Some("d"));
        let cases: [(Credentials, _, Option<&str>); 7] = [
            (Credentials::root("a", "b"), (None, None), None),
            (Credentials::token("t"), (None, None), None),
            (Credentials::namespace("a", "b"), (None, None), Some("need a namespace")),
            (Credentials::namespace("a", "b"), (Some("n"), None), None),
            (Credentials::database("a", "b"), (None, None), Some("need a namespace")),
            (Credentials::database("a", "b"), (Some("n"), None), Some("need a database")),
            (Credentials::database("a", "b"), both, None),
        ];
        for (credentials, (namespace, database), expected) in cases {
            let error =
                credentials.validate(namespace, database).err().map(|error| error.to_string());
            assert_eq!(error.is_some(), expected.is_some(), "{credentials:?}: {error:?}");
            assert!(error.unwrap_or_default().contains(expected.unwrap_or_default()));
        }
    }
}
