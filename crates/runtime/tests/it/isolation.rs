//! Calls that hide secrets wherever a guest can keep one, and calls that look for them: in the same
//! module and in another.

use std::path::Path;
use std::sync::Arc;

use surrealdb_types::Value;
use surrealism_runtime::{DetachedContext, Error, Isolation, Runtime, SurrealismPackage};
use surrealism_types::codec;

use crate::support::{
    INVOKE, Recorder, assert_error_contains, component, data, load, package, package_with_files,
    text, value,
};

const BOTH: [Isolation; 2] = [Isolation::Reuse, Isolation::Fresh];

/// How far a secret that a call has hidden can be found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scope {
    /// It cannot be hidden at all.
    Nowhere,
    /// By later calls of the same instance.
    Instance,
    /// By every call of the module.
    Module,
}

/// A module whose calls hide secrets, and another one, loaded from the same archive, that looks for them.
struct Probe {
    isolation: Isolation,
    module: Runtime,
    other_module: Runtime,
}

impl Probe {
    fn load(package: impl Fn() -> SurrealismPackage, isolation: Isolation) -> Self {
        let load = || load(package()).isolation(isolation).build().unwrap();
        Self { isolation, module: load(), other_module: load() }
    }

    /// Hides a secret in a place, and looks for it from everywhere.
    async fn check(&self, place: &str, scope: Scope) {
        let Self { isolation, module, other_module } = self;
        let what = format!("{place} under {isolation:?}");
        let hidden = call(module, "hide", &[place, &secret(place)]).await;
        assert_eq!(hidden.is_ok(), scope != Scope::Nowhere, "{what}: {hidden:?}");

        let same_instance = *isolation == Isolation::Reuse && scope == Scope::Instance;
        let next = same_instance || scope == Scope::Module;
        assert_eq!(found(module, place).await, next, "the next call, {what}");
        assert!(!found(other_module, place).await, "another module, {what}");

        let busy = module.acquire_controller(Box::new(DetachedContext::new())).await.unwrap();
        assert_eq!(found(module, place).await, scope == Scope::Module, "another instance, {what}");
        module.release_controller(busy);
    }
}

fn secret(place: &str) -> String {
    format!("the secret in: {place}")
}

async fn call(runtime: &Runtime, function: &str, args: &[&str]) -> Result<Value, Error> {
    let context = DetachedContext::new().kv(runtime.kv_store().clone());
    let args: Vec<Value> = args.iter().map(|arg| text(arg)).collect();
    runtime.call(function, args, context).await
}

/// Returns whether a call finds the secret. Its argument is the secret backwards, so that it does not find
/// that.
async fn found(runtime: &Runtime, place: &str) -> bool {
    let backwards: String = secret(place).chars().rev().collect();
    call(runtime, "seek", &[place, &backwards]).await.unwrap().into_bool().unwrap()
}

#[tokio::test]
async fn secrets_of_a_plugin_stay_within_their_scope() {
    let places = [
        ("static", Scope::Instance),
        ("thread local", Scope::Instance),
        ("freed heap", Scope::Instance),
        ("file", Scope::Nowhere),
        ("store", Scope::Module),
    ];
    for isolation in BOTH {
        let probe = Probe::load(|| package("isolation"), isolation);
        for (place, scope) in places {
            probe.check(place, scope).await;
        }
        // Memory of instances that are gone is reused, and empty.
        let Probe { module, other_module, .. } = probe;
        drop(module);
        for (place, _) in places {
            assert!(!found(&other_module, place).await, "{place} of a module that is gone");
        }
    }
}

#[tokio::test]
async fn secrets_in_wasm_state_stay_within_the_instance() {
    for (place, hide, seek) in [
        ("a global", "(global.set $kept (i32.const 1))", "(global.get $kept)"),
        (
            "an element of a table",
            "(table.set $table (i32.const 0) (ref.func $invoke))",
            "(i32.eqz (ref.is_null (table.get $table (i32.const 0))))",
        ),
        (
            "the length of a table",
            "(drop (table.grow $table (ref.null func) (i32.const 1)))",
            "(i32.gt_u (table.size $table) (i32.const 1))",
        ),
        (
            "a new element of a table",
            "(drop (table.grow $table (ref.func $invoke) (i32.const 1)))",
            "(if (result i32) (i32.eq (table.size $table) (i32.const 1))
               (then (drop (table.grow $table (ref.null func) (i32.const 1))) (i32.const 0))
               (else (i32.eqz (ref.is_null (table.get $table (i32.const 1))))))",
        ),
        (
            "memory",
            "(i32.store8 (i32.const 60000) (i32.const 1))",
            "(i32.load8_u (i32.const 60000))",
        ),
        (
            "the size of memory",
            "(drop (memory.grow (i32.const 1)))",
            "(i32.gt_u (memory.size) (i32.const 1))",
        ),
        (
            "a new page of memory",
            "(drop (memory.grow (i32.const 1))) (i32.store8 (i32.const 70000) (i32.const 1))",
            "(if (i32.eq (memory.size) (i32.const 1))
               (then (drop (memory.grow (i32.const 1)))))
             (i32.load8_u (i32.const 70000))",
        ),
    ] {
        for isolation in BOTH {
            Probe::load(|| core(hide, seek), isolation).check(place, Scope::Instance).await;
        }
    }
}

/// A component whose function `hide` runs one piece of code, and whose every function returns whether
/// another piece finds anything.
fn core(hide: &str, seek: &str) -> SurrealismPackage {
    let [yes, no] = [true, false].map(|found| codec::encode_value(&value(found)).unwrap());
    component(&format!(
        r#"
        (core module $m
          (memory (export "memory") 1)
          (table $table 1 10 funcref)
          (global $kept (mut i32) (i32.const 0))
          (global $free (mut i32) (i32.const 2048))
          (data (i32.const 256) "{yes_bytes}")
          (data (i32.const 1024) "{no_bytes}")
          (elem declare func $invoke)
          (func (export "realloc") (param i32 i32 i32) (param $size i32) (result i32)
            (global.get $free)
            (global.set $free (i32.and (i32.const -8)
              (i32.add (i32.const 7) (i32.add (global.get $free) (local.get $size))))))
          (func $seek (result i32) {seek})
          (func $invoke (export "invoke")
              (param $named i32) (param $name i32) (param i32 i32 i32) (result i32)
            (global.set $free (i32.const 2048))
            (if (i32.eq (i32.load8_u (local.get $name)) (i32.const {h})) (then {hide}))
            (i32.store8 (i32.const 0) (i32.const 0))
            (if (call $seek)
              (then (i32.store (i32.const 4) (i32.const 256))
                    (i32.store (i32.const 8) (i32.const {yes_size})))
              (else (i32.store (i32.const 4) (i32.const 1024))
                    (i32.store (i32.const 8) (i32.const {no_size}))))
            (i32.const 0)))
        (core instance $i (instantiate $m))
        {INVOKE}"#,
        h = b'h',
        yes_bytes = data(&yes),
        no_bytes = data(&no),
        yes_size = yes.len(),
        no_size = no.len(),
    ))
}

#[tokio::test]
async fn output_reaches_only_the_caller_whose_call_printed_it() {
    const SECRET: &str = "the cat is out";
    for isolation in BOTH {
        let runtime = load(package("isolation")).isolation(isolation).build().unwrap();
        for (place, returns) in [
            ("output", true),
            ("flushed output", true),
            ("error output", true),
            ("flushed output, then a trap", false),
        ] {
            let (first, second) = (Recorder::new(), Recorder::new());
            let hidden = runtime.call("hide", (text(place), text(SECRET)), first.clone()).await;
            assert_eq!(hidden.is_ok(), returns, "{place}");
            runtime.call("say", (text("hello"),), second.clone()).await.unwrap();
            assert_eq!([first.stdout(), first.stderr()].concat(), [SECRET], "{place}");
            assert_eq!([second.stdout(), second.stderr()].concat(), ["hello"], "{place}");

            let error = call(&runtime, "trap", &[]).await.unwrap_err().to_string();
            assert!(!error.contains(SECRET), "{place}: {error}");
        }
    }
}

#[tokio::test]
async fn the_host_keeps_nothing_of_a_caller() {
    for isolation in BOTH {
        let runtime = load(package("isolation")).isolation(isolation).build().unwrap();
        let caller = Recorder::new();
        let args = || (text("store"), text("x"));
        runtime.call("hide", args(), caller.clone()).await.unwrap();
        let held = [Arc::strong_count(&caller.stdout), Arc::strong_count(&caller.store)];
        assert_eq!(held, [1, 1], "{isolation:?}");

        let error = runtime.call("seek", args(), DetachedContext::new()).await.unwrap_err();
        assert_error_contains(&error, &["the key-value store is not available"]);
    }
}

#[tokio::test]
async fn no_module_reads_the_files_of_another() {
    let [ours, theirs] =
        ["ours", "theirs"].map(|whose| package_with_files("isolation", &[("whose.txt", whose)]));
    let their_file = theirs.fs.as_ref().unwrap().path().join("whose.txt");
    let climbing =
        Path::new("/../../../../../../../..").join(their_file.strip_prefix("/").unwrap());
    let [us, them] = [ours, theirs].map(|package| load(package).build().unwrap());

    let read = async |runtime, path: &str| call(runtime, "read", &[path]).await.unwrap();
    assert_eq!(read(&us, "/whose.txt").await, text("ours"));
    assert_eq!(read(&them, "/whose.txt").await, text("theirs"));
    for path in [&their_file, &climbing] {
        assert_eq!(read(&us, path.to_str().unwrap()).await, Value::None, "{}", path.display());
    }
}
