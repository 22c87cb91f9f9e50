//! Parses the arguments of one of our commands for another that calls it.

use std::ffi::OsString;

use clap::{Args, Command};

/// Parses arguments. Invalid ones end the process with clap's message.
pub(crate) fn parse<T: Args>(args: impl IntoIterator<Item = impl Into<OsString>>) -> T {
    let command = T::augment_args(Command::new("surrealism").no_binary_name(true));
    let args: Vec<OsString> = args.into_iter().map(Into::into).collect();
    let parsed = command.try_get_matches_from(args).and_then(|found| T::from_arg_matches(&found));
    parsed.unwrap_or_else(|error| error.exit())
}
