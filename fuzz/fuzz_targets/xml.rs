//! See `tests/corpora/property.rs`: what must hold, and what the kept corpus is replayed by.
#![no_main]

#[path = "../../tests/corpora/property.rs"]
mod property;

libfuzzer_sys::fuzz_target!(|data: &[u8]| property::xml(data));
