//! The corpora of the fuzz targets, replayed: what a fuzzer once found stays found.

mod property;

use std::path::Path;

#[track_caller]
fn replay(target: &str, property: fn(&[u8])) {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let inputs = std::fs::read_dir(corpus).expect("a corpus").map(|entry| entry.expect("an entry").path());
    let mut replayed = 0;
    for input in inputs {
        property(&std::fs::read(&input).expect("readable"));
        replayed += 1;
    }
    assert!(replayed >= 8, "{target} has {replayed} inputs");
}

#[test]
fn lines() {
    replay("line", property::line);
}

#[test]
fn xml() {
    replay("xml", property::xml);
}

#[test]
fn json() {
    replay("json", property::json);
}

#[test]
fn classifier() {
    replay("classifier", property::classifier);
}
