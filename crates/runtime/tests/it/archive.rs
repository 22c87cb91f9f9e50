//! Archives: what is written reads back, and what a stranger wrote does no harm.

use std::fs;
use std::io::{self, Read, Write};
use std::path::Path;

use surrealism_runtime::config::SurrealismConfig;
use surrealism_runtime::limits::ArchiveLimits;
use surrealism_runtime::package::{
    MAX_LOGO_BYTES, SurrealismPackage, UnpackOptions, exports_manifest_from_reader, verify_logo,
};
use surrealism_runtime::{ExportsManifest, SurrealismResult};
use tar::EntryType;

const COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";
const CORE_MODULE: &[u8] = b"\0asm\x01\0\0\0";
const PNG: &[u8] = b"\x89PNG\r\n\x1a\nrest";
const CONFIG: &[u8] =
    b"abi = 2\n[package]\norganisation = \"acme\"\nname = \"demo\"\nversion = \"1.0.0\"\n";
const EXPORTS: &[u8] = b"functions = []\n";

/// An entry as its maker wants it, allowed or not.
struct Entry {
    path: Vec<u8>,
    entry_type: EntryType,
    content: Vec<u8>,
    /// What the header says, where that is not the truth.
    claimed: Option<u64>,
    link: Option<&'static str>,
}

fn entry(path: impl AsRef<[u8]>, entry_type: EntryType, content: &[u8]) -> Entry {
    let (path, content) = (path.as_ref().to_vec(), content.to_vec());
    Entry { path, entry_type, content, claimed: None, link: None }
}

fn file(path: impl AsRef<[u8]>, content: &[u8]) -> Entry {
    entry(path, EntryType::Regular, content)
}

/// The parts that every archive needs.
fn parts() -> Vec<Entry> {
    vec![
        file("surrealism/surrealism.toml", CONFIG),
        file("surrealism/exports.toml", EXPORTS),
        file("surrealism/mod.wasm", COMPONENT),
    ]
}

fn with(extra: Vec<Entry>) -> Vec<u8> {
    archive(parts().into_iter().chain(extra).collect())
}

/// The parts, one of them replaced.
fn replacing(path: &str, content: &[u8]) -> Vec<u8> {
    let mut entries = parts();
    entries.retain(|entry| entry.path != path.as_bytes());
    entries.push(file(path, content));
    archive(entries)
}

/// Packs entries past every check that a well-meant writer makes.
fn archive(entries: Vec<Entry>) -> Vec<u8> {
    let mut tar = Vec::new();
    for entry in entries {
        let mut header = tar::Header::new_gnu();
        let name = &mut header.as_old_mut().name;
        let short = entry.path.len().min(name.len());
        if entry.path.len() > short {
            append_raw(&mut tar, "././@LongLink", EntryType::GNULongName, &entry.path);
        }
        header.as_old_mut().name[..short].copy_from_slice(&entry.path[..short]);
        header.set_entry_type(entry.entry_type);
        header.set_size(entry.claimed.unwrap_or(entry.content.len() as u64));
        header.set_mode(0o644);
        if let Some(link) = entry.link {
            header.set_link_name(link).unwrap();
        }
        header.set_cksum();
        tar.extend_from_slice(header.as_bytes());
        pad(&mut tar, &entry.content);
    }
    tar.extend_from_slice(&[0; 1024]);
    zstd::encode_all(&tar[..], 3).unwrap()
}

fn append_raw(tar: &mut Vec<u8>, name: &str, entry_type: EntryType, content: &[u8]) {
    let mut header = tar::Header::new_gnu();
    header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
    header.set_entry_type(entry_type);
    header.set_size(content.len() as u64);
    header.set_cksum();
    tar.extend_from_slice(header.as_bytes());
    pad(tar, content);
}

fn pad(tar: &mut Vec<u8>, content: &[u8]) {
    tar.extend_from_slice(content);
    tar.resize(tar.len().next_multiple_of(512), 0);
}

/// Reads an archive into a folder of its own, which must be empty again afterwards.
fn read_within(archive: &[u8], limits: &ArchiveLimits) -> SurrealismResult<SurrealismPackage> {
    let base = tempfile::tempdir().unwrap();
    let opts = UnpackOptions { temp_base: Some(base.path()), ..UnpackOptions::default() };
    let package = SurrealismPackage::from_reader_with_limits(archive, &opts, limits);
    if package.is_err() {
        assert_eq!(fs::read_dir(base.path()).unwrap().count(), 0, "something was left behind");
    }
    package
}

fn read(archive: &[u8]) -> SurrealismResult<SurrealismPackage> {
    read_within(archive, &ArchiveLimits::default())
}

#[track_caller]
fn assert_refused(archive: &[u8], reason: &str) {
    let error = read(archive).expect_err(reason).to_string();
    assert!(error.contains(reason), "{error:?} lacks {reason:?}");
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
fn what_is_packed_reads_back() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let deep = format!("{}/b", "long-folder-name-".repeat(8));
    fs::create_dir_all(data.join(&deep)).unwrap();
    fs::create_dir_all(data.join("empty")).unwrap();
    fs::write(data.join("a.txt"), "a").unwrap();
    fs::write(data.join(&deep).join("c.txt"), "c".repeat(10_000)).unwrap();
    let target = folder.path().join("demo.surli");

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

    // A package packs its own files again, to the same bytes, whatever the time of day.
    unpacked.pack(target.clone(), None).unwrap();
    assert_eq!(fs::read(&target).unwrap(), first);
    drop(unpacked);
    assert!(!root.exists(), "the unpacked files outlive their package");

    let names = fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(names, 2, "packing leaves nothing beside the archive");
}

#[test]
fn what_packing_refuses() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("demo.surli");
    let refused = |package: SurrealismPackage, data: Option<&Path>, reason: &str| {
        let error = package.pack(target.clone(), data).unwrap_err().to_string();
        assert!(error.contains(reason), "{error:?} lacks {reason:?}");
        assert!(!target.exists());
    };
    refused(SurrealismPackage { wasm: CORE_MODULE.to_vec(), ..package(None) }, None, "core module");
    refused(package(Some(b"GIF89a")), None, "no PNG");
    refused(package(Some(&vec![0; MAX_LOGO_BYTES + 1])), None, "262145 bytes");
    refused(package(None), Some(Path::new("/nonexistent")), "/nonexistent");

    #[cfg(unix)]
    {
        let data = folder.path().join("colon");
        fs::create_dir(&data).unwrap();
        fs::write(data.join("a:b"), "").unwrap();
        refused(package(None), Some(&data), "nobody could read the archive");

        let data = folder.path().join("data");
        fs::create_dir(&data).unwrap();
        std::os::unix::fs::symlink("/etc/passwd", data.join("link")).unwrap();
        refused(package(None), Some(&data), "neither file nor folder");
    }
}

#[test]
fn the_list_of_functions_is_read_alone() {
    let archive = with(vec![file("surrealism/fs/a", b"a")]);
    assert_eq!(exports_manifest_from_reader(&archive[..]).unwrap(), ExportsManifest::empty());
    let lacking = self::archive(vec![file("surrealism/mod.wasm", COMPONENT)]);
    let error = exports_manifest_from_reader(&lacking[..]).unwrap_err().to_string();
    assert!(error.contains("no surrealism/exports.toml"), "{error}");
}

#[test]
fn logos_are_small_pngs() {
    verify_logo(PNG).unwrap();
    for (logo, reason) in
        [(&b"GIF89a"[..], "no PNG"), (b"", "no PNG"), (&[0; MAX_LOGO_BYTES + 1], "262145 bytes")]
    {
        let error = verify_logo(logo).unwrap_err().to_string();
        assert!(error.contains(reason), "{error}");
    }
}

#[test]
fn parts_must_be_there_and_be_what_they_say() {
    for (part, content, reason) in [
        ("surrealism/mod.wasm", CORE_MODULE, "core module"),
        ("surrealism/mod.wasm", b"\0asm\x0d\0\x02\0", "no WebAssembly component"),
        ("surrealism/mod.wasm", b"", "no WebAssembly"),
        ("surrealism/mod.wasm", b"#!/bin/sh", "no WebAssembly"),
        ("surrealism/surrealism.toml", b"abi = 2", "missing field `package`"),
        ("surrealism/surrealism.toml", b"\xff", "no UTF-8"),
        ("surrealism/exports.toml", b"", "missing field `functions`"),
    ] {
        assert_refused(&replacing(part, content), reason);
    }
    for missing in ["surrealism/mod.wasm", "surrealism/surrealism.toml", "surrealism/exports.toml"]
    {
        let mut entries = parts();
        entries.retain(|entry| entry.path != missing.as_bytes());
        assert_refused(&archive(entries), &format!("no {missing}"));
    }
    assert_refused(&with(vec![file("surrealism/logo.png", b"GIF89a")]), "no PNG");
}

#[test]
fn only_files_and_folders_within_the_archive() {
    let odd = |entry_type, link| Entry { link, ..entry("surrealism/fs/x", entry_type, b"") };
    for (hostile, reason) in [
        (odd(EntryType::Symlink, Some("/etc/passwd")), "is a link"),
        (odd(EntryType::Link, Some("surrealism/mod.wasm")), "is a link"),
        (odd(EntryType::Char, None), "may hold only files and folders"),
        (odd(EntryType::Block, None), "may hold only files and folders"),
        (odd(EntryType::Fifo, None), "may hold only files and folders"),
        (file("/etc/passwd", b""), "must be relative"),
        (file("surrealism/fs/../../x", b""), "must be relative"),
        (file("../x", b""), "must be relative"),
        (file("surrealism/fs//x", b""), "must be relative"),
        (file("surrealism/fs/a\\b", b""), "must be relative"),
        (file("surrealism/fs/a\nb", b""), "must be relative"),
        (file("surrealism/fs/c:x", b""), "must be relative"),
        (entry("surrealism/fs/x", EntryType::XGlobalHeader, b"no attribute"), "attributes"),
        (file(b"surrealism/fs/\xff", b""), "no UTF-8"),
        (file("surrealism/mod.wasm", COMPONENT), "two entries"),
        (file("./surrealism/mod.wasm", COMPONENT), "two entries"),
        (file(format!("surrealism/fs/{}", "x".repeat(512)), b""), "526 bytes, and 512"),
        (file(format!("surrealism/fs/{}x", "d/".repeat(40)), b""), "levels deep"),
        (file("surrealism/fs", b"x"), "is a file, and a folder"),
    ] {
        assert_refused(&with(vec![hostile]), reason);
    }
    let inside_a_file = vec![file("surrealism/fs/a", b"a"), file("surrealism/fs/a/b", b"b")];
    assert_refused(&with(inside_a_file), "cannot unpack");
    let both =
        vec![entry("surrealism/fs/a/", EntryType::Directory, b""), file("surrealism/fs/a", b"a")];
    assert_refused(&with(both), "two entries");
}

#[test]
fn what_is_not_known_is_passed_over() {
    // A global header is no file, whatever its name.
    let impostor = || entry("surrealism/mod.wasm", EntryType::XGlobalHeader, b"8 a=b c\n");
    assert_eq!(read(&with(vec![impostor()])).unwrap().wasm, COMPONENT);
    let mut entries = parts();
    entries.retain(|entry| entry.path != b"surrealism/mod.wasm");
    entries.push(impostor());
    assert_refused(&archive(entries), "no surrealism/mod.wasm");

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
fn every_size_is_bounded_before_it_is_read() {
    let claims = |path: &str, claimed| Entry { claimed: Some(claimed), ..file(path, b"") };
    const HUGE: u64 = 44 << 30;
    for (path, reason) in [
        ("surrealism/mod.wasm", "and 67108864 are allowed"),
        ("surrealism/surrealism.toml", "and 65536 are allowed"),
        ("surrealism/exports.toml", "and 4194304 are allowed"),
        ("surrealism/logo.png", "and 262144 are allowed"),
        ("surrealism/fs/x", "more than 104857600 bytes"),
        ("unknown", "left for what the format does not know"),
    ] {
        assert_refused(&archive(vec![claims(path, HUGE)]), reason);
        assert_refused(&archive(vec![claims(path, u64::MAX >> 1)]), reason);
    }
}

#[test]
fn counts_and_ratios_are_bounded() {
    let many = (0..10_001).map(|n| file(format!("surrealism/fs/{n}"), b"")).collect();
    assert_refused(&archive(many), "more than 10000 entries");

    // Global headers are passed over, and count.
    let header = |_| entry("pax_global_header", EntryType::XGlobalHeader, b"");
    assert_refused(&archive((0..10_001).map(header).collect()), "more than 10000 entries");

    // Folders count that have no entries of their own.
    let deep = |n| file(format!("surrealism/fs/{n}/{}x", "d/".repeat(20)), b"");
    assert_refused(&archive((0..500).map(deep).collect()), "the folders above them included");

    let zeros = vec![0; 60 << 20];
    assert_refused(&with(vec![file("surrealism/fs/zeros", &zeros)]), "times its size");

    // A long name is read whole by whoever reads the entry, and is no part of it.
    let long_name = vec![b'x'; 16 << 20];
    assert_refused(&with(vec![file(long_name, b"")]), "the description of an entry");
}

#[test]
fn limits_can_be_set() {
    let archive = with(vec![file("surrealism/fs/a", b"aa")]);
    let default = ArchiveLimits::default();
    for (limits, reason) in [
        (ArchiveLimits { max_wasm_bytes: 7, ..default.clone() }, "takes 8 bytes, and 7"),
        (ArchiveLimits { max_entries: 3, ..default.clone() }, "more than 3 entries"),
        (ArchiveLimits { max_path_bytes: 8, ..default.clone() }, "and 8 are allowed"),
        (ArchiveLimits { max_path_depth: 2, ..default }, "3 levels deep, and 2"),
    ] {
        let error = read_within(&archive, &limits).unwrap_err().to_string();
        assert!(error.contains(reason), "{error:?} lacks {reason:?}");
    }
    let opts = UnpackOptions { max_fs_bytes: 1, ..UnpackOptions::default() };
    let error = SurrealismPackage::from_reader(&archive[..], &opts).unwrap_err().to_string();
    assert!(error.contains("more than 1 bytes"), "{error}");
}

#[test]
fn broken_archives_are_errors_at_every_length() {
    let archive = with(vec![file("surrealism/fs/a", b"a")]);
    for length in 0..archive.len() {
        assert!(read(&archive[..length]).is_err(), "{length} of {} bytes", archive.len());
    }
    for position in 0..archive.len() {
        let mut flipped = archive.clone();
        flipped[position] ^= 0x55;
        // Whatever it is now, reading it ends, and leaves nothing behind if it fails.
        let _ = read(&flipped);
    }
}

#[test]
fn a_reader_that_fails_is_an_error() {
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
fn a_file_that_is_no_archive_is_named() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(b"not an archive").unwrap();
    let error = SurrealismPackage::from_file(file.path().to_path_buf()).unwrap_err().to_string();
    assert!(error.contains(&file.path().display().to_string()), "{error}");
    let missing = SurrealismPackage::from_file("/nonexistent.surli".into()).unwrap_err();
    assert!(missing.to_string().contains("cannot open /nonexistent.surli"), "{missing}");
}
