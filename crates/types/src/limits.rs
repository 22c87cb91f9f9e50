//! The limits that every host enforces, and a host for unit tests too. Those of encoded values belong to the
//! [`codec`](crate::codec).

use std::time::Duration;

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

/// Limits of a key-value store; `None` is unlimited. A key has at most
/// [`MAX_KV_KEY_BYTES`](crate::kv::MAX_KV_KEY_BYTES) in any case.
///
/// ```
/// use surrealism_types::limits::KvLimits;
///
/// let limits = KvLimits { max_entries: Some(1_000), ..KvLimits::default() };
/// # assert_eq!(limits.max_bytes, None);
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct KvLimits {
    /// Number of keys. Default: unlimited.
    pub max_entries: Option<usize>,
    /// Size of one encoded value in bytes. Default: unlimited.
    pub max_value_bytes: Option<usize>,
    /// Size of all keys and encoded values in bytes, and [`KV_ENTRY_OVERHEAD_BYTES`] for each entry.
    /// Default: unlimited.
    pub max_bytes: Option<usize>,
}

// Calls.

/// Length of the text of a query, in bytes: SurrealDB's own limit for queries over HTTP. Data belongs into
/// variables.
pub const MAX_QUERY_BYTES: usize = MIB;

/// Length of the name of a function that a guest calls with `run`, and of the version, in bytes.
pub const MAX_RUN_NAME_BYTES: usize = 1024;

/// The part of a guest's own message that an error repeats, in bytes.
pub const MAX_ERROR_BYTES: usize = 16 * KIB;

// Key-value stores.

/// Keys of one request.
pub const MAX_KV_BATCH_KEYS: usize = 10_000;

/// Keys and encoded values of one response, in bytes.
pub const MAX_KV_RESPONSE_BYTES: usize = 16 * MIB;

/// Size that an entry counts beside its key and value, in bytes.
pub const KV_ENTRY_OVERHEAD_BYTES: usize = 128;

/// Time to live of a value: about a hundred years.
pub const MAX_KV_TTL: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

/// Size that an entry with a time to live counts beside that in the store in memory, in bytes.
pub const KV_TTL_OVERHEAD_BYTES: usize = 64;

/// Expired entries that a store removes in one step, before other callers can proceed. A write to the store
/// in memory takes one step, and more only while what has expired is in the way of what it adds.
pub const KV_EXPIRED_PER_STEP: usize = 1_000;
