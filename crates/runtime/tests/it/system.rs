//! A guest's system: the files of its archive, read-only, and nothing else.

use std::fs;

use surrealdb_types::{SurrealValue, Value};
use surrealism_runtime::{DetachedContext, Error, Runtime};

use crate::support::{
    NO_ARGS, assert_error_contains, builder, load, package, package_with_files, shared, text, value,
};

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

fn load_with(files: &[(String, String)]) -> Runtime {
    load(package_with_files("files", files)).build().unwrap()
}

#[tokio::test]
async fn files_are_read_at_any_offset() {
    let long = "0123456789".repeat(300_000);
    let files = [("a/b/c/long".to_string(), long.clone()), ("empty".to_string(), String::new())];
    let runtime = load_with(&files);
    let read_at = async |path: &str, offset: i64, length: i64| {
        let args = (text(path), value(offset), value(length));
        let read = runtime.call("read_at", args, DetachedContext::new()).await;
        read.map(|text| text.into_string().unwrap())
    };
    let size = long.len() as i64;
    for (offset, length, expected) in [
        (0, 4, "0123"),
        (size - 4, 100, "6789"),
        (-3, 2, "78"),
        (size, 1, ""),
        (size + 1, 1, ""),
        (i64::MAX, 1, ""),
    ] {
        assert_eq!(read_at("/a/b/c/long", offset, length).await.unwrap(), expected, "{offset}");
    }
    assert_eq!(read_at("/a/b/c/long", 0, i64::MAX).await.unwrap(), long);
    assert_eq!(read_at("/empty", 0, 10).await.unwrap(), "");
    read_at("/a/b/c/long", -size - 1, 1).await.unwrap_err();
    read_at("/a/b/c", 0, 1).await.unwrap_err();
}

#[tokio::test]
async fn ten_thousand_files_and_long_names_are_listed() {
    const FILES: usize = 9_900;

    let mut files: Vec<_> = (0..FILES).map(|n| (format!("many/{n:05}"), n.to_string())).collect();
    let (long, path) = ("x".repeat(255), format!("{}/{}", "x".repeat(255), "y".repeat(240)));
    files.push((path.clone(), "deep".to_string()));
    let runtime = load_with(&files);
    let call = async |function: &str, path: String| {
        runtime.call(function, (value(path),), DetachedContext::new()).await.unwrap()
    };
    let names: Vec<_> = (0..FILES).map(|n| format!("{n:05}")).collect();
    assert_eq!(call("list", "/many".to_string()).await, value(names));
    assert_eq!(call("list", "/".to_string()).await, value(vec!["many".to_string(), long]));
    assert_eq!(call("read", format!("/{path}")).await, text("deep"));
    assert_eq!(call("read", "/many/../many/./09899".to_string()).await, text("9899"));
}

#[tokio::test]
async fn what_a_guest_asks_of_files_is_bounded() {
    let runtime = builder("files").build().unwrap();
    let call = async |function: &str, args: (Value, Value)| {
        runtime.call(function, args, DetachedContext::new()).await
    };
    for (name, times) in [("a/../", 1_000_000), ("x", 256), ("./", 10_000)] {
        let refused = call("read_long_path", (text(name), value(times))).await.unwrap();
        assert_ne!(refused, text("ok"), "{name}");
    }
    // Each open file is a resource of the host.
    let error = call("keep_open", (text("/hello.txt"), value(1_000_000_i64))).await.unwrap_err();
    assert_error_contains(&error, &["more host resources"]);
    assert_hello_is_as_packed().await;
}

/// Prints what opening, reading and closing a file of 1 KiB costs.
#[tokio::test]
#[ignore = "measures"]
async fn cost_of_reading_a_file() {
    const TIMES: u32 = 10_000;

    let runtime = load_with(&[("small".to_string(), "x".repeat(1_024))]);
    let read_often = async |times: u32| {
        let begin = std::time::Instant::now();
        let args = (text("/small"), value(i64::from(times)));
        runtime.call("read_often", args, DetachedContext::new()).await.unwrap();
        begin.elapsed()
    };
    let mut least = std::time::Duration::MAX;
    for _ in 0..9 {
        least = least.min(read_often(TIMES).await - read_often(1).await);
    }
    println!("{:?} for each file", least / TIMES);
}
