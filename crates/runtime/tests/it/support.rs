//! Helpers that the tests share: packages, runtimes, values and assertions.

mod component;
#[cfg(unix)]
mod process;
mod recorder;
pub(crate) mod tar;
mod transcript;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use surrealdb_types::{SurrealValue, Value};
use surrealism_runtime::{CodeCache, Grants, Runtime, RuntimeBuilder, SurrealismPackage};

pub(crate) use component::{INVOKE, MEMORY, component, data};
#[cfg(unix)]
pub(crate) use process::{assert_child_succeeds, child_directory, start_child};
pub(crate) use recorder::Recorder;
pub(crate) use transcript::{Transcript, without_backtrace};

/// Longer than any operation of a test takes, however busy the machine is.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A timeout for a call that waits for ever: a guest gets there long before, on a busy machine too.
pub(crate) const AMPLE: Duration = Duration::from_secs(2);

/// The archive of a guest, as `cargo xtask guests` builds it.
pub(crate) fn archive(name: &str) -> PathBuf {
    let target = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/guests"));
    let path = target.join(format!("{name}.surli"));
    assert!(path.exists(), "{} is missing: run `cargo xtask guests` first", path.display());
    path
}

/// The package of a guest, unpacked from its archive.
pub(crate) fn package(name: &str) -> SurrealismPackage {
    SurrealismPackage::from_file(archive(name)).unwrap()
}

/// The package of a guest with other attached files, by their paths and contents.
pub(crate) fn package_with_files(
    name: &str,
    files: &[(impl AsRef<Path>, impl AsRef<[u8]>)],
) -> SurrealismPackage {
    let (directory, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for (path, content) in files {
        let path = data.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    let archive = directory.path().join("x.surli");
    package(name).pack(archive.clone(), Some(data.path())).unwrap();
    SurrealismPackage::from_file(archive).unwrap()
}

/// The package of a guest with a custom section added, so that its code is shared with no other test.
///
/// All tests run in one process, which compiles a component once for everybody that has it loaded.
pub(crate) fn package_marked(name: &str, marker: &str) -> SurrealismPackage {
    const CUSTOM_SECTION: u8 = 0;
    let section_name = b"test";
    let size = 1 + section_name.len() + marker.len();
    assert!(size < 0x80, "the size has to fit one byte of LEB128");

    let mut package = package(name);
    package.wasm.extend([CUSTOM_SECTION, size as u8, section_name.len() as u8]);
    package.wasm.extend(section_name);
    package.wasm.extend(marker.as_bytes());
    package
}

/// A builder that grants what the archive asks for.
pub(crate) fn trusted(package: SurrealismPackage) -> RuntimeBuilder {
    Runtime::builder(package).grants(Grants::as_requested())
}

/// A builder whose compiled code is cached in `target`, from one run of the tests to the next.
pub(crate) fn load(package: SurrealismPackage) -> RuntimeBuilder {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/cache/surrealism");
    trusted(package).code_cache(CodeCache::open(directory).unwrap())
}

/// A builder for a guest, with limits that a well-behaved guest does not reach.
pub(crate) fn builder(name: &str) -> RuntimeBuilder {
    load(package(name)).pool_size(2).max_execution_time(PATIENCE).max_memory_bytes(256 << 20)
}

pub(crate) fn runtime(name: &str) -> Runtime {
    builder(name).build().unwrap()
}

/// A guest that is loaded once. Any number of tests use it at the same time, so what they assert must
/// not depend on its usage, its statics or how long a call waits for an instance.
pub(crate) fn shared(name: &'static str) -> &'static Runtime {
    static LOADED: Mutex<BTreeMap<&str, &Runtime>> = Mutex::new(BTreeMap::new());
    LOADED.lock().unwrap().entry(name).or_insert_with(|| Box::leak(Box::new(runtime(name))))
}

/// An argument or an expected result.
pub(crate) fn value(value: impl SurrealValue) -> Value {
    value.into_value()
}

/// A string as an argument or an expected result.
pub(crate) fn text(text: &str) -> Value {
    value(text.to_string())
}

/// No arguments, for calls that are generic over them.
pub(crate) const NO_ARGS: Vec<Value> = Vec::new();

/// The name of a function, as a controller takes it.
pub(crate) fn name(name: &str) -> Option<String> {
    Some(name.to_string())
}

#[track_caller]
pub(crate) fn assert_error_contains(error: &impl std::fmt::Display, parts: &[&str]) {
    let text = error.to_string();
    for part in parts {
        assert!(text.contains(part), "{text:?} does not contain {part:?}");
    }
}
