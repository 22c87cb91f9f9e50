//! Helpers of the tests: modules from `guests/`, and arguments of calls.

use std::path::Path;
use std::sync::Arc;

use surrealdb_types::{SurrealValue, Value};
use surrealism_runtime::{CodeCache, Grants, Runtime, RuntimeBuilder, SurrealismPackage};

const TARGET: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target");

/// The package of a guest that `cargo xtask guests` built.
pub(crate) fn package(name: &str) -> SurrealismPackage {
    let path = Path::new(TARGET).join("guests").join(format!("{name}.surli"));
    assert!(path.exists(), "{} is missing: run `cargo xtask guests` first", path.display());
    SurrealismPackage::from_file(path).unwrap()
}

/// Sets a pool of one instance, and a cache of compiled code from one run of the tests to the next.
pub(crate) fn cached(builder: RuntimeBuilder) -> RuntimeBuilder {
    let cache = CodeCache::open(Path::new(TARGET).join("cache/surrealism")).unwrap();
    builder.code_cache(cache).pool_size(1)
}

/// Begins to load a guest, with a pool of one instance and everything that its archive asks for.
pub(crate) fn load(name: &str) -> RuntimeBuilder {
    cached(trusted(package(name)))
}

/// A builder that grants what the archive asks for.
pub(crate) fn trusted(package: SurrealismPackage) -> RuntimeBuilder {
    Runtime::builder(package).grants(Grants::as_requested())
}

pub(crate) fn runtime(name: &str) -> Arc<Runtime> {
    Arc::new(load(name).build().unwrap())
}

pub(crate) fn text(text: &str) -> Value {
    text.to_string().into_value()
}

/// Returns the arguments with which `run` of the guest `host` runs a function. That function can be `run`
/// again, so calls nest.
pub(crate) fn running(function: &str, args: Vec<Value>) -> Vec<Value> {
    vec![text(function), Value::None, args.into_value()]
}

/// Asserts that the message of an error contains every part.
#[track_caller]
pub(crate) fn assert_error_contains(error: &impl std::fmt::Display, parts: &[&str]) {
    let text = error.to_string();
    for part in parts {
        assert!(text.contains(part), "{text:?} lacks {part:?}");
    }
}
