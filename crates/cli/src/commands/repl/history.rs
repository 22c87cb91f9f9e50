//! The history file: sessions at the same time append their lines to it.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, Write};
use std::path::PathBuf;

use anyhow::{Context, Result};
use etcetera::BaseStrategy;
use surrealism_runtime::private::{self, Forbidden};

/// Lines that the file keeps. It is shortened when a session begins and it has twice as many.
const MAX_LINES: usize = 1_000;

/// Bytes of the file that are read, so that a damaged one does no harm.
const MAX_BYTES: u64 = 16 << 20;

/// The first line of the file, in the format of rustyline: line feeds and backslashes are escaped.
const HEADER: &str = "#V2";

/// The history file, opened to append. The lock is held for each access only.
pub(super) struct History(File);

impl History {
    /// Opens the file of this user. Returns `None` for a user without a home directory.
    pub(super) fn open() -> Result<Option<Self>> {
        let Ok(strategy) = etcetera::choose_base_strategy() else { return Ok(None) };
        let dir = strategy.state_dir().unwrap_or_else(|| strategy.data_dir()).join("surrealism");
        Self::at(dir.join("history")).map(Some)
    }

    fn at(path: PathBuf) -> Result<Self> {
        let open = || {
            private::create_dir_all(path.parent().unwrap_or(&path))?;
            let mut options = OpenOptions::new();
            options.read(true).append(true).create(true);
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            private::open_file(&path, &mut options, Forbidden::ReadAndWrite)
        };
        open().map(Self).with_context(|| format!("cannot open {}", path.display()))
    }

    /// Returns the lines of earlier sessions, the oldest first. Shortens the file.
    pub(super) fn lines(&mut self) -> Result<Vec<String>> {
        self.0.lock()?;
        let lines = self.read_lines();
        self.0.unlock()?;
        lines
    }

    fn read_lines(&mut self) -> Result<Vec<String>> {
        let mut bytes = Vec::new();
        self.0.rewind()?;
        (&self.0).take(MAX_BYTES).read_to_end(&mut bytes)?;
        let text = String::from_utf8_lossy(&bytes);
        let lines: Vec<_> = text.lines().filter(|line| *line != HEADER).collect();
        let kept = &lines[lines.len().saturating_sub(MAX_LINES)..];
        if lines.len() >= 2 * MAX_LINES {
            self.0.set_len(0)?;
            self.0.write_all(format!("{HEADER}\n{}\n", kept.join("\n")).as_bytes())?;
        }
        Ok(kept.iter().map(|line| unescape(line)).collect())
    }

    /// Appends a line.
    pub(super) fn append(&mut self, line: &str) -> Result<()> {
        self.0.lock()?;
        let header = if self.0.metadata()?.len() == 0 { "#V2\n" } else { "" };
        let written = self.0.write_all(format!("{header}{}\n", escape(line)).as_bytes());
        self.0.unlock()?;
        Ok(written?)
    }
}

fn escape(line: &str) -> String {
    line.replace('\\', r"\\").replace('\n', r"\n")
}

fn unescape(line: &str) -> String {
    let mut unescaped = String::with_capacity(line.len());
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('n') => unescaped.push('\n'),
                other => unescaped.extend(other),
            },
            _ => unescaped.push(c),
        }
    }
    unescaped
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn sessions_at_the_same_time_keep_each_others_lines() {
        let dir = tempfile::tempdir().unwrap();
        let open = || History::at(dir.path().join("surrealism/history")).unwrap();
        let (mut first, mut second) = (open(), open());
        assert!(first.lines().unwrap().is_empty());
        assert!(second.lines().unwrap().is_empty());
        let lines = ["one", "two\nlines", r"a \n that stays \\", "öé"];
        for (index, line) in lines.iter().enumerate() {
            [&mut first, &mut second][index % 2].append(line).unwrap();
        }
        assert_eq!(open().lines().unwrap(), lines);
    }

    #[test]
    fn the_file_is_shortened() {
        let dir = tempfile::tempdir().unwrap();
        let open = || History::at(dir.path().join("history")).unwrap();
        let mut history = open();
        for number in 0..2 * MAX_LINES {
            history.append(&number.to_string()).unwrap();
        }
        for _ in 0..2 {
            let lines = open().lines().unwrap();
            assert_eq!((lines.len(), lines[0].as_str()), (MAX_LINES, "1000"));
        }
        // A session that was open before goes on.
        history.append("last").unwrap();
        let text = fs::read_to_string(dir.path().join("history")).unwrap();
        assert_eq!(text.lines().count(), 1 + MAX_LINES + 1);
        assert!(text.starts_with("#V2\n1000\n") && text.ends_with("1999\nlast\n"));
    }

    #[cfg(unix)]
    #[test]
    fn only_the_user_can_read_the_file() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("history");
        History::at(file.clone()).unwrap().append("secret").unwrap();
        assert_eq!(fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
    }

    /// Neither hangs.
    #[cfg(unix)]
    #[test]
    fn what_others_can_read_or_is_not_a_file_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        use std::process::Command;

        let dir = tempfile::tempdir().unwrap();
        let (shared, fifo) = (dir.path().join("new/shared"), dir.path().join("fifo"));
        History::at(shared.clone()).unwrap();
        let mode = fs::metadata(dir.path().join("new")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
        fs::set_permissions(&shared, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
        for refused in [shared, fifo, "/dev/zero".into()] {
            assert!(History::at(refused.clone()).is_err(), "{}", refused.display());
        }
    }
}
