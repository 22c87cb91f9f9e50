//! What a new archive changes.

use std::path::Path;
use std::time::Duration;

use surrealdb_types::Kind;
use surrealism_runtime::coerce::parse_kind;
use surrealism_runtime::{FunctionExport, FunctionTargets, SurrealismConfig, SurrealismPackage};

use crate::support::{archive, snapshot_all, surrealism, surrealism_in};

const OLD: &str = "
    abi = 2
    [package]
    organisation = 'acme'
    name = 'weather'
    version = '1.0.0'
    [capabilities]
    allow_net = ['api.example.com:443', 'old.example.com']
    max_memory_bytes = 67108864
    max_execution_time = 500
    [config.api_url]
    kind = 'string'
    [config.retries]
    kind = 'int'
    default = 3
    [config.mode]
    kind = 'string'
    [config.key]
    kind = 'string'
    secret = true
    default = ''
";

const NEW: &str = "
    abi = 2
    [package]
    organisation = 'acme'
    name = 'weather'
    version = '1.1.0'
    [capabilities]
    allow_arbitrary_queries = true
    allow_functions = ['http']
    allow_net = ['api.example.com:443', 'new.example.com']
    max_memory_bytes = 134217728
    max_execution_time = 250
    max_pool_size = 4
    [config.api_url]
    kind = 'string'
    default = 'https://api.example.com'
    [config.retries]
    kind = 'number'
    default = 5
    [config.mode]
    kind = \"'fast' | 'slow'\"
    [config.key]
    kind = 'string'
    default = ''
    [config.region]
    kind = 'string'
    [config.note]
    kind = 'option<string>'
";

fn function(name: &str, args: &[(&str, &str)], returns: &str) -> FunctionExport {
    let kind = |text: &str| -> Kind { parse_kind(text).unwrap() };
    FunctionExport {
        name: Some(name.to_string()),
        args: args.iter().map(|(name, text)| (name.to_string(), kind(text))).collect(),
        returns: kind(returns),
        args_text: None,
        returns_text: None,
        writeable: false,
        comment: None,
    }
}

fn package(config: &str, functions: Vec<FunctionExport>) -> SurrealismPackage {
    let mut package = SurrealismPackage::from_file(archive("state").into()).unwrap();
    package.config = SurrealismConfig::parse(config).unwrap();
    package.exports.functions = functions;
    package
}

fn pack(package: &SurrealismPackage, dir: &Path, name: &str) -> String {
    let file = dir.join(name);
    package.pack(file.clone(), None).unwrap();
    file.display().to_string()
}

#[test]
fn each_change_is_listed_and_breaking_ones_fail() {
    let dir = tempfile::tempdir().unwrap();
    let old = [
        function("gone", &[("a", "int")], "int"),
        function("wider", &[("a", "int"), ("b", "'x'")], "number"),
        function("narrower", &[("a", "number"), ("b", "option<int>")], "int"),
        function("renamed", &[("a", "int")], "int"),
        function("longer", &[("a", "int")], "int"),
        function("shorter", &[("a", "int"), ("b", "int")], "int"),
        function("same", &[("a", "{ b: array<int> }")], "any"),
    ];
    let mut new = [
        function("fresh", &[], "none"),
        function("wider", &[("a", "number"), ("b", "string")], "int"),
        function("narrower", &[("a", "int"), ("b", "int")], "option<int>"),
        function("renamed", &[("x", "int")], "int"),
        function("longer", &[("a", "int"), ("b", "option<int>"), ("c", "int")], "int"),
        function("shorter", &[("a", "int")], "int"),
        function("same", &[("a", "{ b: array<int> }")], "any"),
    ];
    new[0].writeable = true;
    new[6].writeable = true;
    let old = pack(&package(OLD, old.into()), dir.path(), "old.surli");
    let new = pack(&package(NEW, new.into()), dir.path(), "new.surli");
    let diff = |one: &str, other: &str, code| {
        let [one, other] = [one, other].map(|file| Path::new(file).file_name().unwrap());
        surrealism_in(dir.path(), &["diff".as_ref(), one, other]).code(code)
    };
    snapshot_all("diff", [diff(&old, &new, 1), diff(&new, &old, 1), diff(&old, &old, 0)]);

    let json = surrealism(&["diff", "--json", &old, &new]).code(1).stdout;
    let report: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(report["breaking"], true);
    assert_eq!(
        report["changes"][0],
        serde_json::json!({
            "breaking": true, "area": "function", "name": "gone", "change": "gone: gone(a: int) -> int"
        })
    );
}

#[test]
fn what_no_caller_and_no_operator_notices_does_not_fail() {
    let dir = tempfile::tempdir().unwrap();
    let mut one = package(OLD, vec![function("f", &[("a", "int")], "number")]);
    let old = pack(&one, dir.path(), "old.surli");
    one.config.meta.version = "1.0.1".parse().unwrap();
    one.config.capabilities.allow_net.pop();
    one.config.capabilities.max_execution_time = Some(Duration::from_secs(1));
    one.exports.functions = vec![
        function("f", &[("a", "number"), ("b", "option<int>")], "int"),
        function("g", &[], "int"),
    ];
    let new = pack(&one, dir.path(), "new.surli");
    surrealism(&["diff", &old, &new]).code(0).stdout_contains(&["0 of 7 changes are breaking"]);

    one.config.capabilities.allow_functions = FunctionTargets::All;
    let asking = pack(&one, dir.path(), "asking.surli");
    surrealism(&["diff", &new, &asking]).code(1).stdout_contains(&["functions", "* is asked for"]);
    surrealism(&["diff", &new, "/nowhere"]).code(4).stderr_contains(&["cannot open /nowhere"]);
}
