//! Connections to a database: its address, the sign-in, TLS, and a pool of them.

mod credentials;
mod endpoint;
mod manager;
mod pool;
mod session;
mod tls;

pub use credentials::Credentials;
pub(crate) use endpoint::Endpoint;
pub(crate) use manager::ConnectionManager;
pub(crate) use pool::ConnectionPool;
pub(crate) use session::Session;
