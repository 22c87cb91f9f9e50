//! Every bound that this crate keeps, in one place.

use std::time::Duration;

/// Default number of connections of one [`Database`](crate::Database): as many queries run at a time.
///
/// See [`ConnectOptions::max_connections`](crate::ConnectOptions::max_connections).
pub const DEFAULT_MAX_CONNECTIONS: usize = 16;

/// Default time for opening a connection, including sign-in and selecting the database: 10 seconds.
///
/// See [`ConnectOptions::connect_timeout`](crate::ConnectOptions::connect_timeout).
pub const DEFAULT_CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Time that a query waits for a connection while all of them are checked out: 10 seconds.
pub const MAX_CONNECTION_WAIT: Duration = Duration::from_secs(10);

/// Default time for one query: 60 seconds. The deadline of the call usually comes first, and ends the
/// query too.
///
/// See [`ConnectOptions::query_timeout`](crate::ConnectOptions::query_timeout).
pub const DEFAULT_QUERY_TIMEOUT: Duration = Duration::from_secs(60);

/// Idle time after which a connection is health-checked before it is used again: 5 seconds.
pub const HEALTH_CHECK_AFTER_IDLE: Duration = Duration::from_secs(5);

/// Time for that health check: 2 seconds. A connection that does not answer in it is replaced.
pub const HEALTH_CHECK_TIMEOUT: Duration = Duration::from_secs(2);

/// Size of one query or response over `ws://` and `wss://`, in bytes: what one host call may copy.
pub const MAX_MESSAGE_BYTES: usize = surrealism_runtime::limits::MAX_HOST_CALL_BYTES;

/// Length of the path of a function that a guest calls, in bytes.
pub const MAX_FUNCTION_PATH_BYTES: usize = 256;

/// Number of arguments of one call of a database function.
pub const MAX_FUNCTION_ARGS: usize = 1_000;

/// Number of modules in one call stack, where each module calls the next. Each of them holds an instance.
pub const MAX_MODULE_DEPTH: usize = 8;

/// Default time that a call from one module to another waits for an instance: 10 seconds.
///
/// It ends the deadlock of two calls where each holds the instance that the other waits for. See
/// [`CallContext::max_instance_wait`](crate::CallContext::max_instance_wait).
pub const DEFAULT_MAX_INSTANCE_WAIT: Duration = Duration::from_secs(10);
