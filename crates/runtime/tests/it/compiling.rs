//! Components that would take long to compile, or much memory, are refused before they are compiled.

use std::time::Duration;

use surrealism_runtime::limits::CompileLimits;
use surrealism_runtime::{ErrorKind, LoadError, Runtime, SurrealismPackage};

use crate::support::{package, package_marked};

/// A component around a function with these declarations and instructions.
fn function(declarations: &str, body: &str) -> Vec<u8> {
    let module =
        format!("(memory 1) (func (param $x i32) (result i32) {declarations} {body} local.get 0)");
    wat::parse_str(format!("(component (core module {module}))")).unwrap()
}

/// A function with so many locals that are live throughout, and `code` for each number.
fn live(locals: usize, count: usize, code: impl Fn(usize) -> String) -> Vec<u8> {
    let declared = format!("(local {})", "i32 ".repeat(locals));
    let begin: String =
        (1..=locals).map(|l| format!("local.get 0 i32.load local.set {l} ")).collect();
    let middle: String = (0..count).map(code).collect();
    let end: String = (1..=locals).map(|l| format!("local.get {l} drop ")).collect();
    function(&declared, &(begin + &middle + &end))
}

fn nested(opening: &str, depth: usize) -> Vec<u8> {
    function("", &(opening.repeat(depth) + &"end ".repeat(depth)))
}

/// Components in each other, each of which instantiates the inner one twice.
fn doubling(levels: usize) -> Vec<u8> {
    let mut component =
        "(component $c (core module $m) (core instance (instantiate $m)))".to_string();
    for _ in 0..levels {
        component = format!(
            "(component $c {component} (instance (instantiate $c)) (instance (instantiate $c)))"
        );
    }
    wat::parse_str(component).unwrap()
}

fn load(wasm: Vec<u8>, limits: &CompileLimits) -> Result<Runtime, surrealism_runtime::Error> {
    let package = SurrealismPackage { wasm, ..package("state") };
    Runtime::builder(package).compile_limits(limits.clone()).build()
}

#[test]
fn what_is_too_costly_to_compile_is_refused() {
    let set = |count: usize| {
        move |i: usize| format!("local.get 0 if local.get 0 local.set {} end ", 1 + i % count)
    };
    let wide = "i32 ".repeat(900);
    for (name, wasm, reason) in [
        (
            "16,000 locals and conditions",
            live(16_000, 16_000, set(16_000)),
            "16001 local variables",
        ),
        ("9,000 locals and conditions", live(9_000, 9_000, set(9_000)), "CPU time"),
        ("600 locals, 6,000 conditions", live(600, 6_000, set(600)), "CPU time"),
        ("deep blocks", nested("block ", 5_000), "4001 nested blocks"),
        ("deep loops", nested("loop ", 101), "101 nested loops"),
        ("many loops", function("", &"loop end ".repeat(60_000)), "CPU time"),
        ("a long function", function("", &"i32.const 0 drop ".repeat(800_000)), "bytes"),
        (
            "many tables of branches",
            live(50, 2_000, |i| {
                let targets = "1 2 ".repeat(500);
                format!(
                    "block block local.get 0 if local.get 0 local.set {} local.get 0
                     br_table {targets} end end end ",
                    1 + i % 50
                )
            }),
            "CPU time",
        ),
        (
            "wide blocks",
            wat::parse_str(format!(
                "(component (core module (type $t (func (param {wide}) (result {wide})))
                 (func (type $t) {} {})))",
                (0..900).map(|i| format!("local.get {i} ")).collect::<String>(),
                "loop (type $t) i32.const 0 br_if 0 end ".repeat(900),
            ))
            .unwrap(),
            "MiB of memory",
        ),
        ("instances that double", doubling(20), "instances"),
    ] {
        let error = load(wasm, &CompileLimits::default()).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Load(LoadError::TooCostly)), "{name}: {error}");
        let text = error.to_string();
        assert!(text.contains(reason), "{name}: {text}");
        assert!(text.contains("the limit is"), "{name}: {text}");
        assert!(text.contains("raise `CompileLimits::"), "{name}: {text}");
    }
}

/// Both sides of each limit: what is loaded is not a plugin, which is found out after compiling it.
#[test]
fn limits_of_compiling_are_exact() {
    let unlimited = CompileLimits::default();
    let wasm = live(3, 10, |_| "local.get 0 if loop loop end end end ".to_string());
    let cost = unlimited.check(&wasm).unwrap();
    let below = cost.time - Duration::from_nanos(1);
    type Limit = fn(u32) -> CompileLimits;
    let counts: [(u32, Limit); 3] = [
        (4, |max_locals| CompileLimits { max_locals, ..CompileLimits::default() }),
        (4, |max_nesting| CompileLimits { max_nesting, ..CompileLimits::default() }),
        (2, |max_loop_nesting| CompileLimits { max_loop_nesting, ..CompileLimits::default() }),
    ];
    let counts = counts
        .iter()
        .flat_map(|(count, limit)| [(limit(*count), true), (limit(*count - 1), false)]);
    let time = |max_time| CompileLimits { max_time, ..CompileLimits::default() };
    for (limits, admitted) in counts.chain([(time(cost.time), true), (time(below), false)]) {
        let error = load(wasm.clone(), &limits).unwrap_err();
        let expected = if admitted { LoadError::InvalidComponent } else { LoadError::TooCostly };
        assert!(
            matches!(error.kind(), ErrorKind::Load(kind) if *kind == expected),
            "{limits:?}: {error}"
        );
    }
}

#[test]
fn compilers_of_plugins_stay_far_from_the_limits() {
    for name in
        ["state", "text", "web", "net", "files", "host", "hostile", "attribute_matrix", "kv_atomic"]
    {
        let cost = CompileLimits::default().check(&package(name).wasm).unwrap();
        assert!(cost.time * 4 < CompileLimits::default().max_time, "{name}: {cost:?}");
        assert!(
            cost.memory_bytes * 4 < CompileLimits::default().max_memory_bytes,
            "{name}: {cost:?}"
        );
    }
}

#[test]
fn preinitializing_stays_within_the_limits() {
    let package = || package_marked("preinit_pure", "limits of compiling");
    let cost = CompileLimits::default().check(&package().wasm).unwrap();
    // What is compiled to run `init` has accessors beside the component itself.
    let load = |max_time| {
        let limits = CompileLimits { max_time, ..CompileLimits::default() };
        Runtime::builder(package()).preinitialize(true).compile_limits(limits).build()
    };
    assert!(!load(cost.time).unwrap().usage().preinitialized);
    // Two are compiled, and the time of a third is kept for the component itself, if that fails.
    assert!(!load(cost.time * 5 / 2).unwrap().usage().preinitialized);
    assert!(load(cost.time * 4).unwrap().usage().preinitialized);

    let error = load(cost.time / 2).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Load(LoadError::TooCostly)), "{error}");
}

/// An engine rejects a component after it has compiled it.
#[test]
fn all_compilations_of_a_load_are_within_the_limit() {
    let two_memories = "(component (core module (memory 1) (memory 1) (func nop)))";
    let wasm = wat::parse_str(two_memories).unwrap();
    let cost = CompileLimits::default().check(&wasm).unwrap();
    let error = |max_time| {
        let limits = CompileLimits { max_time, ..CompileLimits::default() };
        load(wasm.clone(), &limits).unwrap_err()
    };
    let refused = error(cost.time * 2 - Duration::from_nanos(1));
    assert!(matches!(refused.kind(), ErrorKind::Load(LoadError::TooCostly)), "{refused}");
    assert!(refused.to_string().contains("more to compile the component once more"), "{refused}");
    let compiled = error(cost.time * 2);
    assert!(matches!(compiled.kind(), ErrorKind::Load(LoadError::InvalidComponent)), "{compiled}");
}

/// A component of this many others, each of which takes a text from it: each has a memory that one adapter
/// imports, of the 100 that a module may have.
fn adapters(components: usize) -> Vec<u8> {
    let inner = r#"
        (core module $m (memory (export "m") 1)
          (func (export "r") (param i32 i32 i32 i32) (result i32) i32.const 0)
          (func (export "f") (param i32 i32)))
        (core instance $i (instantiate $m))"#;
    let instances: String = (0..components)
        .map(|i| {
            format!(
                r#"(instance $c{i} (instantiate $c))
                   (core func $f{i} (canon lower (func $c{i} "f") (memory $i "m") (realloc (func $i "r"))))"#
            )
        })
        .collect();
    let imports: String =
        (0..components).map(|i| format!(r#"(import "" "f{i}" (func (param i32 i32)))"#)).collect();
    let exports: String =
        (0..components).map(|i| format!(r#"(export "f{i}" (func $f{i}))"#)).collect();
    let component = format!(
        r#"(component
          (component $c {inner}
            (func (export "f") (param "a" string)
              (canon lift (core func $i "f") (memory $i "m") (realloc (func $i "r")))))
          {inner} {instances}
          (core module $user {imports})
          (core instance $exports {exports})
          (core instance (instantiate $user (with "" (instance $exports)))))"#
    );
    wat::parse_str(component).unwrap()
}

/// wasmtime panics at these, in whole or with the settings of the pool.
#[test]
fn what_the_compiler_does_not_support_is_an_error() {
    let exceptions =
        "(component (core module (tag $t (param i32)) (func $f (throw $t (i32.const 1)))
        (func (block (result i32) (try_table (catch $t 0) (call $f)) (i32.const 0)) drop)))";
    for (name, wasm) in [
        ("exceptions", wat::parse_str(exceptions).unwrap()),
        ("few adapters", adapters(3)),
        ("more memories than an adapter may have", adapters(120)),
    ] {
        let error = load(wasm, &CompileLimits::default()).unwrap_err();
        assert!(
            matches!(error.kind(), ErrorKind::Load(LoadError::InvalidComponent)),
            "{name}: {error}"
        );
    }
}

#[test]
fn components_that_cannot_be_parsed_are_not_valid() {
    for (name, wasm) in [
        ("a cut-off component", package("state").wasm[..1_000].to_vec()),
        ("no component", b"\0asm".to_vec()),
        (
            "an unknown opcode",
            function("", "nop").iter().map(|byte| if *byte == 1 { 0xff } else { *byte }).collect(),
        ),
    ] {
        let error = load(wasm, &CompileLimits::default()).unwrap_err();
        assert!(
            matches!(error.kind(), ErrorKind::Load(LoadError::InvalidComponent)),
            "{name}: {error}"
        );
    }
}
