//! State that fresh instances begin with.

use super::assert_preinitialized;
use super::guest::{Guest, IN_MEMORY, with_segments};

#[tokio::test]
async fn fresh_instances_begin_with_the_state_that_init_left() {
    for (case, package) in [
        ("no state", Guest::default().package()),
        ("memory", IN_MEMORY.package()),
        (
            "a global",
            Guest {
                fields: "(global $kept (mut i32) (i32.const 0))",
                init: "(global.set $kept (i32.sub (global.get $kept) (i32.const 7)))",
                finds: "(i32.eq (global.get $kept) (i32.const -7))",
                change: "(global.set $kept (i32.const 9))",
                ..IN_MEMORY
            }
            .package(),
        ),
        (
            "a global of 64 bits",
            Guest {
                fields: "(global $kept (mut i64) (i64.const 0))",
                init: "(global.set $kept (i64.const -7000000000))",
                finds: "(i64.eq (global.get $kept) (i64.const -7000000000))",
                change: "(global.set $kept (i64.const 9))",
                ..IN_MEMORY
            }
            .package(),
        ),
        (
            "new pages of memory",
            Guest {
                init: "(drop (memory.grow (i32.const 2)))
                       (i32.store8 (i32.const 70000) (i32.const 7))",
                finds: "(i32.and (i32.eq (memory.size) (i32.const 3))
                                 (i32.eq (i32.load8_u (i32.const 70000)) (i32.const 7)))",
                change: "(drop (memory.grow (i32.const 1)))
                         (i32.store8 (i32.const 70000) (i32.const 9))",
                ..IN_MEMORY
            }
            .package(),
        ),
        ("more segments of memory than a component may have", with_segments(50_000)),
        (
            "nearly as much memory as a snapshot may have",
            Guest {
                init: "(drop (memory.grow (i32.const 1000)))
                       (i32.store (i32.const 0x3e80000) (i32.const 7))",
                finds: "(i32.eq (i32.load (i32.const 0x3e80000)) (i32.const 7))",
                change: "(i32.store (i32.const 0x3e80000) (i32.const 9))",
                ..IN_MEMORY
            }
            .package(),
        ),
        (
            "bytes of a passive segment, which still exists",
            Guest {
                fields: r#"(data $late "\07\08")"#,
                init: "(memory.init $late (i32.const 2048) (i32.const 0) (i32.const 1))",
                finds: "(memory.init $late (i32.const 2049) (i32.const 1) (i32.const 1))
                        (i32.eq (i32.load16_u (i32.const 2048)) (i32.const 0x0807))",
                change: "(i32.store (i32.const 2048) (i32.const 9))",
                ..IN_MEMORY
            }
            .package(),
        ),
        (
            "the result of a function in a table",
            Guest {
                fields: "(type $number (func (result i32)))
                         (func $seven (result i32) (i32.const 7))
                         (table funcref (elem $seven))",
                init: "(i32.store (i32.const 2048) (call_indirect (type $number) (i32.const 0)))",
                finds: "(i32.eq (i32.load (i32.const 2048))
                                (call_indirect (type $number) (i32.const 0)))",
                ..IN_MEMORY
            }
            .package(),
        ),
        (
            "what it added to the state of the start function",
            Guest {
                fields: "(func $start
                           (i32.store (i32.const 2048)
                             (i32.add (i32.load (i32.const 2048)) (i32.const 3))))
                         (start $start)",
                init: "(i32.store (i32.const 2048)
                         (i32.add (i32.load (i32.const 2048)) (i32.const 4)))",
                ..IN_MEMORY
            }
            .package(),
        ),
    ] {
        assert_preinitialized(case, package, true).await;
    }
}
