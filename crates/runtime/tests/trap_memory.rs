//! What an archive says of its own code, for debuggers and in names, costs a trap next to nothing.

mod support;

use peak_alloc::PeakAlloc;
use support::{INVOKE, assert_says, component};
use surrealism_runtime::{DetachedContext, Runtime};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// What loading and a trap of a small component take, and no more, in megabytes.
const MODEST: f32 = 100.0;

/// When a component traps.
#[derive(Debug, Clone, Copy)]
enum When {
    Called,
    Instantiated,
}

/// A component that traps, in a function of this name, and has these custom sections.
fn trapping(when: When, name: &str, sections: &[(&str, Vec<u8>)]) -> Runtime {
    let start = match when {
        When::Called => "",
        When::Instantiated => "(start $trap)",
    };
    let escaped =
        |bytes: &[u8]| bytes.iter().map(|byte| format!("\\{byte:02x}")).collect::<String>();
    let sections: String = sections
        .iter()
        .map(|(name, bytes)| format!("(@custom \"{name}\" \"{}\")\n", escaped(bytes)))
        .collect();
    let package = component(&format!(
        r#"
        (core module $m
          {sections}
          (memory (export "memory") 1)
          (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
          (func $trap (@name "{name}") unreachable)
          {start}
          (func (export "invoke") (param i32 i32 i32 i32 i32) (result i32)
            (call $trap) (i32.const 0)))
        (core instance $i (instantiate $m))
        {INVOKE}"#
    ));
    Runtime::builder(package).build().unwrap()
}

/// Units that each refer to one large table of abbreviations, as a reader of DWARF would read it: once
/// for each of them.
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
    // Its length, version 4, the table at 0, addresses of four bytes, one entry of the first sort.
    let unit = [8, 0, 0, 0, 4, 0, 0, 0, 0, 0, 4, 1];
    vec![(".debug_abbrev", abbreviations), (".debug_info", unit.repeat(UNITS))]
}

/// A mangled name of C++, of parameters each of which has the one before four times.
fn name_that_unfolds() -> String {
    let levels = "0123456789ABC".chars().map(|level| {
        let before = format!("S{level}_").repeat(4);
        format!("S_I{before}E")
    });
    format!("_Z1f1TIaaaaE{}", levels.collect::<String>())
}

#[test]
fn a_trap_takes_no_more_for_what_its_archive_claims() {
    let cases = [
        ("plain".to_string(), vec![], "plain at 0x"),
        ("plain".to_string(), dwarf_of_many_units(), "plain at 0x"),
        (name_that_unfolds(), vec![], "_Z1f1TIaaaaES_IS0_S0_"),
        ("x".repeat(50_000), vec![], "xxxx at 0x"),
    ];
    for ((name, sections, expected), when) in
        cases.iter().flat_map(|case| [(case, When::Called), (case, When::Instantiated)])
    {
        let runtime = trapping(when, name, sections);
        MEMORY.reset_peak_usage();
        let called = runtime.call(None, (), DetachedContext::new());
        let error = futures::executor::block_on(called.into_future()).unwrap_err();
        assert_says(&error, &["trapped", "wasm backtrace:", expected]);
        for told in [error.to_string(), format!("{error:#}"), format!("{error:?}")] {
            assert!(told.len() < 2_000, "{told}");
        }
        let peak = MEMORY.peak_usage_as_mb();
        assert!(peak < MODEST, "{peak} MB for {expected}, {when:?}");
    }
}
