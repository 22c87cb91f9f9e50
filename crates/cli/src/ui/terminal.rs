//! What a person sees: results on stdout, everything else on stderr.

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use std::time::Duration;

use anstream::eprintln;
use anstyle::{AnsiColor, Style};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

pub(crate) const BOLD: Style = Style::new().bold();
pub(crate) const DIM: Style = Style::new().dimmed();
pub(crate) const ERROR: Style = AnsiColor::Red.on_default().bold();
pub(crate) const GOOD: Style = AnsiColor::Green.on_default().bold();
const WARNING: Style = AnsiColor::Yellow.on_default().bold();

/// Writes a result, with a line feed.
pub(crate) fn print(result: impl Display) -> io::Result<()> {
    let mut stdout = anstream::stdout().lock();
    writeln!(stdout, "{result}")?;
    stdout.flush()
}

/// Writes a value, which is a stranger's: into a pipe or a file as it is, and for a person so that it
/// steers no terminal.
pub(crate) fn print_value(value: &str) -> io::Result<()> {
    // Not by `print`, which takes colours away that a pipe does not want and a value has.
    let mut stdout = io::stdout().lock();
    if stdout.is_terminal() {
        writeln!(stdout, "{}", visible(value))?;
    } else {
        writeln!(stdout, "{value}")?;
    }
    stdout.flush()
}

/// Writes a line that a guest printed.
pub(crate) fn print_line(line: &str) {
    eprintln!("{}", visible(line));
}

/// Text of an archive, which is a stranger's: what would steer the terminal is shown instead.
pub(crate) fn visible(text: &str) -> String {
    let show = |c: char| {
        let steers = c.is_control() && c != '\n' && c != '\t';
        if steers { c.escape_default().collect() } else { c.to_string() }
    };
    text.chars().map(show).collect()
}

/// Where everything but results goes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Terminal {
    /// Say only what went wrong.
    pub(crate) quiet: bool,
}

impl Terminal {
    /// Says what was done: a verb in cargo's column, and what it was done to.
    pub(crate) fn status(self, verb: &str, what: impl Display) {
        if !self.quiet {
            eprintln!("{GOOD}{verb:>12}{GOOD:#} {what}");
        }
    }

    /// Says what is odd and does not stop the work.
    pub(crate) fn warn(self, what: impl Display) {
        eprintln!("{WARNING}warning{WARNING:#}{BOLD}:{BOLD:#} {what}");
    }

    /// Writes lines as they are.
    pub(crate) fn note(self, lines: impl Display) {
        if !self.quiet {
            eprintln!("{lines}");
        }
    }

    /// Shows that something is under way, until the answer is dropped.
    pub(crate) fn spin(self, what: impl Display) -> Progress {
        let bar = self.bar(None, "{spinner:.green} {msg} {elapsed}");
        bar.set_message(what.to_string());
        bar.enable_steady_tick(Duration::from_millis(100));
        Progress(Arc::new(Cleared(bar)))
    }

    /// Shows how many of `steps` are done, until the answer is dropped.
    pub(crate) fn count(self, steps: u64, what: impl Display) -> Progress {
        let bar = self.bar(Some(steps), "{msg} {bar:32.green} {pos}/{len} {eta}");
        bar.set_message(what.to_string());
        Progress(Arc::new(Cleared(bar)))
    }

    fn bar(self, steps: Option<u64>, template: &str) -> ProgressBar {
        // Where stderr is no terminal, the bar draws nothing.
        let target =
            if self.quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
        let style = ProgressStyle::with_template(template)
            .unwrap_or_else(|_| ProgressStyle::default_spinner());
        ProgressBar::with_draw_target(steps, target).with_style(style)
    }
}

/// A progress bar; it goes when its last clone does.
#[derive(Clone)]
pub(crate) struct Progress(Arc<Cleared>);

impl Progress {
    pub(crate) fn step(&self) {
        self.0.0.inc(1);
    }

    /// Writes a line that a guest printed above the bar.
    pub(crate) fn line(&self, line: &str) {
        self.0.0.suspend(|| print_line(line));
    }
}

struct Cleared(ProgressBar);

impl Drop for Cleared {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
