//! How the command ends: an exit code for scripts, a message for people.

use std::fmt;
use std::io;
use std::process::ExitCode;

use anstream::eprintln;
use surrealism_runtime::SurrealismError;
use surrealism_surrealdb::DatabaseError;

use crate::terminal::{BOLD, ERROR, visible};

/// What each exit code means, for `--help`. Code 2 is clap's.
pub(crate) const CODES: &str = "\
Exit codes:
    0  success
    1  the function failed, a check failed, or the command could not do its work
    2  the command line is wrong
    3  the plugin could not be built, or there is no toolchain to build it with
    4  the archive cannot be used
  124  the time limit passed";

/// What to do about a timeout that is the command's own.
pub(crate) const MORE_TIME: &str = "give it more time with `--timeout`";

/// Why the command fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Code {
    Failed = 1,
    Usage = 2,
    Build = 3,
    Archive = 4,
    Timeout = 124,
}

/// What a subcommand answers.
pub(crate) type Outcome<T = ()> = Result<T, Failure>;

/// An error with the exit code it leads to; [`Code::Failed`] unless [`OrExit`] says otherwise.
#[derive(Debug)]
pub(crate) struct Failure {
    code: Code,
    /// `None` where all has been said already.
    error: Option<anyhow::Error>,
    /// What to do about it.
    help: Option<&'static str>,
}

impl Failure {
    fn new(code: Code, error: anyhow::Error) -> Self {
        Self { code, error: Some(error), help: None }
    }

    /// Ends the command with nothing more to say.
    pub(crate) fn silent(code: Code) -> Self {
        Self { code, error: None, help: None }
    }

    /// Says what to do about it.
    pub(crate) fn with_help(self, help: &'static str) -> Self {
        Self { help: Some(help), ..self }
    }

    /// Says in which line of a script it was.
    pub(crate) fn in_line(self, number: usize) -> Self {
        Self { error: self.error.map(|error| error.context(format!("line {number}"))), ..self }
    }
}

/// What went wrong and what to do about it, without `error:`.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let told = self.error.as_ref().map(told_once).unwrap_or_default();
        for (index, cause) in told.iter().enumerate() {
            match index {
                0 => f.write_str(cause)?,
                _ => write!(f, "\n  caused by: {}", cause.replace('\n', "\n  "))?,
            }
        }
        self.help.map_or(Ok(()), |help| write!(f, "\n  help: {help}"))
    }
}

/// Names the exit code of an error.
pub(crate) trait OrExit<T> {
    fn or_exit(self, code: Code) -> Outcome<T>;
}

impl<T, E: Into<Failure>> OrExit<T> for Result<T, E> {
    fn or_exit(self, code: Code) -> Outcome<T> {
        self.map_err(|error| Failure { code, ..error.into() })
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::new(Code::Failed, error)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        anyhow::Error::from(error).into()
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        anyhow::Error::from(error).into()
    }
}

impl From<DatabaseError> for Failure {
    fn from(error: DatabaseError) -> Self {
        match error {
            DatabaseError::Timeout { .. } => {
                Self::new(Code::Timeout, error.into()).with_help(MORE_TIME)
            }
            error => Self::new(Code::Failed, error.into()),
        }
    }
}

impl From<SurrealismError> for Failure {
    fn from(error: SurrealismError) -> Self {
        let code = match &error {
            SurrealismError::Timeout { .. } => Code::Timeout,
            SurrealismError::Compilation(_) | SurrealismError::UnsupportedAbi { .. } => {
                Code::Archive
            }
            _ => Code::Failed,
        };
        Self::new(code, plain(error))
    }
}

/// A runtime's error as a chain in which each cause is told once: its own text has them all.
pub(crate) fn plain(error: SurrealismError) -> anyhow::Error {
    match error {
        SurrealismError::Other(error) => error,
        error => anyhow::Error::msg(error.to_string()),
    }
}

/// Prints what went wrong and ends the command.
pub(crate) fn report(outcome: Outcome) -> ExitCode {
    let Err(failure) = outcome else { return ExitCode::SUCCESS };
    if let Some(error) = &failure.error {
        if reader_is_gone(error) {
            return ExitCode::SUCCESS;
        }
        eprintln!("{ERROR}error{ERROR:#}{BOLD}:{BOLD:#} {failure}");
    }
    ExitCode::from(failure.code as u8)
}

/// An error and its causes, for a terminal, without those that the text before them has already.
pub(crate) fn told_once(error: &anyhow::Error) -> Vec<String> {
    let mut told: Vec<String> = Vec::new();
    for cause in error.chain() {
        let cause = visible(cause.to_string().trim_end());
        if !told.iter().any(|text| text.contains(&cause)) {
            told.push(cause);
        }
    }
    told
}

/// Whoever reads our output may stop when it has enough, as `head` does.
fn reader_is_gone(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::*;

    #[test]
    fn each_cause_is_told_once() {
        let inner = SurrealismError::Other(anyhow!("no such file").context("cannot open x"));
        let error = anyhow::Error::from(inner).context("cannot start");
        assert_eq!(told_once(&error), ["cannot start", "cannot open x: no such file"]);
    }
}
