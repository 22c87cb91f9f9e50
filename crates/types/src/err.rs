//! How a call fails.

use std::fmt::{self, Display};
use std::num::TryFromIntError;
use std::time::Duration;

/// The result of everything that a host does with a module.
pub type SurrealismResult<T> = Result<T, SurrealismError>;

/// Why a module could not be loaded or a call not be answered.
///
/// What matters to a caller can be asked: [`is_trap`](Self::is_trap) tells whether the instance is
/// lost, [`is_timeout`](Self::is_timeout) whether more time would have helped.
#[derive(thiserror::Error)]
pub enum SurrealismError {
    /// The component could not be compiled or does not fit the host's interface.
    #[cfg(feature = "host")]
    #[error("compilation failed: {0:#}")]
    Compilation(wasmtime::Error),

    /// An instance could not be made. What wasmtime itself said is inside.
    #[cfg(feature = "host")]
    #[error("instantiation failed: {0}")]
    Instantiation(wasmtime::Error),

    /// The function answered with an error, or refused its arguments. The instance is unharmed.
    #[error("{0}")]
    FunctionCallError(String),

    /// The call took longer than it may; whatever it was waiting for was cancelled.
    #[error("{}", timeout_message(.effective, .context_timeout, .module_limit))]
    Timeout {
        /// The bound that held: of the two below, the one that passed first.
        effective: Option<Duration>,
        /// The caller's own time, from when it asked.
        context_timeout: Option<Duration>,
        /// The module's limit or the host's ceiling, whichever is smaller, from when the call had an
        /// instance or the place to make one; `None` where it waited for that in vain.
        module_limit: Option<Duration>,
    },

    /// The module was built for another version of the interface.
    #[error(
        "the module was built for ABI {got}, and this host speaks ABI {expected}: \
         rebuild it with a `surrealism` SDK whose ABI is {expected} and pack it again"
    )]
    UnsupportedAbi {
        /// The version this host speaks.
        expected: u32,
        /// The version the module declares.
        got: u32,
    },

    /// A number did not fit.
    #[error("a number is out of range: {0}")]
    IntConversion(#[from] TryFromIntError),

    /// The guest trapped: it panicked, ran out of memory or stack, or broke the interface's rules. What
    /// wasmtime itself said is inside: `error.downcast_ref::<wasmtime::Trap>()`.
    #[cfg(feature = "host")]
    #[error("{0}")]
    Wasmtime(wasmtime::Error),

    /// Anything else, in words.
    #[error("{0:#}")]
    Other(anyhow::Error),
}

// By hand: derived, an error would have its text once more for its source.
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

/// The text of `Display`, once. That of wasmtime's own errors has names as an archive gives them, whole.
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
    /// Whether the guest was torn out of a call, so that its instance is lost and must be dropped.
    /// An error that is no trap, such as one that a function itself returned, leaves the instance
    /// fit for the next call; only after a failed `init` is there none.
    pub fn is_trap(&self) -> bool {
        match self {
            Self::Timeout { .. } => true,
            #[cfg(feature = "host")]
            Self::Instantiation(_) | Self::Wasmtime(_) => true,
            _ => false,
        }
    }

    /// Whether the call was refused because too many callers wait already, or it waited for as long
    /// as it may; it was not begun.
    pub fn is_busy(&self) -> bool {
        matches!(self, Self::Other(error) if error.is::<PoolQueueFull>() || error.is::<PoolWaitTimeout>())
    }

    /// Whether the call ran out of time.
    pub fn is_timeout(&self) -> bool {
        matches!(self, Self::Timeout { .. })
    }
}

/// Why a call was not begun: too many callers wait for an instance. Found inside
/// [`SurrealismError::Other`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the module is busy: all {instances} instances are at work and {queued} callers wait, and the \
     host allows {max_queued}: call again later, or give it a larger pool"
)]
pub struct PoolQueueFull {
    /// Instances at work.
    pub instances: usize,
    /// Callers that wait.
    pub queued: usize,
    /// Callers that may wait.
    pub max_queued: usize,
}

/// Why a call was not begun: no instance came free for as long as it waits for one. Found inside
/// [`SurrealismError::Other`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the module is busy: all {instances} instances were at work for {waited:?}, which is the longest \
     that this caller waits: call again later, or give it a larger pool"
)]
pub struct PoolWaitTimeout {
    /// Instances at work.
    pub instances: usize,
    /// How long the caller waited.
    pub waited: Duration,
}

fn timeout_message(
    effective: &Option<Duration>,
    context_timeout: &Option<Duration>,
    module_limit: &Option<Duration>,
) -> String {
    let Some(effective) = effective else { return "the call ran out of time".to_string() };
    let whose = if context_timeout == &Some(*effective) {
        "the caller's timeout"
    } else {
        "the module's max_execution_time or the host's ceiling"
    };
    let mut message = format!("the call was stopped after {effective:?}, {whose}");
    if let (Some(context), Some(limit)) = (context_timeout, module_limit) {
        message += &format!(" (caller {context:?}, module and host {limit:?})");
    }
    message
}

/// Says what was being done when something failed.
pub trait PrefixErr<T> {
    /// Puts `f()` and a colon before the error's own text.
    ///
    /// # Errors
    ///
    /// Where `self` is one, as [`SurrealismError::Other`].
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
    fn messages_and_what_can_be_asked() {
        let ms = Duration::from_millis;
        let timeout = |effective, context_timeout, module_limit| SurrealismError::Timeout {
            effective,
            context_timeout,
            module_limit,
        };
        let cases = [
            (timeout(None, None, None), true, "the call ran out of time"),
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
                "built for ABI 1, and this host speaks ABI 2: rebuild it",
            ),
            (SurrealismError::Other(anyhow::anyhow!("a").context("b")), false, "b: a"),
            (
                SurrealismError::Other(
                    PoolQueueFull { instances: 2, queued: 9, max_queued: 8 }.into(),
                ),
                false,
                "all 2 instances are at work and 9 callers wait, and the host allows 8",
            ),
            (
                SurrealismError::Other(PoolWaitTimeout { instances: 1, waited: ms(5) }.into()),
                false,
                "all 1 instances were at work for 5ms",
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
    fn a_prefix_stands_before_the_error() {
        let error = Err::<(), _>("gone").prefix_err(|| "reading the file").unwrap_err();
        assert_eq!(error.to_string(), "reading the file: gone");
    }
}
