//! Runs the command and checks its output.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io::{Seek, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use insta::{Settings, assert_snapshot};

/// Replacements that make snapshots independent of the machine, of the toolchain that built the guests
/// and of the version.
const FILTERS: [(&str, &str); 10] = [
    // The random part of a temporary file's name.
    (r"\.unfinished-\w+", ".unfinished-[RANDOM]"),
    // The directory of the guests' archives in a command line.
    (r"\S*[/\\]target[/\\]guests[/\\]", ""),
    (r"sha256:[0-9a-f]{64}", "sha256:[DIGEST]"),
    (r"(?m)^ +\d+: .*\n?", ""),
    (r" \(\d+\) panicked", " panicked"),
    (r"(?m)^note: run with `RUST_BACKTRACE=1`.*\n", ""),
    (r"\.rs:\d+:\d+", ".rs:[LINE]"),
    (r"\b\d+\.\d+ (KiB|MiB)|\b\d+ B\b|\b\d{7,} bytes\b", "[SIZE]"),
    (r"\b\d+ interfaces", "[N] interfaces"),
    (r"(?m) +$", ""),
];

/// Returns the archive of a guest, which `cargo xtask guests` builds.
pub(crate) fn archive(name: &str) -> String {
    let target = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/guests"));
    let path = target.join(format!("{name}.surli"));
    assert!(path.exists(), "{} is missing: run `cargo xtask guests` first", path.display());
    path.display().to_string()
}

/// The exit code and the output of a run.
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    line: String,
}

/// Runs the command in the current directory, without a terminal.
pub(crate) fn surrealism<S: AsRef<OsStr>>(args: &[S]) -> Ran {
    surrealism_in(Path::new("."), args)
}

/// Runs the command in a directory.
pub(crate) fn surrealism_in<S: AsRef<OsStr>>(dir: &Path, args: &[S]) -> Ran {
    surrealism_with(dir, args, &[])
}

/// Runs the command in a directory, with environment variables.
pub(crate) fn surrealism_with<S: AsRef<OsStr>>(
    dir: &Path,
    args: &[S],
    variables: &[(&str, &OsStr)],
) -> Ran {
    let mut command = command(dir, args);
    let output = command.envs(variables.iter().copied()).stdin(Stdio::null()).output().unwrap();
    Ran::new(output, args)
}

/// Runs the command with lines on stdin.
pub(crate) fn surrealism_reading<S: AsRef<OsStr>>(args: &[S], lines: &str) -> Ran {
    let mut input = tempfile::tempfile().unwrap();
    input.write_all(lines.as_bytes()).unwrap();
    input.rewind().unwrap();
    let output = command(Path::new("."), args).stdin(input).output().unwrap();
    Ran::new(output, args)
}

/// Runs the command with stdout somewhere else.
pub(crate) fn surrealism_to<S: AsRef<OsStr>>(stdout: impl Into<Stdio>, args: &[S]) -> Ran {
    let mut command = command(Path::new("."), args);
    Ran::new(command.stdin(Stdio::null()).stdout(stdout).output().unwrap(), args)
}

fn command<S: AsRef<OsStr>>(dir: &Path, args: &[S]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_surrealism"));
    run_in(command.args(with_grants(dir, args)), dir)
}

/// Grants guests what they ask for, unless a test is about grants.
pub(crate) fn with_grants<S: AsRef<OsStr>>(dir: &Path, args: &[S]) -> Vec<OsString> {
    let is_about_grants = |arg: &OsString| arg.to_string_lossy().starts_with("--allow-");
    let mut args: Vec<_> = args.iter().map(|arg| arg.as_ref().to_os_string()).collect();
    let is_call = args.first().is_some_and(|name| name == "run" || name == "repl");
    // Without an archive, the command line is what is wrong, and is shown.
    let has_archive = args.iter().any(|arg| dir.join(arg).is_file());
    if is_call && has_archive && !args.iter().any(is_about_grants) {
        args.insert(1, "--allow-all".into());
    }
    args
}

/// Runs the command without any grant.
pub(crate) fn surrealism_without_grants<S: AsRef<OsStr>>(args: &[S], config: &Path) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_surrealism"));
    let mut command = run_in(command.args(args), Path::new("."));
    let output = command.env("XDG_CONFIG_HOME", config).stdin(Stdio::null()).output().unwrap();
    Ran::new(output, args)
}

fn run_in(command: &mut Command, dir: &Path) -> Command {
    let mut command = std::mem::replace(command, Command::new(""));
    command
        .current_dir(dir)
        .env("XDG_CACHE_HOME", concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/cache"))
        // The width that help is wrapped to.
        .env_remove("COLUMNS");
    command
}

/// Compares text with the snapshot of this name.
#[track_caller]
pub(crate) fn snapshot(name: &str, text: impl fmt::Display) {
    let mut settings = Settings::new();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    for (pattern, replacement) in FILTERS {
        settings.add_filter(pattern, replacement);
    }
    settings.bind(|| assert_snapshot!(name, text.to_string()));
}

/// Compares several runs with one snapshot.
#[track_caller]
pub(crate) fn snapshot_all(name: &str, runs: impl IntoIterator<Item = Ran>) {
    let runs: Vec<_> = runs.into_iter().map(|ran| ran.to_string()).collect();
    snapshot(name, runs.join("\n"));
}

impl Ran {
    fn new<S: AsRef<OsStr>>(output: Output, args: &[S]) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        let args: Vec<_> = args.iter().map(|arg| arg.as_ref().to_string_lossy()).collect();
        Self {
            code: output.status.code().unwrap(),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
            line: format!("surrealism {}", args.join(" ")),
        }
    }

    /// Asserts the exit code.
    #[track_caller]
    pub(crate) fn code(self, expected: i32) -> Self {
        assert_eq!(self.code, expected, "{self}");
        self
    }

    /// Replaces a temporary directory in the output.
    pub(crate) fn hide(mut self, dir: &Path) -> Self {
        let dir = dir.canonicalize().unwrap().display().to_string();
        self.stdout = self.stdout.replace(&dir, "[DIR]");
        self.stderr = self.stderr.replace(&dir, "[DIR]");
        self
    }

    /// Asserts all of stdout, except trailing whitespace.
    #[track_caller]
    pub(crate) fn stdout(self, expected: &str) -> Self {
        assert_eq!(self.stdout.trim_end(), expected, "{self}");
        self
    }

    /// Asserts that stdout contains each part.
    #[track_caller]
    pub(crate) fn stdout_contains(self, expected: &[&str]) -> Self {
        for part in expected {
            assert!(self.stdout.contains(part), "stdout lacks {part:?}\n{self}");
        }
        self
    }

    /// Asserts that stderr contains each part.
    #[track_caller]
    pub(crate) fn stderr_contains(self, expected: &[&str]) -> Self {
        for part in expected {
            assert!(self.stderr.contains(part), "stderr lacks {part:?}\n{self}");
        }
        self
    }
}

/// Formats a run as a transcript: the command line, the exit code unless it is 0, and the output.
impl fmt::Display for Ran {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { code, stdout, stderr, line } = self;
        writeln!(f, "$ {line}")?;
        if *code != 0 {
            writeln!(f, "[exit code] {code}")?;
        }
        for (name, text) in [("stdout", stdout), ("stderr", stderr)] {
            if !text.is_empty() {
                writeln!(f, "[{name}]\n{}", text.trim_end())?;
            }
        }
        Ok(())
    }
}
