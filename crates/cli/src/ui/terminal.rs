//! Output: results on stdout, everything else on stderr.

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use std::time::Duration;

use anstream::eprintln;
use anstyle::{AnsiColor, Style};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::ui::sanitize::escape_control;

pub(crate) const BOLD: Style = Style::new().bold();
pub(crate) const DIM: Style = Style::new().dimmed();
pub(crate) const ERROR: Style = AnsiColor::Red.on_default().bold();
pub(crate) const SUCCESS: Style = AnsiColor::Green.on_default().bold();
const WARNING: Style = AnsiColor::Yellow.on_default().bold();

/// Prints a result and a line feed.
pub(crate) fn print(result: impl Display) -> io::Result<()> {
    let mut stdout = anstream::stdout().lock();
    writeln!(stdout, "{result}")?;
    stdout.flush()
}

/// Prints an untrusted value. Escapes control characters on a terminal; a pipe or a file gets the
/// value unchanged.
pub(crate) fn print_value(value: &str) -> io::Result<()> {
    // `print` would strip escape sequences from a value that goes to a pipe.
    let mut stdout = io::stdout().lock();
    if stdout.is_terminal() {
        writeln!(stdout, "{}", escape_control(value))?;
    } else {
        writeln!(stdout, "{value}")?;
    }
    stdout.flush()
}

/// Prints a guest's line of output on stderr.
pub(crate) fn print_guest_line(line: &str) {
    eprintln!("{}", escape_control(line));
}

/// Prints status lines, warnings and progress on stderr.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Terminal {
    /// Print warnings and errors only.
    pub(crate) quiet: bool,
}

impl Terminal {
    /// Prints a completed step: a verb, aligned as cargo does, and its object.
    pub(crate) fn status(self, verb: &str, object: impl Display) {
        if !self.quiet {
            eprintln!("{SUCCESS}{verb:>12}{SUCCESS:#} {object}");
        }
    }

    /// Prints a problem that does not stop the command.
    pub(crate) fn warn(self, problem: impl Display) {
        eprintln!("{WARNING}warning{WARNING:#}{BOLD}:{BOLD:#} {problem}");
    }

    /// Prints lines without decoration.
    pub(crate) fn note(self, lines: impl Display) {
        if !self.quiet {
            eprintln!("{lines}");
        }
    }

    /// Shows a spinner until the result is dropped.
    pub(crate) fn spinner(self, message: impl Display) -> Progress {
        let bar = self.bar(None, "{spinner:.green} {msg} {elapsed}");
        bar.set_message(message.to_string());
        bar.enable_steady_tick(Duration::from_millis(100));
        Progress(Arc::new(ClearOnDrop(bar)))
    }

    /// Shows how many of `steps` are done, until the result is dropped.
    pub(crate) fn progress_bar(self, steps: u64, message: impl Display) -> Progress {
        let bar = self.bar(Some(steps), "{msg} {bar:32.green} {pos}/{len} {eta}");
        bar.set_message(message.to_string());
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
