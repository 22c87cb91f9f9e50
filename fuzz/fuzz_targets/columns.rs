//! Runs `surrealism_fuzz::columns`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| surrealism_fuzz::columns(input));
