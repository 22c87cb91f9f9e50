//! Every bound that this crate keeps, in one place.

use std::time::Duration;

/// Connections that one [`Database`](crate::Database) opens at most, unless the host says otherwise:
/// as many queries run at a time.
pub const DEFAULT_MAX_CONNECTIONS: usize = 16;

/// How long opening a connection may take, sign-in and choice of the database included, unless the host
/// says otherwise.
pub const DEFAULT_CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a query waits for a connection while all are at work.
pub const MAX_CONNECTION_WAIT: Duration = Duration::from_secs(10);

/// How long a query may take, unless the host says otherwise. The deadline of the call is usually
/// nearer, and ends the query as well.
pub const DEFAULT_QUERY_TIMEOUT: Duration = Duration::from_secs(60);

/// A connection that was idle for longer is asked whether it still is one before it is used.
pub const TRUSTED_IDLE_TIME: Duration = Duration::from_secs(5);

/// How long the answer to that may take.
pub const PING_TIMEOUT: Duration = Duration::from_secs(2);

/// A query or an answer over `ws://` and `wss://`, in bytes: what one host call may copy.
pub const MAX_MESSAGE_BYTES: usize = surrealism_runtime::limits::MAX_HOST_CALL_BYTES;

/// Length of a function's path that a guest asks for, in bytes.
pub const MAX_FUNCTION_PATH_BYTES: usize = 256;

/// Arguments of one call to a function of the database.
pub const MAX_FUNCTION_ARGS: usize = 1_000;

/// ModuleRegistry that may be at work in one call, one called by the other. Each of them holds an instance.
pub const MAX_MODULE_DEPTH: usize = 8;

/// How long a call from one module to another waits for an instance, unless the host says otherwise.
/// It is what ends the wait of two calls that each hold what the other waits for.
pub const DEFAULT_MAX_INSTANCE_WAIT: Duration = Duration::from_secs(10);
