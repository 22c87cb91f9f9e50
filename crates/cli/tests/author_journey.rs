//! An author's first hour: a new plugin, its own tests, an archive, a call. Compiles the plugin
//! twice, which takes minutes.

mod support;

use std::path::Path;
use std::process::Command;

use support::{surrealism_in, surrealism_with};

/// Where `cargo xtask guests` builds plugins, and has built the standard library and the SDK.
const PLUGIN_TARGET: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/plugins");

const SDK: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../sdk");

#[test]
fn a_new_plugin_builds_passes_its_tests_and_runs() {
    let home = tempfile::tempdir().unwrap();
    surrealism_in(home.path(), &["new", "demo", "--organisation", "acme", "--sdk-path", SDK])
        .code(0);
    let demo = home.path().join("demo");
    cargo_test(&demo);

    let archive = "acme-demo-0.1.0.surli";
    let shared = [("CARGO_TARGET_DIR", PLUGIN_TARGET.as_ref())];
    let built = surrealism_with(&demo, &["build"], &shared).code(0).says(&["Packed 2 functions"]);
    assert_eq!(Path::new(built.stdout.trim_end()).file_name().unwrap(), archive);

    surrealism_in(&demo, &["check", archive]).code(0);
    surrealism_in(&demo, &["info", archive]).code(0).prints(&[
        "greet      name: string    string",
        "math::add  a: int, b: int  int",
        "Greets someone by name.",
    ]);
    surrealism_in(&demo, &["run", archive, "greet", "'Ada'"]).code(0).answers("'Hello, Ada!'");
    surrealism_in(&demo, &["run", archive, "math::add", "1", "2"]).code(0).answers("3");
    surrealism_in(&demo, &["run", archive, "greet", "''"]).code(1).says(&["the name is empty"]);
}

fn cargo_test(plugin: &Path) {
    let mut cargo = Command::new(env!("CARGO"));
    let cargo = cargo.arg("test").current_dir(plugin).env("CARGO_TARGET_DIR", PLUGIN_TARGET);
    let output = cargo.output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}");
    assert!(!told.contains("warning"), "{told}");
}
