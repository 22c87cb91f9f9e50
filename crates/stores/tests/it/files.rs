//! Which files become databases, and what a damaged file and a full disk do to them.

use std::fs;
use std::ops::Bound::Unbounded;
#[cfg(unix)]
use std::path::Path;
use std::time::{Duration, SystemTime};

use surrealism_runtime::KVStore;
use surrealism_runtime::limits::{KvLimits, STALE_TEMP_FILE_AGE};
#[cfg(unix)]
use surrealism_stores::StoreError;
use surrealism_stores::{OpenError, RedbDatabase};

use crate::support::{assert_error_contains, executor, int, text};

const LONG: Duration = Duration::from_secs(60);

#[test]
fn a_file_is_private_and_open_once() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("kv.redb");
    let database = RedbDatabase::open(&path).unwrap();
    let name = path.to_str().unwrap();
    assert_error_contains(RedbDatabase::open(&path), &[name, "is locked: it is open already"]);
    #[cfg(unix)]
    assert_eq!(mode(&path), 0o600);
    assert!(matches!(RedbDatabase::open(&path), Err(OpenError::Locked { .. })));
    drop(database);
    RedbDatabase::open(&path).unwrap();
    let nowhere = directory.path().join("nowhere/kv.redb");
    assert_error_contains(
        RedbDatabase::open(&nowhere),
        &["cannot open the key-value file", "its directory exists"],
    );
    let error = format!("{:#}", anyhow::Error::from(RedbDatabase::open(&nowhere).unwrap_err()));
    assert!(!error.contains("unfinished"), "{error}");
    assert_error_contains(
        RedbDatabase::open(directory.path()),
        &["cannot open the key-value file"],
    );
    // Where nobody may create a file, also not root.
    #[cfg(target_os = "linux")]
    {
        let error = RedbDatabase::open("/sys/kv.redb").unwrap_err();
        let is_expected =
            matches!(error, OpenError::PermissionDenied { .. } | OpenError::Io { .. });
        assert!(is_expected, "{error:?}");
    }
    assert_eq!(
        fs::read_dir(directory.path()).unwrap().count(),
        1,
        "nothing is left beside the file"
    );
}

#[cfg(unix)]
fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;

    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// Every mode with a right for others, and an owner of the file who is another user.
#[cfg(unix)]
#[test]
fn a_file_that_others_own_read_or_write_is_refused() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};

    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("kv.redb");
    drop(RedbDatabase::open(&path).unwrap());
    let set_mode = |mode| fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    for open_to_others in [0o666, 0o644, 0o640, 0o660, 0o604, 0o602] {
        set_mode(open_to_others);
        let error = RedbDatabase::open(&path).unwrap_err();
        assert!(matches!(error, OpenError::NotPrivate { .. }), "{open_to_others:o}: {error:?}");
        assert_error_contains(
            Err::<(), _>(error),
            &[&format!("{open_to_others:o}"), "chmod go-rwx"],
        );
    }
    set_mode(0o600);
    drop(RedbDatabase::open(&path).unwrap());

    let me = fs::metadata(&path).unwrap().uid();
    if me == 0 {
        chown(&path, Some(65_534), None).unwrap();
        let refused = ["it belongs to user 65534, and this is user 0"];
        assert_error_contains(RedbDatabase::open(&path), &refused);
    }
}

/// Another user of the machine, in a directory as `/tmp` is. Only root can become one.
#[cfg(unix)]
#[test]
fn another_user_neither_reads_nor_replaces_a_file() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    use std::os::unix::process::CommandExt;
    use std::process::{Command, Stdio};

    let directory = tempfile::tempdir().unwrap();
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o1777)).unwrap();
    if fs::metadata(directory.path()).unwrap().uid() != 0 {
        return println!("skipped: this process may not become another user");
    }
    let as_neighbour = |script: &str| {
        let mut shell = Command::new("sh");
        shell.args(["-c", script]).current_dir("/").env("DIR", directory.path());
        shell.uid(65_534).gid(65_534).stdout(Stdio::null()).stderr(Stdio::null());
        shell.status().unwrap().success()
    };
    let path = directory.path().join("kv.redb");
    drop(RedbDatabase::open(&path).unwrap());
    for attempt in [
        "cat \"$DIR/kv.redb\"",
        "echo x >> \"$DIR/kv.redb\"",
        "rm -f \"$DIR/kv.redb\"",
        "mv \"$DIR/kv.redb\" \"$DIR/moved\"",
        "chmod 666 \"$DIR/kv.redb\"",
    ] {
        assert!(!as_neighbour(attempt), "{attempt}");
    }
    RedbDatabase::open(&path).unwrap();

    // A neighbour was there first.
    for (script, name) in [
        ("touch \"$DIR/first\"; chmod 600 \"$DIR/first\"", "first"),
        ("touch \"$DIR/open\"; chmod 666 \"$DIR/open\"", "open"),
        ("touch \"$DIR/aim\"; ln -s \"$DIR/aim\" \"$DIR/link\"", "link"),
        ("ln -s \"$DIR/nothing\" \"$DIR/dangling\"", "dangling"),
    ] {
        assert!(as_neighbour(script), "{script}");
        let refused = RedbDatabase::open(directory.path().join(name)).unwrap_err();
        let is_right = matches!(refused, OpenError::NotPrivate { .. } | OpenError::Io { .. });
        assert!(is_right, "{name}: {refused:?}");
    }
}

/// Neither is changed, and none blocks.
#[cfg(unix)]
#[test]
fn what_is_not_a_regular_file_is_refused() {
    use std::os::unix::fs::{FileTypeExt, PermissionsExt, symlink};
    use std::os::unix::net::UnixListener;
    use std::process::Command;

    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    assert!(Command::new("mkfifo").arg(at("fifo")).status().unwrap().success());
    let _socket = UnixListener::bind(at("socket")).unwrap();
    symlink("/dev/null", at("link")).unwrap();
    symlink("nowhere", at("dangling")).unwrap();
    fs::write(at("empty"), "").unwrap();
    fs::set_permissions(at("empty"), fs::Permissions::from_mode(0o600)).unwrap();
    for path in [at("fifo"), at("socket"), at("link"), at("dangling"), "/dev/null".into()] {
        let error = RedbDatabase::open(&path).unwrap_err();
        assert!(matches!(error, OpenError::Io { .. }), "{}: {error:?}", path.display());
    }
    assert_error_contains(RedbDatabase::open(at("empty")), &["is damaged or not", "it is empty"]);
    assert!(fs::symlink_metadata(at("dangling")).unwrap().is_symlink());
    assert!(fs::metadata("/dev/null").unwrap().file_type().is_char_device());
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 5, "nothing is left beside them");
}

#[test]
fn what_killed_processes_left_beside_a_file_is_removed() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    let names =
        [".kv.redb.unfinished-old", ".kv.redb.unfinished-new", ".other.redb.unfinished-old"];
    for name in names {
        let file = fs::File::create(at(name)).unwrap();
        if name.ends_with("old") {
            file.set_modified(SystemTime::now() - 2 * STALE_TEMP_FILE_AGE).unwrap();
        }
    }
    drop(RedbDatabase::open(at("kv.redb")).unwrap());
    assert_eq!(names.map(|name| at(name).exists()), [false, true, true]);
}

/// The first archive that uses a name has its store, and others do not, also after the file was reopened.
#[test]
fn a_name_from_an_archive_belongs_to_the_first_that_used_it() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("kv.redb");
    let (first, second, limits) = ([1; 32], [2; 32], KvLimits::default());
    let executor = executor();
    for _ in 0..2 {
        let database = RedbDatabase::open(&path).unwrap();
        let store = database.owned_module("acme/hello", first, limits).unwrap();
        executor.block_on(store.set("secret".into(), int(1))).unwrap();
        let refused = database.owned_module("acme/hello", second, limits);
        assert!(matches!(refused, Err(OpenError::OtherOwner { .. })), "{refused:?}");
        assert_error_contains(
            refused,
            &["\"acme/hello\" belongs to another archive", "0101", "0202"],
        );
        database.owned_module("acme/other", second, limits).unwrap();
        // The operator names a store.
        let named = database.module("acme/hello", limits).unwrap();
        assert_eq!(executor.block_on(named.get("secret".into())).unwrap(), Some(int(1)));
    }
}

/// Limits the size of files as a full disk does. The shell starts this test program again.
#[cfg(unix)]
#[test]
fn a_full_disk_loses_no_acknowledged_write_and_leaves_nothing_beside() {
    use std::process::Command;

    const VARIABLE: &str = "FULL_DISK_DIRECTORY";
    const NAME: &str = "files::a_full_disk_loses_no_acknowledged_write_and_leaves_nothing_beside";

    if let Ok(directory) = std::env::var(VARIABLE) {
        let database = match RedbDatabase::open(Path::new(&directory).join("kv.redb")) {
            Ok(database) => database,
            Err(error) => return println!("\nnot opened: {error:?}"),
        };
        let store = database.module("acme/a", KvLimits::default()).unwrap();
        let value = text(&"x".repeat(64 << 10));
        for key in 0.. {
            match executor().block_on(store.set(format!("{key:04}"), value.clone())) {
                Ok(()) => println!("\nacknowledged {}", key + 1),
                Err(error) => {
                    let is_full = matches!(error.downcast_ref(), Some(StoreError::DiskFull { .. }));
                    return println!("\nrefused: {is_full}, {error:#}");
                }
            }
        }
    }
    for kilobytes in [1, 100, 3_000, 8_000] {
        let directory = tempfile::tempdir().unwrap();
        let output = Command::new("bash")
            .args([
                "-c",
                r#"trap "" XFSZ; ulimit -f "$1"; exec "$2" --exact "$3" --nocapture"#,
                "bash",
            ])
            .args([
                &kilobytes.to_string(),
                std::env::current_exe().unwrap().to_str().unwrap(),
                NAME,
            ])
            .env(VARIABLE, directory.path())
            .output();
        let output = String::from_utf8(output.unwrap().stdout).unwrap();
        let acknowledged = output.lines().filter(|line| line.starts_with("acknowledged ")).count();
        let path = directory.path().join("kv.redb");
        if output.contains("not opened: ") {
            assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0, "{kilobytes}");
        } else {
            assert!(output.contains("refused: true"), "{kilobytes}: {output}");
        }
        let store =
            RedbDatabase::open(&path).unwrap().module("acme/a", KvLimits::default()).unwrap();
        let count = executor().block_on(store.count(Unbounded, Unbounded)).unwrap() as usize;
        assert!(count == acknowledged || count == acknowledged + 1, "{count} of {acknowledged}");
    }
}

#[test]
fn a_reopened_file_has_its_values_and_times_to_live() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("kv.redb");
    let open = || RedbDatabase::open(&path).unwrap().module("acme/a", KvLimits::default()).unwrap();
    let executor = executor();
    executor.block_on(async {
        let store = open();
        store.set("lasts".into(), int(1)).await.unwrap();
        store.set_with_ttl("ends".into(), int(2), LONG).await.unwrap();
        store.set_with_ttl("ended".into(), int(3), Duration::from_millis(1)).await.unwrap();
        let size = store.size().await.unwrap();
        drop(store);
        assert_eq!(open().size().await.unwrap(), size);
        assert_eq!(open().keys(Unbounded, Unbounded).await.unwrap(), ["ends", "lasts"]);
        assert!(open().ttl("ends".into()).await.unwrap() > Some(LONG / 2));
    });
}

#[test]
fn a_damaged_file_is_refused_or_read_correctly_and_never_panics() {
    let directory = tempfile::tempdir().unwrap();
    let (whole, damaged) = (directory.path().join("whole"), directory.path().join("damaged"));
    let executor = executor();
    let values: Vec<_> =
        (0..200).map(|key| (format!("{key:03}"), text(&"x".repeat(key)))).collect();
    let open = |path| RedbDatabase::open(path)?.module("acme/a", KvLimits::default());
    executor.block_on(open(&whole).unwrap().set_batch(values.clone())).unwrap();

    let bytes = fs::read(&whole).unwrap();
    // Written over, so that it keeps its mode.
    fs::copy(&whole, &damaged).unwrap();
    let damages: [(&str, Vec<u8>); 4] = [
        ("garbage", b"not a redb file".repeat(1_000)),
        ("a short text", b"hello".to_vec()),
        ("cut in half", bytes[..bytes.len() / 2].to_vec()),
        ("without its header", [&[0; 4096], &bytes[4096..]].concat()),
    ];
    for (damage, bytes) in damages {
        fs::write(&damaged, bytes).unwrap();
        let error = open(&damaged).map(drop).expect_err(damage);
        assert!(matches!(error, OpenError::Damaged { .. }), "{damage}: {error:?}");
    }

    let mut refused = 0;
    for index in (0..bytes.len()).step_by(bytes.len() / 150) {
        let mut bytes = bytes.clone();
        bytes[index] ^= 0x55;
        fs::write(&damaged, bytes).unwrap();
        match open(&damaged) {
            Err(error) => {
                refused += 1;
                assert!(matches!(error, OpenError::Damaged { .. }), "{index}: {error:?}");
            }
            Ok(store) => {
                let found = executor.block_on(store.entries(Unbounded, Unbounded));
                assert_eq!(found.unwrap(), values, "the byte at {index} was changed");
            }
        }
    }
    assert!(refused > 0);
}
