//! The process that the host is: executors, forks, signals, limits of the system, files that a killed
//! process leaves, other users. What changes a process, or ends it, runs in one of its own: see [`child`].

#![cfg(unix)]

mod address_space;
mod child;
mod executors;
mod fork;
#[cfg(target_os = "linux")]
mod idle;
mod names;
mod neighbours;
mod places;
mod signals;
mod unpacked;

use std::path::PathBuf;

use surrealdb_types::{SurrealValue, Value};
use surrealism_runtime::{
    CodeCache, DetachedContext, Grants, Runtime, RuntimeBuilder, SurrealismPackage,
};

/// The archive of a guest, as `cargo xtask guests` builds it.
fn archive(name: &str) -> PathBuf {
    let target = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/guests"));
    let path = target.join(format!("{name}.surli"));
    assert!(path.exists(), "{} is missing: run `cargo xtask guests` first", path.display());
    path
}

fn package(name: &str) -> SurrealismPackage {
    SurrealismPackage::from_file(archive(name)).unwrap()
}

/// Begins to load a guest with these rules of `allow_net`, with code that the tests keep.
fn builder_with(name: &str, allow_net: &[&str]) -> RuntimeBuilder {
    let mut package = package(name);
    package.config.capabilities.allow_net = allow_net.iter().map(ToString::to_string).collect();
    let cache = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/cache/surrealism");
    Runtime::builder(package)
        .grants(Grants::as_requested())
        .code_cache(CodeCache::open(cache).unwrap())
}

fn builder(name: &str) -> RuntimeBuilder {
    builder_with(name, &[])
}

fn text(text: &str) -> Value {
    text.to_string().into_value()
}

/// Calls a function without any runtime of tokio.
fn call(runtime: &Runtime, function: &str, args: Vec<Value>) -> Result<Value, String> {
    let call = async { runtime.call(function, args, DetachedContext::new()).await };
    futures::executor::block_on(call).map_err(|error| error.to_string())
}
