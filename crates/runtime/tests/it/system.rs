//! The guest's view of a system: its own files, read-only, and nothing else.

mod support;

use support::{Recorder, shared, value};
use surrealdb_types::{SurrealValue, Value};
use surrealism_runtime::{DetachedContext, SurrealismResult};

async fn call(function: &str, path: Option<&str>) -> SurrealismResult<Value> {
    let args: Vec<Value> = path.map(|path| value(path.to_string())).into_iter().collect();
    shared("files").call(function, args, DetachedContext::new()).await
}

fn pairs(value: Value) -> Vec<(String, String)> {
    Vec::from_value(value).unwrap()
}

#[tokio::test]
async fn attached_files_are_read() {
    let hello = call("read", Some("/hello.txt")).await.unwrap().into_string().unwrap();
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/../../guests/files/data");
    assert_eq!(hello, std::fs::read_to_string(format!("{source}/hello.txt")).unwrap());
    let names = Vec::<String>::from_value(call("list", Some("/")).await.unwrap()).unwrap();
    assert!(names.contains(&"hello.txt".to_string()) && names.contains(&"notes".to_string()));
    let (kind, _) =
        <(String, u64)>::from_value(call("stat", Some("/notes")).await.unwrap()).unwrap();
    assert_eq!(kind, "directory");
    assert!(call("read", Some("/nowhere.txt")).await.is_err());
}

#[tokio::test]
async fn attached_files_cannot_be_changed() {
    let attempts = pairs(call("vandalise", None).await.unwrap());
    assert!(attempts.len() >= 8);
    for (attempt, outcome) in attempts {
        assert_ne!(outcome, "ok", "the guest could {attempt}");
    }
    call("read", Some("/hello.txt")).await.unwrap();
}

#[tokio::test]
async fn there_is_no_way_out() {
    for (path, outcome) in pairs(call("escape", None).await.unwrap()) {
        assert_ne!(outcome, "ok", "the guest could read {path}");
    }
}

#[tokio::test]
async fn there_is_no_environment_and_there_are_no_arguments() {
    assert_eq!(pairs(call("environment", None).await.unwrap()), []);
    assert_eq!(call("argument_count", None).await.unwrap(), value(0_i64));
}

#[tokio::test]
async fn a_module_without_files_has_no_root() {
    let mut package = support::package("files");
    package.fs = None;
    let runtime = support::load(package).build().unwrap();
    let read = runtime.call("read", ("/hello.txt".to_string(),), Recorder::new()).await;
    read.unwrap_err();
}
