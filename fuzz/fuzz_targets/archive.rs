//! Runs `surrealism_fuzz::archive`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| surrealism_fuzz::archive(input));
