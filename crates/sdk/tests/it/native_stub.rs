//! In a native test, each host function returns an error that says so.

use std::time::Duration;

use surrealism::surrealdb_types::Value;
use surrealism::{kv, run, sql, sql_with_vars};

#[test]
fn every_host_function_returns_an_error() {
    let a = || "a".to_string();
    let results: [(&str, anyhow::Result<()>); 22] = [
        ("sql", sql("RETURN 1").map(|_: Value| ())),
        ("sql", sql_with_vars("RETURN $x", vec![("x".to_string(), Value::Null)]).map(|_: i64| ())),
        ("run", run("fn::f", Some("1.0".to_string()), (1_i64,)).map(|_: i64| ())),
        ("run", run("fn::f", None, ()).map(|_: i64| ())),
        ("kv_get", kv::get("a").map(|_: Option<i64>| ())),
        ("kv_set", kv::set("a", 1_i64)),
        ("kv_del", kv::del("a")),
        ("kv_exists", kv::exists("a").map(drop)),
        ("kv_del_rng", kv::del_rng(a()..)),
        ("kv_get_batch", kv::get_batch(["a"]).map(|_: Vec<Option<i64>>| ())),
        ("kv_set_batch", kv::set_batch([("a", 1_i64)])),
        ("kv_del_batch", kv::del_batch(["a"])),
        ("kv_keys", kv::keys(a()..=a()).map(drop)),
        ("kv_values", kv::values(..a()).map(|_: Vec<i64>| ())),
        ("kv_entries", kv::entries(a()..a()).map(|_: Vec<(String, i64)>| ())),
        ("kv_count", kv::count(..).map(drop)),
        ("kv_compare_and_set", kv::compare_and_set("a", None, Some(1_i64)).map(drop)),
        ("kv_increment", kv::increment("a", 1).map(drop)),
        ("kv_increment_with_ttl", kv::increment_with_ttl("a", 1, Duration::from_secs(1)).map(drop)),
        ("kv_set_with_ttl", kv::set_with_ttl("a", 1_i64, Duration::from_secs(1))),
        ("kv_get_ttl", kv::ttl("a").map(drop)),
        ("kv_set_ttl", kv::set_ttl("a", None).map(drop)),
    ];
    for (function, result) in results {
        let error = result.unwrap_err().to_string();
        assert!(
            error.contains(&format!("cannot call `{function}`: a native test has no host")),
            "{error}"
        );
    }
}
