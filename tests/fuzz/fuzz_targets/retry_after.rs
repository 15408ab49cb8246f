#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| skyflow_fuzz::retry_after::check(input));
