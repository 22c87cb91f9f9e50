//! The client of SurrealDB: opens, pools and queries connections.

mod manager;
mod pool;
mod query;
mod sign_in;
mod tls;

pub(crate) use pool::ConnectionPool;
