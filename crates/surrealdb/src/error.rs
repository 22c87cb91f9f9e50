//! How a database fails its callers.

use std::time::Duration;

/// The result of what a [`Database`](crate::Database) is asked.
pub type DatabaseResult<T> = Result<T, DatabaseError>;

/// Why a database could not be reached, or did not answer with a value. No text of it has a password
/// or a token.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DatabaseError {
    /// What was asked for cannot be: an address that is none, credentials without their namespace.
    #[error("{0}")]
    InvalidConfig(String),

    /// There is no connection, so that nothing was asked.
    #[error("the database at {address} cannot be reached: {reason}")]
    Unreachable {
        /// Where it was looked for.
        address: String,
        /// What happened.
        reason: String,
    },

    /// The query was sent, and had no answer: the connection broke, or somebody on the way, a proxy for
    /// one, did not let the query or its answer through. It may have been done.
    #[error(
        "the database at {address} has not answered the query, which it may have done: {reason}"
    )]
    OutcomeUnknown {
        /// Where it is.
        address: String,
        /// What happened.
        reason: String,
    },

    /// The database does not accept the credentials, the namespace or the database.
    #[error("the database at {address} refuses the connection: {reason}")]
    AuthRejected {
        /// Where it is.
        address: String,
        /// Its own words.
        reason: String,
    },

    /// The database answered with an error; these are its own words.
    #[error("{0}")]
    Query(String),

    /// The query took longer than the host lets queries take.
    #[error(
        "the database at {address} did not answer within {limit:?}, which is what a query may take: \
         ask for less at a time, or have the host raise its query timeout"
    )]
    Timeout {
        /// Where it is.
        address: String,
        /// What was allowed.
        limit: Duration,
    },

    /// All connections were at work for too long.
    #[error(
        "all {connections} connections to {address} were at work for {waited:?}, which is the \
         longest that a query waits for one: ask again later, or have the host allow more of them"
    )]
    Busy {
        /// Where it is.
        address: String,
        /// Connections at work.
        connections: usize,
        /// How long the query waited.
        waited: Duration,
    },

    /// The guest asked for a function by a name that cannot be one.
    #[error("{0}")]
    InvalidFunction(String),
}
