//! State that could differ between instances, or that a snapshot would lose: `init` runs in each of them.

use surrealism_runtime::KVStore;
use surrealism_runtime::limits::{MAX_SNAPSHOT_BYTES, MAX_SNAPSHOT_SEGMENTS};

use super::guest::{
    CLOCK, Guest, IN_MEMORY, KEEPING_KEY, RANDOM, STDOUT, keeping_number, with_segments,
};
use super::{assert_preinitialized, finds, fresh};
use crate::support::{Recorder, value};

#[tokio::test]
async fn an_init_that_calls_its_host_runs_in_every_instance() {
    for (case, guest) in [
        ("the clock", keeping_number(CLOCK)),
        ("a random number", keeping_number(RANDOM)),
        (
            "a random number that is not used",
            Guest { init: "(drop (call $call))", finds: "", ..keeping_number(RANDOM) },
        ),
        (
            "the clock, in a start function",
            Guest {
                fields: "(func $start (i64.store (i32.const 2048) (call $call))) (start $start)",
                init: "",
                ..keeping_number(CLOCK)
            },
        ),
        (
            "a handle of the host's",
            Guest {
                host: STDOUT,
                imports: r#"(import "host" "call" (func $call (result i32)))"#,
                init: "(i32.store (i32.const 2048) (call $call))",
                finds: "(i32.ne (i32.load (i32.const 2048)) (i32.const 0))",
                ..IN_MEMORY
            },
        ),
    ] {
        assert_preinitialized(case, guest.package(), false).await;
    }
}

#[tokio::test]
async fn an_init_that_reads_the_store_reads_that_of_each_caller() {
    let runtime = fresh(KEEPING_KEY.package()).build().unwrap();
    assert!(!runtime.usage().preinitialized);
    let (with, without) = (Recorder::new(), Recorder::new());
    with.store.set("key".to_string(), value(1_i64)).await.unwrap();
    for (context, expected) in [(&with, true), (&without, false), (&with, true)] {
        assert_eq!(finds(&runtime, context.clone()).await, expected);
    }
}

#[tokio::test]
async fn state_outside_of_memories_and_integers_is_not_in_a_snapshot() {
    for (case, guest) in [
        (
            "a handle of the guest's",
            Guest {
                host: r#"(type $own (resource (rep i32)))
                    (core func $new (canon resource.new $own))
                    (core func $rep (canon resource.rep $own))
                    (core instance $host (export "new" (func $new)) (export "rep" (func $rep)))"#,
                imports: r#"(import "host" "new" (func $new (param i32) (result i32)))
                    (import "host" "rep" (func $rep (param i32) (result i32)))"#,
                init: "(i32.store (i32.const 2048) (call $new (i32.const 7)))",
                finds: "(i32.eq (call $rep (i32.load (i32.const 2048))) (i32.const 7))",
                ..IN_MEMORY
            },
        ),
        (
            "an element of a table",
            Guest {
                fields: "(table $table 1 10 funcref) (elem declare func $f) (func $f)",
                init: "(table.set $table (i32.const 0) (ref.func $f))",
                finds: "(i32.eqz (ref.is_null (table.get $table (i32.const 0))))",
                ..Guest::default()
            },
        ),
        (
            "the length of a table",
            Guest {
                fields: "(table $table 1 10 funcref)",
                init: "(drop (table.grow $table (ref.null func) (i32.const 1)))",
                finds: "(i32.eq (table.size $table) (i32.const 2))",
                ..Guest::default()
            },
        ),
        (
            "a segment that was dropped",
            Guest {
                fields: r#"(data $late "\07")"#,
                init: "(data.drop $late) (i32.store (i32.const 2048) (i32.const 7))",
                ..IN_MEMORY
            },
        ),
        (
            "a floating-point global",
            Guest {
                fields: "(global $kept (mut f32) (f32.const 0))",
                init: "(global.set $kept (f32.const nan:0x200001))",
                finds: "(i32.eq (i32.reinterpret_f32 (global.get $kept)) (i32.const 0x7fa00001))",
                ..Guest::default()
            },
        ),
        (
            "a vector global",
            Guest {
                fields: "(global $kept (mut v128) (v128.const i64x2 0 0))",
                init: "(global.set $kept (v128.const i64x2 7 7))",
                finds: "(v128.any_true (global.get $kept))",
                ..Guest::default()
            },
        ),
        (
            "a module that exports none of its state",
            Guest {
                host: "(core module $hidden (memory 1) (global (mut i32) (i32.const 1)))
                    (core instance (instantiate $hidden))
                    (core instance $host)",
                ..IN_MEMORY
            },
        ),
        (
            "a module that is instantiated twice",
            Guest {
                host: "(core module $twice) (core instance (instantiate $twice))
                    (core instance (instantiate $twice)) (core instance $host)",
                ..IN_MEMORY
            },
        ),
    ] {
        assert_preinitialized(case, guest.package(), false).await;
    }
}

#[tokio::test]
async fn state_beyond_the_limits_of_a_snapshot_is_not_in_one() {
    let pages = MAX_SNAPSHOT_BYTES >> 16;
    let grow = format!("(drop (memory.grow (i32.const {pages})))");
    let has_grown = format!("(i32.gt_u (memory.size) (i32.const {pages}))");
    for (case, package) in [
        (
            "more memory than is allowed",
            Guest { init: &grow, finds: &has_grown, ..Guest::default() }.package(),
        ),
        ("more segments than are allowed", with_segments(MAX_SNAPSHOT_SEGMENTS + 1)),
        (
            "memory that cannot grow",
            Guest {
                host: r#"(core module $full (memory (export "memory") 1 1))
                    (core instance (instantiate $full))
                    (core instance $host)"#,
                ..IN_MEMORY
            }
            .package(),
        ),
        (
            "memory that is refused to a guest that goes on",
            Guest {
                init: "(block $full (loop $more
                         (br_if $full (i32.eq (memory.grow (i32.const 160)) (i32.const -1)))
                         (br $more)))",
                finds: "(i32.gt_u (memory.size) (i32.const 8000))",
                ..Guest::default()
            }
            .package(),
        ),
    ] {
        assert_preinitialized(case, package, false).await;
    }
}

/// wizer would take the component's exports for its own.
#[tokio::test]
async fn a_component_with_reserved_names_runs_init_in_every_instance() {
    for (case, guest) in [
        (
            "a function",
            Guest { fields: r#"(export "__wizer_memory_0" (func $finds))"#, ..IN_MEMORY },
        ),
        (
            "an interface",
            Guest {
                host: r#"(instance $none) (export "wasmtime:wizer/access" (instance $none))
                    (core instance $host)"#,
                ..IN_MEMORY
            },
        ),
    ] {
        assert_preinitialized(case, guest.package(), false).await;
    }
}
