//! Why a module could not be loaded or called, as types that a host can match on.

mod trap_kind;

use std::error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use surrealism_types::coerce::ArgumentError;
pub use surrealism_types::err::Busy;
use surrealism_types::err::SurrealismError;
pub use surrealism_types::guest_error::GuestError;

pub use self::trap_kind::TrapKind;
use crate::denied::Denied;

/// Why a module could not be loaded or called.
///
/// [`kind`](Self::kind) returns what happened, for a host to match on. [`source`](error::Error::source)
/// returns the host's own error, which neither the guest nor the text of `Display` contains.
///
/// ```no_run
/// use surrealism_runtime::{Error, ErrorKind};
///
/// fn hint(error: &Error) -> String {
///     match error.kind() {
///         ErrorKind::UnknownFunction { near, .. } if !near.is_empty() => format!("try {}", near[0]),
///         ErrorKind::Guest { text } => format!("the plugin says: {text}"),
///         _ if error.is_retryable() => "try again later".to_string(),
///         _ => error.to_string(),
///     }
/// }
/// ```
///
/// The methods that the published runtime has too, such as [`Controller::invoke`](crate::Controller::invoke),
/// return [`SurrealismError`]. This error converts into it, so that `?` works in functions that return it.
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    /// The same error as the published runtime returns it. Its text is the text of this one.
    contract: SurrealismError,
    source: Option<Arc<anyhow::Error>>,
}

/// What happened, with what a host needs to answer its own caller.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The module has no such function.
    UnknownFunction {
        /// The name; `None` is the default function.
        name: Option<String>,
        /// Names of functions that resemble it, best first.
        near: Vec<String>,
    },
    /// The arguments do not fit the signature. The function was not called.
    Arguments {
        /// The row, from 0; `None` for a call without rows.
        row: Option<usize>,
        /// Which argument it is, what was expected and given.
        error: ArgumentError,
    },
    /// The arguments cannot be encoded: they are nested too deeply, or take 2 GiB or more, or columns differ
    /// in length.
    UnencodableArguments,
    /// The types of a [`Function`](crate::Function) do not fit its signature. Nothing was called.
    Types {
        /// The signature.
        signature: String,
        /// The types, as Rust writes them.
        types: String,
    },
    /// The function returned an error.
    Guest {
        /// The guest's text. It is untrusted, and truncated to 16 KiB.
        text: String,
    },
    /// The function returned bytes that are not a value.
    InvalidResult,
    /// The function failed because it may not do something, or the host does not provide it.
    Denied(Denied),
    /// The host failed: a method of the context returned an error or panicked, or an instance could not be
    /// created. [`source`](error::Error::source) is the host's error.
    Host,
    /// `init` of the module returned an error.
    Init {
        /// The guest's text, as that of [`Guest`](Self::Guest).
        text: String,
    },
    /// The guest was stopped by a fault of its own.
    Trap(TrapKind),
    /// The time of the call ended.
    TimedOut {
        /// Where the call was.
        stage: TimeoutStage,
        /// The limit that ended the call.
        limit: Option<Duration>,
    },
    /// The call did not begin, because too many others wait or run.
    Busy(Busy),
    /// The module cannot be loaded.
    Load(LoadError),
    /// No module can be loaded or called in this process: it was forked from a process that had loaded one,
    /// or the system refuses a thread or memory.
    Process,
}

impl ErrorKind {
    /// Returns a word for metrics and traces. There are few, and none has a part of an untrusted text.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::UnknownFunction { .. } => "unknown_function",
            Self::Arguments { .. } => "arguments",
            Self::UnencodableArguments => "unencodable_arguments",
            Self::Types { .. } => "types",
            Self::Guest { .. } => "guest",
            Self::InvalidResult => "invalid_result",
            Self::Denied(_) => "denied",
            Self::Host => "host",
            Self::Init { .. } => "init",
            Self::Trap(_) => "trap",
            Self::TimedOut { stage: TimeoutStage::Queued, .. } => "timed_out_queued",
            Self::TimedOut { stage: TimeoutStage::Running, .. } => "timed_out",
            Self::Busy(_) => "busy",
            Self::Load(_) => "load",
            Self::Process => "process",
        }
    }
}

/// Where a call was when its time ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TimeoutStage {
    /// It waited for an instance. Nothing of it had begun.
    Queued,
    /// It had an instance. What it did before may have had effects.
    Running,
}

/// Why a module cannot be loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum LoadError {
    /// The module was built for another version of the binary interface.
    UnsupportedAbi {
        /// The version that this host supports.
        expected: u32,
        /// The version that the module declares.
        got: u32,
    },
    /// The component is not valid, or its imports or exports do not match the host's interface.
    InvalidComponent,
    /// Compiling the component may cost more than the host's
    /// [`CompileLimits`](crate::limits::CompileLimits) allow.
    TooCostly,
    /// The archive's configuration, or the host's, is not valid: `allow_net`, the pool size.
    InvalidConfig,
    /// A key of the module's `[config]` has no value or one of another kind, or the host gives one that the
    /// module does not declare.
    InvalidConfigValues,
}

impl Error {
    /// Makes an error whose text is that of `contract`.
    pub(crate) fn new(kind: ErrorKind, contract: SurrealismError) -> Self {
        Self(Box::new(Inner { kind, contract, source: None }))
    }

    /// Makes an error of a call that ended without a trap.
    pub(crate) fn call(kind: ErrorKind, text: String) -> Self {
        Self::new(kind, SurrealismError::FunctionCallError(text))
    }

    pub(crate) fn busy(busy: Busy) -> Self {
        Self::new(ErrorKind::Busy(busy), SurrealismError::Other(busy.into()))
    }

    /// Makes an error of a call whose time ended while it waited for an instance.
    pub(crate) fn timed_out_queued(busy: Busy, limit: Option<Duration>) -> Self {
        let kind = ErrorKind::TimedOut { stage: TimeoutStage::Queued, limit };
        Self::new(kind, SurrealismError::Other(busy.into()))
    }

    pub(crate) fn process(error: anyhow::Error) -> Self {
        Self::new(ErrorKind::Process, SurrealismError::Other(error))
    }

    pub(crate) fn load(kind: LoadError, error: impl Into<SurrealismError>) -> Self {
        Self::new(ErrorKind::Load(kind), error.into())
    }

    pub(crate) fn invalid_config(error: anyhow::Error) -> Self {
        Self::load(LoadError::InvalidConfig, error)
    }

    pub(crate) fn invalid_config_values(error: anyhow::Error) -> Self {
        Self::load(LoadError::InvalidConfigValues, error)
    }

    pub(crate) fn invalid_result(error: impl Into<anyhow::Error>) -> Self {
        Self::new(ErrorKind::InvalidResult, SurrealismError::Other(error.into()))
    }

    pub(crate) fn unencodable(error: impl Into<anyhow::Error>) -> Self {
        Self::new(ErrorKind::UnencodableArguments, SurrealismError::Other(error.into()))
    }

    /// Sets the host's own error.
    pub(crate) fn with_source(mut self, source: Arc<anyhow::Error>) -> Self {
        self.0.source = Some(source);
        self
    }

    /// Returns what happened.
    pub fn kind(&self) -> &ErrorKind {
        &self.0.kind
    }

    /// Returns the HTTP status for a host that answers its own caller by HTTP.
    ///
    /// | status | kinds |
    /// |---|---|
    /// | 400 | [`Arguments`](ErrorKind::Arguments) |
    /// | 400 | [`UnencodableArguments`](ErrorKind::UnencodableArguments) |
    /// | 403 | [`Denied`](ErrorKind::Denied) |
    /// | 404 | [`UnknownFunction`](ErrorKind::UnknownFunction) |
    /// | 422 | [`Guest`](ErrorKind::Guest) |
    /// | 503 | [`Busy`](ErrorKind::Busy), and [`TimedOut`](ErrorKind::TimedOut) in the queue |
    /// | 504 | [`TimedOut`](ErrorKind::TimedOut) while it ran |
    /// | 500 | all others |
    pub fn http_status(&self) -> u16 {
        match self.kind() {
            ErrorKind::Arguments { .. } | ErrorKind::UnencodableArguments => 400,
            ErrorKind::Denied(_) => 403,
            ErrorKind::UnknownFunction { .. } => 404,
            ErrorKind::Guest { .. } => 422,
            _ if self.is_retryable() => 503,
            ErrorKind::TimedOut { .. } => 504,
            _ => 500,
        }
    }

    /// Returns whether the guest was stopped by a fault of its own.
    pub fn is_trap(&self) -> bool {
        matches!(self.kind(), ErrorKind::Trap(_))
    }

    /// Returns whether the time of the call ended, in the queue or later.
    pub fn is_timeout(&self) -> bool {
        matches!(self.kind(), ErrorKind::TimedOut { .. })
    }

    /// Returns whether the call did not begin, because too many others wait or run.
    pub fn is_busy(&self) -> bool {
        matches!(self.kind(), ErrorKind::Busy(_))
    }

    /// Returns whether nothing of the call has begun and the same call may succeed later: too many others
    /// waited or ran.
    pub fn is_retryable(&self) -> bool {
        matches!(
            self.kind(),
            ErrorKind::Busy(_) | ErrorKind::TimedOut { stage: TimeoutStage::Queued, .. }
        )
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.contract.fmt(f)
    }
}

/// Prints the kind and the text of `Display`, and the host's error.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Error");
        debug.field("kind", self.kind()).field("text", &self.to_string());
        if let Some(source) = &self.0.source {
            debug.field("source", &format_args!("{source:#}"));
        }
        debug.finish()
    }
}

impl error::Error for Error {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        self.0.source.as_deref().map(|source| source.as_ref() as _)
    }
}

impl From<Error> for SurrealismError {
    fn from(error: Error) -> Self {
        error.0.contract
    }
}
