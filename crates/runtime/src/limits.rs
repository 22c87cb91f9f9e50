//! Every bound that the runtime keeps, in one place.
//!
//! Three of them are where the contract puts them: [`MAX_LOGO_BYTES`](crate::package::MAX_LOGO_BYTES),
//! [`DEFAULT_MAX_FS_BYTES`](crate::package::DEFAULT_MAX_FS_BYTES) and
//! [`MAX_KV_KEY_BYTES`](crate::kv::MAX_KV_KEY_BYTES). Those of encoded values are with the codec, in
//! `surrealism_types`. Bounds that a module or a host sets for itself (memory, time, pool, key-value store) are on
//! [`SurrealismCapabilities`](crate::SurrealismCapabilities) and
//! [`RuntimeBuilder`](crate::RuntimeBuilder); what an archive may hold is on [`ArchiveLimits`], and a store on [`KvLimits`].

use std::time::Duration;

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

/// What an archive may hold. Each bound is checked before the bytes it bounds are read.
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
    /// Number of entries of every sort, known or not. Default: 10,000.
    pub max_entries: usize,
    /// Length of an entry's path in bytes. Default: 512.
    pub max_path_bytes: usize,
    /// Number of components in an entry's path. Default: 32.
    pub max_path_depth: usize,
    /// How many bytes may come out of one byte of the archive, beyond the first
    /// [`COMPRESSION_RATIO_GRACE_BYTES`]. Default: 1,000.
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

/// What a module's key-value store may hold; `None` is no bound. Keys are bounded by
/// [`MAX_KV_KEY_BYTES`](crate::kv::MAX_KV_KEY_BYTES) in any case.
///
/// [`Runtime::kv_limits`](crate::Runtime::kv_limits) has those of a module that is loaded.
///
/// ```
/// use surrealism_runtime::limits::KvLimits;
///
/// let limits = KvLimits { max_entries: Some(1_000), ..KvLimits::default() };
/// # assert_eq!(limits.max_bytes, None);
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct KvLimits {
    /// Number of keys. Default: no bound.
    pub max_entries: Option<usize>,
    /// Size of one encoded value in bytes. Default: no bound.
    pub max_value_bytes: Option<usize>,
    /// Keys and encoded values together in bytes, and [`KV_ENTRY_OVERHEAD_BYTES`] for each entry. Default:
    /// no bound.
    pub max_bytes: Option<usize>,
}

/// Decompressed bytes for which [`ArchiveLimits::max_compression_ratio`] does not yet count: a
/// small archive of repetitive text is no attack.
pub const COMPRESSION_RATIO_GRACE_BYTES: u64 = 8 * MIB as u64;

/// What the tar format may spend on describing one entry (headers, long names, attributes).
pub const MAX_ENTRY_METADATA_BYTES: u64 = 32 * KIB as u64;

/// Window of the archive's compression, as a power of two: 128 MiB, the most that zstd's own
/// command accepts without being told to.
pub const MAX_ZSTD_WINDOW_LOG: u32 = 27;

/// Length of an organisation's or a package's name, and of its version, in bytes.
pub const MAX_IDENTIFIER_BYTES: usize = 64;

/// Entries of a module's `allow_net`; each name among them is looked up when it is loaded.
pub const MAX_ALLOW_NET_ENTRIES: usize = 100;

/// Functions of one module.
pub const MAX_FUNCTIONS: usize = 10_000;

/// Length of a function's name in bytes.
pub const MAX_FUNCTION_NAME_BYTES: usize = 256;

/// Names that are compared with one that is not known, to tell which was meant, and how long such a
/// name may be in bytes: comparing takes time by both lengths, in the middle of a call.
pub const MAX_COMPARED_NAMES: usize = 500;

/// See [`MAX_COMPARED_NAMES`].
pub const MAX_COMPARED_NAME_BYTES: usize = 64;

/// How much of a guest's own words an error repeats, in bytes.
pub const MAX_ERROR_BYTES: usize = 16 * KIB;

/// Most instances that one module's pool may hold.
pub const MAX_POOL_SIZE: usize = 100_000;

/// Length of one line of guest output in bytes; a longer one is handed on in pieces.
pub const MAX_OUTPUT_LINE_BYTES: usize = 8 * KIB;

/// What a guest may write to one of its outputs during one call, in bytes; the rest is dropped
/// with a note.
pub const MAX_OUTPUT_BYTES_PER_CALL: usize = MIB;

/// How much of the end of a guest's error output is kept to explain a trap, in bytes.
pub const TRAP_MESSAGE_BYTES: usize = 2 * KIB;

/// Frames of a guest's backtrace in an error message.
pub const MAX_BACKTRACE_FRAMES: usize = 20;

/// Random bytes that a guest gets in one request.
pub const MAX_RANDOM_BYTES: u64 = 64 * KIB as u64;

/// Look-ups of names that one module may have under way at a time. One that its guest has given up counts
/// until the system's resolver is done with it, which nothing can end.
pub const MAX_DNS_LOOKUPS: usize = 16;

/// Look-ups that a process may have under way at a time, over all modules: they block threads that others
/// need as well.
pub const MAX_DNS_LOOKUPS_PER_PROCESS: usize = 64;

/// How long resolving the names of a module's `allow_net` may take while it is loaded, all together:
/// no other is begun after that.
pub const MAX_ALLOW_NET_TIME: Duration = Duration::from_secs(20);

/// Addresses of one name that count.
pub const MAX_ADDRESSES_PER_NAME: usize = 100;

/// Addresses that one instance keeps of the names it has looked up.
pub const MAX_LOOKED_UP_ADDRESSES: usize = 1_000;

/// Length of a name that a guest looks up, in bytes: what DNS allows.
pub const MAX_HOST_NAME_BYTES: usize = 255;

/// Headers that a guest may put together for one request over `wasi:http`, in bytes, with what each
/// costs the host beside its text.
pub const MAX_HTTP_HEADER_BYTES: usize = 64 * KIB;

/// Headers of one answer over `wasi:http`; an answer with more is an error.
pub const MAX_HTTP_HEADERS: usize = 100;

/// What the host holds of one body over `wasi:http` in each direction, and of an answer's headers,
/// in bytes. Bodies are streamed, so their whole size is bounded by the time of the call alone.
pub const MAX_HTTP_BUFFER_BYTES: usize = 64 * KIB;

/// How long a request over `wasi:http` may wait for a connection, for the answer to begin, and
/// between two pieces of it, unless the guest sets less: a minute. The deadline of the call is
/// usually nearer, and ends the request as well.
pub const MAX_HTTP_WAIT: Duration = Duration::from_secs(60);

/// Elements of all tables of one instance together.
pub const MAX_TABLE_ELEMENTS: usize = 1_000_000;

/// Core instances, memories and tables that one component instance may consist of, each.
pub const MAX_CORE_ITEMS: usize = 100;

/// Core instances and tables of one component instance in the pool, which has but one memory there; what
/// consists of more is made outside of it. The pool has as many for each of its instances, so that no
/// module takes the place of others. A component is its own module and a few small ones that adapt it.
pub const POOLED_CORE_INSTANCES: u32 = 8;

/// See [`POOLED_CORE_INSTANCES`].
pub const POOLED_TABLES: u32 = 4;

/// Host resources (streams, files, sockets, timers) that one instance may hold at a time. Each may
/// hold a file descriptor of the process, or the listing of a folder.
pub const MAX_HOST_RESOURCES: usize = 128;

/// Handles to resources that one instance may hold at a time.
pub const MAX_HANDLES: usize = 10_000;

/// What guest strings and lists may add up to when one host call copies them, in bytes.
pub const MAX_HOST_CALL_BYTES: usize = 64 * MIB;

/// Keys of one request to the key-value store.
pub const MAX_KV_BATCH_KEYS: usize = 10_000;

/// What the key-value store answers to one request, keys and encoded values together, in bytes.
pub const MAX_KV_RESPONSE_BYTES: usize = 16 * MIB;

/// What an entry of the key-value store costs beside its key and its value, in bytes.
pub const KV_ENTRY_OVERHEAD_BYTES: usize = 128;

/// The longest time that a value may be given to live: about a hundred years.
pub const MAX_KV_TTL: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

/// Entries whose time is up that a store removes in one step, before others have their turn. Each was
/// set by a call of its own, so no call pays for more than its share in the long run.
pub const KV_EXPIRED_PER_STEP: usize = 1_000;

/// Instances that the pool of a process has room for, over all modules together: the first number
/// whose address space can be reserved, about 4 GiB of it for each. One more instance is refused.
pub const POOLED_INSTANCES: [u32; 2] = [8_192, 1_024];

/// Memory that a place in the pool keeps when its instance is dropped, in bytes, cleaned for the next.
pub const POOL_KEEP_RESIDENT_BYTES: usize = 256 * KIB;

/// Rows that a guest is handed at once; of more, it is called again.
pub const ROWS_PER_CALL: usize = 1_024;

/// Stack of one guest, in bytes.
pub const GUEST_STACK_BYTES: usize = 512 * KIB;

/// Stack of one call, in bytes: the guest's, and on top of it the host's functions that it calls,
/// the context's among them. Only what is used takes memory.
pub const CALL_STACK_BYTES: usize = 8 * MIB;

/// Linear memory of one instance, unless the host says otherwise: 1 GiB.
pub const DEFAULT_MAX_MEMORY_BYTES: usize = 1024 * MIB;

/// What a module's key-value store may hold, keys and encoded values together, unless the host
/// says otherwise: 256 MiB.
pub const DEFAULT_MAX_KV_BYTES: usize = 256 * MIB;

/// Linear memory of an instance whose state after `init` is captured, in bytes: as much as a component
/// may have itself. Where `init` takes more, it runs in every instance.
pub const MAX_SNAPSHOT_BYTES: usize = 64 * MIB;

/// Pieces of memory, each between two zeros, of which what is captured may consist; the host keeps
/// account of each.
pub const MAX_SNAPSHOT_SEGMENTS: usize = 2_000_000;

/// Memories and mutable globals of a component whose state after `init` is captured.
pub const MAX_SNAPSHOT_ITEMS: usize = 1_000;

/// How long `init` may run to be captured while a module is loaded, unless a call may take less.
pub const MAX_PREINIT_TIME: Duration = Duration::from_secs(5);

/// ModuleRegistry that are loaded at a time on threads of their own, over all of a process: the others wait
/// for their turn.
pub const MAX_LOADING_THREADS: usize = 16;

/// How long a file of a cache of compiled code may be under way; what is older was left by a process
/// that was killed.
pub const STALE_TEMP_FILE_AGE: Duration = Duration::from_secs(60 * 60);

/// What a cache of compiled code may take on disk, unless the host says otherwise: 1 GiB.
pub const DEFAULT_MAX_CODE_CACHE_BYTES: u64 = 1024 * MIB as u64;
