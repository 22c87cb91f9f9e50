//! `--timeout` and `--memory`: the limits of a guest.

use std::time::Duration;

use bytesize::ByteSize;
use clap::Args;
use surrealism_runtime::{Error, ErrorKind, TrapKind};

use crate::args::grants;
use crate::error::{CliError, TIMEOUT_HINT};

/// The limits of a guest.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct LimitArgs {
    /// Time limit for one call or query, and for starting an instance
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = humantime::parse_duration)]
    pub(crate) timeout: Duration,

    /// Memory limit of an instance
    #[arg(long, value_name = "SIZE", default_value = "256MiB", value_parser = parse_size)]
    pub(crate) memory: ByteSize,
}

fn parse_size(text: &str) -> Result<ByteSize, String> {
    text.parse().map_err(|_| "write a number and a unit, as in 256MiB".to_string())
}

impl LimitArgs {
    /// Converts the error of a call. Adds a hint if one of these limits caused it.
    pub(crate) fn call_error(self, error: Error) -> CliError {
        let text = error.to_string();
        let hint = match error.kind() {
            ErrorKind::TimedOut { limit: Some(limit), .. } if *limit == self.timeout => {
                TIMEOUT_HINT
            }
            ErrorKind::Trap(TrapKind::OutOfMemory) => "raise the memory limit with `--memory`",
            _ if text.contains("ran out of memory") || text.contains("memory limits") => {
                "raise the memory limit with `--memory`"
            }
            _ => match grants::hint(&error) {
                Some(hint) => hint,
                None => return error.into(),
            },
        };
        CliError::from(error).with_hint(hint)
    }
}
