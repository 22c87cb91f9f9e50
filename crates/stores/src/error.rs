//! How stores fail, as types that a host can match on.

use std::error::Error;
use std::io;
use std::path::PathBuf;

/// An error of redb or of the Redis client, whose types are not part of this crate's interface.
type Cause = Box<dyn Error + Send + Sync>;

/// Why a file, a connection to Redis, or the store of a module cannot be opened.
///
/// No message contains a password.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The name of the module is empty, too long, or contains braces or control characters.
    #[error("the module name {name:?} is invalid: {reason}; use `organisation/name`")]
    InvalidModuleName {
        /// The name.
        name: String,
        /// The rule that it breaks.
        reason: String,
    },

    /// The store belongs to another owner, which used its name first.
    #[error(
        "the key-value store {name:?} belongs to another archive, which used it first: {current} and not \
         {owner}; if this one may have its values, name the store yourself"
    )]
    OtherOwner {
        /// The name of the module.
        name: String,
        /// The owner that was refused, in hexadecimal digits.
        owner: String,
        /// The owner of the store.
        current: String,
    },

    /// The store cannot be read or written to find its owner.
    #[error(transparent)]
    Store(#[from] StoreError),

    /// Another user owns the file, or may read or write it.
    #[error("cannot use the key-value file {}: {reason}", path.display())]
    NotPrivate {
        /// The file.
        path: PathBuf,
        /// What is wrong, and what to do.
        reason: String,
    },

    /// The file is open already, in this process or in another one.
    #[error(
        "the key-value file {} is locked: it is open already, and one process can open it once; use \
         Redis for state that hosts share",
        path.display()
    )]
    Locked {
        /// The file.
        path: PathBuf,
    },

    /// The operating system does not let this user read and write the file, or create it.
    #[error(
        "cannot open the key-value file {}: permission denied; let this user read and write it",
        path.display()
    )]
    PermissionDenied {
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },

    /// The file cannot be opened or read, for example because its directory does not exist.
    #[error(
        "cannot open the key-value file {}: check that its directory exists and that the disk works",
        path.display()
    )]
    Io {
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },

    /// The file is damaged, or redb did not write it.
    #[error(
        "the key-value file {} is damaged or not a redb file: restore a backup, or move the file away \
         to start with an empty store",
        path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What redb found.
        source: Cause,
    },

    /// The file has a format of redb that this version does not read or lock.
    #[error(
        "the key-value file {} is of an incompatible version of redb: upgrade it with an older version, \
         or upgrade the other process that has it open",
        path.display()
    )]
    IncompatibleVersion {
        /// The file.
        path: PathBuf,
        /// What redb found.
        source: Cause,
    },

    /// The URL of Redis is invalid or not supported. The message does not repeat it: it may contain a
    /// password.
    #[error("the Redis URL is invalid: {reason}")]
    InvalidUrl {
        /// What is wrong with it, and what to write.
        reason: String,
    },

    /// No Redis answers at the address, or not within
    /// [`REDIS_REQUEST_TIMEOUT`](crate::limits::REDIS_REQUEST_TIMEOUT).
    #[error(
        "cannot connect to Redis at {address}: check the address and that the server is running"
    )]
    Unreachable {
        /// Host and port.
        address: String,
        /// What the client or the operating system reported.
        source: Cause,
    },

    /// Redis rejects the user or the password, or the user has no permission to connect.
    #[error(
        "cannot connect to Redis at {address}: the sign-in was rejected; check the user and the password"
    )]
    AuthRejected {
        /// Host and port.
        address: String,
        /// The message of the server.
        source: Cause,
    },
}

/// Why a call of a store failed.
///
/// A write that fails has changed nothing, except after [`OutcomeUnknown`](Self::OutcomeUnknown),
/// [`DiskFull`](Self::DiskFull) and [`File`](Self::File): then it was applied as a whole or not at all. If
/// other programs write the keys of a store on Redis, nothing is known after [`Server`](Self::Server) and
/// [`UnexpectedReply`](Self::UnexpectedReply) either. No message contains a password.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The store refuses the call: it would exceed a limit, or its key, value or time to live is not
    /// allowed. The message is the same for every kind of store.
    #[error("{0}")]
    Rejected(#[from] anyhow::Error),

    /// The disk of the file is full. Until the host reopens the file, further calls return
    /// [`Closed`](Self::Closed).
    #[error(
        "no room for the key-value file {}: the write was applied as a whole or not at all; make room \
         and reopen the file",
        path.display()
    )]
    DiskFull {
        /// The file.
        path: PathBuf,
        /// What redb reported.
        source: Cause,
    },

    /// The file cannot be read or written. Until the host reopens it, further calls return
    /// [`Closed`](Self::Closed).
    #[error(
        "cannot read or write the key-value file {}: a write was applied as a whole or not at all; fix \
         the disk and reopen the file",
        path.display()
    )]
    File {
        /// The file.
        path: PathBuf,
        /// What redb reported.
        source: Cause,
    },

    /// The file is closed since an earlier call failed with [`DiskFull`](Self::DiskFull) or
    /// [`File`](Self::File).
    #[error(
        "the key-value file {} is closed because its disk failed earlier: the host has to reopen it",
        path.display()
    )]
    Closed {
        /// The file.
        path: PathBuf,
    },

    /// The contents of the file are damaged.
    #[error("the key-value file {} is damaged: restore a backup", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What redb found.
        source: Cause,
    },

    /// No Redis answered, and the call changed nothing: it only reads, or it was never sent.
    #[error("Redis at {address} does not answer: nothing was changed; try again")]
    Unreachable {
        /// Host and port.
        address: String,
        /// What the client reported.
        source: Cause,
    },

    /// A write was sent to Redis and no reply came back.
    #[error(
        "the connection to Redis at {address} was lost before a reply: the write may have been applied, \
         as a whole; read the key to check"
    )]
    OutcomeUnknown {
        /// Host and port.
        address: String,
        /// What the client reported.
        source: Cause,
    },

    /// Redis takes no more data, because it reached its `maxmemory`.
    #[error("Redis at {address} is out of memory: delete keys, or raise its `maxmemory`")]
    OutOfMemory {
        /// Host and port.
        address: String,
        /// The message of the server.
        source: Cause,
    },

    /// The user of the connection may not run the script, a command in it, or touch the keys.
    #[error(
        "Redis at {address} denied access: grant its user the rights that `docs/stores.md` lists"
    )]
    AccessDenied {
        /// Host and port.
        address: String,
        /// The message of the server.
        source: Cause,
    },

    /// Redis rejected the request for another reason.
    #[error("Redis at {address} rejected the request")]
    Server {
        /// Host and port.
        address: String,
        /// The message of the server.
        source: Cause,
    },

    /// Redis replied with what the script of the store never returns.
    #[error(
        "unexpected reply from Redis: {reason}; check that nothing else writes the keys `surrealism:*`, \
         and that its `maxmemory-policy` is `noeviction`"
    )]
    UnexpectedReply {
        /// What is wrong with the reply.
        reason: String,
    },
}
