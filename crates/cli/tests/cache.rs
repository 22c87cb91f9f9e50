//! Compiled code is kept from one run of the command to the next, unless it is told not to.

#![cfg(unix)]

mod support;

use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use support::{Ran, archive, surrealism_with};

/// A run of the command with a cache folder, and what else it is told.
fn run(cache: &Path, args: &[&str], variable: Option<(&str, &str)>) -> Ran {
    let mut variables = vec![("XDG_CACHE_HOME", cache.as_os_str())];
    variables.extend(variable.map(|(name, value)| (name, OsStr::new(value))));
    surrealism_with(Path::new("."), args, &variables)
}

fn kept(cache: &Path) -> usize {
    fs::read_dir(cache.join("surrealism")).map_or(0, Iterator::count)
}

#[test]
fn code_is_kept_unless_the_command_is_told_not_to() {
    let archive = archive("state");
    let call = ["run", &archive, "count"];
    let off = [&["--no-cache"][..], &call].concat();
    let check = ["check", &archive];
    for (args, variable, files) in [
        (&call[..], None, 1),
        (&check, None, 1),
        (&off, None, 0),
        (&call, Some(("SURREALISM_NO_CACHE", "1")), 0),
        (&call, Some(("SURREALISM_NO_CACHE", "")), 1),
    ] {
        let folder = tempfile::tempdir().unwrap();
        for _ in 0..2 {
            run(folder.path(), args, variable).code(0);
            assert_eq!(kept(folder.path()), files, "{args:?} {variable:?}");
        }
    }
}

#[test]
fn a_folder_that_cannot_be_used_is_told_and_fails_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let own = folder.path().join("surrealism");
    fs::create_dir(&own).unwrap();
    fs::set_permissions(&own, Permissions::from_mode(0o777)).unwrap();
    let archive = archive("state");
    run(folder.path(), &["run", &archive, "count"], None).code(0).answers("1").says(&[
        "warning: compiled code is not kept: ",
        &own.display().to_string(),
        "others may write to it (its mode is 777): make it 700",
    ]);
    assert_eq!(kept(folder.path()), 0);
}
