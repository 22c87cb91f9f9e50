//! Runs `surrealism_fuzz::calls`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| surrealism_fuzz::calls(input));
