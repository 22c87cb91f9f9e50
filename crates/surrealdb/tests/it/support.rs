//! Helpers of the tests: modules from `guests/`, and arguments of calls.

use std::path::PathBuf;
use std::sync::Arc;

use surrealdb_types::{SurrealValue, Value};
use surrealism_runtime::{CodeCache, Runtime, RuntimeBuilder, SurrealismPackage};

/// Loads a guest that `cargo xtask guests` built, with a pool of one instance. Compiled code is cached from
/// one run of the tests to the next.
pub(crate) fn load(name: &str) -> RuntimeBuilder {
    let target = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../target"));
    let path = target.join("guests").join(format!("{name}.surli"));
    assert!(path.exists(), "{} is missing: run `cargo xtask guests` first", path.display());
    let cache = CodeCache::open(target.join("cache/surrealism")).unwrap();
    let package = SurrealismPackage::from_file(path).unwrap();
    Runtime::builder(package).code_cache(cache).pool_size(1)
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
