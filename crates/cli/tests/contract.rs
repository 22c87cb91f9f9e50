//! Archives that break the contract, one rule each.

mod support;

use serde_json::Value;
use support::{Ran, surrealism};
use surrealdb_types::Kind;
use surrealism_runtime::{ExportsManifest, FunctionExport, SurrealismConfig, SurrealismPackage};

const INVOKE: &str = r#"
    (import "f" (func $f
        (param "name" (option string)) (param "args" (list u8))
        (result (result (list u8) (error string)))))
    (export "invoke" (func $f))"#;

/// Checks an archive of this component, configuration and list of functions.
fn check(component: &str, config: &str, functions: Vec<FunctionExport>, args: &[&str]) -> Ran {
    let folder = tempfile::tempdir().unwrap();
    let archive = folder.path().join("x.surli");
    let config = format!(
        "{config}\n[package]\norganisation = \"acme\"\nname = \"x\"\nversion = \"1.0.0\"\n"
    );
    let package = SurrealismPackage {
        config: SurrealismConfig::parse(&config).unwrap(),
        wasm: wat::parse_str(format!("(component {component})")).unwrap(),
        exports: ExportsManifest { functions },
        fs: None,
        logo: None,
    };
    package.pack(archive.clone(), None).unwrap();
    surrealism(&[&["check", archive.to_str().unwrap()], args].concat())
}

fn function(name: &str, args: &[&str]) -> FunctionExport {
    FunctionExport {
        name: Some(name.to_string()),
        args: args.iter().map(|arg| (arg.to_string(), Kind::Int)).collect(),
        returns: Kind::Int,
        args_text: None,
        returns_text: None,
        writeable: false,
        comment: None,
    }
}

#[test]
fn components_are_held_to_the_interface() {
    let wrong_type = r#"(import "f" (func $f (param "x" u32))) (export "invoke" (func $f))"#;
    let foreign = format!(r#"{INVOKE} (import "evil:x/y" (instance))"#);
    let unknown = r#"(import "surrealism:plugin/host" (instance (export "fly" (func))))"#;
    let misused = r#"(import "surrealism:plugin/host" (instance
        (export "kv-count" (func (result u64)))))"#;
    let summed = r#"(import "surrealism:plugin/kv-atomic" (instance
        (export "kv-increment" (func (result s64)))))"#;
    let types = format!(r#"{INVOKE} (import "surrealism:plugin/types" (instance))"#);
    let cases = [
        ("", "FAILED  exports", "it exports no `invoke`"),
        (wrong_type, "FAILED  exports", "`invoke` is func(u32), and should be func(option<string>"),
        (&foreign, "FAILED  imports", "it imports evil:x/y, which no host of this ABI has"),
        (unknown, "FAILED  imports", "there is no `fly`"),
        (misused, "FAILED  imports", "`kv-count` is func() -> u64, and should be func(list<u8>)"),
        (summed, "FAILED  imports", "imports surrealism:plugin/kv-atomic as no host has it"),
        (INVOKE, "ok      exports", "invoke; without function-args; without"),
        (INVOKE, "FAILED  imports", "it imports f"),
        (&types, "FAILED  imports", "it imports f"),
    ];
    for (component, verdict, detail) in cases {
        check(component, "abi = 2", vec![function("f", &[])], &[]).code(1).prints(&[
            verdict,
            detail,
            "FAILED  code",
        ]);
    }
}

#[test]
fn configurations_have_to_make_sense() {
    let cases = [
        ("abi = 1", "FAILED  abi", "it is for ABI 1, and hosts speak ABI 2"),
        (
            "abi = 2\ncapabilities = { allow_net = [\"nx.invalid\", \"a b\"] }",
            "FAILED  capabilities",
            "`allow_net` entry \"a b\" cannot be used",
        ),
        (
            "abi = 2\ncapabilities = { allow_functions = [\"fn::\"] }",
            "FAILED  capabilities",
            "`allow_functions` entry \"fn::\" admits nothing",
        ),
        (
            "abi = 2\ncapabilities = { allow_functions = [\"mod::text::*\"] }",
            "FAILED  capabilities",
            "`allow_functions` entry \"mod::text::*\" admits nothing: write the whole name",
        ),
        (
            "abi = 2\ncapabilities = { max_pool_size = 0 }",
            "FAILED  capabilities",
            "`max_pool_size` is 0, and it has to be 1 to 100000",
        ),
        (
            "abi = 2\ncapabilities = { max_memory_bytes = 0 }",
            "FAILED  capabilities",
            "`max_memory_bytes` is 0",
        ),
        (
            "abi = 2\ncapabilities = { allow_net = [\"nx.invalid:80\"], strict_timeout = false }",
            "ok      capabilities",
            "asks for network, to be unstoppable",
        ),
    ];
    for (config, verdict, detail) in cases {
        check("", config, vec![function("f", &[])], &[]).code(1).prints(&[verdict, detail]);
    }
}

#[test]
fn functions_have_to_be_callable() {
    let cases = [
        (vec![], "FAILED  functions", "there is nothing to call"),
        (vec![function("a::", &[])], "FAILED  functions", "\"a::\" is no name of a function"),
        (vec![function("a\u{1b}[2J", &[])], "FAILED  functions", "is no name of a function"),
        (
            vec![function("a", &["x", "x"])],
            "FAILED  functions",
            "`a(x: int, x: int) -> int` has two arguments named \"x\"",
        ),
        (vec![function("a::b", &["x"]), function("c", &[])], "ok      functions", "2 functions"),
    ];
    for (functions, verdict, detail) in cases {
        check("", "abi = 2", functions, &[]).code(1).prints(&[verdict, detail]);
    }
}

#[test]
fn programs_get_a_report() {
    let told = check("", "abi = 2", vec![], &["--json"]).code(1).stdout;
    let report: Value = serde_json::from_str(&told).unwrap();
    assert_eq!(report["ok"], false);
    let checks = report["checks"].as_array().unwrap();
    let verdict =
        |name: &str| checks.iter().find(|check| check["name"] == name).unwrap()["ok"].clone();
    assert_eq!(verdict("abi"), true);
    assert_eq!(verdict("exports"), false);
}
