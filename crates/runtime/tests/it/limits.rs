//! Bounds on what an instance takes of its host.

use surrealdb_types::Value;
use surrealism_runtime::limits::{
    MAX_CORE_ITEMS, MAX_HANDLES, MAX_HOST_RESOURCES, MAX_RANDOM_BYTES, MAX_TABLE_ELEMENTS,
    POOLED_CORE_INSTANCES, POOLED_TABLES,
};
use surrealism_runtime::{DetachedContext, Error, ErrorKind, Runtime, TrapKind};

use crate::support::{
    INVOKE, MEMORY, Transcript, assert_error_contains, builder, component, load, package, runtime,
    trusted, value, without_backtrace,
};

async fn call(runtime: &Runtime, function: &str, amount: u64) -> Result<Value, Error> {
    runtime.call(function, (value(amount as i64),), DetachedContext::new()).await
}

#[tokio::test]
async fn host_resources_and_random_bytes_are_bounded() {
    let mut package = package("net");
    package.config.capabilities.allow_net = vec!["127.0.0.1".to_string()];
    let runtime = load(package).build().unwrap();
    let sockets = MAX_HOST_RESOURCES as u64;
    let mut transcript = Transcript::default();
    for (function, enough, too_much) in [
        // A few resources are the guest's streams.
        ("hoard_sockets", sockets - 8, sockets + 1),
        ("random", MAX_RANDOM_BYTES, MAX_RANDOM_BYTES + 1),
    ] {
        assert_eq!(call(&runtime, function, enough).await.unwrap(), value(enough as i64));
        let error = call(&runtime, function, too_much).await.unwrap_err();
        assert!(error.is_trap(), "{error:?}");
        assert_eq!(runtime.usage().instances.current, 0, "after {function}");
        transcript.add(function, without_backtrace(&error));
    }
    transcript.assert(|text| insta::assert_snapshot!(text));
}

#[tokio::test]
async fn a_guest_that_handles_refused_memory_goes_on() {
    let runtime = builder("hostile").max_memory_bytes(32 << 20).build().unwrap();
    let kept = runtime.call("hog_politely", (), DetachedContext::new()).await.unwrap();
    let kept = kept.into_int().unwrap();
    assert!((8..32).contains(&kept), "{kept} MiB");
    assert!(runtime.usage().memory_bytes.peak <= 32 << 20);
    assert_eq!(runtime.usage().instances.current, 1);
}

#[tokio::test]
async fn a_module_that_needs_more_memory_than_it_may_have_cannot_be_instantiated() {
    let mut package = package("hostile");
    package.config.capabilities.max_memory_bytes = Some(64 << 10);
    let runtime = load(package).build().unwrap();
    let error = runtime.call("alive", (), DetachedContext::new()).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Trap(TrapKind::OutOfMemory)), "{error:?}");
    assert_error_contains(&error, &["surrealism/hostile 0.1.0 cannot be instantiated", "65536"]);
}

#[tokio::test]
async fn the_key_value_store_is_bounded_in_bytes() {
    let runtime = builder("hostile").max_kv_bytes(1 << 20).build().unwrap();
    let context = DetachedContext::new().kv(runtime.kv_store().clone());
    let fill = runtime.call("fill_store", (1_000_i64, 10_000_i64), context);
    assert_error_contains(&fill.await.unwrap_err(), &["bytes", "1048576"]);
    let held = runtime.usage().kv_bytes;
    assert!(held.peak <= 1 << 20 && held.current > 900_000, "{held:?}");
}

#[tokio::test]
async fn a_result_of_any_size_arrives_or_is_refused() {
    let runtime = runtime("hostile");
    let result = call(&runtime, "answer", 1 << 20).await.unwrap();
    assert_eq!(result.into_string().unwrap().len(), 1 << 20);
    let error = call(&runtime, "answer", 80 << 20).await.unwrap_err();
    assert!(error.is_trap(), "{error}");
}

/// A component whose `invoke` runs `code`, which may create `$handle`s, and then traps.
fn running(code: &str, tables: &str) -> Runtime {
    let package = component(&format!(
        r#"
        (type $resource (resource (rep i32)))
        (core func $handle (canon resource.new $resource))
        (core module $m
          (import "host" "handle" (func $handle (param i32) (result i32)))
          {MEMORY}
          {tables}
          (func (export "invoke") (param i32 i32 i32 i32 i32) (result i32) (local $n i32)
            {code}
            unreachable))
        (core instance $i
          (instantiate $m (with "host" (instance (export "handle" (func $handle))))))
        {INVOKE}"#
    ));
    trusted(package).build().unwrap()
}

/// Code that creates `count` handles.
fn create_handles(count: usize) -> String {
    format!(
        "(loop $again
           (drop (call $handle (i32.const 0)))
           (local.set $n (i32.add (local.get $n) (i32.const 1)))
           (br_if $again (i32.lt_u (local.get $n) (i32.const {count}))))"
    )
}

/// Code that grows a table by `step` elements at a time, until that fails.
fn grow_table(step: usize) -> String {
    format!(
        "(loop $again
           (br_if $again
             (i32.ne (table.grow $t (ref.null func) (i32.const {step})) (i32.const -1))))"
    )
}

#[tokio::test]
async fn handles_and_table_elements_are_bounded() {
    const TABLE: &str = "(table $t 1 funcref)";
    let half = MAX_TABLE_ELEMENTS / 2 + 1;
    let two_tables = format!("(table {half} funcref) (table {half} funcref)");
    let mut transcript = Transcript::default();
    for (case, code, tables) in [
        ("as many handles as are allowed", create_handles(MAX_HANDLES), TABLE),
        ("one handle more", create_handles(MAX_HANDLES + 1), TABLE),
        ("a table that grows", grow_table(MAX_TABLE_ELEMENTS / 10), TABLE),
        ("two tables that are too large together", String::new(), two_tables.as_str()),
    ] {
        let error = call(&running(&code, tables), "any", 0).await.unwrap_err();
        let expected = match case {
            "as many handles as are allowed" => TrapKind::Unreachable,
            "one handle more" => TrapKind::OutOfResources,
            _ => TrapKind::OutOfTableElements,
        };
        assert!(matches!(error.kind(), ErrorKind::Trap(kind) if *kind == expected), "{error:?}");
        transcript.add(case, error);
    }
    transcript.assert(|text| insta::assert_snapshot!(text));
}

/// A component with `count` more core instances, each with one `part`.
fn composed(part: &str, count: usize) -> Runtime {
    let more = "(core instance (instantiate $one))\n".repeat(count);
    let package = component(&format!(
        r#"
        (core module $one {part})
        (core module $m
          {MEMORY}
          (func (export "invoke") (param i32 i32 i32 i32 i32) (result i32) unreachable))
        {more}
        (core instance $i (instantiate $m))
        {INVOKE}"#
    ));
    trusted(package).build().unwrap()
}

#[test]
fn a_component_of_many_parts_is_instantiated_outside_the_pool() {
    // A machine without enough address space has no pool at all.
    let pool = composed("", 0).usage().pooled;
    for (part, count, pooled) in [
        ("(memory 0)", 1, false),
        ("(memory 0)", MAX_CORE_ITEMS - 1, false),
        ("(table 0 funcref)", POOLED_TABLES as usize, pool),
        ("(table 0 funcref)", POOLED_TABLES as usize + 1, false),
        ("", POOLED_CORE_INSTANCES as usize - 1, pool),
        ("", POOLED_CORE_INSTANCES as usize, false),
        // Needs a garbage collector, which the pool has no heaps for.
        ("(table 0 externref)", 1, false),
    ] {
        let runtime = composed(part, count);
        assert_eq!(runtime.usage().pooled, pooled, "{count} of {part}");
        let context = Box::new(DetachedContext::new());
        futures::executor::block_on(runtime.new_controller(context)).unwrap();
    }
}
