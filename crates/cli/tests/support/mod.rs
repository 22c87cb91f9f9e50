//! What the tests share: they run the command and look at what it says.

#![allow(dead_code, reason = "each test binary uses a part")]

use std::ffi::OsStr;
use std::io::{Seek, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// The archive of a guest, as `cargo xtask guests` builds it.
pub(crate) fn archive(name: &str) -> String {
    let target = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/guests"));
    let path = target.join(format!("{name}.surli"));
    assert!(path.exists(), "{} is missing: run `cargo xtask guests` first", path.display());
    path.display().to_string()
}

/// What the command did.
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    line: String,
}

/// Runs the command in a folder, with no terminal around.
pub(crate) fn surrealism_in<S: AsRef<OsStr>>(folder: &Path, args: &[S]) -> Ran {
    surrealism_with(folder, args, &[])
}

/// Runs the command in a folder and under some variables.
pub(crate) fn surrealism_with<S: AsRef<OsStr>>(
    folder: &Path,
    args: &[S],
    variables: &[(&str, &OsStr)],
) -> Ran {
    let mut command = command(folder, args);
    let output = command.envs(variables.iter().copied()).stdin(Stdio::null()).output().unwrap();
    Ran::of(output, args)
}

/// Runs the command with lines to read.
pub(crate) fn surrealism_reading<S: AsRef<OsStr>>(args: &[S], lines: &str) -> Ran {
    let mut input = tempfile::tempfile().unwrap();
    input.write_all(lines.as_bytes()).unwrap();
    input.rewind().unwrap();
    let output = command(Path::new("."), args).stdin(input).output().unwrap();
    Ran::of(output, args)
}

fn command<S: AsRef<OsStr>>(folder: &Path, args: &[S]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_surrealism"));
    command
        .args(args)
        .current_dir(folder)
        .env("XDG_CACHE_HOME", concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/cache"));
    command
}

pub(crate) fn surrealism<S: AsRef<OsStr>>(args: &[S]) -> Ran {
    surrealism_in(Path::new("."), args)
}

impl Ran {
    fn of<S: AsRef<OsStr>>(output: Output, args: &[S]) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        let args: Vec<_> = args.iter().map(|arg| arg.as_ref().to_string_lossy()).collect();
        Self {
            code: output.status.code().unwrap(),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
            line: format!("surrealism {}", args.join(" ")),
        }
    }

    #[track_caller]
    pub(crate) fn code(self, expected: i32) -> Self {
        assert_eq!(self.code, expected, "{self}");
        self
    }

    /// All of stdout.
    #[track_caller]
    pub(crate) fn answers(self, expected: &str) -> Self {
        assert_eq!(self.stdout.trim_end(), expected, "{self}");
        self
    }

    /// Parts of stdout.
    #[track_caller]
    pub(crate) fn prints(self, expected: &[&str]) -> Self {
        for part in expected {
            assert!(self.stdout.contains(part), "stdout lacks {part:?}\n{self}");
        }
        self
    }

    /// Parts of stderr.
    #[track_caller]
    pub(crate) fn says(self, expected: &[&str]) -> Self {
        for part in expected {
            assert!(self.stderr.contains(part), "stderr lacks {part:?}\n{self}");
        }
        self
    }
}

impl std::fmt::Display for Ran {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { code, stdout, stderr, line } = self;
        write!(f, "$ {line}\n[exit code {code}]\n[stdout]\n{stdout}\n[stderr]\n{stderr}")
    }
}
