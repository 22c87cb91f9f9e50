//! Whatever `init` does: the state that instances begin with is the state that it leaves.

use futures::executor::block_on;
use proptest::collection::vec;
use proptest::prelude::*;
use surrealism_runtime::{DetachedContext, Isolation, SurrealismPackage};
use surrealism_types::codec;

use super::call;
use super::guest::Guest;
use crate::support::{data, trusted, value};

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn preinitialized_state_equals_the_state_that_init_leaves(steps in vec(Step::any(), 0..40)) {
        let load = |isolation| {
            trusted(returning_checksum(&steps)).isolation(isolation).build().unwrap()
        };
        let (ran, preinitialized) = (load(Isolation::Reuse), load(Isolation::Fresh));
        prop_assert!(preinitialized.usage().preinitialized && !ran.usage().preinitialized);
        let checksum = |runtime| block_on(call(runtime, DetachedContext::new())).unwrap();
        prop_assert_eq!(checksum(&ran), checksum(&preinitialized));
    }
}

/// One change that an `init` makes.
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
    /// Copies a passive segment.
    Load {
        at: u32,
    },
    Grow,
    Add {
        value: i64,
    },
    /// Calls a function of a table.
    Call {
        function: u8,
    },
}

impl Step {
    fn any() -> impl Strategy<Value = Self> {
        // Beyond the guest's own data, and often in pages that it has not grown yet.
        let at = || STATE..200_000_u32;
        prop_oneof![
            4 => (at(), any::<u64>()).prop_map(|(at, value)| Self::Store { at, value }),
            1 => (at(), 1..256_u64).prop_map(|(at, value)| Self::Store { at, value }),
            2 => (at(), any::<u8>(), any::<u16>())
                .prop_map(|(at, value, length)| Self::Fill { at, value, length }),
            2 => (at(), at(), any::<u16>())
                .prop_map(|(to, from, length)| Self::Copy { to, from, length }),
            1 => at().prop_map(|at| Self::Load { at }),
            3 => Just(Self::Grow),
            2 => any::<i64>().prop_map(|value| Self::Add { value }),
            1 => (0..2_u8).prop_map(|function| Self::Call { function }),
        ]
    }

    /// As text, which does nothing where memory is too small for it.
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

/// Where in memory the state begins.
const STATE: u32 = 8_192;

/// A guest whose `init` takes these steps, and that returns a checksum of all its state.
fn returning_checksum(steps: &[Step]) -> SurrealismPackage {
    const RESULT: usize = 3_000;
    const CONTENT: i64 = 0x0123_4567_89ab_cdef;
    let encoded = codec::encode_value(&value(CONTENT)).unwrap();
    let offset = encoded.windows(8).position(|bytes| bytes == CONTENT.to_le_bytes()).unwrap();
    let fields = format!(
        r#"(global $long (mut i64) (i64.const 5))
           (global $short (mut i32) (i32.const 6))
           (data $late "\01\02\03")
           (data (i32.const {RESULT}) "{result}")
           (type $change (func))
           (func $one (global.set $short (i32.mul (global.get $short) (i32.const 31))))
           (func $two (global.set $short (i32.add (global.get $short) (i32.const 17))))
           (table funcref (elem $one $two))
           (func $checksum (result i64)
             (local $at i32) (local $sum i64)
             (local.set $at (i32.const {STATE}))
             (local.set $sum (i64.add (global.get $long) (i64.extend_i32_u (global.get $short))))
             (loop $next
               (local.set $sum (i64.add
                 (i64.mul (local.get $sum) (i64.const 1099511628211))
                 (i64.load (local.get $at))))
               (local.set $at (i32.add (local.get $at) (i32.const 8)))
               (br_if $next (i32.lt_u (local.get $at)
                                      (i32.mul (memory.size) (i32.const 65536)))))
             (local.get $sum))"#,
        result = data(&encoded),
    );
    let return_checksum = format!(
        "(i64.store (i32.const {content}) (call $checksum))
         (i32.store (i32.const 4) (i32.const {RESULT}))
         (i32.store (i32.const 8) (i32.const {size}))",
        content = RESULT + offset,
        size = encoded.len(),
    );
    let init: String = steps.iter().map(Step::text).collect();
    Guest { fields: &fields, init: &init, change: &return_checksum, ..Guest::default() }.package()
}
