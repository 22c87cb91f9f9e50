//! The host for unit tests. That its store is a real one is shown by the conformance tests of the stores.
#![cfg(feature = "testing")]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use surrealism::surrealdb_types::{SurrealValue, Value};
use surrealism::testing::{BTreeMapStore, Expected, Host, KvLimits};
use surrealism::{anyhow, kv, run, sql, sql_with_vars, surrealism};

surrealism::namespace!(hosted);

fn text(text: &str) -> String {
    text.to_string()
}

/// Returns what a panic says.
fn panic_of(test: impl FnOnce()) -> String {
    let panic = catch_unwind(AssertUnwindSafe(test)).expect_err("a panic");
    panic
        .downcast_ref::<String>()
        .cloned()
        .unwrap_or_else(|| panic.downcast_ref::<&str>().expect("a text").to_string())
}

#[surrealism]
fn visit(page: String) -> anyhow::Result<i64> {
    surrealism::println!("a visit of {page}\nand a line");
    surrealism::eprintln!();
    kv::increment_with_ttl(page, 1, Duration::from_secs(60))
}

#[test]
fn a_function_that_uses_the_store_and_prints_is_tested() {
    let host = Host::new();
    assert_eq!(visit(text("home")).unwrap(), 1);
    assert_eq!(visit(text("home")).unwrap(), 2);
    assert_eq!(host.stdout(), ["a visit of home", "and a line"].repeat(2));
    assert_eq!(host.stderr(), ["", ""]);
    host.advance(Duration::from_secs(61));
    assert_eq!(visit(text("home")).unwrap(), 1, "the counter has expired");
}

#[test]
fn each_thread_has_its_own_host() {
    let _host = Host::new();
    kv::set("a", 1_i64).unwrap();
    thread::scope(|scope| {
        scope.spawn(|| {
            assert!(kv::get::<_, i64>("a").unwrap_err().to_string().contains("has no host"));
            let _host = Host::new();
            assert_eq!(kv::get::<_, i64>("a").unwrap(), None);
            kv::set("a", 2_i64).unwrap();
        });
    });
    assert_eq!(kv::get::<_, i64>("a").unwrap(), Some(1));
}

#[test]
fn a_thread_has_one_host_at_a_time() {
    let host = Host::new();
    kv::set("a", 1_i64).unwrap();
    assert!(panic_of(|| drop(Host::new())).contains("this thread has a host already"));
    assert!(kv::exists("a").unwrap(), "the first host stays");
    drop(host);
    assert!(kv::exists("a").is_err());
    let _next = Host::new();
    assert!(!kv::exists("a").unwrap());
}

#[test]
fn a_store_may_be_shared_and_limited() {
    let store = Arc::new(BTreeMapStore::new());
    {
        let _host = Host::new().kv_store(store.clone());
        kv::set("a", 1_i64).unwrap();
    }
    let _host = Host::new().kv_store(store);
    assert_eq!(kv::get::<_, i64>("a").unwrap(), Some(1));
    drop(_host);

    let _host = Host::new().kv_limits(KvLimits { max_entries: Some(1), ..KvLimits::default() });
    kv::set("a", 1_i64).unwrap();
    let error = kv::set("b", 1_i64).unwrap_err().to_string();
    assert_eq!(error, "the store would hold 2 keys, and `max_kv_entries` is 1: delete some first");
}

/// The limits of requests, which a real host checks before its store.
#[test]
fn requests_are_limited_as_on_a_real_host() {
    let _host = Host::new().on_sql(|_, _| Ok(())).on_run(|_, _, _| Ok(()));
    let long = |bytes| "x".repeat(bytes);
    for (result, expected) in [
        (sql(long(1 << 20)), None),
        (sql(long((1 << 20) + 1)), Some("the query takes 1048577 bytes, and 1048576 are allowed")),
        (run(long(1024), Some(long(1024)), ()), None),
        (run(long(1025), None, ()), Some("the function's name takes 1025 bytes")),
        (run("f", Some(long(1025)), ()), Some("the version takes 1025 bytes")),
        (kv::set(long(1024), ()), None),
        (kv::set(long(1025), ()), Some("takes 1025 bytes, and a key has at most 1024")),
        (kv::del_batch((0..10_000).map(|i: i32| i.to_string())), None),
        (
            kv::del_batch((0..10_001).map(|i: i32| i.to_string())),
            Some("the request has 10001 keys, and 10000 are allowed: split it"),
        ),
        (kv::set_with_ttl("a", (), Duration::ZERO), Some("the time to live of key \"a\" is zero")),
    ] {
        match (result, expected) {
            (Ok(()), None) => (),
            (Err(error), Some(expected)) => {
                assert!(error.to_string().contains(expected), "{error}")
            }
            (result, expected) => panic!("{result:?} {expected:?}"),
        }
    }
}

#[test]
fn expected_calls_are_answered_in_order() {
    let _host = Host::new()
        .expect(Expected::sql("SELECT *\n FROM a").returns(vec![1_i64]))
        .expect(Expected::sql("RETURN $x").var("x", 2_i64).returns(2_i64))
        .expect(Expected::run("fn::f", (1_i64,)).version("1.0").fails("no luck"))
        .expect(Expected::run("fn::g", ()));
    assert_eq!(sql::<_, Vec<i64>>("SELECT * FROM a").unwrap(), [1]);
    let vars = [(text("x"), 2_i64.into_value())];
    assert_eq!(sql_with_vars::<_, _, i64>("RETURN $x", vars).unwrap(), 2);
    let error = run::<_, _, i64>("fn::f", Some(text("1.0")), (1_i64,)).unwrap_err();
    assert_eq!(error.to_string(), "no luck");
    assert_eq!(run::<_, _, Value>("fn::g", None, ()).unwrap(), Value::None);
}

#[test]
fn a_call_that_is_not_expected_fails_the_test() {
    let query = || Expected::sql("RETURN 1").returns(1_i64);
    let call = || Expected::run("fn::f", (1_i64,));
    let sql = || drop(sql::<_, i64>("RETURN 1"));
    let run = |version: Option<&str>, arg: i64| {
        drop(run::<_, _, Value>("fn::f", version.map(text), (arg,)));
    };
    type Case<'a> = (Vec<Expected>, &'a dyn Fn(), &'a str);
    let cases: [Case<'_>; 7] = [
        (
            vec![call()],
            &sql,
            "the next call was expected to be run: fn::f(1), and is sql: RETURN 1",
        ),
        (vec![query(), call()], &|| run(None, 1), "to be sql: RETURN 1, and is run: fn::f(1)"),
        (vec![query().var("x", 1_i64)], &sql, "sql: RETURN 1 with { x: 1 }, and is sql: RETURN 1"),
        (vec![call()], &|| run(None, 2), "to be run: fn::f(1), and is run: fn::f(2)"),
        (vec![call()], &|| run(Some("2.0"), 1), "to be run: fn::f(1), and is run: fn::f<2.0>(1)"),
        (vec![query()], &|| [(); 2].map(|()| sql()).into_iter().collect(), "no further call was"),
        (
            vec![query(), call(), call()],
            &sql,
            "2 expected calls did not come, of which the first is run",
        ),
    ];
    for (expected, test, text) in cases {
        let panic = panic_of(|| {
            let _host = expected.into_iter().fold(Host::new(), Host::expect);
            test();
        });
        assert!(panic.contains(text), "{panic}");
    }
}

#[test]
fn closures_answer_and_may_call_the_host() {
    let _host = Host::new()
        .expect(Expected::run("fn::first", ()).returns(0_i64))
        .on_sql(|query, vars| match query {
            "RETURN $x" => Ok(vars.get("x").cloned().unwrap_or_default()),
            _ => anyhow::bail!("cannot parse {query:?}"),
        })
        .on_run(|function, version, args| {
            kv::increment(function, 1)?;
            Ok(format!("{function} {version:?} {}", args.len()))
        });
    assert_eq!(run::<_, _, i64>("fn::first", None, ()).unwrap(), 0);
    let vars = [(text("x"), 2_i64.into_value())];
    assert_eq!(sql_with_vars::<_, _, i64>("RETURN $x", vars).unwrap(), 2);
    assert_eq!(sql::<_, i64>("x").unwrap_err().to_string(), "cannot parse \"x\"");
    let answer: String = run("fn::f", Some(text("1.0")), (1_i64, 2_i64)).unwrap();
    assert_eq!(answer, "fn::f Some(\"1.0\") 2");
    assert_eq!(kv::get::<_, i64>("fn::f").unwrap(), Some(1));
}

#[test]
fn without_an_answer_a_call_fails() {
    let _host = Host::new();
    let error = sql::<_, i64>("RETURN 1").unwrap_err().to_string();
    assert_eq!(
        error,
        "the test's host has no answer: give it one by `expect`, `on_sql` or `on_run`, for sql: RETURN 1"
    );
    let error = surrealism::attached("a.csv").unwrap_err().to_string();
    assert!(error.starts_with("cannot find attached files in "), "{error}");
}

#[surrealism]
async fn later(key: String) -> anyhow::Result<bool> {
    kv::set(key.as_str(), true)?;
    kv::get(key).map(Option::unwrap_or_default)
}

#[test]
fn async_functions_have_the_host_too() {
    let _host = Host::new();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    assert!(runtime.block_on(later(text("a"))).unwrap());
}
