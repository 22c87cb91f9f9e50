//! The limits that the runtime enforces.
//!
//! A module and a host set limits of memory, time, pool and key-value store on
//! [`SurrealismCapabilities`](crate::SurrealismCapabilities) and
//! [`RuntimeBuilder`](crate::RuntimeBuilder); those of an archive are on [`ArchiveLimits`], those of
//! compiling it on [`CompileLimits`], those of a store on [`KvLimits`], and the
//! engine's settings on [`EngineConfig`](crate::EngineConfig). The constants here are fixed, or defaults.
//!
//! Three more are where the published interface has them:
//! [`MAX_LOGO_BYTES`](crate::package::MAX_LOGO_BYTES),
//! [`DEFAULT_MAX_FS_BYTES`](crate::package::DEFAULT_MAX_FS_BYTES) and
//! [`MAX_KV_KEY_BYTES`](crate::kv::MAX_KV_KEY_BYTES). Limits of encoded values belong to the codec, in
//! `surrealism_types`.

use std::num::NonZero;
use std::thread::available_parallelism;
use std::time::Duration;

pub(crate) use surrealism_types::limits::MAX_ERROR_BYTES;
pub use surrealism_types::limits::{
    KV_ENTRY_OVERHEAD_BYTES, KV_EXPIRED_PER_STEP, KV_TTL_OVERHEAD_BYTES, KvLimits,
    MAX_KV_BATCH_KEYS, MAX_KV_RESPONSE_BYTES, MAX_KV_TTL, MAX_QUERY_BYTES, MAX_RUN_NAME_BYTES,
};

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

/// Limits of an archive. Each is checked before the bytes that it limits are read.
///
/// ```
/// use surrealism_runtime::limits::ArchiveLimits;
///
/// let limits = ArchiveLimits { max_wasm_bytes: 1 << 20, ..ArchiveLimits::default() };
/// # assert_eq!(limits.max_entries, 10_000);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchiveLimits {
    /// Size of `mod.wasm` in bytes. Default: 64 MiB.
    pub max_wasm_bytes: u64,
    /// Size of `surrealism.toml` in bytes. Default: 64 KiB.
    pub max_config_bytes: u64,
    /// Size of `exports.toml` in bytes. Default: 4 MiB.
    pub max_exports_bytes: u64,
    /// Number of entries, whether the format defines them or not. Default: 10,000.
    pub max_entries: usize,
    /// Length of a path in bytes. Default: 512.
    pub max_path_bytes: usize,
    /// Number of components of a path. Default: 32.
    pub max_path_depth: usize,
    /// Unpacked bytes for each packed byte, after the first 8 MiB. Default: 1,000.
    pub max_compression_ratio: u64,
}

impl Default for ArchiveLimits {
    fn default() -> Self {
        Self {
            max_wasm_bytes: 64 * MIB as u64,
            max_config_bytes: 64 * KIB as u64,
            max_exports_bytes: 4 * MIB as u64,
            max_entries: 10_000,
            max_path_bytes: 512,
            max_path_depth: 32,
            max_compression_ratio: 1_000,
        }
    }
}

/// Limits of compiling a component. A component over one of them is refused before it is compiled.
///
/// [`check`](Self::check) tells whether a component is within them, without compiling it. `docs/compiling.md`
/// has what the estimates were measured with, and those of well-known programs.
///
/// ```
/// use std::time::Duration;
/// use surrealism_runtime::limits::CompileLimits;
///
/// let limits = CompileLimits { max_time: Duration::from_secs(300), ..CompileLimits::default() };
/// # assert_eq!(limits.max_loop_nesting, 100);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompileLimits {
    /// CPU time of all compilations of one load together, as an upper estimate. Default: 200 seconds.
    pub max_time: Duration,
    /// Memory of one compilation in bytes, as an upper estimate, beside
    /// [`COMPILE_MEMORY_PER_THREAD_BYTES`] for each thread that compiles. Default: 2 GiB.
    pub max_memory_bytes: u64,
    /// Size of one function in bytes. Default: 2 MiB.
    pub max_function_bytes: u32,
    /// Parameters and local variables of one function. Default: 10,000.
    pub max_locals: u32,
    /// Depth to which the blocks of one function are nested. Default: 4,000.
    pub max_nesting: u32,
    /// Depth to which the loops of one function are nested. Default: 100.
    pub max_loop_nesting: u32,
    /// Instances of modules and components that one instance of the component consists of. Default: 2,000.
    pub max_instances: u32,
    /// Parts of the component outside of its core modules: types with their fields and cases, imports,
    /// exports, aliases, arguments of instances. Default: 20,000.
    pub max_parts: u32,
}

impl Default for CompileLimits {
    fn default() -> Self {
        Self {
            max_time: Duration::from_secs(200),
            max_memory_bytes: 2_048 * MIB as u64,
            max_function_bytes: 2 * MIB as u32,
            max_locals: 10_000,
            max_nesting: 4_000,
            max_loop_nesting: 100,
            max_instances: 2_000,
            max_parts: 20_000,
        }
    }
}

/// The host's limits of a module; `None` is unlimited.
#[derive(Debug)]
pub(crate) struct HostLimits {
    pub(crate) pool_size: usize,
    pub(crate) max_memory_bytes: Option<usize>,
    pub(crate) max_execution_time: Option<Duration>,
    pub(crate) max_kv_entries: Option<usize>,
    pub(crate) max_kv_value_bytes: Option<usize>,
    pub(crate) max_kv_bytes: Option<usize>,
    pub(crate) max_idle_growth_bytes: usize,
}

impl Default for HostLimits {
    fn default() -> Self {
        Self {
            pool_size: available_parallelism().map_or(1, NonZero::get),
            max_memory_bytes: Some(DEFAULT_MAX_MEMORY_BYTES),
            max_execution_time: None,
            max_kv_entries: None,
            max_kv_value_bytes: None,
            max_kv_bytes: Some(DEFAULT_MAX_KV_BYTES),
            max_idle_growth_bytes: DEFAULT_MAX_IDLE_GROWTH_BYTES,
        }
    }
}

// Defaults of the host's limits.

/// Default limit of one instance's linear memory: 1 GiB.
pub const DEFAULT_MAX_MEMORY_BYTES: usize = 1024 * MIB;

/// Default limit of a key-value store's keys and encoded values: 256 MiB.
pub const DEFAULT_MAX_KV_BYTES: usize = 256 * MIB;

/// Default of [`RuntimeBuilder::max_idle_growth_bytes`](crate::RuntimeBuilder::max_idle_growth_bytes):
/// 32 MiB.
pub const DEFAULT_MAX_IDLE_GROWTH_BYTES: usize = 32 * MIB;

/// Default size of a cache of compiled code: 1 GiB.
pub const DEFAULT_MAX_CODE_CACHE_BYTES: u64 = 1024 * MIB as u64;

// Archives.

/// Unpacked bytes to which [`ArchiveLimits::max_compression_ratio`] does not apply, so that a small
/// archive of repetitive text is not refused.
pub(crate) const COMPRESSION_RATIO_GRACE_BYTES: u64 = 8 * MIB as u64;

/// Metadata of one tar entry: headers, long names, attributes.
pub(crate) const MAX_ENTRY_METADATA_BYTES: u64 = 32 * KIB as u64;

/// Window of the compression, as a power of two: 128 MiB, the largest that the `zstd` command accepts by
/// default.
pub(crate) const MAX_ZSTD_WINDOW_LOG: u32 = 27;

/// Length of an organization's name, a package's name, and a version, in bytes.
pub(crate) const MAX_IDENTIFIER_BYTES: usize = 64;

/// Number of functions of a module.
pub(crate) const MAX_FUNCTIONS: usize = 10_000;

/// Length of a function's name in bytes.
pub(crate) const MAX_FUNCTION_NAME_BYTES: usize = 256;

/// Keys of a module's `[config]`.
pub const MAX_CONFIG_KEYS: usize = 100;

/// Length of the name of a key of `[config]`, in bytes.
pub const MAX_CONFIG_KEY_BYTES: usize = 64;

/// Length of the comment of a key of `[config]`, in bytes.
pub const MAX_CONFIG_COMMENT_BYTES: usize = 1024;

/// Encoded size of a value for a key of `[config]`, in bytes.
pub const MAX_CONFIG_VALUE_BYTES: usize = 64 * KIB;

/// Encoded size of all values for `[config]`, in bytes. A guest may copy them with each call of the host.
pub const MAX_CONFIG_BYTES: usize = 256 * KIB;

// Loading.

/// Size of a module's pool: 100,000 instances.
pub const MAX_POOL_SIZE: usize = 100_000;

/// Memory that compiling takes for each of its threads, in bytes, beside
/// [`CompileLimits::max_memory_bytes`]: a function that takes less than this is not counted there.
pub const COMPILE_MEMORY_PER_THREAD_BYTES: u64 = 16 * MIB as u64;

/// Modules that [`RuntimeBuilder::build_async`](crate::RuntimeBuilder::build_async) loads at a time, in
/// one process.
pub const MAX_LOADING_THREADS: usize = 16;

/// Age at which a temporary file in a cache of compiled code counts as left by a killed process.
pub const STALE_TEMP_FILE_AGE: Duration = Duration::from_secs(60 * 60);

/// Time that `init` may take in [pre-initialization](crate::RuntimeBuilder::preinitialize).
pub const MAX_PREINIT_TIME: Duration = Duration::from_secs(5);

/// Linear memory that `init` may take in [pre-initialization](crate::RuntimeBuilder::preinitialize), in
/// bytes: as much as the largest component.
pub const MAX_SNAPSHOT_BYTES: usize = 64 * MIB;

/// Segments of non-zero memory that a pre-initialized module may have.
pub const MAX_SNAPSHOT_SEGMENTS: usize = 2_000_000;

/// Memories and mutable globals that a pre-initialized module may have.
pub(crate) const MAX_SNAPSHOT_ITEMS: usize = 1_000;

// Instances.

/// Elements of all tables of one instance.
pub const MAX_TABLE_ELEMENTS: usize = 1_000_000;

/// Core instances, memories and tables of one instance, each.
pub const MAX_CORE_ITEMS: usize = 100;

/// Default of [`EngineConfig::pooled_core_instances`](crate::EngineConfig::pooled_core_instances).
pub const POOLED_CORE_INSTANCES: u32 = 8;

/// Default of [`EngineConfig::pooled_tables`](crate::EngineConfig::pooled_tables).
pub const POOLED_TABLES: u32 = 4;

/// Default number of instances that the process's pool has room for.
///
/// Each that was used once keeps half a dozen memory maps, of the 65,530 that Linux allows a process by
/// default, so that a full pool holds a tenth of them.
pub const POOLED_INSTANCES: u32 = 1_024;

/// Number of instances in the pool where the default does not fit the address space.
pub(crate) const FALLBACK_POOLED_INSTANCES: u32 = 64;

/// Limit of a process's address space (`ulimit -v`) under which none is reserved, in bytes: 64 GiB.
pub(crate) const MIN_RESERVABLE_ADDRESS_SPACE_BYTES: u64 = 64 * 1024 * MIB as u64;

/// Address space behind a memory into which it can grow without moving, where no more is reserved.
pub(crate) const MEMORY_GROWTH_RESERVE_BYTES: u64 = MIB as u64;

/// Inaccessible address space behind a memory, where no more is reserved: small offsets need no check.
pub(crate) const MEMORY_GUARD_BYTES: u64 = 64 * KIB as u64;

/// Host resources (streams, files, sockets, timers) that one instance may hold at a time. Each may hold a
/// file descriptor of the process.
pub const MAX_HOST_RESOURCES: usize = 128;

/// Handles to resources that one instance may hold at a time.
pub const MAX_HANDLES: usize = 10_000;

// Calls.

/// Strings and lists that one host call may copy out of the guest, in bytes.
pub const MAX_HOST_CALL_BYTES: usize = 64 * MIB;

/// Memory that the values of a message may take on the host, in any case: a guest with little memory of its
/// own may still pass small values.
pub const MIN_DECODED_BYTES: usize = MIB;

/// Rows that [`Runtime::call_rows`](crate::Runtime::call_rows) passes to the guest in one guest call.
pub const ROWS_PER_CALL: usize = 1_024;

/// Length of the name of an attached file in bytes, as file systems have it.
pub(crate) const MAX_FILE_NAME_BYTES: usize = 255;

/// Length of a path that a guest passes to the file system in bytes.
pub(crate) const MAX_GUEST_PATH_BYTES: usize = 4 * KIB;

/// Bytes of an attached file that a guest gets with one request.
pub(crate) const MAX_FILE_READ_BYTES: usize = MIB;

/// Rows that [`Function::call_columns`](crate::Function::call_columns) passes to the guest in one guest call:
/// their columns stay in the processor's caches.
pub const ROWS_PER_COLUMN_CALL: usize = 8_192;

/// Columns that are passed to the guest in one guest call, in bytes. One row may take more.
pub const COLUMN_BYTES_PER_CALL: usize = MIB;

/// Random bytes that a guest gets with one request.
pub const MAX_RANDOM_BYTES: u64 = 64 * KIB as u64;

/// Length of a line of guest output in bytes. Longer lines are passed on in pieces.
pub const MAX_OUTPUT_LINE_BYTES: usize = 8 * KIB;

/// Output that a line counts for at least, in bytes: each line is a call of the host's callback.
pub const MIN_OUTPUT_LINE_CHARGE: usize = 64;

/// Output that a guest may write to each stream during one call, in bytes. The rest is dropped, with a
/// note.
pub const MAX_OUTPUT_BYTES_PER_CALL: usize = MIB;

/// The end of a guest's error output that is kept to explain a trap, in bytes.
pub(crate) const TRAP_MESSAGE_BYTES: usize = 2 * KIB;

// Recordings.

/// Default of [`Recorder::max_call_bytes`](crate::record::Recorder::max_call_bytes): 4 MiB.
pub const DEFAULT_MAX_RECORDED_CALL_BYTES: usize = 4 * MIB;

/// Default of [`Recorder::max_bytes`](crate::record::Recorder::max_bytes): 1 GiB.
pub const DEFAULT_MAX_RECORDING_BYTES: u64 = 1024 * MIB as u64;

/// Length of a line of a recording, in bytes. Parsed, it may take some thirty times as much memory.
pub const MAX_RECORDED_LINE_BYTES: usize = 16 * MIB;

/// Time that a [replay](crate::Runtime::replay) may take.
pub const MAX_REPLAY_TIME: Duration = Duration::from_secs(60);

// Network.

/// Entries of a module's `allow_net`.
pub(crate) const MAX_ALLOW_NET_ENTRIES: usize = 100;

/// Time after which no further name of a module's `allow_net` is resolved.
pub const MAX_ALLOW_NET_TIME: Duration = Duration::from_secs(20);

/// Name lookups of one module at a time. A lookup that the guest gave up counts until the system's
/// resolver returns.
pub(crate) const MAX_DNS_LOOKUPS: usize = 16;

/// Name lookups of one process at a time.
pub(crate) const MAX_DNS_LOOKUPS_PER_PROCESS: usize = 64;

/// Addresses of one name.
pub(crate) const MAX_ADDRESSES_PER_NAME: usize = 100;

/// Addresses that one instance keeps of the names that it resolved.
pub(crate) const MAX_RESOLVED_ADDRESSES: usize = 1_000;

/// Length of a name that a guest resolves, in bytes: the limit of DNS.
pub(crate) const MAX_HOST_NAME_BYTES: usize = 255;

/// Threads that serve the connections of all guests of one process.
pub(crate) const MAX_REACTOR_THREADS: usize = 4;

/// Headers of one `wasi:http` request, in bytes, overhead included.
#[cfg(feature = "http")]
pub(crate) const MAX_HTTP_HEADER_BYTES: usize = 64 * KIB;

/// Length of the method of one `wasi:http` request, in bytes. The longest that is registered has 17.
#[cfg(feature = "http")]
pub(crate) const MAX_HTTP_METHOD_BYTES: usize = 64;

/// Length of the authority of one `wasi:http` request, in bytes: a name of DNS with a port and more.
#[cfg(feature = "http")]
pub(crate) const MAX_HTTP_AUTHORITY_BYTES: usize = 1024;

/// Headers of one `wasi:http` response.
#[cfg(feature = "http")]
pub(crate) const MAX_HTTP_HEADERS: usize = 100;

/// What a server may send before the head of a `wasi:http` response is complete, in bytes. Responses that
/// only inform, as `100 Continue` does, come before it, and may be many.
#[cfg(feature = "http")]
pub(crate) const MAX_HTTP_HEAD_BYTES: usize = 256 * KIB;

/// The part of a `wasi:http` body that the host buffers in each direction, and the size of a response's
/// headers, in bytes. Bodies are streamed, so that only the call's time limits their whole size.
#[cfg(feature = "http")]
pub(crate) const MAX_HTTP_BUFFER_BYTES: usize = 64 * KIB;

/// Time that a `wasi:http` request may wait for a connection, for the response to begin, and between two
/// pieces of it. The guest may set less, and the call's deadline applies too.
#[cfg(feature = "http")]
pub(crate) const MAX_HTTP_WAIT: Duration = Duration::from_secs(60);

// Metrics.

/// Modules that have a label of their own in the metrics of one
/// [`MetricsObserver`](crate::observer::MetricsObserver).
#[cfg(feature = "metrics")]
pub const MAX_METRIC_MODULES: usize = 200;

/// Functions of one module that have a label of their own in the metrics of one
/// [`MetricsObserver`](crate::observer::MetricsObserver): those that are called first. Each has about twenty
/// samples.
#[cfg(feature = "metrics")]
pub const MAX_METRIC_FUNCTIONS: usize = 30;
