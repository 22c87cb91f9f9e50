//! The functions that a host provides: what they do, and how they are refused without a capability.

use std::sync::Arc;
use std::time::Duration;

use surrealdb_types::{Object, SurrealValue, Value, object};
use surrealism_runtime::config::AbiVersion;
use surrealism_runtime::kv::MAX_KV_KEY_BYTES;
use surrealism_runtime::limits::{
    MAX_OUTPUT_BYTES_PER_CALL, MAX_OUTPUT_LINE_BYTES, MIN_OUTPUT_LINE_CHARGE,
};
use surrealism_runtime::{
    BTreeMapStore, DetachedContext, Error, FunctionTargets, Runtime, SurrealismPackage,
};

use crate::support::{
    Recorder, Transcript, assert_error_contains, builder, load, name, package, runtime, shared,
    text, trusted, value,
};

fn call(
    runtime: &Runtime,
    context: &Recorder,
    function: &str,
    args: Vec<Value>,
) -> Result<Value, Error> {
    futures::executor::block_on(runtime.call(function, args, context.clone()).into_future())
}

#[test]
fn queries_and_functions_reach_the_context() {
    let (runtime, context) = (shared("host"), Recorder::new());
    let call = |function, args| call(runtime, &context, function, args);
    let vars = Value::Object(object! { x: 1_i64, y: "a".to_string() });

    assert_eq!(call("sql", vec![text("RETURN 1")]).unwrap(), Value::Object(Object::new()));
    let bound = call("sql_with_vars", vec![text("RETURN $x"), vars.clone()]).unwrap();
    assert_eq!(bound, vars);
    let list = value(vec![value(1_i64), Value::Null]);
    let ran = call("run", vec![text("fn::x"), Value::None, list.clone()]).unwrap();
    assert_eq!(ran, list);
    call("run", vec![text("fn::x"), text("1.2.0"), list]).unwrap();
    assert_eq!(
        context.calls(),
        [
            "sql RETURN 1 []",
            "sql RETURN $x [\"x\", \"y\"]",
            "run fn::x None 2",
            "run fn::x Some(\"1.2.0\") 2",
        ]
    );

    let failed = call("sql", vec![text("fail now")]).unwrap_err();
    assert_error_contains(&failed, &["the database says no"]);
    let mistyped = call("sql_int", vec![text("RETURN 'x'")]).unwrap_err();
    assert_error_contains(&mistyped, &["int"]);
}

#[test]
fn a_missing_capability_is_refused_before_the_context_is_called() {
    let (runtime, context) = (runtime("no_capabilities"), Recorder::new());
    let mut transcript = Transcript::default();
    for (function, arg) in [("sql", "RETURN 1"), ("run", "fn::x")] {
        let error = call(&runtime, &context, function, vec![text(arg)]).unwrap_err();
        transcript.add(format!("{function} {arg}"), error);
    }
    transcript.assert(|text| insta::assert_snapshot!(text));
    assert!(context.calls().is_empty());
    // The store is the module's own, and needs no capability.
    assert_eq!(call(&runtime, &context, "store", vec![]).unwrap(), value(true));

    let mut some = package("no_capabilities");
    some.config.capabilities.allow_functions = FunctionTargets::Some(vec!["fn::x".to_string()]);
    let runtime = load(some).build().unwrap();
    call(&runtime, &context, "run", vec![text("fn::x")]).unwrap();
    call(&runtime, &context, "run", vec![text("fn::y")]).unwrap_err();
    assert_eq!(context.calls(), ["run fn::x None 0"]);
}

#[test]
fn a_detached_context_has_no_database_and_no_store() {
    let runtime = shared("host");
    let mut transcript = Transcript::default();
    for (function, args) in [
        ("sql", vec![text("RETURN 1")]),
        ("run", vec![text("fn::x"), Value::None, value(Vec::<Value>::new())]),
        ("kv::get", vec![text("a")]),
    ] {
        let call = runtime.call(function, args, DetachedContext::new());
        let error = futures::executor::block_on(call.into_future()).unwrap_err();
        transcript.add(function, error);
    }
    transcript.assert(|text| insta::assert_snapshot!(text));
}

#[test]
fn the_store_keeps_the_published_contract() {
    let (runtime, context) = (shared("host"), Recorder::new());
    let call = |function, args| call(runtime, &context, function, args);
    let done = |function, args| assert_eq!(call(function, args).unwrap(), Value::None);
    let keys = |range| call("kv::keys", vec![text(range)]).unwrap();
    let strings = |list: &[&str]| value(list.iter().map(|s| text(s)).collect::<Vec<_>>());

    done("kv::get", vec![text("a")]);
    done("kv::set", vec![text("a"), value(1_i64)]);
    assert_eq!(call("kv::get", vec![text("a")]).unwrap(), value(1_i64));
    assert_eq!(call("kv::get_int", vec![text("a")]).unwrap(), value(1_i64));
    assert_eq!(call("kv::exists", vec![text("a")]).unwrap(), value(true));
    done("kv::del", vec![text("a")]);
    done("kv::del", vec![text("a")]);
    assert_eq!(call("kv::exists", vec![text("a")]).unwrap(), value(false));

    let values = value(vec![value(1_i64), text("two"), Value::Null]);
    done("kv::set_batch", vec![strings(&["a", "b", "c"]), values]);
    assert_eq!(
        call("kv::get_batch", vec![strings(&["c", "z", "a"])]).unwrap(),
        value(vec![Value::Null, Value::None, value(1_i64)])
    );
    assert_error_contains(&call("kv::get_int", vec![text("b")]).unwrap_err(), &["int"]);
    for (range, expected) in [
        ("..", &["a", "b", "c"][..]),
        ("b..", &["b", "c"]),
        (">b..", &["c"]),
        ("..b", &["a"]),
        ("..=b", &["a", "b"]),
        ("a..c", &["a", "b"]),
        ("c..a", &[]),
    ] {
        assert_eq!(keys(range), strings(expected), "{range}");
        let count = call("kv::count", vec![text(range)]).unwrap();
        assert_eq!(count, value(expected.len() as i64), "{range}");
    }
    assert_eq!(
        call("kv::values", vec![text("..c")]).unwrap(),
        value(vec![value(1_i64), text("two")])
    );
    let entry = value(vec![text("b"), text("two")]);
    assert_eq!(call("kv::entries", vec![text("b..=b")]).unwrap(), value(vec![entry]));
    done("kv::del_rng", vec![text("b..")]);
    assert_eq!(keys(".."), strings(&["a"]));
    done("kv::del_batch", vec![strings(&["a", "z"])]);
    assert_eq!(keys(".."), strings(&[]));
    let counts = [3_i64, 3, 2, 3, 2, 3, 2, 0].to_vec();
    assert_eq!(call("kv::count_by_type", vec![]).unwrap(), value(counts));

    let long = "k".repeat(MAX_KV_KEY_BYTES + 1);
    let error = call("kv::get", vec![text(&long)]).unwrap_err();
    assert_error_contains(&error, &["1025 bytes", "1024"]);
}

#[test]
fn the_store_has_atomic_operations_and_time_to_live() {
    let (runtime, context) = (shared("kv_atomic"), Recorder::new());
    let call = |function, args| call(runtime, &context, function, args);
    let minute = || Duration::from_secs(60).into_value();

    assert_eq!(call("increment", vec![text("n"), value(5_i64)]).unwrap(), value(5_i64));
    assert_eq!(call("increment", vec![text("n"), value(-7_i64)]).unwrap(), value(-2_i64));
    assert_error_contains(
        &call("increment", vec![text("n"), value(i64::MIN)]).unwrap_err(),
        &["does not fit"],
    );
    assert_eq!(call("get", vec![text("n")]).unwrap(), value(-2_i64));

    assert_eq!(call("lock", vec![text("l"), text("me")]).unwrap(), value(true));
    assert_eq!(call("lock", vec![text("l"), text("you")]).unwrap(), value(false));
    assert_eq!(call("swap", vec![text("l"), text("you"), Value::None]).unwrap(), value(false));
    assert_eq!(call("swap", vec![text("l"), text("me"), Value::None]).unwrap(), value(true));
    assert_eq!(call("get", vec![text("l")]).unwrap(), Value::None);

    call("set_with_ttl", vec![text("c"), text("x"), minute()]).unwrap();
    assert!(matches!(call("ttl", vec![text("c")]).unwrap(), Value::Duration(_)));
    assert_eq!(call("set_ttl", vec![text("c"), Value::None]).unwrap(), value(true));
    assert_eq!(call("ttl", vec![text("c")]).unwrap(), Value::None);
    assert_eq!(call("set_ttl", vec![text("z"), minute()]).unwrap(), value(false));
    let millisecond = Duration::from_millis(1).into_value();
    call("set_with_ttl", vec![text("c"), text("x"), millisecond]).unwrap();
    std::thread::sleep(Duration::from_millis(5));
    assert_eq!(call("get", vec![text("c")]).unwrap(), Value::None);
    let count = |time| call("increment_with_ttl", vec![text("r"), value(1_i64), time]);
    assert_eq!(count(minute()).unwrap(), value(1_i64));
    assert_eq!(count(minute()).unwrap(), value(2_i64));
    assert!(matches!(call("ttl", vec![text("r")]).unwrap(), Value::Duration(_)));
    for time in [Duration::ZERO, Duration::from_secs(1 << 40)] {
        let refused =
            call("set_with_ttl", vec![text("c"), text("x"), time.into_value()]).unwrap_err();
        assert_error_contains(&refused, &["the time to live of key \"c\" is"]);
    }
}

#[test]
fn the_smaller_of_module_and_host_limits_bounds_the_store() {
    for (module, host, holds) in [(Some(2), None, 2), (None, Some(2), 2), (Some(3), Some(2), 2)] {
        let mut package = package("host");
        package.config.capabilities.max_kv_entries = module;
        let mut builder = trusted(package).max_kv_value_bytes(100);
        if let Some(host) = host {
            builder = builder.max_kv_entries(host);
        }
        let runtime = builder.build().unwrap();
        let context = Recorder::with_store(runtime.kv_store().clone());
        let set = |key: &str, value: &str| {
            call(&runtime, &context, "kv::set", vec![text(key), text(value)])
        };
        for key in 0..holds {
            set(&key.to_string(), "").unwrap();
        }
        let too_many = set("more", "").unwrap_err();
        assert_error_contains(&too_many, &["`max_kv_entries` is 2"]);
        let too_large = set("0", &"x".repeat(100)).unwrap_err();
        assert_error_contains(&too_large, &["`max_kv_value_bytes` is 100"]);
    }
}

#[test]
fn each_module_has_a_store_that_outlives_its_instances() {
    let (one, other) = (runtime("host"), runtime("host"));
    let context = |runtime: &Runtime| Recorder::with_store(runtime.kv_store().clone());
    call(&one, &context(&one), "kv::set", vec![text("a"), value(1_i64)]).unwrap();
    assert_eq!(call(&one, &context(&one), "kv::get", vec![text("a")]).unwrap(), value(1_i64));
    assert_eq!(call(&other, &context(&other), "kv::get", vec![text("a")]).unwrap(), Value::None);
    assert!(one.usage().kv_bytes.current > 0);
}

#[test]
fn output_arrives_in_lines_up_to_a_limit() {
    let runtime = shared("host");
    let printed = |function, args| {
        let context = Recorder::new();
        call(runtime, &context, function, args).unwrap();
        (context.stdout(), context.stderr())
    };
    assert_eq!(printed("print::line", vec![text("a\nb")]).0, ["a", "b"]);
    let (out, err) = printed("print::error_line", vec![text("a")]);
    assert_eq!((out.len(), err.concat()), (0, "a".to_string()));
    assert_eq!(printed("print::partial", vec![]).0, ["ab", "c"]);
    assert_eq!(printed("print::bytes", vec![]).0, ["\u{fffd}\u{fffd}"]);

    let long = printed("print::long_line", vec![value(MAX_OUTPUT_LINE_BYTES as i64 + 1)]).0;
    assert_eq!(long.iter().map(String::len).collect::<Vec<_>>(), [MAX_OUTPUT_LINE_BYTES, 1]);

    let flood = printed("print::flood", vec![value(200_000_i64)]).0;
    assert_eq!(flood.len(), MAX_OUTPUT_BYTES_PER_CALL / MIN_OUTPUT_LINE_CHARGE + 1);
    assert!(flood.last().unwrap().contains("output stopped"));
    // The limit is that of one call.
    assert_eq!(printed("print::line", vec![text("a")]).0, ["a"]);
}

#[test]
fn a_released_instance_holds_no_context() {
    let runtime = builder("host").pool_size(1).build().unwrap();
    let first = Recorder::new();
    futures::executor::block_on(async {
        let mut controller = runtime.acquire_controller(first.boxed()).await.unwrap();
        controller.clear_context();
        let args = vec![text("RETURN 1")];
        let error = controller.invoke(name("sql"), args.clone()).await.unwrap_err();
        assert_error_contains(&error, &["no database"]);
        controller.invoke(name("print::line"), vec![text("dropped")]).await.unwrap();
        controller.set_context(first.boxed());
        controller.invoke(name("sql"), args).await.unwrap();
        let held = Arc::strong_count(&first.calls);
        runtime.release_controller(controller);
        assert_eq!(Arc::strong_count(&first.calls), held - 1, "the pool keeps the context");
    });
    assert_eq!(first.calls().len(), 1);
    assert!(first.stdout().is_empty());

    let second = Recorder::new();
    call(&runtime, &second, "print::line", vec![text("mine")]).unwrap();
    assert_eq!((first.stdout().len(), second.stdout().len()), (0, 1));
}

#[test]
fn another_abi_is_refused() {
    let mut package = package("host");
    package.config.abi = AbiVersion(1);
    let error = trusted(package).build().unwrap_err();
    let mut transcript = Transcript::default();
    transcript.add("ABI 1", error);
    transcript.assert(|text| insta::assert_snapshot!(text));
}

#[test]
fn what_is_not_a_plugin_is_refused_at_load() {
    for (wasm, part) in [
        (b"\0asm\x0d\0\x01\0".to_vec(), "exports no `invoke`"),
        (b"\0asm\x0d\0\x01\0\xff\xff".to_vec(), "compilation failed"),
        (b"\0asm\x01\0\0\0".to_vec(), "compilation failed"),
        (Vec::new(), "compilation failed"),
    ] {
        let package = SurrealismPackage { wasm, ..package("host") };
        assert_error_contains(&trusted(package).build().unwrap_err(), &[part]);
    }
}

#[test]
fn the_published_constructor_works() {
    let runtime = Runtime::new(package("host"), 1, None, None, Some(1), Some(64)).unwrap();
    assert!(runtime.wasm_size() > 100_000);
    assert_eq!(runtime.config().meta.name, "host");
    assert!(runtime.resolved_allow_net().is_empty());
    assert!(runtime.exports().get_signature(Some("sql")).is_some());
    let store: &Arc<BTreeMapStore> = runtime.kv_store();
    let context = DetachedContext::new().kv(store.clone());
    let call = |key: &str| {
        let call = runtime.call("kv::set", (key.to_string(), 1_i64), context.clone());
        futures::executor::block_on(call.into_future())
    };
    call("a").unwrap();
    assert_error_contains(&call("b").unwrap_err(), &["`max_kv_entries` is 1"]);
    for size in [0, usize::MAX] {
        let error = Runtime::new(package("host"), size, None, None, None, None).unwrap_err();
        assert_error_contains(&error, &["the pool of surrealism/host", "max_pool_size"]);
    }
}
