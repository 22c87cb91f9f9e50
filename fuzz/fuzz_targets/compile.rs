//! Runs `surrealism_fuzz::compile`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| surrealism_fuzz::compile(input));
