//! A guest's system: the files of its archive, read-only, and nothing else.

use std::fs;

use surrealdb_types::{SurrealValue, Value};
use surrealism_runtime::{DetachedContext, Error};

use crate::support::{NO_ARGS, load, package, shared, text, value};

/// What the archive of `files` was packed from.
const SOURCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../guests/files/data");

async fn call(function: &str, args: Vec<Value>) -> Result<Value, Error> {
    shared("files").call(function, args, DetachedContext::new()).await
}

/// What a guest tried, and what came of each.
async fn attempts(function: &str) -> Vec<(String, String)> {
    Vec::from_value(call(function, NO_ARGS).await.unwrap()).unwrap()
}

async fn assert_hello_is_as_packed() {
    let read = call("read", vec![text("/hello.txt")]).await.unwrap();
    assert_eq!(read, text(&fs::read_to_string(format!("{SOURCE}/hello.txt")).unwrap()));
}

#[tokio::test]
async fn attached_files_can_be_read() {
    assert_hello_is_as_packed().await;
    let names = call("list", vec![text("/")]).await.unwrap();
    assert_eq!(names, value(["empty", "hello.txt", "notes"].map(str::to_string).to_vec()));
    let (kind, _) =
        <(String, u64)>::from_value(call("stat", vec![text("/notes")]).await.unwrap()).unwrap();
    assert_eq!(kind, "directory");
    call("read", vec![text("/nowhere.txt")]).await.unwrap_err();
}

#[tokio::test]
async fn attached_files_cannot_be_changed() {
    let attempts = attempts("vandalise").await;
    assert_eq!(attempts.len(), 11);
    for (attempt, outcome) in attempts {
        assert_ne!(outcome, "ok", "the guest could {attempt}");
    }
    assert_hello_is_as_packed().await;
}

#[tokio::test]
async fn paths_do_not_leave_the_attached_directory() {
    let attempts = attempts("escape").await;
    assert_eq!(attempts.len(), 5);
    for (path, outcome) in attempts {
        assert_ne!(outcome, "ok", "the guest could read {path}");
    }
}

#[tokio::test]
async fn guests_have_no_environment_and_no_arguments() {
    assert_eq!(attempts("environment").await, []);
    assert_eq!(call("argument_count", NO_ARGS).await.unwrap(), value(0_i64));
}

#[tokio::test]
async fn a_module_without_files_has_no_root_directory() {
    let mut package = package("files");
    package.fs = None;
    let runtime = load(package).build().unwrap();
    let read = runtime.call("read", (text("/hello.txt"),), DetachedContext::new()).await;
    read.unwrap_err();
}
