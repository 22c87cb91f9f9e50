//! Debug information and names of an archive make a trap no more expensive, and a store no larger than it
//! says.

use std::time::Duration;

use futures::executor::block_on;
use surrealdb_types::Value;
use surrealism_runtime::{BTreeMapStore, DetachedContext, KVStore, Runtime};

use super::cost::alone;
use crate::ALLOCATOR;
use crate::it::support::{INVOKE, MEMORY, assert_error_contains, component, data};

/// More than the process holds with a small component loaded, and less than what reading the debug
/// information or demangling the name would add, in megabytes.
const MAX_MB: f32 = 100.0;

/// When a component traps.
#[derive(Debug, Clone, Copy)]
enum When {
    Called,
    Instantiated,
}

/// A component with these custom sections that traps in a function of this name.
fn trapping(when: When, name: &str, sections: &[(&str, Vec<u8>)]) -> Runtime {
    let start = match when {
        When::Called => "",
        When::Instantiated => "(start $trap)",
    };
    let sections: String = sections
        .iter()
        .map(|(name, bytes)| format!("(@custom \"{name}\" \"{}\")\n", data(bytes)))
        .collect();
    let package = component(&format!(
        r#"
        (core module $m
          {sections}
          {MEMORY}
          (func $trap (@name "{name}") unreachable)
          {start}
          (func (export "invoke") (param i32 i32 i32 i32 i32) (result i32)
            (call $trap) (i32.const 0)))
        (core instance $i (instantiate $m))
        {INVOKE}"#
    ));
    Runtime::builder(package).build().unwrap()
}

/// Many units that refer to one large table of abbreviations, which a reader of DWARF reads once for each
/// unit.
fn dwarf_of_many_units() -> Vec<(&'static str, Vec<u8>)> {
    const ABBREVIATIONS: u16 = 2_000;
    const UNITS: usize = 2_000;
    const COMPILE_UNIT: u8 = 0x11;

    let mut abbreviations: Vec<u8> = (1..=ABBREVIATIONS)
        .flat_map(|code| {
            let [low, high] = [(code & 0x7f) as u8 | 0x80, (code >> 7) as u8];
            [low, high, COMPILE_UNIT, 0, 0, 0]
        })
        .collect();
    abbreviations.push(0);
    // Length, version 4, offset 0 of the table, addresses of four bytes, an entry of the first abbreviation.
    let unit = [8, 0, 0, 0, 4, 0, 0, 0, 0, 0, 4, 1];
    vec![(".debug_abbrev", abbreviations), (".debug_info", unit.repeat(UNITS))]
}

/// A mangled name of C++ that grows exponentially when it is demangled: each parameter has the one before
/// it four times.
fn exponential_name() -> String {
    let levels = "0123456789ABC".chars().map(|level| {
        let before = format!("S{level}_").repeat(4);
        format!("S_I{before}E")
    });
    format!("_Z1f1TIaaaaE{}", levels.collect::<String>())
}

#[test]
fn a_store_in_memory_takes_no_more_than_it_counts() {
    const ENTRIES: usize = 50_000;
    /// What an allocator takes beside each of the two allocations of an entry, in bytes.
    const ALLOCATOR_BYTES: usize = 2 * 8;

    let _alone = alone();
    for with_ttl in [false, true] {
        let before = ALLOCATOR.current_usage();
        let store = BTreeMapStore::new();
        block_on(async {
            for key in 0..ENTRIES {
                // Not ascending, so that the nodes of the maps are as empty as they get.
                let key = format!("{:05}", key.wrapping_mul(7_919) % ENTRIES);
                match with_ttl {
                    true => store.set_with_ttl(key, Value::None, Duration::from_secs(1_000)).await,
                    false => store.set(key, Value::None).await,
                }
                .unwrap();
            }
        });
        assert_eq!(store.size().entries, ENTRIES);
        let taken = ALLOCATOR.current_usage() - before + ENTRIES * ALLOCATOR_BYTES;
        let counted = store.size().bytes;
        println!("with a time to live: {with_ttl}; taken: {taken}, counted: {counted}");
        assert!(taken <= counted, "{taken} bytes taken, {counted} counted, TTL: {with_ttl}");
    }
}

#[test]
fn a_trap_reads_no_debug_information_and_demangles_no_name() {
    let _alone = alone();
    let cases = [
        ("plain".to_string(), vec![], "plain at 0x"),
        ("plain".to_string(), dwarf_of_many_units(), "plain at 0x"),
        (exponential_name(), vec![], "_Z1f1TIaaaaES_IS0_S0_"),
        ("x".repeat(50_000), vec![], "xxxx at 0x"),
    ];
    for (name, sections, expected) in &cases {
        for when in [When::Called, When::Instantiated] {
            let runtime = trapping(when, name, sections);
            ALLOCATOR.reset_peak_usage();
            let called = runtime.call(None, (), DetachedContext::new());
            let error = futures::executor::block_on(called.into_future()).unwrap_err();
            assert_error_contains(&error, &["trapped", "wasm backtrace:", expected]);
            for message in [error.to_string(), format!("{error:#}"), format!("{error:?}")] {
                assert!(message.len() < 2_000, "{message}");
            }
            // After the messages, as making them may be what takes memory.
            let peak = ALLOCATOR.peak_usage_as_mb();
            assert!(peak < MAX_MB, "{peak} MB for {expected}, {when:?}");
        }
    }
}
