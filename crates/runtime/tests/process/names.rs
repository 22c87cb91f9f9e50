//! Names of `allow_net` that cannot be resolved, now or later.

use surrealdb_types::Value;
use surrealism_runtime::Runtime;

use crate::{builder_with, call, package, text};

const UNKNOWN: &str = "nx.invalid";

#[test]
fn a_name_that_cannot_be_resolved_keeps_nothing_else_from_running() {
    let rules = &["nx.invalid:443", "localhost", "127.0.0.1"];
    let runtime = builder_with("net", rules).build().unwrap();
    assert!(
        format!("{:?}", call(&runtime, "look_up", vec![text("localhost")])).contains("127.0.0.1")
    );
    let addresses = runtime.resolved_allow_net();
    assert_eq!(
        addresses.len(),
        1,
        "only the address is known before names are used: {addresses:?}"
    );

    let error = call(&runtime, "look_up", vec![text(UNKNOWN)]).unwrap_err();
    let expected = "the host could not resolve \"nx.invalid\" of `allow_net`";
    assert!(error.contains("name-unresolvable") && error.contains(expected), "{error}");

    // The next failure has another reason.
    let error = call(&runtime, "look_up", vec![text("example.com")]).unwrap_err();
    assert!(error.contains("access-denied") && !error.contains(UNKNOWN), "{error}");
}

#[test]
fn a_request_to_a_name_that_cannot_be_resolved_says_which() {
    let runtime = builder_with("web", &[UNKNOWN]).build().unwrap();
    let get = vec![text(UNKNOWN), text("/"), Value::Bool(false)];
    let error = call(&runtime, "get", get).unwrap_err();
    assert!(error.contains("could not resolve \"nx.invalid\" of `allow_net`"), "{error}");
}

#[test]
fn the_published_constructor_resolves_names_when_it_loads() {
    let load = |rule: &str| {
        let mut package = package("net");
        package.config.capabilities.allow_net = vec![rule.to_string()];
        Runtime::new(package, 1, None, None, None, None)
    };
    let error = load(UNKNOWN).unwrap_err().to_string();
    assert!(error.contains("\"nx.invalid\" of `allow_net` cannot be resolved"), "{error}");
    assert!(!load("localhost:80").unwrap().resolved_allow_net().is_empty());
}

#[test]
fn a_rule_that_cannot_be_parsed_is_refused_by_the_builder_too() {
    let error = builder_with("net", &["host:port"]).build().unwrap_err().to_string();
    assert!(error.contains("\"host:port\""), "{error}");
}
