//! Modules from `guests/` that call each other.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::support::{assert_error_contains, load, package, running, runtime, text, trusted};
use surrealdb_types::{SurrealValue, Value};
use surrealism_runtime::{BTreeMapStore, DetachedContext, FunctionTargets, KVStore, Runtime};
use surrealism_surrealdb::limits::MAX_MODULE_DEPTH;
use surrealism_surrealdb::{CallContext, Module, ModuleRegistry};

/// Returns a module that runs the functions it is asked to, and a registry of others for it.
fn host_with(others: &[(&str, &Arc<Runtime>)]) -> (Arc<Runtime>, ModuleRegistry) {
    let modules = ModuleRegistry::new();
    for (name, runtime) in others {
        modules.add(name, *runtime).unwrap();
    }
    (runtime("host"), modules)
}

/// Lets `host` run a function.
async fn run(
    host: &Arc<Runtime>,
    modules: &ModuleRegistry,
    function: &str,
    args: Vec<Value>,
) -> Result<Value, surrealism_runtime::Error> {
    let context = CallContext::new(host).modules(modules);
    host.call("run", running(function, args), context).await
}

#[tokio::test]
async fn a_module_calls_functions_of_another() {
    let (host, modules) =
        host_with(&[("calls", &runtime("attribute_matrix")), ("relay", &runtime("host"))]);
    let sum = vec![1_i64.into_value(), 2_i64.into_value()];
    for (function, args, expected) in [
        ("mod::calls::math::add", sum.clone(), 3_i64.into_value()),
        ("mod::calls::math", vec![], 42_i64.into_value()),
        ("mod::calls", vec![text("Ada")], text("hello Ada")),
        ("mod::relay::run", running("mod::calls::math::add", sum), 3_i64.into_value()),
        ("mod::calls::echo::list", vec![vec!["a".to_string()].into_value()], text("a")),
    ] {
        // An array of one is not its element.
        let expected = match function {
            "mod::calls::echo::list" => vec!["a".to_string()].into_value(),
            _ => expected,
        };
        assert_eq!(run(&host, &modules, function, args).await.unwrap(), expected, "{function}");
    }
}

#[tokio::test]
async fn errors_name_the_modules_they_passed() {
    let (host, modules) =
        host_with(&[("calls", &runtime("attribute_matrix")), ("relay", &runtime("host"))]);
    let fail = running("mod::calls::fail::with_text", vec![text("no luck")]);
    for (function, args, expected) in [
        ("mod::relay::run", fail, "mod::relay::run: mod::calls::fail::with_text: no luck"),
        ("mod::calls::math::ad", vec![], "mod::calls::math::ad: surrealism/attribute_matrix"),
        ("mod::calls::math::add", vec![], "takes 2 arguments, and the call has 0"),
        ("mod::nobody::f", vec![], "no module \"nobody\"; available: calls, relay"),
        (
            "fn::greet",
            vec![],
            "`run` of \"fn::greet\" is not available: the host gave this call no database",
        ),
    ] {
        assert_error_contains(
            &run(&host, &modules, function, args).await.unwrap_err(),
            &[expected],
        );
    }
    let none = run(&host, &ModuleRegistry::new(), "mod::calls", vec![]).await.unwrap_err();
    assert_error_contains(
        &none,
        &["`run` cannot call mod::calls: the host gave this call no other modules"],
    );
    let context = CallContext::new(&host);
    let sql = host.call("sql", (String::from("RETURN 1"),), context).await.unwrap_err();
    assert_error_contains(&sql, &["`sql` is not available: the host gave this call no database"]);
}

#[tokio::test]
async fn a_requested_version_must_match() {
    let (host, modules) = host_with(&[("calls", &runtime("attribute_matrix"))]);
    for (version, expected) in [("0.1.0", None), ("0.2.0", Some("mod::calls has version 0.1.0"))] {
        let args = vec![text("mod::calls::math"), text(version), Value::Array(Default::default())];
        let context = CallContext::new(&host).modules(&modules);
        match (host.call("run", args, context).await, expected) {
            (Ok(answer), None) => assert_eq!(answer, 42_i64.into_value()),
            (Err(error), Some(expected)) => {
                assert_error_contains(&error, &[expected, "requests 0.2.0"])
            }
            (answer, _) => panic!("{version}: {answer:?}"),
        }
    }
}

#[tokio::test]
async fn a_recursive_call_is_an_error_and_poisons_no_module() {
    let (host, modules) = host_with(&[("b", &runtime("host")), ("c", &runtime("host"))]);
    modules.add("a", &host).unwrap();
    let itself = running("mod::a::run", running("mod::b::run", vec![]));
    let around = running("mod::b::run", running("mod::c::run", itself.clone()));
    for (args, expected) in [
        (itself, "recursive module call surrealism/host → mod::a:"),
        (around, "recursive module call surrealism/host → mod::b → mod::c → mod::a:"),
    ] {
        let context = CallContext::new(&host).modules(&modules);
        assert_error_contains(&host.call("run", args, context).await.unwrap_err(), &[expected]);
    }
    for name in ["a", "b", "c"] {
        assert!(modules.get(name).unwrap().runtime().usage().instances.current <= 1);
    }
}

#[tokio::test]
async fn depth_is_bounded() {
    let modules = ModuleRegistry::new();
    let relays: Vec<_> = (0..=MAX_MODULE_DEPTH).map(|_| runtime("host")).collect();
    for (index, relay) in relays.iter().enumerate() {
        modules.add(&format!("m{index}"), relay).unwrap();
    }
    modules.add("calls", runtime("attribute_matrix")).unwrap();
    // Beside the relays, the host calls the first module and the last relay calls `calls`.
    for (relayed, is_allowed) in [(MAX_MODULE_DEPTH - 2, true), (MAX_MODULE_DEPTH - 1, false)] {
        let innermost = running("mod::calls::math", vec![]);
        let args = (1..=relayed)
            .rev()
            .fold(innermost, |args, index| running(&format!("mod::m{index}::run"), args));
        let context = CallContext::new(&relays[0]).modules(&modules);
        match relays[0].call("run", args, context).await {
            Ok(answer) => assert!(is_allowed && answer == 42_i64.into_value(), "{answer:?}"),
            Err(error) => {
                assert!(!is_allowed, "{error}");
                assert_error_contains(&error, &["mod::m7 → mod::calls", "the limit of 8 modules"]);
            }
        }
    }
}

#[tokio::test]
async fn a_module_has_its_own_capabilities_limits_and_store() {
    let quick = load("hostile").max_execution_time(Duration::from_millis(50)).build().unwrap();
    let denied = runtime("no_capabilities");
    let (host, modules) = host_with(&[("quick", &Arc::new(quick)), ("denied", &denied)]);
    let store: Arc<BTreeMapStore> = Arc::default();
    modules.add("kept", Module::new(runtime("host")).kv(store.clone())).unwrap();

    // The caller has the capability for `sql`, and the module that it calls does not.
    let sql = run(&host, &modules, "mod::denied::sql", vec![text("RETURN 1")]).await.unwrap_err();
    assert_error_contains(
        &sql,
        &["mod::denied::sql: `sql` is denied: the archive does not ask for it"],
    );
    let began = Instant::now();
    let spun = run(&host, &modules, "mod::quick::spin_forever", vec![]).await.unwrap_err();
    assert_error_contains(&spun, &["mod::quick::spin_forever: the call was stopped after 50ms"]);
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());

    run(&host, &modules, "mod::kept::kv::set", vec![text("k"), text("v")]).await.unwrap();
    assert_eq!(store.get("k".to_string()).await.unwrap(), Some(text("v")));
    assert_eq!(host.kv_store().get("k".to_string()).await.unwrap(), None);
}

#[tokio::test]
async fn allow_functions_limits_the_modules_a_guest_can_call() {
    let mut package = package("host");
    package.config.capabilities.allow_functions =
        FunctionTargets::Some(vec!["mod::calls::math".to_string()]);
    let host = Arc::new(trusted(package).build().unwrap());
    let modules = ModuleRegistry::new();
    modules.add("calls", runtime("attribute_matrix")).unwrap();
    assert!(run(&host, &modules, "mod::calls::math", vec![]).await.is_ok());
    for function in ["mod::calls", "mod::calls::math::deep::three", "mod::call::math"] {
        let error = run(&host, &modules, function, vec![]).await.unwrap_err();
        assert_error_contains(&error, &[&format!("{function:?} is denied"), "allow_functions"]);
    }
}

#[tokio::test]
async fn the_callers_deadline_ends_what_it_called() {
    let (host, modules) = host_with(&[("hostile", &runtime("hostile"))]);
    let deadline = Duration::from_millis(100);
    for (function, args) in [("spin_forever", vec![]), ("sleep", vec![60_000_i64.into_value()])] {
        let context = CallContext::new(&host).modules(&modules);
        let args = running(&format!("mod::hostile::{function}"), args);
        let began = Instant::now();
        let error = host.call("run", args, context).timeout(deadline).await.unwrap_err();
        assert!(error.is_timeout(), "{error}");
        assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    }
    let hostile = modules.get("hostile").unwrap();
    assert_eq!(hostile.runtime().usage().instances.current, 0, "the stopped instance was pooled");
}

/// Two calls may each hold the instance that the other waits for. The limit on waiting ends that deadlock.
#[tokio::test]
async fn waiting_for_an_instance_is_bounded() {
    let (host, modules) = host_with(&[("calls", &runtime("attribute_matrix"))]);
    let calls = modules.get("calls").unwrap();
    let only = calls.runtime().acquire_controller(Box::new(DetachedContext::new())).await.unwrap();
    let context = || {
        let wait = Duration::from_millis(100);
        CallContext::new(&host).modules(&modules).max_instance_wait(wait)
    };
    let args = running("mod::calls::math", vec![]);
    let began = Instant::now();
    let error = host.call("run", args.clone(), context()).await.unwrap_err();
    assert_error_contains(
        &error,
        &["mod::calls::math: the module is busy", "checked out for 100ms"],
    );
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());

    calls.runtime().release_controller(only);
    assert_eq!(host.call("run", args, context()).await.unwrap(), 42_i64.into_value());
}

#[tokio::test]
async fn modules_are_replaced_and_removed_while_calls_run() {
    let hostile = runtime("hostile");
    let (host, modules) = host_with(&[("m", &hostile)]);
    let context = CallContext::new(&host).modules(&modules);
    let args = running("mod::m::sleep", vec![300_i64.into_value()]);
    let under_way = tokio::spawn({
        let host = host.clone();
        async move { host.call("run", args, context).await }
    });
    tokio::time::sleep(Duration::from_millis(100)).await;

    let before = modules.add("m", runtime("attribute_matrix")).unwrap().unwrap();
    assert!(Arc::ptr_eq(before.runtime(), &hostile));
    let other = runtime("host");
    assert_eq!(run(&other, &modules, "mod::m::math", vec![]).await.unwrap(), 42_i64.into_value());
    assert!(modules.remove("m").is_some() && modules.remove("m").is_none());
    assert_eq!(modules.names(), [""; 0]);
    under_way.await.unwrap().unwrap();
}

#[tokio::test]
async fn output_of_called_modules_goes_to_the_same_function() {
    let (host, modules) = host_with(&[("other", &runtime("host"))]);
    let printed: Arc<Mutex<Vec<String>>> = Arc::default();
    let lines = printed.clone();
    let context = CallContext::new(&host)
        .modules(&modules)
        .output(move |line| lines.lock().unwrap().push(line.to_string()));
    let args = running("mod::other::print::line", vec![text("from afar")]);
    host.call("run", args, context).await.unwrap();
    assert_eq!(*printed.lock().unwrap(), ["from afar"]);
}

#[test]
fn module_names_are_identifiers() {
    let calls = runtime("attribute_matrix");
    for name in ["", "a::b", "a b", "1a", "a-b", "é"] {
        let error = ModuleRegistry::new().add(name, &calls).unwrap_err().to_string();
        assert!(error.contains("the module name"), "{error}");
    }
}
