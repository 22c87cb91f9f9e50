//! Checks of valid archives, and of archives that each violate one rule.

use serde_json::Value;
use surrealdb_types::Kind;
use surrealism_runtime::{ExportsManifest, FunctionExport, SurrealismConfig, SurrealismPackage};

use crate::support::{Ran, archive, snapshot_all, surrealism};

const INVOKE: &str = r#"
    (import "f" (func $f
        (param "name" (option string)) (param "args" (list u8))
        (result (result (list u8) (error string)))))
    (export "invoke" (func $f))"#;

/// Packs a component, a configuration and a list of functions, and checks the archive.
fn check(component: &str, config: &str, functions: Vec<FunctionExport>, args: &[&str]) -> Ran {
    let dir = tempfile::tempdir().unwrap();
    let archive = dir.path().join("x.surli");
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
fn imports_and_exports_must_match_the_interface() {
    let wrong_type = r#"(import "f" (func $f (param "x" u32))) (export "invoke" (func $f))"#;
    let foreign = format!(r#"{INVOKE} (import "evil:x/y" (instance))"#);
    let unknown = r#"(import "surrealism:plugin/host" (instance (export "fly" (func))))"#;
    let wrong_import = r#"(import "surrealism:plugin/host" (instance
        (export "kv-count" (func (result u64)))))"#;
    let wrong_extension = r#"(import "surrealism:plugin/kv-atomic" (instance
        (export "kv-increment" (func (result s64)))))"#;
    let types = format!(r#"{INVOKE} (import "surrealism:plugin/types" (instance))"#);
    let cases = [
        ("", "FAILED  exports", "missing export `invoke`"),
        (
            wrong_type,
            "FAILED  exports",
            "`invoke` has type func(u32): expected func(option<string>",
        ),
        (&foreign, "FAILED  imports", "unknown import evil:x/y: no host of this ABI implements it"),
        (unknown, "FAILED  imports", "unknown function `fly`"),
        (
            wrong_import,
            "FAILED  imports",
            "`kv-count` has type func() -> u64: expected func(list<u8>)",
        ),
        (
            wrong_extension,
            "FAILED  imports",
            "import surrealism:plugin/kv-atomic does not match the host",
        ),
        (INVOKE, "ok      exports", "invoke; without function-args; without"),
        (INVOKE, "FAILED  imports", "unknown import f: no host"),
        (&types, "FAILED  imports", "unknown import f: no host"),
    ];
    for (component, verdict, detail) in cases {
        check(component, "abi = 2", vec![function("f", &[])], &[]).code(1).stdout_contains(&[
            verdict,
            detail,
            "FAILED  code",
        ]);
    }
}

#[test]
fn configurations_must_be_valid() {
    let cases = [
        ("abi = 1", "FAILED  abi", "unsupported ABI 1: hosts implement ABI 2"),
        (
            "abi = 2\ncapabilities = { allow_net = [\"nx.invalid\", \"a b\"] }",
            "FAILED  capabilities",
            "`allow_net` entry \"a b\"",
        ),
        (
            "abi = 2\ncapabilities = { allow_functions = [\"fn::\"] }",
            "FAILED  capabilities",
            "`allow_functions` entry \"fn::\" matches no function",
        ),
        (
            "abi = 2\ncapabilities = { allow_functions = [\"mod::text::*\"] }",
            "FAILED  capabilities",
            "`allow_functions` entry \"mod::text::*\" matches no function: write the full name",
        ),
        (
            "abi = 2\ncapabilities = { max_pool_size = 0 }",
            "FAILED  capabilities",
            "`max_pool_size` is 0: it must be between 1 and 100000",
        ),
        (
            "abi = 2\ncapabilities = { max_memory_bytes = 0 }",
            "FAILED  capabilities",
            "`max_memory_bytes` is 0",
        ),
        (
            "abi = 2\ncapabilities = { allow_net = [\"nx.invalid:80\"], strict_timeout = false }",
            "ok      capabilities",
            "requests network, uninterruptible code",
        ),
    ];
    for (config, verdict, detail) in cases {
        check("", config, vec![function("f", &[])], &[])
            .code(1)
            .stdout_contains(&[verdict, detail]);
    }
}

#[test]
fn functions_must_be_callable() {
    let cases = [
        (vec![], "FAILED  functions", "exports.toml lists no functions"),
        (
            vec![function("a", &["x", "x"])],
            "FAILED  functions",
            "`a(x: int, x: int) -> int` has two arguments named \"x\"",
        ),
        (vec![function("a::b", &["x"]), function("c", &[])], "ok      functions", "2 functions"),
    ];
    for (functions, verdict, detail) in cases {
        check("", "abi = 2", functions, &[]).code(1).stdout_contains(&[verdict, detail]);
    }
}

#[test]
fn json_output_reports_all_checks() {
    let json = check("", "abi = 2", vec![], &["--json"]).code(1).stdout;
    let report: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(report["ok"], false);
    let checks = report["checks"].as_array().unwrap();
    let verdict =
        |name: &str| checks.iter().find(|check| check["name"] == name).unwrap()["ok"].clone();
    assert_eq!(verdict("abi"), true);
    assert_eq!(verdict("exports"), false);
}

#[test]
fn guests_pass_all_checks() {
    let check = |guest| surrealism(&["check", &archive(guest)]).code(0);
    snapshot_all("check", ["attribute_matrix", "kv_atomic"].map(check));
    let others = [
        "broken-init",
        "files",
        "host",
        "hostile",
        "isolation",
        "net",
        "no_capabilities",
        "state",
        "web",
    ];
    for guest in others {
        let ran = check(guest);
        assert!(!ran.stdout.contains("third-party"), "{ran}");
    }
}
