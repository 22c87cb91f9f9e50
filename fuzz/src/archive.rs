//! Untrusted archives.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use surrealism_runtime::limits::ArchiveLimits;
use surrealism_runtime::package::exports_manifest_from_reader;
use surrealism_runtime::{SurrealismPackage, UnpackOptions};

const ZSTD_MAGIC: &[u8] = b"\x28\xb5\x2f\xfd";
const BLOCK_BYTES: usize = 512;

// Small limits, so that inputs exceed them.
const MAX_FS_BYTES: u64 = 64 << 10;
const LIMITS: ArchiveLimits = ArchiveLimits {
    max_wasm_bytes: 4 << 10,
    max_config_bytes: 4 << 10,
    max_exports_bytes: 4 << 10,
    max_entries: 50,
    max_path_bytes: 200,
    max_path_depth: 8,
    max_compression_ratio: 100,
};

/// Checks that reading an archive writes nothing, that unpacking its files writes nothing outside a temporary
/// directory and leaves nothing behind, and that what is accepted packs and reads back to the same.
///
/// The input is an archive or a tar file, which is compressed first: mutations of compressed bytes mostly
/// break the compression only.
pub fn archive(input: &[u8]) {
    let archive = match input.starts_with(ZSTD_MAGIC) {
        true => input.to_vec(),
        false => zstd::encode_all(&*fix_checksums(input), 1).unwrap(),
    };
    // Deep, so that a path with `..` still lands inside `root`.
    let root = tempfile::tempdir().unwrap();
    let base = root.path().join("a/b/c/d");
    fs::create_dir_all(&base).unwrap();
    let clean = tree(root.path());

    let exports = exports_manifest_from_reader(&*archive);
    assert_eq!(tree(root.path()), clean, "reading the list of functions wrote something");
    if let Ok(package) = read(&archive, &base) {
        assert_eq!(package.exports, exports.unwrap(), "two readers read two lists of functions");
        assert_eq!(tree(root.path()), clean, "reading the archive wrote something");
        if let Some(files) = &package.fs {
            files.unpack().unwrap();
        }
        let attached = tree(&base);
        assert_eq!(tree(root.path()).len(), clean.len() + attached.len());
        check_repacked(&package, &base.join("again.surli"));
    }
    assert_eq!(tree(root.path()), clean, "something was left behind");
}

fn read(archive: &[u8], base: &Path) -> surrealism_runtime::SurrealismResult<SurrealismPackage> {
    let opts = UnpackOptions {
        temp_base: Some(base),
        max_fs_bytes: MAX_FS_BYTES,
        ..UnpackOptions::default()
    };
    SurrealismPackage::from_reader_with_limits(archive, &opts, &LIMITS)
}

fn check_repacked(package: &SurrealismPackage, target: &Path) {
    package.pack(target.to_path_buf(), None).unwrap();
    let again = SurrealismPackage::from_file(target.to_path_buf()).unwrap();
    fs::remove_file(target).unwrap();
    assert_eq!(format!("{:?}", again.config), format!("{:?}", package.config));
    assert_eq!(again.wasm, package.wasm);
    assert_eq!(again.exports, package.exports);
    assert_eq!(again.logo, package.logo);
    let files = |package: &SurrealismPackage| package.fs.as_ref().map(|fs| tree(fs.path()));
    assert_eq!(files(&again), files(package));
}

/// Returns everything below a directory: files with their content, directories without.
fn tree(directory: &Path) -> BTreeMap<PathBuf, Option<Vec<u8>>> {
    let mut found = BTreeMap::new();
    let mut directories = vec![PathBuf::new()];
    while let Some(path) = directories.pop() {
        for entry in fs::read_dir(directory.join(&path)).unwrap() {
            let entry = entry.unwrap();
            let path = path.join(entry.file_name());
            let is_directory = entry.file_type().unwrap().is_dir();
            let content = (!is_directory).then(|| fs::read(entry.path()).unwrap());
            found.insert(path.clone(), content);
            directories.extend(is_directory.then_some(path));
        }
    }
    found
}

/// Returns a tar file with correct checksums in its headers, which mutations would not find.
fn fix_checksums(tar: &[u8]) -> Vec<u8> {
    let mut tar = tar.to_vec();
    let mut pos = 0;
    while let Some(block) = tar.get_mut(pos..).and_then(|rest| rest.get_mut(..BLOCK_BYTES)) {
        let mut header = tar::Header::new_old();
        header.as_mut_bytes().copy_from_slice(block);
        let mut size = 0;
        // A block of zeros ends the file and is not a header.
        if block.iter().any(|byte| *byte != 0) {
            header.set_cksum();
            block.copy_from_slice(header.as_bytes());
            size = header.entry_size().unwrap_or(0) as usize;
        }
        let skipped = size.checked_next_multiple_of(BLOCK_BYTES).unwrap_or(usize::MAX);
        pos = pos.saturating_add(BLOCK_BYTES).saturating_add(skipped);
    }
    tar
}
