//! The guest of these tests, and the host functions that its `init` may call.

use surrealism_runtime::SurrealismPackage;
use surrealism_types::codec;

use crate::support::{INVOKE, component, data, value};

/// A component, each call of which returns whether it finds the state that `init` left, and then changes
/// that state. Its parts are code in the text format.
#[derive(Clone, Copy, Default)]
pub(super) struct Guest<'a> {
    /// Fields of the component, with the core instance `$host`. Default: one without exports.
    pub(super) host: &'a str,
    /// What the core module imports of `$host`.
    pub(super) imports: &'a str,
    /// More fields of the core module.
    pub(super) fields: &'a str,
    pub(super) init: &'a str,
    /// Returns an `i32`. Default: true.
    pub(super) finds: &'a str,
    pub(super) change: &'a str,
}

impl Guest<'_> {
    pub(super) fn package(self) -> SurrealismPackage {
        let Self { host, imports, fields, init, finds, change } = self;
        let host = if host.is_empty() { "(core instance $host)" } else { host };
        let finds = if finds.is_empty() { "(i32.const 1)" } else { finds };
        let [yes, no] = [true, false].map(|found| codec::encode_value(&value(found)).unwrap());
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
              {imports}
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
              (func $finds (result i32) {finds})
              (func (export "invoke") (param i32 i32 i32 i32 i32) (result i32)
                (global.set $free (i32.const 4096))
                (i32.store8 (i32.const 0) (i32.const 0))
                (if (call $finds)
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
            yes_bytes = data(&yes),
            no_bytes = data(&no),
            yes_size = yes.len(),
            no_size = no.len(),
        ))
    }

    /// The guest, unlike that of any other test, since tests share the code that is loaded in their
    /// process. It does not change its state.
    pub(super) fn package_of_its_own(self, number: usize) -> SurrealismPackage {
        Guest { change: &format!("(drop (i32.const {number}))"), ..self }.package()
    }
}

/// Keeps its state in memory. Its `init` succeeds where it returns 16, and fails where it returns
/// [`ERROR`].
pub(super) const IN_MEMORY: Guest<'_> = Guest {
    host: "",
    imports: "",
    fields: "",
    init: "(i32.store (i32.const 2048) (i32.const 7))",
    finds: "(i32.eq (i32.load (i32.const 2048)) (i32.const 7))",
    change: "(i32.store (i32.const 2048) (i32.const 9))",
};

/// Code with which `init` fails; the message is "no such day".
pub(super) const FAIL: &str = "(return (i32.const 32))";

/// Code with which `init` never ends.
pub(super) const SPIN: &str = "(loop $again (br $again))";

/// A guest that leaves `number` segments of memory: that many bytes, with seven zeros after each.
pub(super) fn with_segments(number: usize) -> SurrealismPackage {
    let each = |code: &str| {
        format!(
            "(local.set $at (i32.const 65536))
             (loop $next
               {code}
               (local.set $at (i32.add (local.get $at) (i32.const 8)))
               (br_if $next (i32.lt_u (local.get $at) (i32.const {}))))",
            65536 + 8 * number
        )
    };
    let pages = (8 * number).div_ceil(1 << 16);
    let store = each("(i32.store8 (local.get $at) (i32.const 7))");
    let check = each(
        "(if (i64.ne (i64.load (local.get $at)) (i64.const 7)) (then (return (i32.const 0))))",
    );
    let fields = format!(
        "(func $store (local $at i32) (drop (memory.grow (i32.const {pages}))) {store})
         (func $check (result i32) (local $at i32) {check} (i32.const 1))"
    );
    Guest {
        fields: &fields,
        init: "(call $store)",
        finds: "(call $check)",
        change: "(i32.store8 (i32.const 65536) (i32.const 9))",
        ..IN_MEMORY
    }
    .package()
}

/// A host that has the clock.
pub(super) const CLOCK: &str = r#"
    (import "wasi:clocks/monotonic-clock@0.2.0" (instance $clock
      (export "now" (func (result u64)))))
    (core func $now (canon lower (func $clock "now")))
    (core instance $host (export "call" (func $now)))"#;

/// A host that has random numbers.
pub(super) const RANDOM: &str = r#"
    (import "wasi:random/random@0.2.0" (instance $random
      (export "get-random-u64" (func (result u64)))))
    (core func $number (canon lower (func $random "get-random-u64")))
    (core instance $host (export "call" (func $number)))"#;

/// A host that has a standard output.
pub(super) const STDOUT: &str = r#"
    (import "wasi:io/streams@0.2.0" (instance $streams
      (export "output-stream" (type $stream (sub resource)))))
    (alias export $streams "output-stream" (type $stream))
    (import "wasi:cli/stdout@0.2.0" (instance $stdout
      (alias outer 1 $stream (type $stream))
      (export "output-stream" (type $output (eq $stream)))
      (export "get-stdout" (func (result (own $output))))))
    (core func $get (canon lower (func $stdout "get-stdout")))
    (core instance $host (export "call" (func $get)))"#;

/// A host that has a key-value store.
const STORE: &str = r#"
    (import "surrealism:plugin/host" (instance $host
      (export "kv-exists" (func (param "key" string) (result (result bool (error string)))))))
    (core func $exists (canon lower (func $host "kv-exists")
      (memory $libc "memory") (realloc (func $libc "realloc"))))
    (core instance $host (export "call" (func $exists)))"#;

/// Keeps a number that `init` gets from the host.
pub(super) const fn keeping_number(host: &'static str) -> Guest<'static> {
    Guest {
        host,
        imports: r#"(import "host" "call" (func $call (result i64)))"#,
        fields: "",
        init: "(i64.store (i32.const 2048) (i64.or (call $call) (i64.const 1)))",
        finds: "(i64.ne (i64.load (i32.const 2048)) (i64.const 0))",
        change: "",
    }
}

/// Keeps whether `key` exists in the caller's store.
pub(super) const KEEPING_KEY: Guest<'_> = Guest {
    host: STORE,
    imports: r#"(import "host" "call" (func $call (param i32 i32 i32)))"#,
    fields: r#"(data (i32.const 3000) "key")"#,
    init: "(call $call (i32.const 3000) (i32.const 3) (i32.const 2048))",
    finds: "(i32.load8_u (i32.const 2052))",
    change: "(i32.store (i32.const 2052) (i32.const 9))",
};
