//! Archives from strangers.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use surrealism_runtime::limits::ArchiveLimits;
use surrealism_runtime::package::exports_manifest_from_reader;
use surrealism_runtime::{SurrealismPackage, UnpackOptions};

const ZSTD_MAGIC: &[u8] = b"\x28\xb5\x2f\xfd";
const BLOCK_BYTES: usize = 512;

/// Small, so that inputs run into them.
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

/// Nothing is written outside the one temporary folder, nothing is left behind, and what is
/// accepted packs and reads back to the same.
///
/// The input is an archive, or a tar file that is yet to become one: what a mutation does to
/// compressed bytes mostly breaks the compression alone.
pub fn archive(input: &[u8]) {
    let archive = match input.starts_with(ZSTD_MAGIC) {
        true => input.to_vec(),
        false => zstd::encode_all(&*mended(input), 1).unwrap(),
    };
    // Deep, so that a path that climbs still lands where it is seen.
    let root = tempfile::tempdir().unwrap();
    let base = root.path().join("a/b/c/d");
    fs::create_dir_all(&base).unwrap();
    let clean = tree(root.path());

    let exports = exports_manifest_from_reader(&*archive);
    assert_eq!(tree(root.path()), clean, "reading the list of functions wrote something");
    if let Ok(package) = read(&archive, &base) {
        assert_eq!(package.exports, exports.unwrap(), "two readers read two lists of functions");
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

/// All that is below a folder: files with their content, folders without.
fn tree(folder: &Path) -> BTreeMap<PathBuf, Option<Vec<u8>>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(path) = folders.pop() {
        for entry in fs::read_dir(folder.join(&path)).unwrap() {
            let entry = entry.unwrap();
            let path = path.join(entry.file_name());
            let is_folder = entry.file_type().unwrap().is_dir();
            let content = (!is_folder).then(|| fs::read(entry.path()).unwrap());
            found.insert(path.clone(), content);
            folders.extend(is_folder.then_some(path));
        }
    }
    found
}

/// A tar file with the checksums of its headers put right, which no mutation would guess.
fn mended(tar: &[u8]) -> Vec<u8> {
    let mut tar = tar.to_vec();
    let mut at = 0;
    while let Some(block) = tar.get_mut(at..).and_then(|rest| rest.get_mut(..BLOCK_BYTES)) {
        let mut header = tar::Header::new_old();
        header.as_mut_bytes().copy_from_slice(block);
        let mut size = 0;
        // A block of zeros is the end, and no header.
        if block.iter().any(|byte| *byte != 0) {
            header.set_cksum();
            block.copy_from_slice(header.as_bytes());
            size = header.entry_size().unwrap_or(0) as usize;
        }
        let skipped = size.checked_next_multiple_of(BLOCK_BYTES).unwrap_or(usize::MAX);
        at = at.saturating_add(BLOCK_BYTES).saturating_add(skipped);
    }
    tar
}
