//! The errors of a host.

use std::fmt::{self, Display};
use std::num::TryFromIntError;
use std::time::Duration;

/// The result of loading or calling a module.
pub type SurrealismResult<T> = Result<T, SurrealismError>;

/// Why a module could not be loaded or called.
///
/// Most callers need only three questions: [`is_trap`](Self::is_trap) returns whether the instance must be
/// dropped, [`is_timeout`](Self::is_timeout) whether the call ran out of time, and
/// [`is_busy`](Self::is_busy) whether it never began.
///
/// ```
/// use surrealism_types::err::{SurrealismError, SurrealismResult};
///
/// let result: SurrealismResult<()> = Err(SurrealismError::FunctionCallError("no luck".into()));
/// let error = result.unwrap_err();
/// assert_eq!(error.to_string(), "no luck");
/// assert!(!error.is_trap() && !error.is_timeout() && !error.is_busy());
/// ```
#[derive(thiserror::Error)]
pub enum SurrealismError {
    /// The component could not be compiled, or its imports or exports do not match the host's interface.
    #[cfg(feature = "host")]
    #[error("compilation failed: {0:#}")]
    Compilation(wasmtime::Error),

    /// The component could not be instantiated. wasmtime's own error is inside.
    #[cfg(feature = "host")]
    #[error("instantiation failed: {0}")]
    Instantiation(wasmtime::Error),

    /// The function returned an error or rejected its arguments. The instance can be reused.
    #[error("{0}")]
    FunctionCallError(String),

    /// The call exceeded its time limit and was cancelled, with everything it was waiting for.
    #[error("{}", timeout_message(.effective, .context_timeout, .module_limit))]
    Timeout {
        /// The limit that was exceeded: the one of the two below that was reached first.
        effective: Option<Duration>,
        /// The caller's timeout, which starts with the call.
        context_timeout: Option<Duration>,
        /// The smaller of the module's limit and the host's ceiling, which starts once the call has an
        /// instance. `None` if neither sets one.
        module_limit: Option<Duration>,
    },

    /// The module was built for another version of the binary interface.
    #[error(
        "the module was built for ABI {got}, but this host speaks ABI {expected}: rebuild it with a \
         `surrealism` SDK of ABI {expected} and pack it again"
    )]
    UnsupportedAbi {
        /// The version that this host supports.
        expected: u32,
        /// The version the module declares.
        got: u32,
    },

    /// A number does not fit its type.
    #[error("a number is out of range: {0}")]
    IntConversion(#[from] TryFromIntError),

    /// The guest trapped: it panicked, ran out of memory or stack, or violated the canonical ABI. Get
    /// wasmtime's own error by `error.downcast_ref::<wasmtime::Trap>()`.
    #[cfg(feature = "host")]
    #[error("{0}")]
    Wasmtime(wasmtime::Error),

    /// Any other error, with a text that explains it.
    #[error("{0:#}")]
    Other(anyhow::Error),
}

// Not derived: `#[from]` would make the inner error the source, and print its text twice.
#[cfg(feature = "host")]
impl From<wasmtime::Error> for SurrealismError {
    fn from(error: wasmtime::Error) -> Self {
        Self::Wasmtime(error)
    }
}

impl From<anyhow::Error> for SurrealismError {
    fn from(error: anyhow::Error) -> Self {
        Self::Other(error)
    }
}

/// Prints the variant and the text of `Display`. The `Debug` of wasmtime's errors would print names from the
/// archive, at any length.
impl fmt::Debug for SurrealismError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let variant = match self {
            #[cfg(feature = "host")]
            Self::Compilation(_) => "Compilation",
            #[cfg(feature = "host")]
            Self::Instantiation(_) => "Instantiation",
            #[cfg(feature = "host")]
            Self::Wasmtime(_) => "Wasmtime",
            Self::FunctionCallError(_) => "FunctionCallError",
            Self::Timeout { .. } => "Timeout",
            Self::UnsupportedAbi { .. } => "UnsupportedAbi",
            Self::IntConversion(_) => "IntConversion",
            Self::Other(_) => "Other",
        };
        f.debug_tuple(variant).field(&self.to_string()).finish()
    }
}

impl SurrealismError {
    /// Returns whether the call was interrupted inside the guest, so that its instance is poisoned and must
    /// be dropped. After any other error, such as one that the function returned, the instance can be
    /// reused, except when `init` failed.
    pub fn is_trap(&self) -> bool {
        match self {
            Self::Timeout { .. } => true,
            #[cfg(feature = "host")]
            Self::Instantiation(_) | Self::Wasmtime(_) => true,
            _ => false,
        }
    }

    /// Returns whether the call was rejected before it began, because too many callers were waiting for an
    /// instance or none became available in time. Retrying later is safe.
    pub fn is_busy(&self) -> bool {
        matches!(self, Self::Other(error) if error.is::<Busy>())
    }

    /// Returns whether the call exceeded its time limit.
    pub fn is_timeout(&self) -> bool {
        matches!(self, Self::Timeout { .. })
    }
}

/// Why a call did not begin: others hold every instance. Found inside [`SurrealismError::Other`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Busy {
    /// As many callers wait for an instance as may.
    #[error(
        "the module is busy: all {instances} instances are checked out and {queued} callers wait, of at \
         most {max_queued}: retry later, or raise the pool size"
    )]
    QueueFull {
        /// Instances that are checked out, which is the pool size.
        instances: usize,
        /// Callers that wait.
        queued: usize,
        /// The host's limit on callers that wait.
        max_queued: usize,
    },
    /// No instance became available in the time that the caller waits for one.
    #[error(
        "the module is busy: all {instances} instances were checked out for {waited:?}, which is the \
         caller's limit: retry later, or raise the pool size"
    )]
    WaitTimeout {
        /// Instances that were checked out, which is the pool size.
        instances: usize,
        /// How long the caller waited.
        waited: Duration,
    },
}

fn timeout_message(
    effective: &Option<Duration>,
    context_timeout: &Option<Duration>,
    module_limit: &Option<Duration>,
) -> String {
    let Some(effective) = effective else { return "the call timed out".to_string() };
    let limit = if context_timeout == &Some(*effective) {
        "the caller's timeout"
    } else {
        "the module's max_execution_time or the host's ceiling"
    };
    let mut message = format!("the call was stopped after {effective:?}, {limit}");
    if let (Some(context), Some(module)) = (context_timeout, module_limit) {
        message += &format!(" (caller {context:?}, module and host {module:?})");
    }
    message
}

/// Adds context to an error of any type.
///
/// ```
/// use surrealism_types::err::PrefixErr;
///
/// let error = "x".parse::<i64>().prefix_err(|| "reading the limit").unwrap_err();
/// assert_eq!(error.to_string(), "reading the limit: invalid digit found in string");
/// ```
pub trait PrefixErr<T> {
    /// Converts the error to [`SurrealismError::Other`], with `f()` and a colon before its text.
    ///
    /// # Errors
    ///
    /// If `self` is an error.
    fn prefix_err<F, S>(self, f: F) -> SurrealismResult<T>
    where
        F: FnOnce() -> S,
        S: Display;
}

impl<T, E: Display> PrefixErr<T> for Result<T, E> {
    fn prefix_err<F, S>(self, f: F) -> SurrealismResult<T>
    where
        F: FnOnce() -> S,
        S: Display,
    {
        self.map_err(|error| SurrealismError::Other(anyhow::anyhow!("{}: {error:#}", f())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_and_classification() {
        let ms = Duration::from_millis;
        let timeout = |effective, context_timeout, module_limit| SurrealismError::Timeout {
            effective,
            context_timeout,
            module_limit,
        };
        let cases = [
            (timeout(None, None, None), true, "the call timed out"),
            (timeout(Some(ms(5)), Some(ms(5)), None), true, "after 5ms, the caller's timeout"),
            (
                timeout(Some(ms(5)), Some(ms(9)), Some(ms(5))),
                true,
                "after 5ms, the module's max_execution_time or the host's ceiling \
                 (caller 9ms, module and host 5ms)",
            ),
            (SurrealismError::FunctionCallError("no".into()), false, "no"),
            (
                SurrealismError::UnsupportedAbi { expected: 2, got: 1 },
                false,
                "built for ABI 1, but this host speaks ABI 2: rebuild it",
            ),
            (SurrealismError::Other(anyhow::anyhow!("a").context("b")), false, "b: a"),
            (
                SurrealismError::Other(
                    Busy::QueueFull { instances: 2, queued: 9, max_queued: 8 }.into(),
                ),
                false,
                "all 2 instances are checked out and 9 callers wait, of at most 8: retry later",
            ),
            (
                SurrealismError::Other(Busy::WaitTimeout { instances: 1, waited: ms(5) }.into()),
                false,
                "all 1 instances were checked out for 5ms",
            ),
        ];
        for (error, trap, text) in cases {
            assert_eq!(error.is_trap(), trap, "{error}");
            assert_eq!(error.is_timeout(), trap, "{error}");
            assert_eq!(error.is_busy(), error.to_string().contains("is busy"), "{error}");
            assert!(error.to_string().contains(text), "{error} lacks {text:?}");
        }
    }

    #[test]
    fn the_prefix_precedes_the_error() {
        let error = Err::<(), _>("gone").prefix_err(|| "reading the file").unwrap_err();
        assert_eq!(error.to_string(), "reading the file: gone");
    }
}
