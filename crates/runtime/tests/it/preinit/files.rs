//! An `init` that reads attached files: its result depends on the archive alone.

use surrealdb_types::Value;
use surrealism_runtime::{DetachedContext, Isolation, Runtime, SurrealismPackage};

use crate::support::{NO_ARGS, load, package, package_with_files, text, value};

fn package_with(files: &[(&str, &str)]) -> SurrealismPackage {
    package_with_files("preinit_files", files)
}

fn load_as(isolation: Isolation, package: SurrealismPackage) -> Runtime {
    load(package).isolation(isolation).build().unwrap()
}

async fn call(runtime: &Runtime, function: &str, args: Vec<Value>) -> Result<Value, String> {
    let result = runtime.call(function, args, DetachedContext::new()).await;
    result.map_err(|error| error.to_string())
}

#[tokio::test]
async fn an_init_that_uses_only_its_files_is_captured() {
    let words = ("words.txt", "one\ntwo\nthree\n");
    for (mode, expected) in [
        ("read", true),
        ("read often", true),
        ("list", true),
        ("look", true),
        ("seek", true),
        ("miss", true),
        ("write", true),
        ("nothing else", true),
        // What is open cannot be captured.
        ("leave open", false),
        // The host is asked for more.
        ("print", false),
        ("time", false),
        ("fail", false),
    ] {
        let files = [("mode.txt", mode), words, ("later.txt", "later")];
        let reuse = load_as(Isolation::Reuse, package_with(&files));
        let fresh = load_as(Isolation::Fresh, package_with(&files));
        assert_eq!(fresh.usage().preinitialized, expected, "{mode}");

        for number in 1..=3 {
            // The root's handle serves files that `init` did not open, and errors are the same.
            for (function, args) in [
                ("found", NO_ARGS),
                ("read", vec![text("/later.txt")]),
                ("read", vec![text("/words.txt")]),
                ("read", vec![text("/nowhere.txt")]),
                ("read", vec![text("/../mode.txt")]),
            ] {
                // An instance that is used again reads a file that it left open only once.
                if mode == "leave open" && function == "found" && number > 1 {
                    continue;
                }
                let case = format!("{mode}: {function} {args:?}, call {number}");
                let fresh = call(&fresh, function, args.clone()).await;
                assert_eq!(fresh, call(&reuse, function, args).await, "{case}");
                let is_missing = case.contains("nowhere") || case.contains("..");
                assert_eq!(fresh.is_err(), mode == "fail" || is_missing, "{case}: {fresh:?}");
            }
        }
        assert_eq!(fresh.usage().instances.current, 0, "{mode}");
    }
}

#[tokio::test]
async fn other_files_make_another_snapshot() {
    for content in ["one", "another"] {
        let files = [("mode.txt", "read"), ("words.txt", content)];
        let fresh = load_as(Isolation::Fresh, package_with(&files));
        assert!(fresh.usage().preinitialized);
        let found = call(&fresh, "found", NO_ARGS).await.unwrap();
        assert_eq!(found, value(vec![content.to_string()]));
    }
}

#[tokio::test]
async fn a_module_without_files_is_captured_too() {
    let mut package = package("preinit_files");
    package.fs = None;
    let fresh = load_as(Isolation::Fresh, package);
    assert!(fresh.usage().preinitialized);
    let found = call(&fresh, "found", NO_ARGS).await.unwrap();
    assert_ne!(found, value(vec!["read".to_string()]));
    call(&fresh, "read", vec![text("/mode.txt")]).await.unwrap_err();
}
