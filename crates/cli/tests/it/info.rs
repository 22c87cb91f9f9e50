//! Descriptions of archives.

use serde_json::Value;
use surrealism_runtime::SurrealismPackage;

use crate::support::{archive, snapshot_all, surrealism};

#[test]
fn archives_are_described() {
    let guests = ["attribute_matrix", "files"];
    snapshot_all("info", guests.map(|guest| surrealism(&["info", &archive(guest)]).code(0)));
}

#[test]
fn uninterruptible_code_is_reported() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("x.surli");
    for (strict_timeout, expected) in [
        (true, "interruptible  yes"),
        (false, "interruptible  NO: the time limit cannot stop its code"),
    ] {
        let mut package = SurrealismPackage::from_file(archive("state").into()).unwrap();
        package.config.capabilities.strict_timeout = strict_timeout;
        package.pack(file.clone(), None).unwrap();
        surrealism(&["info", file.to_str().unwrap()]).code(0).stdout_contains(&[expected]);
    }
}

#[test]
fn json_output_describes_an_archive() {
    let json = surrealism(&["info", "--json", &archive("attribute_matrix")]).code(0).stdout;
    let info: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(info["name"], "attribute_matrix");
    assert_eq!(info["abi"], 2);
    assert_eq!(info["capabilities"]["allow_net"], serde_json::json!([]));
    assert!(info["sizes"]["component"].as_u64() > Some(100_000), "{json}");

    let functions = info["functions"].as_array().unwrap();
    assert_eq!(functions[0]["name"], Value::Null);
    let add = functions.iter().find(|function| function["name"] == "math::add").unwrap();
    assert_eq!(add["args"][1], serde_json::json!({ "name": "b", "kind": "int" }));
    assert_eq!(add["returns"], "int");
    let commented = functions.iter().find(|function| function["name"] == "commented").unwrap();
    assert_eq!(commented["comment"], "An explicit comment.");
}
