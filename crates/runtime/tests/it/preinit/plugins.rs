//! Plugins of the SDK.

use surrealdb_types::Value;
use surrealism_runtime::{DetachedContext, Isolation, Runtime};

use crate::support::{NO_ARGS, Recorder, assert_error_contains, load, name, package, text, value};

fn load_fresh(guest: &str) -> Runtime {
    load(package(guest)).isolation(Isolation::Fresh).build().unwrap()
}

async fn call(runtime: &Runtime, function: &str, args: Vec<Value>) -> Value {
    runtime.call(function, args, DetachedContext::new()).await.unwrap()
}

/// `preinit_pure` under each isolation, `Reuse` first.
fn load_both(strict_timeout: bool) -> [Runtime; 2] {
    [Isolation::Reuse, Isolation::Fresh].map(|isolation| {
        let mut package = package("preinit_pure");
        package.config.capabilities.strict_timeout = strict_timeout;
        load(package).isolation(isolation).build().unwrap()
    })
}

#[tokio::test]
async fn a_plugin_behaves_alike_with_and_without_preinitialization() {
    for strict_timeout in [true, false] {
        let loaded = load_both(strict_timeout);
        let [reuse, fresh] = &loaded;
        assert_eq!(loaded.each_ref().map(|it| it.usage().preinitialized), [false, true]);

        let names = |names: &[&str]| value(names.iter().map(|n| text(n)).collect::<Vec<_>>());
        for (name, kept) in [("a", ["a", "init"].as_slice()), ("b", &["a", "b", "init"])] {
            assert_eq!(call(reuse, "name", vec![text(name)]).await, names(kept));
            assert_eq!(call(fresh, "name", vec![text(name)]).await, names(&[name, "init"]));
        }
        for runtime in &loaded {
            assert_eq!(call(runtime, "inits", vec![]).await, value(1_i64));
            assert_eq!(call(runtime, "prime", vec![value(1_000_i64)]).await, value(7_927_i64));
        }
    }
}

#[tokio::test]
async fn a_controller_of_a_preinitialized_module_needs_no_init() {
    for strict_timeout in [true, false] {
        for (runtime, inits) in load_both(strict_timeout).iter().zip([0_i64, 1]) {
            let context = Box::new(DetachedContext::new());
            let mut controller = runtime.new_controller(context).await.unwrap();
            assert_eq!(controller.invoke(name("inits"), ()).await.unwrap(), value(inits));
            controller.init().await.unwrap();
            assert_eq!(controller.invoke(name("inits"), ()).await.unwrap(), value(1_i64));
        }
    }
}

#[tokio::test]
async fn a_trap_of_a_preinitialized_instance_names_its_functions() {
    let fresh = load_fresh("preinit_pure");
    assert!(fresh.usage().preinitialized);
    let error = fresh.call("trap", (), DetachedContext::new()).await.unwrap_err();
    assert_error_contains(
        &error,
        &[
            "function `trap` of surrealism/preinit_pure 0.1.0 trapped",
            "deep_in_the_guest",
            "invoke-inline at 0x",
        ],
    );
}

#[tokio::test]
async fn instances_do_not_share_random_seeds() {
    let fresh = load_fresh("preinit_random");
    assert!(!fresh.usage().preinitialized);
    assert_eq!(call(&fresh, "square", vec![value(3_i64)]).await, value(9_i64));
    assert_ne!(call(&fresh, "seed", vec![]).await, call(&fresh, "seed", vec![]).await);
}

#[tokio::test]
async fn an_init_that_prints_prints_to_every_caller() {
    let fresh = load_fresh("state");
    assert!(!fresh.usage().preinitialized);
    for _ in 0..2 {
        let context = Recorder::new();
        fresh.call("count", NO_ARGS, context.clone()).await.unwrap();
        assert_eq!(context.stdout(), ["init"]);
    }
}
