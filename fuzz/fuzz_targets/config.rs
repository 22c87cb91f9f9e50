//! Runs `surrealism_fuzz::config`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| surrealism_fuzz::config(input));
