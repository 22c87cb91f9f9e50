//! Archives: what is packed can be unpacked, and an untrusted archive does no harm.

use std::fs::{self, File};
use std::io::{self, Read, Write};
#[cfg(unix)]
use std::os::unix::{
    fs::{FileTypeExt, PermissionsExt, symlink},
    net::UnixListener,
};
use std::path::Path;
#[cfg(unix)]
use std::process::Command;

use surrealism_runtime::config::SurrealismConfig;
use surrealism_runtime::limits::ArchiveLimits;
use surrealism_runtime::package::{
    MAX_LOGO_BYTES, SurrealismPackage, UnpackOptions, exports_manifest_from_reader, verify_logo,
};
use surrealism_runtime::{ExportsManifest, SurrealismResult};
use tar::EntryType;

use crate::support::Transcript;
use crate::support::tar::{COMPONENT, CONFIG, Entry, archive, entry, file, parts, replacing, with};
#[cfg(unix)]
use crate::support::{assert_child_succeeds, child_directory, start_child};

const CORE_MODULE: &[u8] = b"\0asm\x01\0\0\0";
const PNG: &[u8] = b"\x89PNG\r\n\x1a\nrest";

/// Reads an archive, unpacking into a directory that must be empty again after an error.
fn read_with_limits(archive: &[u8], limits: &ArchiveLimits) -> SurrealismResult<SurrealismPackage> {
    let base = tempfile::tempdir().unwrap();
    let opts = UnpackOptions { temp_base: Some(base.path()), ..UnpackOptions::default() };
    let package = SurrealismPackage::from_reader_with_limits(archive, &opts, limits);
    if package.is_err() {
        assert_eq!(fs::read_dir(base.path()).unwrap().count(), 0, "files are left behind");
    }
    package
}

fn read(archive: &[u8]) -> SurrealismResult<SurrealismPackage> {
    read_with_limits(archive, &ArchiveLimits::default())
}

/// The message with which an archive is refused.
#[track_caller]
fn refusal(archive: &[u8]) -> String {
    read(archive).expect_err("it is refused").to_string()
}

fn package(logo: Option<&[u8]>) -> SurrealismPackage {
    SurrealismPackage {
        config: SurrealismConfig::parse(std::str::from_utf8(CONFIG).unwrap()).unwrap(),
        wasm: COMPONENT.to_vec(),
        exports: ExportsManifest::empty(),
        fs: None,
        logo: logo.map(<[u8]>::to_vec),
    }
}

#[test]
fn a_packed_archive_unpacks_and_packs_to_the_same_bytes() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let deep = format!("{}/b", "long-directory-name-".repeat(8));
    fs::create_dir_all(data.join(&deep)).unwrap();
    fs::create_dir_all(data.join("empty")).unwrap();
    fs::write(data.join("a.txt"), "a").unwrap();
    fs::write(data.join(&deep).join("c.txt"), "c".repeat(10_000)).unwrap();
    let target = directory.path().join("demo.surli");

    package(Some(PNG)).pack(target.clone(), Some(&data)).unwrap();
    let first = fs::read(&target).unwrap();
    let unpacked = SurrealismPackage::from_file(target.clone()).unwrap();
    assert_eq!(unpacked.wasm, COMPONENT);
    assert_eq!(unpacked.logo.as_deref(), Some(PNG));
    assert_eq!(unpacked.config.file_name(), "acme-demo-1.0.0.surli");
    let root = unpacked.fs.as_ref().unwrap().path().to_path_buf();
    assert_eq!(fs::read_to_string(root.join("a.txt")).unwrap(), "a");
    assert_eq!(fs::read(root.join(&deep).join("c.txt")).unwrap().len(), 10_000);
    assert!(root.join("empty").is_dir());

    // A package packs its own files again, without times of files or of packing.
    unpacked.pack(target.clone(), None).unwrap();
    assert_eq!(fs::read(&target).unwrap(), first);
    drop(unpacked);
    assert!(!root.exists(), "the unpacked files outlive their package");

    let names = fs::read_dir(directory.path()).unwrap().count();
    assert_eq!(names, 2, "packing leaves nothing beside the archive");
}

#[test]
fn packing_refuses_invalid_parts() {
    let directory = tempfile::tempdir().unwrap();
    let target = directory.path().join("demo.surli");
    let large_logo = vec![0; MAX_LOGO_BYTES + 1];
    let core_module = SurrealismPackage { wasm: CORE_MODULE.to_vec(), ..package(None) };
    let mut transcript = Transcript::default();
    for (case, package) in [
        ("a core module", core_module),
        ("a GIF", package(Some(b"GIF89a"))),
        ("a logo that is too large", package(Some(&large_logo))),
    ] {
        transcript.add(case, package.pack(target.clone(), None).unwrap_err());
        assert!(!target.exists());
    }
    transcript.assert(|text| insta::assert_snapshot!(text));

    let missing = Path::new("/nonexistent");
    let error = package(None).pack(target.clone(), Some(missing)).unwrap_err().to_string();
    assert!(error.contains("/nonexistent"), "{error}");
    assert!(!target.exists());
}

#[cfg(unix)]
#[test]
fn an_archive_has_the_permissions_that_the_umask_leaves_or_its_old_ones() {
    const TEST: &str =
        "archive::an_archive_has_the_permissions_that_the_umask_leaves_or_its_old_ones";
    if let Some(directory) = child_directory(TEST) {
        return package(None).pack(directory.join("demo.surli"), None).unwrap();
    }
    for (umask, old, expected) in [
        ("022", None, 0o644),
        ("077", None, 0o600),
        ("007", None, 0o660),
        ("000", None, 0o666),
        ("000", Some(0o600), 0o600),
        ("077", Some(0o640), 0o640),
        ("022", Some(0o4755), 0o755),
    ] {
        let directory = tempfile::tempdir().unwrap();
        let target = directory.path().join("demo.surli");
        if let Some(mode) = old {
            fs::write(&target, "old").unwrap();
            fs::set_permissions(&target, fs::Permissions::from_mode(mode)).unwrap();
        }
        assert_child_succeeds(start_child(TEST, directory.path(), &format!("umask {umask};")));
        let mode = fs::metadata(&target).unwrap().permissions().mode() & 0o7777;
        assert_eq!(mode, expected, "umask {umask}, {old:?}");
        SurrealismPackage::from_file(target).unwrap();
    }
}

/// A device, a FIFO or a link is not replaced: what it leads to gets the archive, or it is refused.
#[cfg(unix)]
#[test]
fn packing_replaces_nothing_but_files() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    let pack = |name: &str| package(None).pack(at(name), None);
    let kind = |name: &str| fs::symlink_metadata(at(name)).unwrap().file_type();
    pack("whole.surli").unwrap();
    let whole = fs::read(at("whole.surli")).unwrap();

    assert!(Command::new("mkfifo").arg(at("fifo")).status().unwrap().success());
    let reader = {
        let fifo = at("fifo");
        std::thread::spawn(move || fs::read(fifo).unwrap())
    };
    pack("fifo").unwrap();
    assert!(reader.join().unwrap() == whole && kind("fifo").is_fifo());

    let made = Command::new("mknod").arg(at("null")).args(["c", "1", "3"]).output().unwrap();
    // Only root can make a device, and a file system may forbid to open it.
    if made.status.success() && fs::write(at("null"), "").is_ok() {
        pack("null").unwrap();
        assert!(kind("null").is_char_device());
    }

    fs::create_dir(at("elsewhere")).unwrap();
    fs::write(at("elsewhere/old.surli"), "old").unwrap();
    symlink("elsewhere/old.surli", at("link")).unwrap();
    pack("link").unwrap();
    assert!(fs::read(at("elsewhere/old.surli")).unwrap() == whole && kind("link").is_symlink());

    let _socket = UnixListener::bind(at("socket")).unwrap();
    symlink("nothing", at("dangling")).unwrap();
    for (refused, reason) in [
        ("socket", "neither a file nor a stream"),
        ("dangling", "a link to nothing"),
        ("elsewhere", "neither a file nor a stream"),
    ] {
        let error = pack(refused).unwrap_err().to_string();
        assert!(error.contains(reason) && error.contains(refused), "{error}");
    }
    assert!(
        kind("socket").is_socket() && kind("dangling").is_symlink() && kind("elsewhere").is_dir()
    );
    assert_eq!(fs::read_dir(at("elsewhere")).unwrap().count(), 1);
}

/// An archive that there was stays, and nothing is left beside it.
#[cfg(unix)]
#[test]
fn packing_on_a_full_disk_changes_nothing() {
    const TEST: &str = "archive::packing_on_a_full_disk_changes_nothing";
    if let Some(directory) = child_directory(TEST) {
        let mut state = 1_u64;
        let mut noise = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state as u8
        };
        fs::create_dir(directory.join("data")).unwrap();
        // Each is smaller than the limit, and all together are not.
        for name in 0..10 {
            let bytes: Vec<u8> = (0..1_000).map(|_| noise()).collect();
            fs::write(directory.join("data").join(name.to_string()), bytes).unwrap();
        }
        let data = directory.join("data");
        let error = package(None).pack(directory.join("demo.surli"), Some(&data)).unwrap_err();
        assert!(error.to_string().contains("File too large"), "{error}");
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("demo.surli"), "old").unwrap();
    // Writing fails beyond four kilobytes of a file.
    let full = "trap '' XFSZ; ulimit -f 8;";
    assert_child_succeeds(start_child(TEST, directory.path(), full));
    assert_eq!(fs::read_to_string(directory.path().join("demo.surli")).unwrap(), "old");
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 2);
}

#[cfg(unix)]
#[test]
fn packing_refuses_files_that_unpacking_would_refuse() {
    let directory = tempfile::tempdir().unwrap();
    let target = directory.path().join("demo.surli");
    let [colon, link, fifo, socket, hard_link] =
        ["colon", "link", "fifo", "socket", "hard"].map(|name| {
            let data = directory.path().join(name);
            fs::create_dir(&data).unwrap();
            data
        });
    fs::write(colon.join("a:b"), "").unwrap();
    std::os::unix::fs::symlink("/etc/passwd", link.join("link")).unwrap();
    assert!(Command::new("mkfifo").arg(fifo.join("fifo")).status().unwrap().success());
    fs::hard_link(fifo.join("fifo"), hard_link.join("fifo")).unwrap();
    let _socket = UnixListener::bind(socket.join("socket")).unwrap();

    let mut transcript = Transcript::default();
    for (case, data) in [
        ("a name with a colon", colon),
        ("a symbolic link", link),
        ("a FIFO", fifo),
        ("another name of a FIFO", hard_link),
        ("a socket", socket),
    ] {
        transcript.add(case, package(None).pack(target.clone(), Some(&data)).unwrap_err());
        assert!(!target.exists());
    }
    transcript.assert(|text| insta::assert_snapshot!(text));
}

#[test]
fn the_exports_manifest_can_be_read_alone() {
    let archive = with(vec![file("surrealism/fs/a", b"a")]);
    assert_eq!(exports_manifest_from_reader(&archive[..]).unwrap(), ExportsManifest::empty());
    let lacking = self::archive(vec![file("surrealism/mod.wasm", COMPONENT)]);
    let error = exports_manifest_from_reader(&lacking[..]).unwrap_err().to_string();
    assert!(error.contains("no surrealism/exports.toml"), "{error}");
}

#[test]
fn logos_are_small_pngs() {
    verify_logo(PNG).unwrap();
    let mut transcript = Transcript::default();
    for (case, logo) in
        [("a GIF", &b"GIF89a"[..]), ("nothing", b""), ("too large", &[0; MAX_LOGO_BYTES + 1])]
    {
        transcript.add(case, verify_logo(logo).unwrap_err());
    }
    transcript.assert(|text| insta::assert_snapshot!(text));
}

#[test]
fn missing_and_invalid_parts_are_refused() {
    let mut transcript = Transcript::default();
    for (case, part, content) in [
        ("a core module", "surrealism/mod.wasm", CORE_MODULE),
        ("an unknown version of components", "surrealism/mod.wasm", b"\0asm\x0d\0\x02\0"),
        ("an empty component", "surrealism/mod.wasm", b""),
        ("a script", "surrealism/mod.wasm", b"#!/bin/sh"),
        ("a configuration without a package", "surrealism/surrealism.toml", b"abi = 2"),
        ("a configuration that is not text", "surrealism/surrealism.toml", b"\xff"),
        ("a manifest without functions", "surrealism/exports.toml", b""),
        ("a logo that is not a PNG", "surrealism/logo.png", b"GIF89a"),
    ] {
        transcript.add(case, refusal(&replacing(part, content)));
    }
    for missing in ["surrealism/mod.wasm", "surrealism/surrealism.toml", "surrealism/exports.toml"]
    {
        let mut entries = parts();
        entries.retain(|entry| entry.path != missing.as_bytes());
        transcript.add(format!("without {missing}"), refusal(&archive(entries)));
    }
    transcript.assert(|text| insta::assert_snapshot!(text));
}

#[test]
fn entries_that_are_not_files_inside_the_archive_are_refused() {
    let special = |entry_type, link| Entry { link, ..entry("surrealism/fs/x", entry_type, b"") };
    let directory = |path| entry(path, EntryType::Directory, b"");
    let mut transcript = Transcript::default();
    for (case, entries) in [
        ("a symbolic link", vec![special(EntryType::Symlink, Some("/etc/passwd"))]),
        ("a hard link", vec![special(EntryType::Link, Some("surrealism/mod.wasm"))]),
        ("a character device", vec![special(EntryType::Char, None)]),
        ("a block device", vec![special(EntryType::Block, None)]),
        ("a pipe", vec![special(EntryType::Fifo, None)]),
        ("an absolute path", vec![file("/etc/passwd", b"")]),
        ("a path that climbs", vec![file("surrealism/fs/../../x", b"")]),
        ("a path that begins above", vec![file("../x", b"")]),
        ("an empty name in a path", vec![file("surrealism/fs//x", b"")]),
        ("a backslash", vec![file("surrealism/fs/a\\b", b"")]),
        ("a line feed", vec![file("surrealism/fs/a\nb", b"")]),
        ("a colon", vec![file("surrealism/fs/c:x", b"")]),
        ("a path that is not UTF-8", vec![file(b"surrealism/fs/\xff", b"")]),
        ("a long path", vec![file(format!("surrealism/fs/{}", "x".repeat(512)), b"")]),
        ("a deep path", vec![file(format!("surrealism/fs/{}x", "d/".repeat(40)), b"")]),
        (
            "attributes that are not attributes",
            vec![entry("surrealism/fs/x", EntryType::XGlobalHeader, b"no attribute")],
        ),
        ("a second component", vec![file("surrealism/mod.wasm", COMPONENT)]),
        ("a second component in disguise", vec![file("./surrealism/mod.wasm", COMPONENT)]),
        ("a file where files belong", vec![file("surrealism/fs", b"x")]),
        (
            "a directory and a file of one name",
            vec![directory("surrealism/fs/a/"), file("surrealism/fs/a", b"a")],
        ),
    ] {
        transcript.add(case, refusal(&with(entries)));
    }
    transcript.assert(|text| insta::assert_snapshot!(text));

    // The system's own words follow.
    let inside_a_file = vec![file("surrealism/fs/a", b"a"), file("surrealism/fs/a/b", b"b")];
    let message = refusal(&with(inside_a_file));
    assert!(message.contains("cannot unpack"), "{message}");
}

#[test]
fn unknown_entries_are_skipped() {
    let package = read(&with(vec![
        file("README.md", b"hello"),
        file("surrealism/signature", &[7; 100_000]),
        entry("surrealism/", EntryType::Directory, b""),
        entry("pax_global_header", EntryType::XGlobalHeader, b"21 comment=something\n"),
    ]))
    .unwrap();
    assert!(package.fs.is_none());
}

#[test]
fn a_global_header_is_not_a_file_whatever_its_name() {
    let impostor = || entry("surrealism/mod.wasm", EntryType::XGlobalHeader, b"8 a=b c\n");
    assert_eq!(read(&with(vec![impostor()])).unwrap().wasm, COMPONENT);
    let mut entries = parts();
    entries.retain(|entry| entry.path != b"surrealism/mod.wasm");
    entries.push(impostor());
    let message = refusal(&archive(entries));
    assert!(message.contains("no surrealism/mod.wasm"), "{message}");
}

#[test]
fn claimed_sizes_are_checked_before_entries_are_read() {
    let claims = |path: &str, claimed| Entry { claimed: Some(claimed), ..file(path, b"") };
    let mut transcript = Transcript::default();
    for path in [
        "surrealism/mod.wasm",
        "surrealism/surrealism.toml",
        "surrealism/exports.toml",
        "surrealism/logo.png",
        "surrealism/fs/x",
        "unknown",
    ] {
        for claimed in [44 << 30, u64::MAX >> 1] {
            let message = refusal(&archive(vec![claims(path, claimed)]));
            transcript.add(format!("{path} of {claimed} bytes"), message);
        }
    }
    transcript.assert(|text| insta::assert_snapshot!(text));
}

#[test]
fn counts_and_ratios_are_bounded() {
    const TOO_MANY: usize = 10_001;
    let files = |n| file(format!("surrealism/fs/{n}"), b"");
    let global_header = |_| entry("pax_global_header", EntryType::XGlobalHeader, b"");
    let deep = |n| file(format!("surrealism/fs/{n}/{}x", "d/".repeat(20)), b"");
    let mut transcript = Transcript::default();
    for (case, archive) in [
        ("many files", archive((0..TOO_MANY).map(files).collect())),
        (
            "many global headers, which are skipped",
            archive((0..TOO_MANY).map(global_header).collect()),
        ),
        ("many directories without entries of their own", archive((0..500).map(deep).collect())),
        ("many zeros", with(vec![file("surrealism/fs/zeros", &vec![0; 60 << 20])])),
        // The name is an entry before the one that it belongs to, which is read with it.
        ("a long name", with(vec![file(vec![b'x'; 16 << 20], b"")])),
    ] {
        transcript.add(case, refusal(&archive));
    }
    transcript.assert(|text| insta::assert_snapshot!(text));
}

#[test]
fn hosts_set_limits_of_their_own() {
    let archive = with(vec![file("surrealism/fs/a", b"aa")]);
    let default = ArchiveLimits::default();
    let mut transcript = Transcript::default();
    for (case, limits) in [
        ("max_wasm_bytes", ArchiveLimits { max_wasm_bytes: 7, ..default.clone() }),
        ("max_entries", ArchiveLimits { max_entries: 3, ..default.clone() }),
        ("max_path_bytes", ArchiveLimits { max_path_bytes: 8, ..default.clone() }),
        ("max_path_depth", ArchiveLimits { max_path_depth: 2, ..default }),
    ] {
        transcript.add(case, read_with_limits(&archive, &limits).unwrap_err());
    }
    let opts = UnpackOptions { max_fs_bytes: 1, ..UnpackOptions::default() };
    let error = SurrealismPackage::from_reader(&archive[..], &opts).unwrap_err();
    transcript.add("max_fs_bytes", error);
    transcript.assert(|text| insta::assert_snapshot!(text));
}

#[test]
fn truncated_and_corrupted_archives_do_no_harm() {
    let archive = with(vec![file("surrealism/fs/a", b"a")]);
    for length in 0..archive.len() {
        assert!(read(&archive[..length]).is_err(), "{length} of {} bytes", archive.len());
    }
    for position in 0..archive.len() {
        let mut flipped = archive.clone();
        flipped[position] ^= 0x55;
        // It may be valid still. Reading it ends, and an error leaves no file behind.
        let _ = read(&flipped);
    }
}

#[test]
fn an_error_of_the_reader_is_passed_on() {
    struct Failing<'a>(&'a [u8]);

    impl Read for Failing<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            match self.0.read(&mut buffer[..1])? {
                0 => Err(io::Error::other("the disk is gone")),
                read => Ok(read),
            }
        }
    }

    let archive = with(vec![]);
    for length in [0, 10, archive.len() / 2] {
        let reader = Failing(&archive[..length]);
        let error = SurrealismPackage::from_reader(reader, &UnpackOptions::default()).unwrap_err();
        assert!(error.to_string().contains("the disk is gone"), "{error}");
    }
}

#[test]
fn errors_name_the_file_of_the_archive() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(b"not an archive").unwrap();
    let error = SurrealismPackage::from_file(file.path().to_path_buf()).unwrap_err().to_string();
    assert!(error.contains(&file.path().display().to_string()), "{error}");
    let missing = SurrealismPackage::from_file("/nonexistent.surli".into()).unwrap_err();
    assert!(missing.to_string().contains("cannot open /nonexistent.surli"), "{missing}");
}

#[test]
fn attached_files_are_written_only_when_the_host_asks_for_it() {
    let directory = tempfile::tempdir().unwrap();
    let (data, base) = (directory.path().join("data"), directory.path().join("base"));
    fs::create_dir_all(data.join("empty/deep")).unwrap();
    fs::create_dir(&base).unwrap();
    fs::write(data.join("a.txt"), "a").unwrap();
    let target = directory.path().join("demo.surli");
    package(None).pack(target.clone(), Some(&data)).unwrap();

    let read = |base: &Path| {
        let opts = UnpackOptions { temp_base: Some(base), ..UnpackOptions::default() };
        SurrealismPackage::from_reader(File::open(&target).unwrap(), &opts).unwrap().fs.unwrap()
    };
    let files = read(&base);
    assert_eq!(files.files().collect::<Vec<_>>(), [("a.txt".to_string(), b"a".as_slice())]);
    assert_eq!(fs::read_dir(&base).unwrap().count(), 0);

    let root = files.unpack().unwrap().to_path_buf();
    assert_eq!((files.path(), files.unpack().unwrap()), (root.as_path(), root.as_path()));
    assert_eq!(fs::read_dir(&base).unwrap().count(), 1);
    assert_eq!(fs::read(root.join("a.txt")).unwrap(), b"a");
    assert!(root.join("empty/deep").is_dir());
    drop(files);
    assert_eq!(fs::read_dir(&base).unwrap().count(), 0);

    let nowhere = read(&directory.path().join("nowhere"));
    let error = nowhere.unpack().unwrap_err();
    assert!(error.to_string().contains("cannot unpack the attached files"), "{error}");
}
