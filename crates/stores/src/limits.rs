//! Every bound of these stores that is not the [runtime's](surrealism_runtime::limits), in one place.

use std::time::Duration;

/// Length of the name under which a store keeps a module, in bytes.
pub const MAX_MODULE_NAME_BYTES: usize = 256;

/// Memory that a file takes for what it has read and will write, in bytes: 64 MiB.
pub const REDB_CACHE_BYTES: usize = 64 << 20;

/// How long one request to Redis may take, with reaching it, reaching it again, and waiting while a
/// cluster moves things: 5 seconds. The deadline of a call is usually nearer.
pub const REDIS_REQUEST_TIME: Duration = Duration::from_secs(5);

/// How long one attempt to reach a server of Redis may take: a second.
pub const REDIS_CONNECT_TIME: Duration = Duration::from_secs(1);

/// How long a request waits before it is sent again, where a server said that it was not done: a
/// twentieth of a second.
pub const REDIS_PAUSE: Duration = Duration::from_millis(50);

/// Keys of a range that a script on Redis looks at in one go.
pub const REDIS_PAGE: usize = 1_000;
