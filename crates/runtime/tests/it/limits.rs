//! Every bound on what an instance takes of its host, met by a guest.

mod support;

use support::{INVOKE, assert_says, component, value};
use surrealdb_types::Value;
use surrealism_runtime::limits::{
    MAX_CORE_ITEMS, MAX_HANDLES, MAX_HOST_RESOURCES, MAX_RANDOM_BYTES, MAX_TABLE_ELEMENTS,
    POOLED_CORE_INSTANCES, POOLED_TABLES,
};
use surrealism_runtime::{DetachedContext, Runtime, SurrealismError, SurrealismResult};

/// A guest that may have sockets.
fn net() -> Runtime {
    let mut package = support::package("net");
    package.config.capabilities.allow_net = vec!["127.0.0.1".to_string()];
    support::load(package).build().unwrap()
}

async fn call(runtime: &Runtime, function: &str, amount: u64) -> SurrealismResult<Value> {
    runtime.call(function, (value(amount as i64),), DetachedContext::new()).await
}

#[tokio::test]
async fn who_takes_too_much_of_the_host_is_told_what_and_how_much() {
    let runtime = net();
    let sockets = MAX_HOST_RESOURCES as u64;
    for (function, enough, too_much, parts) in [
        ("hoard_sockets", sockets - 8, sockets + 1, &["more host resources", "128"][..]),
        ("random", MAX_RANDOM_BYTES, MAX_RANDOM_BYTES + 1, &["65537", "exceeds limit 65536"]),
    ] {
        assert_eq!(call(&runtime, function, enough).await.unwrap(), value(enough as i64));
        let error = call(&runtime, function, too_much).await.unwrap_err();
        assert!(matches!(error, SurrealismError::Wasmtime(_)), "{error:?}");
        assert_says(&error, &[&format!("function `{function}` of surrealism/net 0.1.0 failed")]);
        assert_says(&error, parts);
        assert_eq!(runtime.usage().instances.current, 0, "the instance is gone after {function}");
    }
}

/// A component whose `invoke` runs a piece of code, which may make `$handle`s, and then traps.
fn component_that(code: &str, tables: &str) -> Runtime {
    let package = component(&format!(
        r#"
        (type $resource (resource (rep i32)))
        (core func $handle (canon resource.new $resource))
        (core module $m
          (import "host" "handle" (func $handle (param i32) (result i32)))
          (memory (export "memory") 1)
          {tables}
          (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
          (func (export "invoke") (param i32 i32 i32 i32 i32) (result i32) (local $n i32)
            {code}
            unreachable))
        (core instance $i
          (instantiate $m (with "host" (instance (export "handle" (func $handle))))))
        {INVOKE}"#
    ));
    Runtime::builder(package).build().unwrap()
}

/// Makes so many handles.
fn handles(count: usize) -> String {
    format!(
        "(loop $again
           (drop (call $handle (i32.const 0)))
           (local.set $n (i32.add (local.get $n) (i32.const 1)))
           (br_if $again (i32.lt_u (local.get $n) (i32.const {count}))))"
    )
}

/// Makes a table grow by so many elements, over and over until it cannot.
fn grow_table(by: usize) -> String {
    format!(
        "(loop $again
           (br_if $again
             (i32.ne (table.grow $t (ref.null func) (i32.const {by})) (i32.const -1))))"
    )
}

#[tokio::test]
async fn handles_and_tables_are_counted() {
    const TABLE: &str = "(table $t 1 funcref)";
    let one_too_many = format!("more handles to resources than the {MAX_HANDLES}");
    let elements = format!("elements in all its tables, and {MAX_TABLE_ELEMENTS} are allowed");
    for (code, expected) in [
        (handles(MAX_HANDLES), "wasm `unreachable` instruction executed"),
        (handles(MAX_HANDLES + 1), &*one_too_many),
        (grow_table(MAX_TABLE_ELEMENTS / 10), &*elements),
    ] {
        let runtime = component_that(&code, TABLE);
        let error = call(&runtime, "any", 0).await.unwrap_err();
        assert_says(&error, &["function `any` of acme/x 1.0.0", expected]);
    }

    let half = MAX_TABLE_ELEMENTS / 2 + 1;
    let tables = format!("(table {half} funcref) (table {half} funcref)");
    let error = call(&component_that("", &tables), "any", 0).await.unwrap_err();
    assert!(matches!(error, SurrealismError::Instantiation(_)), "{error:?}");
    assert_says(&error, &["acme/x 1.0.0 cannot be instantiated", "1000002 elements"]);
}

/// A component with so many more core instances, each with one part.
fn of_many(part: &str, count: usize) -> Runtime {
    let more = "(core instance (instantiate $one))\n".repeat(count);
    let package = component(&format!(
        r#"
        (core module $one {part})
        (core module $m
          (memory (export "memory") 1)
          (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
          (func (export "invoke") (param i32 i32 i32 i32 i32) (result i32) unreachable))
        {more}
        (core instance $i (instantiate $m))
        {INVOKE}"#
    ));
    Runtime::builder(package).build().unwrap()
}

#[test]
fn who_consists_of_much_takes_no_place_in_the_pool() {
    let pool = of_many("", 0).usage().pooled;
    for (part, count, pooled) in [
        ("(memory 0)", 1, false),
        ("(memory 0)", MAX_CORE_ITEMS - 1, false),
        ("(table 0 funcref)", POOLED_TABLES as usize, pool),
        ("(table 0 funcref)", POOLED_TABLES as usize + 1, false),
        ("", POOLED_CORE_INSTANCES as usize - 1, pool),
        ("", POOLED_CORE_INSTANCES as usize, false),
        // Which only a collector of garbage can hold.
        ("(table 0 externref)", 1, false),
    ] {
        let runtime = of_many(part, count);
        assert_eq!(runtime.usage().pooled, pooled, "{count} of {part}");
        let context = Box::new(DetachedContext::new());
        futures::executor::block_on(runtime.new_controller(context)).unwrap();
    }
}
