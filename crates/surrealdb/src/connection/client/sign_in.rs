//! What a new connection does first: it signs in and selects its namespace and its database.

use surrealdb::opt::auth::{Database, Namespace, Root};
use surrealdb::{Surreal, engine::any::Any};

use crate::connection::credentials::{Credentials, Login};
use crate::connection::session::Session;

/// Signs a new connection in and selects the namespace and the database of its session.
pub(super) async fn start(session: &Session, client: &Surreal<Any>) -> surrealdb::Result<()> {
    let (namespace, database) = (session.namespace.as_deref(), session.database.as_deref());
    if let Some(credentials) = &session.credentials {
        authenticate(credentials, client, namespace, database).await?;
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

async fn authenticate(
    credentials: &Credentials,
    client: &Surreal<Any>,
    namespace: Option<&str>,
    database: Option<&str>,
) -> surrealdb::Result<()> {
    let name = |name: Option<&str>| name.unwrap_or_default().to_string();
    let (namespace, database) = (name(namespace), name(database));
    match credentials.0.clone() {
        Login::Root { user: username, password } => {
            client.signin(Root { username, password }).await?;
        }
        Login::Namespace { user: username, password } => {
            client.signin(Namespace { namespace, username, password }).await?;
        }
        Login::Database { user: username, password } => {
            client.signin(Database { namespace, database, username, password }).await?;
        }
        Login::Token(token) => {
            client.authenticate(token).await?;
        }
    }
    Ok(())
}
