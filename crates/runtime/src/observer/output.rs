//! How severe a line of a guest's output is.

/// A stream that a guest writes lines to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum GuestStream {
    /// The standard output.
    #[default]
    Stdout,
    /// The error output.
    Stderr,
}

impl GuestStream {
    /// Returns `stdout` or `stderr`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stdout => "stdout",
            Self::Stderr => "stderr",
        }
    }
}

/// How severe a line of output is.
///
/// A guest says so by a prefix, as services of systemd do: `<3>` and less is an error, `<4>` a warning, `<5>`
/// and `<6>` information, `<7>` for debugging. Without one, a line of the standard output is information,
/// and a line of the error output an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum OutputLevel {
    /// For debugging.
    Debug,
    /// Information.
    Info,
    /// A warning.
    Warn,
    /// An error.
    Error,
}

impl OutputLevel {
    /// Returns a word for metrics and traces.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }
}

/// Returns the level of a line, and the line without the prefix that says it.
pub(super) fn parse_level(stream: GuestStream, line: &str) -> (OutputLevel, &str) {
    let prefixed = line.strip_prefix('<').and_then(|line| line.split_at_checked(2));
    let level = match prefixed.map(|(prefix, _)| prefix.as_bytes()) {
        Some([b'0'..=b'3', b'>']) => OutputLevel::Error,
        Some([b'4', b'>']) => OutputLevel::Warn,
        Some([b'5' | b'6', b'>']) => OutputLevel::Info,
        Some([b'7', b'>']) => OutputLevel::Debug,
        _ => {
            let level = match stream {
                GuestStream::Stdout => OutputLevel::Info,
                GuestStream::Stderr => OutputLevel::Error,
            };
            return (level, line);
        }
    };
    (level, prefixed.map_or(line, |(_, rest)| rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_says_the_level_and_else_the_stream_does() {
        use GuestStream::{Stderr, Stdout};
        use OutputLevel::{Debug, Error, Info, Warn};
        for (stream, line, level, text) in [
            (Stdout, "hello", Info, "hello"),
            (Stderr, "hello", Error, "hello"),
            (Stdout, "<0>down", Error, "down"),
            (Stdout, "<3> down", Error, " down"),
            (Stderr, "<4>low", Warn, "low"),
            (Stderr, "<5>", Info, ""),
            (Stderr, "<6>ok", Info, "ok"),
            (Stdout, "<7>x = 1", Debug, "x = 1"),
            (Stdout, "<8>x", Info, "<8>x"),
            (Stdout, "<b>x</b>", Info, "<b>x</b>"),
            (Stderr, "<", Error, "<"),
            (Stderr, "<3", Error, "<3"),
            (Stderr, "<é>", Error, "<é>"),
            (Stderr, "", Error, ""),
        ] {
            assert_eq!(parse_level(stream, line), (level, text), "{stream:?} {line:?}");
        }
    }
}
