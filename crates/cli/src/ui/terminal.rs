//! The printer: results on stdout, everything else on stderr. Nothing else in the command prints.

use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use anyhow::{Context, Result};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::ui::text::{Text, text};

pub(crate) const BOLD: Style = Style::new().bold();
pub(crate) const DIM: Style = Style::new().dimmed();
pub(crate) const ERROR: Style = AnsiColor::Red.on_default().bold();
pub(crate) const SUCCESS: Style = AnsiColor::Green.on_default().bold();
const WARNING: Style = AnsiColor::Yellow.on_default().bold();

/// Prints a result and a line feed.
pub(crate) fn print(result: impl Into<Text>) -> Result<()> {
    // Removes styles if stdout is not a terminal.
    write_line(&mut anstream::stdout().lock(), result.into().as_str())
}

/// Prints an untrusted value. Escapes it on a terminal; a pipe or a file gets the value unchanged.
pub(crate) fn print_value(value: &str) -> Result<()> {
    // Not anstream's stdout, which would remove escape sequences from the value.
    let mut stdout = io::stdout().lock();
    if stdout.is_terminal() {
        write_line(&mut stdout, Text::inline(value).as_str())
    } else {
        write_line(&mut stdout, value)
    }
}

/// Prints an error that does not end the command, or the one that does.
pub(crate) fn print_error(error: Text) {
    eprint_line(&error);
}

/// Prints a guest's line of output on stderr.
pub(crate) fn print_guest_line(line: &str) {
    eprint_line(&Text::lines(line));
}

/// Prints a line of a guest on stdout, as the published command does.
pub(crate) fn print_stdout_line(line: &str) {
    // A guest whose output nobody reads goes on.
    let _ = print(Text::lines(line));
}

fn write_line(stream: &mut impl Write, line: &str) -> Result<()> {
    writeln!(stream, "{line}").and_then(|()| stream.flush()).context("cannot write to stdout")
}

fn eprint_line(line: &Text) {
    // Nobody can be told that stderr is closed.
    let _ = writeln!(anstream::stderr().lock(), "{}", line.as_str());
}

/// Prints status lines, warnings and progress on stderr.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Terminal {
    /// Print warnings and errors only.
    pub(crate) quiet: bool,
}

impl Terminal {
    /// Prints a completed step: a verb, aligned as cargo does, and its object.
    pub(crate) fn status(self, verb: &'static str, object: impl Into<Text>) {
        if !self.quiet {
            eprint_line(&text!("{} {}", text!("{:>12}", verb).styled(SUCCESS), object.into()));
        }
    }

    /// Prints a problem that does not stop the command.
    pub(crate) fn warn(self, problem: impl Into<Text>) {
        let (warning, colon) =
            (Text::from("warning").styled(WARNING), Text::from(":").styled(BOLD));
        eprint_line(&text!("{}{} {}", warning, colon, problem.into()));
    }

    /// Prints lines without decoration.
    pub(crate) fn note(self, lines: impl Into<Text>) {
        if !self.quiet {
            eprint_line(&lines.into());
        }
    }

    /// Shows a spinner until the result is dropped.
    pub(crate) fn spinner(self, message: impl Into<Text>) -> Progress {
        let bar = self.bar(None, "{spinner:.green} {msg} {elapsed}");
        bar.set_message(message.into().as_str().to_string());
        bar.enable_steady_tick(Duration::from_millis(100));
        Progress(Arc::new(ClearOnDrop(bar)))
    }

    /// Shows how many of `steps` are done, until the result is dropped.
    pub(crate) fn progress_bar(self, steps: u64, message: impl Into<Text>) -> Progress {
        let bar = self.bar(Some(steps), "{msg} {bar:32.green} {pos}/{len} {eta}");
        bar.set_message(message.into().as_str().to_string());
        Progress(Arc::new(ClearOnDrop(bar)))
    }

    fn bar(self, steps: Option<u64>, template: &str) -> ProgressBar {
        // The bar draws nothing if stderr is not a terminal.
        let target =
            if self.quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
        let style = ProgressStyle::with_template(template)
            .unwrap_or_else(|_| ProgressStyle::default_spinner());
        ProgressBar::with_draw_target(steps, target).with_style(style)
    }
}

/// A progress bar. It disappears when the last clone is dropped.
#[derive(Clone)]
pub(crate) struct Progress(Arc<ClearOnDrop>);

impl Progress {
    pub(crate) fn step(&self) {
        self.0.0.inc(1);
    }

    /// Prints a guest's line of output above the bar.
    pub(crate) fn print_guest_line(&self, line: &str) {
        self.0.0.suspend(|| print_guest_line(line));
    }
}

struct ClearOnDrop(ProgressBar);

impl Drop for ClearOnDrop {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
