//! In a native test without a host, each host function returns an error that says how to get one.

use std::time::Duration;

use surrealism::surrealdb_types::Value;
use surrealism::{kv, run, sql, sql_with_vars};

#[test]
fn every_host_function_returns_an_error() {
    let a = || "a".to_string();
    let results: [(&str, anyhow::Result<()>); 23] = [
        ("sql", sql("RETURN 1").map(|_: Value| ())),
        ("sql", sql_with_vars("RETURN $x", vec![("x".to_string(), Value::Null)]).map(|_: i64| ())),
        ("run", run("fn::f", Some("1.0".to_string()), (1_i64,)).map(|_: i64| ())),
        ("run", run("fn::f", None, ()).map(|_: i64| ())),
        ("kv::get", kv::get("a").map(|_: Option<i64>| ())),
        ("kv::set", kv::set("a", 1_i64)),
        ("kv::del", kv::del("a")),
        ("kv::exists", kv::exists("a").map(drop)),
        ("kv::del_rng", kv::del_rng(a()..)),
        ("kv::get_batch", kv::get_batch(["a"]).map(|_: Vec<Option<i64>>| ())),
        ("kv::set_batch", kv::set_batch([("a", 1_i64)])),
        ("kv::del_batch", kv::del_batch(["a"])),
        ("kv::keys", kv::keys(a()..=a()).map(drop)),
        ("kv::values", kv::values(..a()).map(|_: Vec<i64>| ())),
        ("kv::entries", kv::entries(a()..a()).map(|_: Vec<(String, i64)>| ())),
        ("kv::count", kv::count(..).map(drop)),
        ("kv::compare_and_set", kv::compare_and_set("a", None, Some(1_i64)).map(drop)),
        ("kv::increment", kv::increment("a", 1).map(drop)),
        (
            "kv::increment_with_ttl",
            kv::increment_with_ttl("a", 1, Duration::from_secs(1)).map(drop),
        ),
        ("kv::set_with_ttl", kv::set_with_ttl("a", 1_i64, Duration::from_secs(1))),
        ("kv::ttl", kv::ttl("a").map(drop)),
        ("attached", surrealism::attached("a.csv").map(drop).map_err(anyhow::Error::from)),
        ("kv::set_ttl", kv::set_ttl("a", None).map(drop)),
    ];
    for (function, result) in results {
        let error = result.unwrap_err().to_string();
        let expected = format!(
            "cannot call `{function}`: this thread has no host; begin the test with `let _host = \
             surrealism::testing::Host::new();`, and give `surrealism` the feature `testing`"
        );
        assert!(error.starts_with(&expected), "{error}");
    }
}
