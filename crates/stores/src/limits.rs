//! Every bound of these stores, except for those of the [runtime](surrealism_runtime::limits), in one place.

use std::time::Duration;

/// Length of the name of a module, in bytes.
pub const MAX_MODULE_NAME_BYTES: usize = 256;

/// Memory that an open file takes to cache its pages, in bytes: 64 MiB.
pub const REDB_CACHE_BYTES: usize = 64 << 20;

/// Number of writes that share a transaction of a file, so that the first of them does not wait for long.
pub const MAX_GROUPED_WRITES: usize = 1_024;

/// Time for one request to Redis, including reconnecting and retries: 5 seconds. The deadline of the call
/// usually comes first.
pub const REDIS_REQUEST_TIMEOUT: Duration = Duration::from_secs(5);

/// Time for one attempt to connect to a Redis server: 1 second.
pub const REDIS_CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// Time between two attempts to send a request: 50 milliseconds.
pub const REDIS_RETRY_DELAY: Duration = Duration::from_millis(50);

/// Number of keys of a range that the script on Redis reads at a time.
pub const REDIS_RANGE_PAGE: usize = 1_000;
