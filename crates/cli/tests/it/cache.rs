//! The cache of compiled code.

#![cfg(unix)]

use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::support::{Ran, archive, surrealism_with};

/// Runs the command with a cache directory and optionally another variable.
fn run(cache: &Path, args: &[&str], variable: Option<(&str, &str)>) -> Ran {
    let mut variables = vec![("XDG_CACHE_HOME", cache.as_os_str())];
    variables.extend(variable.map(|(name, value)| (name, OsStr::new(value))));
    surrealism_with(Path::new("."), args, &variables)
}

fn cached_files(cache: &Path) -> usize {
    fs::read_dir(cache.join("surrealism")).map_or(0, Iterator::count)
}

#[test]
fn code_is_cached_unless_turned_off() {
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
        let dir = tempfile::tempdir().unwrap();
        for _ in 0..2 {
            run(dir.path(), args, variable).code(0);
            assert_eq!(cached_files(dir.path()), files, "{args:?} {variable:?}");
        }
    }
}

#[test]
fn an_unusable_cache_is_a_warning() {
    let dir = tempfile::tempdir().unwrap();
    let own = dir.path().join("surrealism");
    fs::create_dir(&own).unwrap();
    fs::set_permissions(&own, Permissions::from_mode(0o777)).unwrap();
    let archive = archive("state");
    run(dir.path(), &["run", &archive, "count"], None).code(0).stdout("1").stderr_contains(&[
        "warning: compiled code is not cached: ",
        &own.display().to_string(),
        "777",
    ]);
    assert_eq!(cached_files(dir.path()), 0);
}
