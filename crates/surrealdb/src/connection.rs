//! Connections to a database: its address, its session, and the client with its pool.

#[cfg(feature = "client")]
mod client;
mod credentials;
mod endpoint;
#[cfg(not(feature = "client"))]
mod no_client;
mod session;

#[cfg(feature = "client")]
pub(crate) use client::ConnectionPool;
pub use credentials::Credentials;
pub(crate) use endpoint::Endpoint;
#[cfg(not(feature = "client"))]
pub(crate) use no_client::ConnectionPool;
pub(crate) use session::Session;
