//! Runs `surrealism_fuzz::value`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| surrealism_fuzz::value(input));
