//! Another user of the machine, who tries to read and to replace the files of a host.
//!
//! Only root can become another user: elsewhere these tests show nothing, and say so.

use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use surrealism_runtime::{CodeCache, Grants, Runtime, SurrealismPackage, UnpackOptions};
use tempfile::TempDir;

use crate::archive;

const NEIGHBOUR: u32 = 65_534;

/// A shell of another user, in which `$DIR` is `directory`.
fn shell(script: &str, directory: &Path) -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-c", script]).env("DIR", directory).current_dir("/");
    shell.uid(NEIGHBOUR).gid(NEIGHBOUR).stdout(Stdio::null()).stderr(Stdio::null());
    shell
}

/// A directory as `/tmp` is: everybody may create files, and only their owners may remove them. `None` where
/// this process may not become another user.
fn shared_directory() -> Option<TempDir> {
    let directory = tempfile::tempdir().unwrap();
    fs::set_permissions(directory.path(), Permissions::from_mode(0o1777)).unwrap();
    let status = shell("touch \"$DIR/theirs\"", directory.path()).status();
    if !status.is_ok_and(|status| status.success()) {
        println!("skipped: this process may not become another user");
        return None;
    }
    assert_eq!(fs::metadata(directory.path().join("theirs")).unwrap().uid(), NEIGHBOUR);
    Some(directory)
}

fn load(cache: &CodeCache) -> Runtime {
    let package = SurrealismPackage::from_file(archive("state")).unwrap();
    Runtime::builder(package)
        .grants(Grants::as_requested())
        .code_cache(cache.clone())
        .build()
        .unwrap()
}

#[test]
fn another_user_reads_and_replaces_nothing() {
    let Some(shared) = shared_directory() else { return };
    let opts = UnpackOptions { temp_base: Some(shared.path()), ..UnpackOptions::default() };
    let files = fs::File::open(archive("files")).unwrap();
    let package = SurrealismPackage::from_reader(files, &opts).unwrap();
    let attached = package.fs.as_ref().unwrap().path();
    assert!(attached.starts_with(shared.path()) && attached.join("hello.txt").exists());
    let cache = CodeCache::open(shared.path().join("cache")).unwrap();
    drop(load(&cache));
    let entries = || {
        let entries = fs::read_dir(shared.path().join("cache")).unwrap().map(Result::unwrap);
        entries.map(|entry| (entry.path(), fs::read(entry.path()).unwrap())).collect::<Vec<_>>()
    };
    let cached = entries();
    assert!(!cached.is_empty());

    let unpacked = attached.file_name().unwrap().to_str().unwrap();
    for target in [unpacked, "cache"] {
        for attempt in [
            "ls \"$DIR/TARGET\" | grep .",
            "cat \"$DIR/TARGET/hello.txt\"",
            "cat \"$DIR/TARGET\"/*.cwasm",
            "touch \"$DIR/TARGET/new\"",
            "ln -s /etc \"$DIR/TARGET/link\"",
            "rm -rf \"$DIR/TARGET\" && ! test -e \"$DIR/TARGET\"",
            "mv \"$DIR/TARGET\" \"$DIR/moved\"",
            "chmod 777 \"$DIR/TARGET\"",
            "chown 65534 \"$DIR/TARGET\"",
        ] {
            let script = attempt.replace("TARGET", target);
            let status = shell(&script, shared.path()).status().unwrap();
            assert!(!status.success(), "{script}");
        }
    }
    assert!(attached.join("hello.txt").exists());
    assert!(entries() == cached, "the cache has changed");
}

#[test]
fn what_another_user_puts_in_the_way_is_refused() {
    let Some(shared) = shared_directory() else { return };
    for (name, script) in [
        ("a directory", "mkdir -m 755 \"$DIR/in the way\""),
        ("an open directory", "mkdir -m 777 \"$DIR/in the way\""),
        ("a file", "touch \"$DIR/in the way\""),
        ("a FIFO", "mkfifo \"$DIR/in the way\""),
        ("a link", "mkdir -p \"$DIR/of theirs\"; ln -s \"$DIR/of theirs\" \"$DIR/in the way\""),
    ] {
        assert!(shell(script, shared.path()).status().unwrap().success(), "{name}");
        let error = CodeCache::open(shared.path().join("in the way")).unwrap_err().to_string();
        assert!(error.contains("cannot be used for compiled code"), "{name}: {error}");
        shell("rm -rf \"$DIR/in the way\"", shared.path()).status().unwrap();
    }
}

/// A neighbour swaps a directory of the host for one of its own, while the host opens it.
#[test]
fn a_directory_that_another_user_swaps_is_refused_or_the_hosts_own() {
    const ATTEMPTS: usize = 300;

    let Some(shared) = shared_directory() else { return };
    let own = shared.path().join("own");
    CodeCache::open(&own).unwrap();
    let script = "mkdir \"$DIR/p\" \"$DIR/p/evil\" && cd \"$DIR/p\" && echo ready
        while :; do mv evil a; mv a evil; ln -s \"$DIR/own\" a; rm a; done";
    let mut swapper = shell(script, shared.path()).stdout(Stdio::piped()).spawn().unwrap();
    let ready = BufReader::new(swapper.stdout.as_mut().unwrap()).lines().next();
    assert_eq!(ready.unwrap().unwrap(), "ready");
    let mut refused = 0;
    for _ in 0..ATTEMPTS {
        match CodeCache::open(shared.path().join("p/a")) {
            // What was opened is the path without links, to which the neighbour has no access.
            Ok(cache) => assert!(format!("{cache:?}").contains(own.to_str().unwrap()), "{cache:?}"),
            Err(_) => refused += 1,
        }
    }
    swapper.kill().unwrap();
    swapper.wait().unwrap();
    println!("refused {refused} times of {ATTEMPTS}");
    assert!(refused > 0, "the test shows nothing");
}
