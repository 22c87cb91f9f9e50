//! Tests that do a part of their work in another process, under limits that a shell sets.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

const CHILD_OF: &str = "SURREALISM_TEST_CHILD_OF";
const DIRECTORY: &str = "SURREALISM_TEST_DIRECTORY";

/// Starts this program again, for `test` alone, after the shell has run `setup`. There,
/// [`child_directory`] returns `directory`.
pub(crate) fn start_child(test: &str, directory: &Path, setup: &str) -> Child {
    Command::new("sh")
        .args(["-c", &format!("{setup} exec \"$0\" \"$@\"")])
        .arg(env::current_exe().unwrap())
        .args(["--exact", test])
        .env(CHILD_OF, test)
        .env(DIRECTORY, directory)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// The directory to work in, when this process is the child of `test`.
pub(crate) fn child_directory(test: &str) -> Option<PathBuf> {
    let is_child = env::var(CHILD_OF).is_ok_and(|name| name == test);
    is_child.then(|| env::var_os(DIRECTORY).unwrap().into())
}

pub(crate) fn assert_child_succeeds(child: Child) {
    let ended = child.wait_with_output().unwrap();
    let output = String::from_utf8_lossy(&[ended.stdout, ended.stderr].concat()).into_owned();
    // With the wrong name of a test, a child would run none, and succeed.
    assert!(ended.status.success() && output.contains("1 passed"), "{output}");
}
