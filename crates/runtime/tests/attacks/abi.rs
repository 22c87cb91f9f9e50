//! Components that lie to the canonical ABI, and exports that answer as no compiler lets them.

use std::time::Duration;

use surrealism_runtime::{
    DetachedContext, Error, ErrorKind, Isolation, Runtime, SurrealismPackage,
};

use super::cost::{Cost, alone};
use crate::it::support::{PATIENCE, component, load, trusted};

const DEADLINE: Duration = Duration::from_millis(100);
const MAX_MEMORY_BYTES: usize = 8 << 20;

/// The host copies what a guest returns once, and shows a part of an error.
const MAX_COST: Cost = Cost { cpu: Duration::from_millis(1_000), bytes: 32 << 20 };

/// Parts of a component, as text. The memory has 8 MiB, of zeros.
#[derive(Clone, Copy)]
struct Parts<'a> {
    /// Returns an `i32`, and may use the parameters `$old`, `$old_size`, `$align` and `$size`.
    realloc: &'a str,
    /// Returns the address of the result as an `i32`.
    invoke: &'a str,
    post_return: &'a str,
    init: &'a str,
}

const HARMLESS: Parts<'_> = Parts {
    realloc: "(i32.const 1024)",
    invoke: "(i32.const 0)",
    post_return: "",
    init: "(i32.const 0)",
};

const SPIN: &str = "(loop $again (br $again)) unreachable";

impl Parts<'_> {
    fn package(self) -> SurrealismPackage {
        let Self { realloc, invoke, post_return, init } = self;
        component(&format!(
            r#"
            (core module $m
              (memory (export "memory") 128)
              (func $result (param $kind i32) (param $at i32) (param $size i32) (result i32)
                (i32.store (i32.const 0) (local.get $kind))
                (i32.store (i32.const 4) (local.get $at))
                (i32.store (i32.const 8) (local.get $size))
                (i32.const 0))
              (func $realloc (export "realloc") (param $old i32) (param $old_size i32) (param $align i32)
                (param $size i32) (result i32) {realloc})
              (func (export "invoke") (param i32 i32 i32 i32 i32) (result i32) {invoke})
              (func (export "post") (param i32) {post_return})
              (func (export "init") (result i32) {init})
              (func (export "list") (result i32) {invoke}))
            (core instance $i (instantiate $m))
            (func (export "init") (result (result (error string)))
              (canon lift (core func $i "init") (memory $i "memory") (realloc (func $i "realloc"))))
            (func (export "list-functions") (result (list (option string)))
              (canon lift (core func $i "list") (memory $i "memory") (realloc (func $i "realloc"))))
            (func (export "invoke")
              (param "name" (option string)) (param "args" (list u8))
              (result (result (list u8) (error string)))
              (canon lift (core func $i "invoke") (memory $i "memory") (realloc (func $i "realloc"))
                (post-return (func $i "post"))))"#
        ))
    }

    /// Loads it; with [`Isolation::Fresh`], `init` runs before, in pre-initialization.
    fn build(self, isolation: Isolation) -> Runtime {
        let builder = load(self.package()).pool_size(1).max_memory_bytes(MAX_MEMORY_BYTES);
        builder.isolation(isolation).build().unwrap()
    }
}

fn realloc(realloc: &str) -> Parts<'_> {
    Parts { realloc, ..HARMLESS }
}

fn invoke(invoke: &str) -> Parts<'_> {
    Parts { invoke, ..HARMLESS }
}

fn post_return(post_return: &str) -> Parts<'_> {
    Parts { post_return, ..HARMLESS }
}

fn init(init: &str) -> Parts<'_> {
    Parts { init, ..HARMLESS }
}

/// How a call fails.
#[derive(Debug, Clone, Copy)]
enum Failure {
    Trap,
    Timeout,
    /// The bytes are not a value.
    Value,
    /// The guest returns an error.
    Text,
    /// Any of these, or not at all.
    Any,
}

use Failure::{Any, Text, Timeout, Trap, Value};

impl Failure {
    fn is(self, error: &Error) -> bool {
        match self {
            Trap => error.is_trap() && !error.is_timeout(),
            Timeout => error.is_timeout(),
            Value => matches!(error.kind(), ErrorKind::InvalidResult),
            Text => matches!(error.kind(), ErrorKind::Guest { .. } | ErrorKind::Init { .. }),
            Any => true,
        }
    }
}

/// Calls a function, with a deadline that only a call without an end reaches.
fn call(runtime: &Runtime, expected: Failure) -> Result<surrealdb_types::Value, Error> {
    let limit = if matches!(expected, Timeout) { DEADLINE } else { PATIENCE };
    let call = runtime.call("any", (), DetachedContext::new()).timeout(limit);
    futures::executor::block_on(call.into_future())
}

#[test]
fn what_lies_to_the_host_is_refused() {
    let _alone = alone();
    let result = |kind: i32, at: i32, bytes: i32| {
        format!("(call $result (i32.const {kind}) (i32.const {at}) (i32.const {bytes}))")
    };
    let (all, nothing) = (MAX_MEMORY_BYTES as i32, "(i32.const 0)");
    let allocate_again = format!("(call $realloc {nothing} {nothing} {nothing} {nothing})");
    let grow = "(loop $more (br_if $more (i32.ne (i32.const -1) (memory.grow (i32.const 1)))))";
    let grow_and_allocate = format!("{grow} (i32.const 8)");
    let grow_afterwards = format!("(drop {allocate_again}) {grow}");
    let not_utf8 = format!("(i32.store (i32.const 64) (i32.const -1)) {}", result(1, 64, 4));
    for (name, parts, expected) in [
        ("an allocation outside of the memory", realloc("(i32.const 0x7fffffff)"), Trap),
        ("an allocation at the last byte", realloc("(i32.const 0x7fffff)"), Trap),
        ("an allocation at -1", realloc("(i32.const -1)"), Trap),
        ("an allocation that traps", realloc("unreachable"), Trap),
        ("an allocation without an end", realloc(SPIN), Timeout),
        ("an allocation that calls itself", realloc(&allocate_again), Trap),
        ("an allocation that takes all memory", realloc(&grow_and_allocate), Any),
        ("a result outside of the memory", invoke("(i32.const -4)"), Trap),
        ("a result at the last byte", invoke("(i32.const 0x7ffffc)"), Trap),
        ("a result at an odd address", invoke("(i32.const 3)"), Trap),
        ("an unknown kind of result", invoke(&result(9, 0, 0)), Trap),
        ("an empty result", invoke(&result(0, 0, 0)), Value),
        ("a list that is longer than the memory", invoke(&result(0, 16, i32::MAX)), Trap),
        ("a list whose end overflows", invoke(&result(0, -16, 32)), Trap),
        ("a list of all memory", invoke(&result(0, 0, all)), Any),
        ("a text that is not UTF-8", invoke(&not_utf8), Trap),
        ("a text of all memory", invoke(&result(1, 64, all - 64)), Text),
        ("a cleanup that traps", post_return("unreachable"), Trap),
        ("a cleanup without an end", post_return(SPIN), Timeout),
        ("a cleanup that takes all memory", post_return(&grow_afterwards), Any),
        ("an `init` that traps", init("unreachable"), Trap),
        ("an `init` without an end", init(SPIN), Timeout),
        ("an `init` that fails with all memory", init(&result(1, 64, all - 64)), Text),
        ("an `init` with an unknown result", init(&result(9, 0, 0)), Trap),
    ] {
        for isolation in [Isolation::Reuse, Isolation::Fresh] {
            let runtime = parts.build(isolation);
            for _ in 0..3 {
                let (result, cost) = Cost::of(|| call(&runtime, expected));
                let error = match (expected, result) {
                    (Any, Ok(_)) => continue,
                    (_, result) => result.expect_err(name),
                };
                let text = error.to_string();
                cost.print(name, text.lines().next().unwrap_or_default());
                assert!(expected.is(&error), "{name}, {isolation:?}: {error:?}");
                assert!(text.len() < 17 << 10, "{name}: {} bytes", text.len());
                cost.assert_within(MAX_COST, name);
                assert!(runtime.usage().instances.current <= 1, "{name}");
            }
        }
    }
}

/// The host asks a guest for its functions when it is packed or checked.
#[test]
fn lists_of_functions_are_bounded() {
    let _alone = alone();
    // A list at 64, each of whose items is one text of `size` zeros behind the list.
    let list = |count: usize, size: usize| {
        let end = 64 + 12 * count;
        format!(
            "(local $at i32) (local.set $at (i32.const 64))
             (loop $more
               (i32.store (local.get $at) (i32.const 1))
               (i32.store offset=4 (local.get $at) (i32.const {text}))
               (i32.store offset=8 (local.get $at) (i32.const {size}))
               (local.set $at (i32.add (local.get $at) (i32.const 12)))
               (br_if $more (i32.lt_u (local.get $at) (i32.const {end}))))
             (i32.store (i32.const 0) (i32.const 64))
             (i32.store (i32.const 4) (i32.const {count}))
             (i32.const 0)",
            text = end.next_multiple_of(4096)
        )
    };
    for (name, count, size, fits) in [
        ("a hundred functions", 100, 8, true),
        ("600,000 functions", 600_000, 0, true),
        ("600,000 functions with one long name", 600_000, 1_000, false),
        ("ten functions with the name of all memory", 10, 0x7f_0000, false),
        ("more functions than fit the memory", 800_000, 0, false),
    ] {
        let invoke = list(count, size);
        let package = Parts { invoke: &invoke, ..HARMLESS }.package();
        let runtime = trusted(package)
            .max_memory_bytes(MAX_MEMORY_BYTES)
            .max_execution_time(PATIENCE)
            .build()
            .unwrap();
        let list = async {
            let mut guest = runtime.new_controller(Box::new(DetachedContext::new())).await.unwrap();
            guest.list().await
        };
        let max = Cost { cpu: PATIENCE, bytes: 96 << 20 };
        let (result, cost) = Cost::of(|| futures::executor::block_on(list));
        let outcome = match &result {
            Ok(names) => format!("{} names", names.len()),
            Err(error) => error.to_string().lines().next().unwrap_or_default().to_string(),
        };
        cost.print(name, &outcome);
        cost.assert_within(max, name);
        assert_eq!(result.is_ok(), fits, "{name}: {outcome}");
    }
}
