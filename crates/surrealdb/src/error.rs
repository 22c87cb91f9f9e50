//! How a database fails its callers.

use std::time::Duration;

/// The result of a request to a [`Database`](crate::Database).
pub type DatabaseResult<T> = Result<T, DatabaseError>;

/// Why a database cannot be connected to, or returned no value.
///
/// No message contains a password or a token.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DatabaseError {
    /// The options contradict themselves or cannot work: an invalid address, credentials of a namespace
    /// without the namespace. Nothing was connected.
    #[error("{0}")]
    InvalidConfig(String),

    /// This program was built without the feature `client`. Nothing was connected.
    #[error(
        "the database at {address} cannot be reached: this program was built without the client of SurrealDB"
    )]
    NoClient {
        /// The address, without credentials.
        address: String,
    },

    /// The connection cannot be made, so the query was not sent.
    #[error(
        "the database at {address} cannot be reached: {reason}; check the address and that the server \
         is running"
    )]
    Unreachable {
        /// The address, without credentials.
        address: String,
        /// What the client or the operating system reported.
        reason: String,
    },

    /// The query was sent and no response came back: the connection broke, or something in between, such
    /// as a proxy, rejected the query or the response. The query may have been executed.
    #[error(
        "the database at {address} did not answer the query, which may have been executed: {reason}; \
         read the data to find out"
    )]
    OutcomeUnknown {
        /// The address, without credentials.
        address: String,
        /// What the client or the operating system reported.
        reason: String,
    },

    /// The database rejects the credentials, the namespace or the database. Nothing was executed.
    #[error(
        "the database at {address} rejected the sign-in: {reason}; check the user, the password, the \
         namespace and the database"
    )]
    AuthRejected {
        /// The address, without credentials.
        address: String,
        /// The message of the database.
        reason: String,
    },

    /// The database answered the query with an error. The text is the message of the database, unchanged.
    #[error("{0}")]
    Query(String),

    /// The query took longer than [`query_timeout`](crate::ConnectOptions::query_timeout). It may have
    /// been executed.
    #[error(
        "the database at {address} did not answer within the query timeout of {limit:?}: query less at \
         a time, or have the host raise the timeout"
    )]
    Timeout {
        /// The address, without credentials.
        address: String,
        /// The time that the query was given.
        limit: Duration,
    },

    /// All connections were checked out for too long, so the query was not sent.
    #[error(
        "all {connections} connections to {address} were checked out for {waited:?}, the longest that a \
         query waits: try again later, or have the host allow more connections"
    )]
    PoolTimeout {
        /// The address, without credentials.
        address: String,
        /// The size of the pool.
        connections: usize,
        /// The time that the query waited.
        waited: Duration,
    },

    /// The name, the version or the number of arguments of a function is invalid. Nothing was sent.
    #[error("{0}")]
    InvalidFunction(String),
}
