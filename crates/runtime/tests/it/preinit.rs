//! The outcome of `init`, captured when a module is loaded: that fresh instances begin with it, and
//! that nothing is captured which might come out otherwise.

mod support;

use std::fs;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use futures::executor::block_on;
use proptest::collection::vec;
use proptest::prelude::*;
use support::{INVOKE, Recorder, assert_says, component, package, value};
use surrealdb_types::Value;
use surrealism_runtime::limits::{MAX_PREINIT_TIME, MAX_SNAPSHOT_BYTES, MAX_SNAPSHOT_SEGMENTS};
use surrealism_runtime::usage::CodeSource::{Cache, Compiled, Shared};
use surrealism_runtime::{
    CodeCache, DetachedContext, InvocationContext, Isolation, KVStore, Runtime, RuntimeBuilder,
    SurrealismPackage, SurrealismResult,
};
use surrealism_types::codec;

/// A component of which every call answers whether it finds what `init` has left, and then changes
/// it.
#[derive(Clone, Copy, Default)]
struct Guest<'a> {
    /// What the component asks of its host, as the core instance `$host`.
    host: &'a str,
    /// What its core module imports of that.
    asks: &'a str,
    /// What else is in its core module.
    fields: &'a str,
    init: &'a str,
    found: &'a str,
    change: &'a str,
}

impl Guest<'_> {
    fn package(self) -> SurrealismPackage {
        let Self { host, asks, fields, init, found, change } = self;
        let host = if host.is_empty() { "(core instance $host)" } else { host };
        let found = if found.is_empty() { "(i32.const 1)" } else { found };
        let [yes, no] = [true, false].map(|found| codec::encode_value(&value(found)).unwrap());
        let bytes = |bytes: &[u8]| bytes.iter().map(|b| format!("\\{b:02x}")).collect::<String>();
        component(&format!(
            r#"
            (core module $libc
              (memory (export "memory") 1)
              (global $free (export "free") (mut i32) (i32.const 4096))
              (func (export "realloc") (param i32 i32 i32) (param $size i32) (result i32)
                (global.get $free)
                (global.set $free (i32.and (i32.const -8)
                  (i32.add (i32.const 7) (i32.add (global.get $free) (local.get $size)))))))
            (core instance $libc (instantiate $libc))
            {host}
            (core module $m
              (import "libc" "memory" (memory $memory 1))
              (import "libc" "free" (global $free (mut i32)))
              (import "libc" "realloc" (func $realloc (param i32 i32 i32 i32) (result i32)))
              {asks}
              {fields}
              (export "memory" (memory $memory))
              (export "realloc" (func $realloc))
              (data (i32.const 32) "\01\00\00\00\40\00\00\00\0b\00\00\00")
              (data (i32.const 64) "no such day")
              (data (i32.const 256) "{yes_bytes}")
              (data (i32.const 1024) "{no_bytes}")
              (func (export "init") (result i32)
                {init}
                (i32.store8 (i32.const 16) (i32.const 0))
                (i32.const 16))
              (func $found (result i32) {found})
              (func (export "invoke") (param i32 i32 i32 i32 i32) (result i32)
                (global.set $free (i32.const 4096))
                (i32.store8 (i32.const 0) (i32.const 0))
                (if (call $found)
                  (then (i32.store (i32.const 4) (i32.const 256))
                        (i32.store (i32.const 8) (i32.const {yes_size})))
                  (else (i32.store (i32.const 4) (i32.const 1024))
                        (i32.store (i32.const 8) (i32.const {no_size}))))
                {change}
                (i32.const 0)))
            (core instance $i (instantiate $m
              (with "libc" (instance $libc)) (with "host" (instance $host))))
            (func (export "init") (result (result (error string)))
              (canon lift (core func $i "init") (memory $i "memory")))
            {INVOKE}"#,
            yes_bytes = bytes(&yes),
            no_bytes = bytes(&no),
            yes_size = yes.len(),
            no_size = no.len(),
        ))
    }
}

/// What most guests keep it in.
const GLOBAL: Guest<'_> = Guest {
    host: "",
    asks: "",
    fields: "",
    init: "(i32.store (i32.const 2048) (i32.const 7))",
    found: "(i32.eq (i32.load (i32.const 2048)) (i32.const 7))",
    change: "(i32.store (i32.const 2048) (i32.const 9))",
};

fn fresh(package: SurrealismPackage) -> RuntimeBuilder {
    Runtime::builder(package).isolation(Isolation::Fresh)
}

async fn call(runtime: &Runtime, context: impl InvocationContext + 'static) -> bool {
    answer(runtime, context).await.unwrap().into_bool().unwrap()
}

async fn answer(
    runtime: &Runtime,
    context: impl InvocationContext + 'static,
) -> SurrealismResult<Value> {
    runtime.call("find", (), context).await
}

/// Loads a guest, and finds what `init` has left in every call.
async fn check(what: &str, package: SurrealismPackage, captured: bool) {
    let runtime = fresh(package).build().unwrap_or_else(|error| panic!("{what}: {error}"));
    assert_eq!(runtime.usage().preinitialized, captured, "{what}");
    for number in 1..=3 {
        assert!(call(&runtime, Recorder::new()).await, "{what}, call {number}");
    }
    assert_eq!(runtime.usage().instances.current, 0, "{what}");
}

#[tokio::test]
async fn fresh_instances_begin_with_what_init_has_left() {
    let cases = [
        ("nothing", Guest::default()),
        ("memory", GLOBAL),
        (
            "a global",
            Guest {
                fields: "(global $kept (mut i32) (i32.const 0))",
                init: "(global.set $kept (i32.sub (global.get $kept) (i32.const 7)))",
                found: "(i32.eq (global.get $kept) (i32.const -7))",
                change: "(global.set $kept (i32.const 9))",
                ..GLOBAL
            },
        ),
        (
            "a global of 64 bits",
            Guest {
                fields: "(global $kept (mut i64) (i64.const 0))",
                init: "(global.set $kept (i64.const -7000000000))",
                found: "(i64.eq (global.get $kept) (i64.const -7000000000))",
                change: "(global.set $kept (i64.const 9))",
                ..GLOBAL
            },
        ),
        (
            "new pages of memory",
            Guest {
                init: "(drop (memory.grow (i32.const 2)))
                       (i32.store8 (i32.const 70000) (i32.const 7))",
                found: "(i32.and (i32.eq (memory.size) (i32.const 3))
                                 (i32.eq (i32.load8_u (i32.const 70000)) (i32.const 7)))",
                change: "(drop (memory.grow (i32.const 1)))
                         (i32.store8 (i32.const 70000) (i32.const 9))",
                ..GLOBAL
            },
        ),
        ("more pieces of memory than a component may have segments", pieces(50_000)),
        (
            "nearly as much memory as is captured",
            Guest {
                init: "(drop (memory.grow (i32.const 1000)))
                       (i32.store (i32.const 0x3e80000) (i32.const 7))",
                found: "(i32.eq (i32.load (i32.const 0x3e80000)) (i32.const 7))",
                change: "(i32.store (i32.const 0x3e80000) (i32.const 9))",
                ..GLOBAL
            },
        ),
        (
            "what was in a segment, which is there still",
            Guest {
                fields: r#"(data $late "\07\08")"#,
                init: "(memory.init $late (i32.const 2048) (i32.const 0) (i32.const 1))",
                found: "(memory.init $late (i32.const 2049) (i32.const 1) (i32.const 1))
                        (i32.eq (i32.load16_u (i32.const 2048)) (i32.const 0x0807))",
                change: "(i32.store (i32.const 2048) (i32.const 9))",
                ..GLOBAL
            },
        ),
        (
            "what a function of a table has answered",
            Guest {
                fields: "(type $number (func (result i32)))
                         (func $seven (result i32) (i32.const 7))
                         (table funcref (elem $seven))",
                init: "(i32.store (i32.const 2048) (call_indirect (type $number) (i32.const 0)))",
                found: "(i32.eq (i32.load (i32.const 2048))
                                (call_indirect (type $number) (i32.const 0)))",
                ..GLOBAL
            },
        ),
        (
            "what it has added to what the start function left",
            Guest {
                fields: "(func $start
                           (i32.store (i32.const 2048)
                             (i32.add (i32.load (i32.const 2048)) (i32.const 3))))
                         (start $start)",
                init: "(i32.store (i32.const 2048)
                         (i32.add (i32.load (i32.const 2048)) (i32.const 4)))",
                ..GLOBAL
            },
        ),
    ];
    for (what, guest) in cases {
        check(what, guest.package(), true).await;
    }
}

/// Leaves so many bytes, with seven zeros after each.
fn pieces(number: usize) -> Guest<'static> {
    let each = |then: &str| {
        format!(
            "(local.set $at (i32.const 65536))
             (loop $next
               {then}
               (local.set $at (i32.add (local.get $at) (i32.const 8)))
               (br_if $next (i32.lt_u (local.get $at) (i32.const {}))))",
            65536 + 8 * number
        )
    };
    let pages = (8 * number).div_ceil(1 << 16);
    let put = each("(i32.store8 (local.get $at) (i32.const 7))");
    let look = each(
        "(if (i64.ne (i64.load (local.get $at)) (i64.const 7)) (then (return (i32.const 0))))",
    );
    Guest {
        fields: format!(
            "(func $put (local $at i32) (drop (memory.grow (i32.const {pages}))) {put})
            (func $look (result i32) (local $at i32) {look} (i32.const 1))"
        )
        .leak(),
        init: "(call $put)",
        found: "(call $look)",
        change: "(i32.store8 (i32.const 65536) (i32.const 9))",
        ..GLOBAL
    }
}

/// One thing that an `init` does to the state it leaves.
#[derive(Debug, Clone)]
enum Step {
    Store {
        at: u32,
        value: u64,
    },
    Fill {
        at: u32,
        value: u8,
        length: u16,
    },
    Copy {
        to: u32,
        from: u32,
        length: u16,
    },
    /// Of a segment that is not in memory from the beginning.
    Load {
        at: u32,
    },
    Grow,
    Add {
        value: i64,
    },
    /// Through a table.
    Call {
        function: u8,
    },
}

impl Step {
    fn any() -> impl Strategy<Value = Self> {
        // Beyond the guest's own, and often in pages that are not there yet.
        let at = || 8_192..200_000_u32;
        prop_oneof![
            4 => (at(), any::<u64>()).prop_map(|(at, value)| Self::Store { at, value }),
            1 => (at(), 1..256_u64).prop_map(|(at, value)| Self::Store { at, value }),
            2 => (at(), any::<u8>(), any::<u16>()).prop_map(|(at, value, length)| Self::Fill { at, value, length }),
            2 => (at(), at(), any::<u16>()).prop_map(|(to, from, length)| Self::Copy { to, from, length }),
            1 => at().prop_map(|at| Self::Load { at }),
            3 => Just(Self::Grow),
            2 => any::<i64>().prop_map(|value| Self::Add { value }),
            1 => (0..2_u8).prop_map(|function| Self::Call { function }),
        ]
    }

    /// As text, which does nothing where memory does not reach.
    fn text(&self) -> String {
        let (end, code) = match *self {
            Self::Store { at, value } => {
                (at + 8, format!("(i64.store (i32.const {at}) (i64.const {value}))"))
            }
            Self::Fill { at, value, length } => (
                at + u32::from(length),
                format!("(memory.fill (i32.const {at}) (i32.const {value}) (i32.const {length}))"),
            ),
            Self::Copy { to, from, length } => (
                to.max(from) + u32::from(length),
                format!("(memory.copy (i32.const {to}) (i32.const {from}) (i32.const {length}))"),
            ),
            Self::Load { at } => (
                at + 3,
                format!("(memory.init $late (i32.const {at}) (i32.const 0) (i32.const 3))"),
            ),
            Self::Grow => (0, "(drop (memory.grow (i32.const 1)))".to_string()),
            Self::Add { value } => {
                (0, format!("(global.set $long (i64.add (global.get $long) (i64.const {value})))"))
            }
            Self::Call { function } => {
                (0, format!("(call_indirect (type $change) (i32.const {function}))"))
            }
        };
        format!(
            "(if (i32.ge_u (i32.mul (memory.size) (i32.const 65536)) (i32.const {end}))
               (then {code}))"
        )
    }
}

/// A guest whose `init` takes these steps, and that answers the sum of all its state.
fn summed(steps: &[Step]) -> SurrealismPackage {
    const PLACE: i64 = 0x0123_4567_89ab_cdef;
    let answer = codec::encode_value(&value(PLACE)).unwrap();
    let place = answer.windows(8).position(|bytes| bytes == PLACE.to_le_bytes()).unwrap();
    let bytes: String = answer.iter().map(|byte| format!("\\{byte:02x}")).collect();
    let fields = format!(
        r#"(global $long (mut i64) (i64.const 5))
           (global $short (mut i32) (i32.const 6))
           (data $late "\01\02\03")
           (data (i32.const 3000) "{bytes}")
           (type $change (func))
           (func $one (global.set $short (i32.mul (global.get $short) (i32.const 31))))
           (func $two (global.set $short (i32.add (global.get $short) (i32.const 17))))
           (table funcref (elem $one $two))
           (func $sum (result i64)
             (local $at i32) (local $sum i64)
             (local.set $at (i32.const 8192))
             (local.set $sum (i64.add (global.get $long) (i64.extend_i32_u (global.get $short))))
             (loop $next
               (local.set $sum (i64.add
                 (i64.mul (local.get $sum) (i64.const 1099511628211))
                 (i64.load (local.get $at))))
               (local.set $at (i32.add (local.get $at) (i32.const 8)))
               (br_if $next (i32.lt_u (local.get $at)
                                      (i32.mul (memory.size) (i32.const 65536)))))
             (local.get $sum))"#
    );
    let answer = format!(
        "(i64.store (i32.const {}) (call $sum))
         (i32.store (i32.const 4) (i32.const 3000))
         (i32.store (i32.const 8) (i32.const {}))",
        3000 + place,
        answer.len()
    );
    let init: String = steps.iter().map(Step::text).collect();
    Guest { fields: &fields, init: &init, change: &answer, ..Guest::default() }.package()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn what_is_captured_is_what_init_leaves(steps in vec(Step::any(), 0..40)) {
        let load = |isolation| {
            Runtime::builder(summed(&steps)).isolation(isolation).build().unwrap()
        };
        let (ran, captured) = (load(Isolation::Reuse), load(Isolation::Fresh));
        prop_assert!(captured.usage().preinitialized && !ran.usage().preinitialized);
        let sum = |runtime| block_on(answer(runtime, DetachedContext::new())).unwrap();
        prop_assert_eq!(sum(&ran), sum(&captured));
    }
}

const CLOCK: &str = r#"
    (import "wasi:clocks/monotonic-clock@0.2.0" (instance $clock
      (export "now" (func (result u64)))))
    (core func $now (canon lower (func $clock "now")))
    (core instance $host (export "ask" (func $now)))"#;

const RANDOM: &str = r#"
    (import "wasi:random/random@0.2.0" (instance $random
      (export "get-random-u64" (func (result u64)))))
    (core func $number (canon lower (func $random "get-random-u64")))
    (core instance $host (export "ask" (func $number)))"#;

const OUTPUT: &str = r#"
    (import "wasi:io/streams@0.2.0" (instance $streams
      (export "output-stream" (type $stream (sub resource)))))
    (alias export $streams "output-stream" (type $stream))
    (import "wasi:cli/stdout@0.2.0" (instance $stdout
      (alias outer 1 $stream (type $stream))
      (export "output-stream" (type $output (eq $stream)))
      (export "get-stdout" (func (result (own $output))))))
    (core func $get (canon lower (func $stdout "get-stdout")))
    (core instance $host (export "ask" (func $get)))"#;

const STORE: &str = r#"
    (import "surrealism:plugin/host" (instance $host
      (export "kv-exists" (func (param "key" string) (result (result bool (error string)))))))
    (core func $exists (canon lower (func $host "kv-exists")
      (memory $libc "memory") (realloc (func $libc "realloc"))))
    (core instance $host (export "ask" (func $exists)))"#;

/// Keeps a number of the host's.
const fn number(host: &'static str) -> Guest<'static> {
    Guest {
        host,
        asks: r#"(import "host" "ask" (func $ask (result i64)))"#,
        fields: "",
        init: "(i64.store (i32.const 2048) (i64.or (call $ask) (i64.const 1)))",
        found: "(i64.ne (i64.load (i32.const 2048)) (i64.const 0))",
        change: "",
    }
}

/// Keeps whether the caller's store has a key.
const KEY: Guest<'_> = Guest {
    host: STORE,
    asks: r#"(import "host" "ask" (func $ask (param i32 i32 i32)))"#,
    fields: r#"(data (i32.const 3000) "key")"#,
    init: "(call $ask (i32.const 3000) (i32.const 3) (i32.const 2048))",
    found: "(i32.load8_u (i32.const 2052))",
    change: "(i32.store (i32.const 2052) (i32.const 9))",
};

#[tokio::test]
async fn whatever_might_come_out_otherwise_runs_in_every_instance() {
    let cases = [
        ("the clock", number(CLOCK)),
        ("random numbers", number(RANDOM)),
        (
            "a random number that is not used",
            Guest { init: "(drop (call $ask))", found: "", ..number(RANDOM) },
        ),
        (
            "the clock, before `init`",
            Guest {
                fields: "(func $start (i64.store (i32.const 2048) (call $ask))) (start $start)",
                init: "",
                ..number(CLOCK)
            },
        ),
        (
            "a handle of the host's",
            Guest {
                host: OUTPUT,
                asks: r#"(import "host" "ask" (func $ask (result i32)))"#,
                init: "(i32.store (i32.const 2048) (call $ask))",
                found: "(i32.ne (i32.load (i32.const 2048)) (i32.const 0))",
                ..GLOBAL
            },
        ),
        (
            "a handle of its own",
            Guest {
                host:
                    "(type $own (resource (rep i32)))
                    (core func $new (canon resource.new $own))
                    (core func $rep (canon resource.rep $own))
                    (core instance $host (export \"new\" (func $new)) (export \"rep\" (func $rep)))",
                asks: r#"(import "host" "new" (func $new (param i32) (result i32)))
                    (import "host" "rep" (func $rep (param i32) (result i32)))"#,
                init: "(i32.store (i32.const 2048) (call $new (i32.const 7)))",
                found: "(i32.eq (call $rep (i32.load (i32.const 2048))) (i32.const 7))",
                ..GLOBAL
            },
        ),
        (
            "an element of a table",
            Guest {
                fields: "(table $table 1 10 funcref) (elem declare func $f) (func $f)",
                init: "(table.set $table (i32.const 0) (ref.func $f))",
                found: "(i32.eqz (ref.is_null (table.get $table (i32.const 0))))",
                ..Guest::default()
            },
        ),
        (
            "the length of a table",
            Guest {
                fields: "(table $table 1 10 funcref)",
                init: "(drop (table.grow $table (ref.null func) (i32.const 1)))",
                found: "(i32.eq (table.size $table) (i32.const 2))",
                ..Guest::default()
            },
        ),
        (
            "a segment that is gone",
            Guest {
                fields: r#"(data $late "\07")"#,
                init: "(data.drop $late) (i32.store (i32.const 2048) (i32.const 7))",
                ..GLOBAL
            },
        ),
        (
            "a number with a point",
            Guest {
                fields: "(global $kept (mut f32) (f32.const 0))",
                init: "(global.set $kept (f32.const nan:0x200001))",
                found: "(i32.eq (i32.reinterpret_f32 (global.get $kept)) (i32.const 0x7fa00001))",
                ..Guest::default()
            },
        ),
        (
            "a vector",
            Guest {
                fields: "(global $kept (mut v128) (v128.const i64x2 0 0))",
                init: "(global.set $kept (v128.const i64x2 7 7))",
                found: "(v128.any_true (global.get $kept))",
                ..Guest::default()
            },
        ),
        (
            "state that nobody can see",
            Guest {
                host: "(core module $hidden (memory 1) (global (mut i32) (i32.const 1)))
                    (core instance (instantiate $hidden))
                    (core instance $host)",
                ..GLOBAL
            },
        ),
        (
            "memory that cannot grow",
            Guest {
                host: r#"(core module $full (memory (export "memory") 1 1))
                    (core instance (instantiate $full))
                    (core instance $host)"#,
                ..GLOBAL
            },
        ),
        (
            "memory that is refused, politely",
            Guest {
                init: "(block $full (loop $more
                         (br_if $full (i32.eq (memory.grow (i32.const 160)) (i32.const -1)))
                         (br $more)))",
                found: "(i32.gt_u (memory.size) (i32.const 8000))",
                ..Guest::default()
            },
        ),
        (
            "more memory than is captured",
            Guest {
                init: format!("(drop (memory.grow (i32.const {})))", MAX_SNAPSHOT_BYTES >> 16)
                    .leak(),
                found: format!("(i32.gt_u (memory.size) (i32.const {}))", MAX_SNAPSHOT_BYTES >> 16)
                    .leak(),
                ..Guest::default()
            },
        ),
        ("memory in too many pieces", pieces(MAX_SNAPSHOT_SEGMENTS + 1)),
        (
            "wizer's names",
            Guest { fields: r#"(export "__wizer_memory_0" (func $found))"#, ..GLOBAL },
        ),
        (
            "wizer's interface",
            Guest {
                host: r#"(instance $none) (export "wasmtime:wizer/access" (instance $none))
                    (core instance $host)"#,
                ..GLOBAL
            },
        ),
        (
            "a module that is instantiated twice",
            Guest {
                host: "(core module $twice) (core instance (instantiate $twice))
                    (core instance (instantiate $twice)) (core instance $host)",
                ..GLOBAL
            },
        ),
    ];
    for (what, guest) in cases {
        check(what, guest.package(), false).await;
    }
}

#[tokio::test]
async fn an_init_that_asks_its_caller_asks_each_one() {
    let runtime = fresh(KEY.package()).build().unwrap();
    assert!(!runtime.usage().preinitialized);
    let (with, without) = (Recorder::new(), Recorder::new());
    with.store.set("key".to_string(), value(1_i64)).await.unwrap();
    for (context, expected) in [(&with, true), (&without, false), (&with, true)] {
        assert_eq!(call(&runtime, context.clone()).await, expected);
    }
}

#[tokio::test]
async fn an_init_that_comes_to_nothing_does_so_in_every_call() {
    let limited = |init, isolation| {
        let package = Guest { init, ..GLOBAL }.package();
        Runtime::builder(package)
            .isolation(isolation)
            .max_memory_bytes(1 << 20)
            .max_execution_time(Duration::from_millis(200))
            .build()
            .unwrap()
    };
    for (what, init, says) in [
        ("an error", "(return (i32.const 32))", "`init` of acme/x 1.0.0 failed: no such day"),
        ("a trap", "unreachable", "function `init` of acme/x 1.0.0 trapped"),
        ("no end", "(loop $on (br $on))", "200ms"),
        (
            "no memory",
            "(loop $on (br_if $on (i32.ne (memory.grow (i32.const 1)) (i32.const -1)))) unreachable",
            "ran out of memory: it asked for 1114112 bytes",
        ),
        ("a bad answer", "(return (i32.const -1))", "init"),
    ] {
        let begin = Instant::now();
        let [reuse, fresh] = [Isolation::Reuse, Isolation::Fresh].map(|is| limited(init, is));
        assert!(begin.elapsed() < MAX_PREINIT_TIME, "{what} held the load up");
        assert!(!fresh.usage().preinitialized, "{what}");
        let expected = answer(&reuse, DetachedContext::new()).await.unwrap_err();
        assert_says(&expected, &[says]);
        for _ in 0..2 {
            let error = answer(&fresh, DetachedContext::new()).await.unwrap_err();
            assert_eq!(error.to_string(), expected.to_string(), "{what}");
        }
    }
}

#[tokio::test(flavor = "current_thread")]
async fn an_init_without_end_holds_up_one_load_for_a_while_and_no_executor() {
    // Of the module's own code nothing could be stopped.
    let mut package = Guest { init: "(loop $on (br $on))", ..GLOBAL }.package();
    package.config.capabilities.strict_timeout = false;
    let (began, mut ticks) = (Instant::now(), 0);
    let mut loading = pin!(fresh(package).build_async());
    let runtime = loop {
        tokio::select! {
            loaded = &mut loading => break loaded.unwrap(),
            () = tokio::time::sleep(Duration::from_millis(10)) => ticks += 1,
        }
    };
    let took = began.elapsed();
    assert!(!runtime.usage().preinitialized);
    assert!((MAX_PREINIT_TIME..2 * MAX_PREINIT_TIME).contains(&took), "{took:?}");
    assert!(ticks > 50, "{ticks} ticks in {took:?}");
}

#[tokio::test]
async fn what_fits_one_limit_of_memory_is_not_for_another() {
    let guest = Guest {
        init: "(if (i32.eq (memory.grow (i32.const 31)) (i32.const -1))
                 (then (return (i32.const 32))))
               (i32.store (i32.const 2048) (i32.const 7))",
        ..GLOBAL
    };
    let load = |mib: usize| fresh(guest.package()).max_memory_bytes(mib << 20).build().unwrap();
    let (enough, less) = (load(2), load(1));
    assert_eq!([&enough, &less].map(|it| it.usage().preinitialized), [true, false]);
    assert!(call(&enough, DetachedContext::new()).await);
    let error = answer(&less, DetachedContext::new()).await.unwrap_err();
    assert_says(&error, &["`init` of acme/x 1.0.0 failed: no such day"]);
}

async fn ask(runtime: &Runtime, function: &str, args: Vec<Value>) -> Value {
    runtime.call(function, args, DetachedContext::new()).await.unwrap()
}

#[tokio::test]
async fn a_plugin_of_the_sdk_is_captured_beside_one_that_is_not() {
    for strict_timeout in [true, false] {
        let load = |isolation| {
            let mut package = package("preinit_pure");
            package.config.capabilities.strict_timeout = strict_timeout;
            support::load(package).isolation(isolation).build().unwrap()
        };
        let loaded = [Isolation::Reuse, Isolation::Fresh].map(load);
        let [reuse, fresh] = &loaded;
        assert_eq!(loaded.each_ref().map(|it| it.usage().preinitialized), [false, true]);

        let named = |names: &[&str]| value(names.iter().map(|n| n.to_string()).collect::<Vec<_>>());
        for (name, kept) in [("a", ["a", "init"].as_slice()), ("b", &["a", "b", "init"])] {
            let args = || vec![value(name.to_string())];
            assert_eq!(ask(reuse, "name", args()).await, named(kept));
            assert_eq!(ask(fresh, "name", args()).await, named(&[name, "init"]));
        }
        for runtime in &loaded {
            assert_eq!(ask(runtime, "inits", vec![]).await, value(1_i64));
            assert_eq!(ask(runtime, "prime", vec![value(1_000_i64)]).await, value(7_927_i64));
        }
        // One that the host makes for itself begins so as well, and `init` has no more to do.
        for (runtime, before) in [(reuse, 0_i64), (fresh, 1)] {
            let context = Box::new(DetachedContext::new());
            let mut own = runtime.new_controller(context).await.unwrap();
            assert_eq!(own.invoke(support::name("inits"), ()).await.unwrap(), value(before));
            own.init().await.unwrap();
            assert_eq!(own.invoke(support::name("inits"), ()).await.unwrap(), value(1_i64));
        }
    }
}

#[tokio::test]
async fn a_trap_is_told_with_the_names_of_functions() {
    let fresh = support::load(package("preinit_pure")).isolation(Isolation::Fresh).build().unwrap();
    assert!(fresh.usage().preinitialized);
    let error = fresh.call("trap", (), DetachedContext::new()).await.unwrap_err();
    assert_says(
        &error,
        &[
            "function `trap` of surrealism/prepared 0.1.0 trapped",
            "deep_in_the_guest",
            "invoke-inline at 0x",
        ],
    );
}

#[tokio::test]
async fn no_two_instances_share_seeds() {
    let fresh =
        support::load(package("preinit_random")).isolation(Isolation::Fresh).build().unwrap();
    assert!(!fresh.usage().preinitialized);
    assert_eq!(ask(&fresh, "square", vec![value(3_i64)]).await, value(9_i64));
    assert_ne!(ask(&fresh, "seed", vec![]).await, ask(&fresh, "seed", vec![]).await);
}

#[tokio::test]
async fn an_init_that_prints_prints_to_every_caller() {
    let fresh = support::load(package("state")).isolation(Isolation::Fresh).build().unwrap();
    assert!(!fresh.usage().preinitialized);
    for _ in 0..2 {
        let context = Recorder::new();
        fresh.call("count", (), context.clone()).await.unwrap();
        assert_eq!(context.stdout(), ["init"]);
    }
}

#[tokio::test]
async fn without_an_init_there_is_nothing_to_capture() {
    let package = component(&format!(
        r#"(core module $m
             (memory (export "memory") 1)
             (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
             (func (export "invoke") (param i32 i32 i32 i32 i32) (result i32) unreachable))
           (core instance $i (instantiate $m))
           {INVOKE}"#
    ));
    let kept = Kept::new();
    let runtime = kept.load(package, Isolation::Fresh);
    assert!(!runtime.usage().preinitialized);
    assert_eq!(kept.sizes().len(), 1, "and nothing to remember of it");
}

/// A folder for code.
struct Kept(tempfile::TempDir);

impl Kept {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn load(&self, package: SurrealismPackage, isolation: Isolation) -> Runtime {
        let cache = CodeCache::open(self.0.path()).unwrap();
        let builder = Runtime::builder(package).isolation(isolation).code_cache(cache);
        builder.max_execution_time(Duration::from_millis(500)).build().unwrap()
    }

    fn files(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.0.path()).unwrap();
        entries.map(|entry| entry.unwrap().path()).collect()
    }

    /// The sizes of its files, from the smallest.
    fn sizes(&self) -> Vec<u64> {
        let size = |file: &PathBuf| fs::metadata(file).unwrap().len();
        let mut sizes: Vec<u64> = self.files().iter().map(size).collect();
        sizes.sort_unstable();
        sizes
    }
}

/// A guest that no other test loads, as code is shared within a process.
fn own(number: usize, guest: Guest<'_>) -> SurrealismPackage {
    Guest { change: format!("(drop (i32.const {number}))").leak(), ..guest }.package()
}

#[tokio::test]
async fn what_was_captured_is_kept_and_so_is_what_cannot_be() {
    /// What a file without code takes.
    const NONE: u64 = 4;
    let endless = Guest { init: "(loop $on (br $on))", ..GLOBAL };
    for (number, guest, captured, files, remembered) in [
        (1, GLOBAL, true, 1, false),
        (2, number(CLOCK), false, 2, true),
        (3, endless, false, 1, false),
    ] {
        let kept = Kept::new();
        let package = || own(number, guest);
        for expected in [Compiled, Cache, Cache] {
            let runtime = kept.load(package(), Isolation::Fresh);
            assert_eq!(
                (runtime.usage().code, runtime.usage().preinitialized),
                (expected, captured)
            );
            assert_eq!(kept.sizes().len(), files, "guest {number}");
            assert_eq!(kept.sizes()[0] == NONE, remembered, "guest {number}");
        }
        // Without what was captured, of which there is one file where there is any.
        let reuse = kept.load(package(), Isolation::Reuse);
        assert_eq!(reuse.usage().code, if captured { Compiled } else { Cache });
        assert!(!reuse.usage().preinitialized);
        assert_eq!(kept.load(package(), Isolation::Fresh).usage().preinitialized, captured);
    }
}

#[cfg(unix)]
#[test]
fn what_cannot_be_captured_is_not_tried_again() {
    use std::os::unix::fs::MetadataExt;

    let kept = Kept::new();
    let load = || kept.load(own(4, number(CLOCK)), Isolation::Fresh).usage();
    load();
    let size = |file: &PathBuf| fs::metadata(file).unwrap().len();
    let note = kept.files().into_iter().min_by_key(size).unwrap();
    let whole = fs::read(&note).unwrap();
    // Who tries again writes another file in its place.
    for (content, tries) in [(&whole[..], false), (b"", true), (b"none", true), (&whole, false)] {
        fs::write(&note, content).unwrap();
        let before = fs::metadata(&note).unwrap().ino();
        let usage = load();
        assert_eq!((usage.code, usage.preinitialized), (Cache, false));
        assert_eq!(fs::metadata(&note).unwrap().ino() != before, tries, "{content:?}");
        assert_eq!(fs::read(&note).unwrap(), whole);
    }
}

#[test]
fn of_many_that_load_a_module_at_once_one_captures_it() {
    const CALLERS: usize = 8;
    for (number, guest, captured) in [(5, GLOBAL, true), (6, number(CLOCK), false)] {
        let begin = Barrier::new(CALLERS);
        let load = || {
            let package = own(number, guest);
            begin.wait();
            fresh(package).build().unwrap()
        };
        let runtimes: Vec<Runtime> = thread::scope(|scope| {
            let callers: Vec<_> = (0..CALLERS).map(|_| scope.spawn(load)).collect();
            callers.into_iter().map(|caller| caller.join().unwrap()).collect()
        });
        let from = |source| runtimes.iter().filter(|it| it.usage().code == source).count();
        assert_eq!((from(Compiled), from(Shared)), (1, CALLERS - 1), "guest {number}");
        assert!(runtimes.iter().all(|it| it.usage().preinitialized == captured), "guest {number}");
    }
}

#[cfg(unix)]
#[test]
fn a_machine_without_memory_is_not_the_components_fault() {
    const TEST: &str = "a_machine_without_memory_is_not_the_components_fault";
    if let Ok(folder) = std::env::var("FOLDER") {
        let cache = CodeCache::open(folder).unwrap();
        let runtime = fresh(own(7, GLOBAL)).code_cache(cache).build().unwrap();
        assert!(!runtime.usage().preinitialized);
        return;
    }
    let kept = Kept::new();
    // Of address space there is not enough for one memory.
    let limited = "ulimit -v 3000000; exec \"$0\" \"$@\"";
    let mut process = std::process::Command::new("sh");
    process.args(["-c", limited]).arg(std::env::current_exe().unwrap()).args(["--exact", TEST]);
    let ended = process.env("FOLDER", kept.0.path()).output().unwrap();
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stdout));
    assert!(kept.load(own(7, GLOBAL), Isolation::Fresh).usage().preinitialized);
}
