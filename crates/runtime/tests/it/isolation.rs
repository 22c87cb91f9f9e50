//! The leak oracle: calls that hide secrets wherever a guest can put one, and calls that look for
//! them, in the same module and in another. What they find says who is kept apart from whom.

mod support;

use std::path::Path;
use std::sync::Arc;

use support::{INVOKE, Recorder, assert_says, component, package, value};
use surrealdb_types::Value;
use surrealism_runtime::{
    DetachedContext, Isolation, Runtime, SurrealismPackage, SurrealismResult,
};
use surrealism_types::codec;

const BOTH: [Isolation; 2] = [Isolation::Reuse, Isolation::Fresh];

/// Who may find what a call has hidden.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lasts {
    /// Nobody.
    Never,
    /// Later calls in the same instance.
    InTheInstance,
    /// Every call of the module.
    InTheModule,
}

use Lasts::{InTheInstance, InTheModule, Never};

/// A module whose calls hide, and one that is loaded from the same archive and only looks.
struct Oracle {
    isolation: Isolation,
    module: Runtime,
    stranger: Runtime,
}

impl Oracle {
    fn load(package: impl Fn() -> SurrealismPackage, isolation: Isolation) -> Self {
        let load = || support::load(package()).isolation(isolation).build().unwrap();
        Self { isolation, module: load(), stranger: load() }
    }

    /// Hides a secret in a place, and looks for it from everywhere.
    async fn check(&self, place: &str, lasts: Lasts) {
        let Self { isolation, module, stranger } = self;
        let what = format!("{place} under {isolation:?}");
        let hidden = call(module, "hide", &[place, &secret(place)]).await;
        assert_eq!(hidden.is_ok(), lasts != Never, "{what}: {hidden:?}");

        let same_instance = *isolation == Isolation::Reuse && lasts == InTheInstance;
        let next = same_instance || lasts == InTheModule;
        assert_eq!(found(module, place).await, next, "the next call, {what}");
        assert!(!found(stranger, place).await, "another module, {what}");

        let busy = module.acquire_controller(Box::new(DetachedContext::new())).await.unwrap();
        assert_eq!(found(module, place).await, lasts == InTheModule, "another instance, {what}");
        module.release_controller(busy);
    }
}

fn secret(place: &str) -> String {
    format!("what is kept in: {place}")
}

async fn call(runtime: &Runtime, function: &str, args: &[&str]) -> SurrealismResult<Value> {
    let context = DetachedContext::new().kv(runtime.kv_store().clone());
    let args: Vec<Value> = args.iter().map(|arg| value(arg.to_string())).collect();
    runtime.call(function, args, context).await
}

async fn found(runtime: &Runtime, place: &str) -> bool {
    let backwards: String = secret(place).chars().rev().collect();
    call(runtime, "seek", &[place, &backwards]).await.unwrap().into_bool().unwrap()
}

#[tokio::test]
async fn what_a_plugin_hides_is_found_only_where_it_may_be() {
    let places = [
        ("static", InTheInstance),
        ("thread local", InTheInstance),
        ("freed heap", InTheInstance),
        ("file", Never),
        ("store", InTheModule),
    ];
    for isolation in BOTH {
        let oracle = Oracle::load(|| package("isolation"), isolation);
        for (place, lasts) in places {
            oracle.check(place, lasts).await;
        }
        // Whoever is given the memory of instances that are gone finds it empty.
        let Oracle { module, stranger, .. } = oracle;
        drop(module);
        for (place, _) in places {
            assert!(!found(&stranger, place).await, "{place} of a module that is gone");
        }
    }
}

#[tokio::test]
async fn what_only_wasm_itself_can_hide_is_kept_apart_as_well() {
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
            Oracle::load(|| core(hide, seek), isolation).check(place, InTheInstance).await;
        }
    }
}

/// A component whose `hide` runs one piece of code, and whose every function answers whether
/// another piece finds anything.
fn core(hide: &str, seek: &str) -> SurrealismPackage {
    let answer = |found: bool| codec::encode_value(&value(found)).unwrap();
    let (yes, no) = (answer(true), answer(false));
    let bytes = |bytes: &[u8]| bytes.iter().map(|b| format!("\\{b:02x}")).collect::<String>();
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
        yes_bytes = bytes(&yes),
        no_bytes = bytes(&no),
        yes_size = yes.len(),
        no_size = no.len(),
    ))
}

#[tokio::test]
async fn no_caller_hears_what_another_calls_guest_printed() {
    const TOLD: &str = "the cat is out";
    let say = || vec![value("hello".to_string())];
    for isolation in BOTH {
        let package = package("isolation");
        let runtime = support::load(package).isolation(isolation).build().unwrap();
        for (place, returns) in [
            ("output", true),
            ("flushed output", true),
            ("error output", true),
            ("flushed output, then a trap", false),
        ] {
            let (first, second) = (Recorder::new(), Recorder::new());
            let hide = vec![value(place.to_string()), value(TOLD.to_string())];
            let hidden = runtime.call("hide", hide, first.clone()).await;
            assert_eq!(hidden.is_ok(), returns, "{place}");
            runtime.call("say", say(), second.clone()).await.unwrap();
            assert_eq!([first.stdout(), first.stderr()].concat(), [TOLD], "{place}");
            assert_eq!([second.stdout(), second.stderr()].concat(), ["hello"], "{place}");

            let error = call(&runtime, "trap", &[]).await.unwrap_err().to_string();
            assert!(!error.contains(TOLD), "{place}: {error}");
        }
    }
}

#[tokio::test]
async fn the_host_keeps_nothing_of_a_caller() {
    for isolation in BOTH {
        let package = package("isolation");
        let runtime = support::load(package).isolation(isolation).build().unwrap();
        let caller = Recorder::new();
        let hide = vec![value("store".to_string()), value("x".to_string())];
        runtime.call("hide", hide, caller.clone()).await.unwrap();
        let held = [Arc::strong_count(&caller.stdout), Arc::strong_count(&caller.store)];
        assert_eq!(held, [1, 1], "{isolation:?}");

        let seek = vec![value("store".to_string()), value("x".to_string())];
        let error = runtime.call("seek", seek, DetachedContext::new()).await.unwrap_err();
        assert_says(&error, &["this call has no key-value store"]);
    }
}

#[tokio::test]
async fn no_module_reads_the_files_of_another() {
    let [ours, theirs] = ["ours", "theirs"].map(|whose| {
        let (folder, files) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        std::fs::write(files.path().join("whose.txt"), whose).unwrap();
        let archive = folder.path().join("x.surli");
        package("isolation").pack(archive.clone(), Some(files.path())).unwrap();
        SurrealismPackage::from_file(archive).unwrap()
    });
    let their_file = theirs.fs.as_ref().unwrap().path().join("whose.txt");
    let climbing =
        Path::new("/../../../../../../../..").join(their_file.strip_prefix("/").unwrap());
    let [us, them] = [ours, theirs].map(|package| support::load(package).build().unwrap());

    let read = async |runtime, path: &str| call(runtime, "read", &[path]).await.unwrap();
    assert_eq!(read(&us, "/whose.txt").await, value("ours".to_string()));
    assert_eq!(read(&them, "/whose.txt").await, value("theirs".to_string()));
    for path in [&their_file, &climbing] {
        assert_eq!(read(&us, path.to_str().unwrap()).await, Value::None, "{}", path.display());
    }
}
