//! The directory of attached files after its process was killed.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::thread;
use std::time::Duration;

use crate::{child, package};

const READY: &str = "unpacked at ";

/// Holds a package with files until the process is killed.
pub(crate) fn hold() {
    let package = package("files");
    println!("\n{READY}{}", package.fs.as_ref().unwrap().path().display());
    thread::sleep(Duration::from_secs(600));
    drop(package);
}

/// Starts a process that holds a package, and returns the directory of its files.
fn holder(temp: &Path) -> (Child, PathBuf) {
    let mut process =
        child::command("hold files").env("TMPDIR", temp).stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(process.stdout.as_mut().unwrap()).lines();
    let line = lines.map(Result::unwrap).find(|line| line.starts_with(READY)).unwrap();
    (process, line[READY.len()..].into())
}

fn load(temp: &Path) {
    child::assert_success(&child::command("load files").env("TMPDIR", temp).output().unwrap());
}

fn entries(directory: &Path) -> usize {
    fs::read_dir(directory).unwrap().count()
}

#[test]
#[allow(unsafe_code, reason = "nothing else sends a signal")]
fn the_next_start_removes_what_a_killed_process_left() {
    for signal in [libc::SIGTERM, libc::SIGINT, libc::SIGKILL] {
        let temp = tempfile::tempdir().unwrap();
        let foreign = temp.path().join("surrealism-other");
        fs::create_dir(&foreign).unwrap();
        let (mut alive, in_use) = holder(temp.path());
        let (mut killed, left) = holder(temp.path());
        assert_ne!(in_use, left);
        // SAFETY: the process was not waited for, so that the id is its own.
        assert_eq!(unsafe { libc::kill(killed.id() as i32, signal) }, 0);
        killed.wait().unwrap();
        assert!(left.exists(), "{signal}: the test shows nothing");

        load(temp.path());
        assert!(!left.exists(), "{signal}");
        assert!(in_use.join("hello.txt").exists() && foreign.exists(), "{signal}");

        alive.kill().unwrap();
        alive.wait().unwrap();
        load(temp.path());
        assert_eq!(entries(temp.path()), 1, "{signal}: only what is not ours stays");
    }
}

#[test]
fn others_cannot_enter_the_directory() {
    use std::os::unix::fs::PermissionsExt;

    let package = package("files");
    let mode = package.fs.as_ref().unwrap().path().metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
}
