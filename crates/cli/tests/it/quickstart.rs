//! The quick start for authors: a new plugin, its unit tests, an archive, calls and a panic. Takes
//! minutes, since it compiles the plugin three times.

use std::fs;
use std::path::Path;
use std::process::Command;

use bytesize::ByteSize;
use surrealism_runtime::SurrealismPackage;

use crate::support::{Ran, surrealism_in, surrealism_with};

/// The target directory of `cargo xtask guests`, which contains the compiled SDK.
const PLUGIN_TARGET: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/plugins");

const SDK: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../sdk");

/// Largest size of a new plugin's component, with the adapter. `docs/performance.md` lists the parts.
const MAX_COMPONENT: ByteSize = ByteSize::kib(120);

/// A function that panics in a function that it calls.
const PANIC: &str = r#"
#[surrealism]
fn share(total: i64, among: i64) -> i64 {
    divide(total, among)
}

#[inline(never)]
fn divide<T: std::ops::Div>(total: T, by: T) -> T::Output {
    total / by
}
"#;

#[test]
fn a_new_plugin_builds_passes_its_tests_and_runs() {
    let home = tempfile::tempdir().unwrap();
    surrealism_in(home.path(), &["new", "demo", "--organisation", "acme", "--sdk-path", SDK])
        .code(0);
    let demo = home.path().join("demo");
    let tests = cargo_test(&demo);
    assert!(tests.contains("test tests::a_host_answers ... ok"), "{tests}");

    let archive = "acme-demo-0.1.0.surli";
    let built = build(&demo).stderr_contains(&["Packed 2 functions"]);
    assert_eq!(Path::new(built.stdout.trim_end()).file_name().unwrap(), archive);
    surrealism_in(&demo, &["test", archive]).code(0).stdout_contains(&["3 passed, 0 failed"]);
    let component = SurrealismPackage::from_file(demo.join(archive)).unwrap().wasm;
    let size = ByteSize(component.len() as u64);
    assert!(size <= MAX_COMPONENT, "a new plugin's component is {size}");

    surrealism_in(&demo, &["check", archive]).code(0);
    surrealism_in(&demo, &["info", archive]).code(0).stdout_contains(&[
        "greet      name: string    string",
        "math::add  a: int, b: int  int",
        "Greets a person by name.",
    ]);
    surrealism_in(&demo, &["run", archive, "greet", "'Ada'"]).code(0).stdout("'Hello, Ada!'");
    surrealism_in(&demo, &["run", archive, "math::add", "1", "2"]).code(0).stdout("3");
    surrealism_in(&demo, &["run", archive, "greet", "''"])
        .code(1)
        .stderr_contains(&["the name is empty"]);

    let source = demo.join("src/lib.rs");
    fs::write(&source, fs::read_to_string(&source).unwrap() + PANIC).unwrap();
    build(&demo);
    surrealism_in(&demo, &["run", archive, "share", "1", "0"]).code(1).stderr_contains(&[
        "function `share` of acme/demo 0.1.0 panicked: attempt to divide by zero",
        ": acme_demo::divide at 0x",
        ": <acme_demo::_::SurrealismExport as surrealism::registry::Function>::invoke at 0x",
        ": core::panicking::panic_fmt at 0x",
    ]);
}

fn build(plugin: &Path) -> Ran {
    let shared = [("CARGO_TARGET_DIR", PLUGIN_TARGET.as_ref())];
    surrealism_with(plugin, &["build", "--release"], &shared).code(0)
}

/// Returns what the tests print.
fn cargo_test(plugin: &Path) -> String {
    let mut cargo = Command::new(env!("CARGO"));
    let cargo = cargo.arg("test").current_dir(plugin).env("CARGO_TARGET_DIR", PLUGIN_TARGET);
    let output = cargo.output().unwrap();
    let log = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{log}");
    assert!(!log.contains("warning"), "{log}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}
