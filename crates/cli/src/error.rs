//! The command's error: an exit code for scripts and a message for people.

use std::io;
use std::process;

use surrealism_runtime::{Error, ErrorKind, LoadError, SurrealismError};
use surrealism_stores::OpenError;
use surrealism_surrealdb::DatabaseError;

use crate::ui::terminal::{self, BOLD, ERROR};
use crate::ui::text::{Text, text};

/// The section of `--help` about exit codes.
pub(crate) const EXIT_CODES_HELP: &str = "\
Exit codes:
    0  Success
    1  The function failed, a check failed, or another error occurred
    2  The command line is invalid
    3  The plugin cannot be built, or no toolchain can build it
    4  The archive cannot be used
  124  The time limit was exceeded";

/// The hint of a timeout that `--timeout` caused.
pub(crate) const TIMEOUT_HINT: &str = "raise the time limit with `--timeout`";

/// The hint for a command that was installed without the client of SurrealDB.
const INSTALL_CLIENT_HINT: &str =
    "install it again with the client: cargo install --path crates/cli --features database";

/// The exit codes of failures. clap exits with the code of `Usage` too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ExitCode {
    Failed = 1,
    Usage = 2,
    Build = 3,
    Archive = 4,
    Timeout = 124,
}

/// The result of a subcommand.
pub(crate) type CliResult<T = ()> = Result<T, CliError>;

/// An error and its exit code, which is [`ExitCode::Failed`] unless [`ExitContext`] sets another.
#[derive(Debug)]
pub(crate) struct CliError {
    code: ExitCode,
    /// `None` if the subcommand has printed the error.
    error: Option<anyhow::Error>,
    hint: Option<&'static str>,
}

impl CliError {
    fn new(code: ExitCode, error: anyhow::Error) -> Self {
        Self { code, error: Some(error), hint: None }
    }

    /// Ends the command without a message: the subcommand has printed one.
    pub(crate) fn already_reported(code: ExitCode) -> Self {
        Self { code, error: None, hint: None }
    }

    /// Adds what the user can do about the error.
    pub(crate) fn with_hint(self, hint: &'static str) -> Self {
        Self { hint: Some(hint), ..self }
    }

    /// Sets the exit code.
    pub(crate) fn with_code(self, code: ExitCode) -> Self {
        Self { code, ..self }
    }

    /// Adds the line of the script that failed.
    pub(crate) fn at_line(self, number: usize) -> Self {
        Self { error: self.error.map(|error| error.context(format!("line {number}"))), ..self }
    }

    /// Returns the error, its causes and the hint, without `error:` in front. What the error says may be
    /// a guest's: its further lines are indented, so that they do not look like a cause or a hint.
    pub(crate) fn text(&self) -> Text {
        let chain = self.error.as_ref().map(dedup_chain).unwrap_or_default();
        let causes = chain.iter().map(|cause| Text::lines(cause).indent_rest("    "));
        let mut text = Text::join(&causes.collect::<Vec<_>>(), "\n  caused by: ");
        if let Some(hint) = self.hint {
            text = text!("{}\n  hint: {}", text, hint);
        }
        text
    }
}

/// Sets the exit code of an error.
pub(crate) trait ExitContext<T> {
    fn exit_code(self, code: ExitCode) -> CliResult<T>;
}

impl<T, E: Into<CliError>> ExitContext<T> for Result<T, E> {
    fn exit_code(self, code: ExitCode) -> CliResult<T> {
        self.map_err(|error| error.into().with_code(code))
    }
}

impl From<anyhow::Error> for CliError {
    fn from(error: anyhow::Error) -> Self {
        Self::new(ExitCode::Failed, error)
    }
}

impl From<io::Error> for CliError {
    fn from(error: io::Error) -> Self {
        anyhow::Error::from(error).into()
    }
}

impl From<serde_json::Error> for CliError {
    fn from(error: serde_json::Error) -> Self {
        anyhow::Error::from(error).into()
    }
}

impl From<OpenError> for CliError {
    fn from(error: OpenError) -> Self {
        anyhow::Error::from(error).into()
    }
}

impl From<DatabaseError> for CliError {
    fn from(error: DatabaseError) -> Self {
        match error {
            DatabaseError::Timeout { .. } => {
                Self::new(ExitCode::Timeout, error.into()).with_hint(TIMEOUT_HINT)
            }
            DatabaseError::NoClient { .. } => {
                Self::new(ExitCode::Failed, error.into()).with_hint(INSTALL_CLIENT_HINT)
            }
            error => Self::new(ExitCode::Failed, error.into()),
        }
    }
}

impl From<SurrealismError> for CliError {
    fn from(error: SurrealismError) -> Self {
        let code = match &error {
            SurrealismError::Timeout { .. } => ExitCode::Timeout,
            SurrealismError::Compilation(_) | SurrealismError::UnsupportedAbi { .. } => {
                ExitCode::Archive
            }
            _ => ExitCode::Failed,
        };
        Self::new(code, flatten(error))
    }
}

impl From<Error> for CliError {
    fn from(error: Error) -> Self {
        let code = match error.kind() {
            ErrorKind::TimedOut { .. } => ExitCode::Timeout,
            ErrorKind::Load(
                LoadError::InvalidComponent
                | LoadError::TooCostly
                | LoadError::UnsupportedAbi { .. },
            ) => ExitCode::Archive,
            _ => ExitCode::Failed,
        };
        Self::new(code, with_source(error))
    }
}

/// Converts an error of a call or a load. The user of the command is the host, who sees its own error.
pub(crate) fn with_source(error: Error) -> anyhow::Error {
    match std::error::Error::source(&error) {
        Some(_) => error.into(),
        None => flatten(error.into()),
    }
}

/// Converts a runtime's error. The text of most variants includes their causes already, so their chain
/// is dropped.
pub(crate) fn flatten(error: SurrealismError) -> anyhow::Error {
    match error {
        SurrealismError::Other(error) => error,
        error => anyhow::Error::msg(error.to_string()),
    }
}

/// Prints the error, if any, and returns the exit code of the process.
pub(crate) fn report(result: CliResult) -> process::ExitCode {
    let Err(failure) = result else { return process::ExitCode::SUCCESS };
    if let Some(error) = &failure.error {
        if is_broken_pipe(error) {
            return process::ExitCode::SUCCESS;
        }
        let (prefix, colon) = (Text::from("error").styled(ERROR), Text::from(":").styled(BOLD));
        terminal::print_error(text!("{}{} {}", prefix, colon, failure.text()));
    }
    process::ExitCode::from(failure.code as u8)
}

/// Returns an error and its causes, not escaped. Skips causes that an earlier text includes.
pub(crate) fn dedup_chain(error: &anyhow::Error) -> Vec<String> {
    let mut chain: Vec<String> = Vec::new();
    for cause in error.chain() {
        let cause = cause.to_string().trim_end().to_string();
        if !chain.iter().any(|text| text.contains(&cause)) {
            chain.push(cause);
        }
    }
    chain
}

/// Whether the reader of stdout closed it early, as `head` does. That is not a failure.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::*;

    #[test]
    fn each_cause_is_printed_once() {
        let inner = SurrealismError::Other(anyhow!("no such file").context("cannot open x"));
        let error = anyhow::Error::from(inner).context("cannot start");
        assert_eq!(dedup_chain(&error), ["cannot start", "cannot open x: no such file"]);
    }

    #[test]
    fn a_missing_client_says_what_to_install() {
        let error = DatabaseError::NoClient { address: "ws://127.0.0.1:8000/".to_string() };
        assert_eq!(CliError::from(error).hint, Some(INSTALL_CLIENT_HINT));
    }
}
