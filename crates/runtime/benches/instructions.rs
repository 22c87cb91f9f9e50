//! The cases whose instructions `cargo xtask count` counts. Run by itself, this program measures nothing.
//!
//! Guests are components in the text format, so that the counts are of the host, and do not change with the
//! toolchain that compiles guests. Their instances are allocated on demand, since Valgrind leaves too
//! little address space for the pool.

use std::hint::black_box;

use futures::executor::block_on;
use surrealdb_types::{SurrealValue, Value, object};
use surrealism_runtime::config::SurrealismConfig;
use surrealism_runtime::{
    DetachedContext, ExportsManifest, Grants, Isolation, KVStore, Runtime, RuntimeBuilder,
    SurrealismPackage,
};
use surrealism_types::codec;

/// How often a case runs between two boundaries.
const TIMES: u32 = 100;

/// How often a case is counted. The least counts: a tick of the epoch, at which a guest yields, adds to
/// some rounds and not to others.
const ROUNDS: u32 = 8;

fn main() {
    codec();
    calls();
}

/// Starts a new count: `cargo xtask count` looks for calls of this function, by its name.
#[inline(never)]
fn boundary() {
    black_box(());
}

/// Warms a case up, runs it between two boundaries for each round, and prints its name for each.
fn count(case: &str, mut run: impl FnMut()) {
    (0..TIMES / 2).for_each(|_| run());
    for _ in 0..ROUNDS {
        boundary();
        (0..TIMES).for_each(|_| run());
        boundary();
        println!("{TIMES} {case}");
    }
}

fn codec() {
    let integers = (0..1_000_i64).collect::<Vec<_>>().into_value();
    let person = object! { name: "Ada".to_string(), age: 36, tags: vec!["x".to_string()] };
    for (name, value) in [
        ("an integer", 20_i64.into_value()),
        ("an object", Value::Object(person)),
        ("1,000 integers", integers),
    ] {
        let values = [value];
        let bytes = codec::encode_values(&values).unwrap();
        count(&format!("encode {name}"), || {
            black_box(codec::encode_values(black_box(&values)).unwrap());
        });
        count(&format!("decode {name}"), || {
            black_box(codec::decode_values(black_box(&bytes)).unwrap());
        });
    }
}

fn calls() {
    let reuse = builder("", "", "").build().unwrap();
    count("call", || call(&reuse));
    count("acquire, invoke, release", || {
        let context = Box::new(DetachedContext::new());
        let mut controller = block_on(reuse.acquire_controller(context)).unwrap();
        let name = Some("any".to_string());
        black_box(block_on(controller.invoke_with_timeout(name, (20_i64,), None)).unwrap());
        reuse.release_controller(controller);
    });

    let getting = builder(KV_GET, "", "").build().unwrap();
    block_on(getting.kv_store().set("key".to_string(), 20_i64.into_value())).unwrap();
    count("call that gets a key of the KV store", || call(&getting));

    let fresh = builder("", "", "").isolation(Isolation::Fresh).build().unwrap();
    count("call of a fresh instance", || call(&fresh));
    typed();
}

fn typed() {
    let runtime = builder("", COLUMNS, COLUMN_EXPORTS).build().unwrap();
    let function = runtime.function::<(i64,), i64>("any").unwrap();
    count("call of a typed function", || {
        let call = function.call((20,), DetachedContext::new());
        black_box(block_on(call.into_future()).unwrap());
    });
    let rows = vec![20_i64; 1_000];
    count("call of a typed function for 1,000 rows", || {
        let call = function.call_columns((black_box(&rows),), DetachedContext::new());
        black_box(block_on(call.into_future()).unwrap());
    });

    // A guest of the published SDK.
    let runtime = builder("", "", "").build().unwrap();
    let function = runtime.function::<(i64,), i64>("any").unwrap();
    count("call of a typed function without columns", || {
        let call = function.call((20,), DetachedContext::new());
        black_box(block_on(call.into_future()).unwrap());
    });
}

/// Core functions that return 20 for one row, and for 1,000 rows 0.
const COLUMNS: &str = "
    (data (i32.const 32776) \"\\14\")
    (func (export \"find\") (param i32 i32 i32 i32 i32) (result i32)
      (i32.store8 (i32.const 0) (i32.const 1))
      (i32.const 0))
    (func $results (param i32) (result i32)
      (i32.store (i32.const 0) (i32.const 0))
      (i32.store (i32.const 4) (i32.const 32768))
      (i32.store (i32.const 8) (local.get 0))
      (i32.const 0))
    (func (export \"row\") (param i32 i64 i64 i64 i64 i64 i64 i64 i64) (result i32)
      (call $results (i32.const 16)))
    (func (export \"columns\") (param i32 i32 i32 i32) (result i32)
      (call $results (i32.const 8008)))";

/// The exports of a guest whose functions take columns.
const COLUMN_EXPORTS: &str = "
    (func (export \"find-columns\") (param \"name\" (option string)) (param \"types\" (list u8))
      (result (option u32))
      (canon lift (core func $i \"find\")
        (memory $memory \"memory\") (realloc (func $memory \"realloc\"))))
    (func (export \"invoke-row\")
      (param \"function\" u32) (param \"columns\" (tuple u64 u64 u64 u64 u64 u64 u64 u64))
      (result (result (list u8) (error string)))
      (canon lift (core func $i \"row\") (memory $memory \"memory\")))
    (func (export \"invoke-columns\")
      (param \"function\" u32) (param \"rows\" u32) (param \"columns\" (list u8))
      (result (result (list u8) (error string)))
      (canon lift (core func $i \"columns\")
        (memory $memory \"memory\") (realloc (func $memory \"realloc\"))))";

fn call(runtime: &Runtime) {
    let context = DetachedContext::new().kv(runtime.kv_store().clone());
    black_box(block_on(runtime.call("any", (20_i64,), context).into_future()).unwrap());
}

/// Code that gets the encoded value of a key from the host, and returns it.
const KV_GET: &str = "
    (call $kv_get (i32.const 16) (i32.const 3) (i32.const 32))
    (i32.store (i32.const 4) (i32.load (i32.const 40)))
    (i32.store (i32.const 8) (i32.load (i32.const 44)))";

/// A guest that runs `code` and returns the integer 20, unless the code stores another result. `functions`
/// are further functions of its module, and `exports` of the component.
fn builder(code: &str, functions: &str, exports: &str) -> RuntimeBuilder {
    let result = codec::encode_value(&20_i64.into_value()).unwrap();
    let data: String = result.iter().map(|byte| format!("\\{byte:02x}")).collect();
    let size = result.len();
    let component = format!(
        r#"(component
        (import "surrealism:plugin/host" (instance $host
          (export "kv-get" (func (param "key" string)
            (result (result (option (list u8)) (error string)))))))
        (core module $memory
          (memory (export "memory") 1)
          (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024)))
        (core instance $memory (instantiate $memory))
        (core func $kv_get (canon lower (func $host "kv-get")
          (memory $memory "memory") (realloc (func $memory "realloc"))))
        (core module $m
          (import "host" "kv-get" (func $kv_get (param i32 i32 i32)))
          (import "memory" "memory" (memory 1))
          (data (i32.const 16) "key")
          (data (i32.const 256) "{data}")
          (func (export "invoke") (param i32 i32 i32 i32 i32) (result i32)
            (i32.store (i32.const 4) (i32.const 256))
            (i32.store (i32.const 8) (i32.const {size}))
            {code}
            (i32.const 0))
          {functions})
        (core instance $i (instantiate $m
          (with "memory" (instance $memory))
          (with "host" (instance (export "kv-get" (func $kv_get))))))
        (func (export "invoke")
          (param "name" (option string)) (param "args" (list u8))
          (result (result (list u8) (error string)))
          (canon lift (core func $i "invoke")
            (memory $memory "memory") (realloc (func $memory "realloc"))))
        {exports})"#
    );
    Runtime::builder(SurrealismPackage {
        config: SurrealismConfig::parse(
            "abi = 2\n[package]\norganisation = 'acme'\nname = 'x'\nversion = '1.0.0'",
        )
        .unwrap(),
        wasm: wat::parse_str(component).unwrap(),
        exports: ExportsManifest::empty(),
        fs: None,
        logo: None,
    })
    .grants(Grants::as_requested())
}
