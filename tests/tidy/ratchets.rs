//! What there is too much of, file by file. A count may only fall: who makes it smaller writes the smaller one down.

use std::collections::BTreeMap;

use super::source::{Source, program};

/// Lines of code that a file may have: it has one idea.
const LONGEST: usize = 400;

/// Names that say that a `usize` is an index.
const LIKE_AN_INDEX: &[&str] =
    &["index", "at", "place", "position", "slot", "channel", "log", "source", "destination"];

/// Names that say that an `i64` is a time.
const LIKE_A_TIME: &[&str] = &["at", "now", "time", "since", "until", "unix", "monotonic", "entry", "newest"];

fn too_long(sources: &[Source]) -> Vec<String> {
    let found = sources.iter().filter(|source| source.lines() > LONGEST);
    found
        .map(|source| {
            format!("{} has {} lines of code, and {LONGEST} are the most", source.path, source.lines())
        })
        .collect()
}

/// Capital letters that something is compared with outside of `record/code.rs`, THE table of entry codes: what a code
/// means belongs there, and other files ask by meaning. `source` does not know what a line means: its letters are
/// others. There are none, and none is excused.
fn letters(source: &Source) -> usize {
    if source.path == "src/record/code.rs" || source.module().first() == Some(&"source") {
        return 0;
    }
    source.letters()
}

/// Parameters of public functions of `aggregate`, public fields and what public functions return, where they are bare
/// numbers with the name of an index or a time: an index of a channel is none of a log, Unix time is none of the
/// timeline, and types of their own tell (`aggregate/index.rs`, `aggregate/time.rs`). There are none, and none is excused.
fn bare_numbers(source: &Source) -> usize {
    if source.module().first() != Some(&"aggregate") {
        return 0;
    }
    let named = |name: &str, like: &[&str]| {
        let last = name.trim_end_matches("_of").rsplit('_').next().unwrap_or_default();
        like.contains(&last.trim_end_matches('s'))
    };
    let is =
        |kind: &str, number| kind.split(|letter: char| !letter.is_alphanumeric()).any(|word| word == number);
    let bare = |name: &str, kind: &str| {
        named(name, LIKE_AN_INDEX) && is(kind, "usize") || named(name, LIKE_A_TIME) && is(kind, "i64")
    };
    source.public_names().iter().filter(|(name, kind)| bare(name, kind)).count()
}

/// Where the counts of files differ from those that are written down.
fn moved(
    what: &str,
    sources: &[Source],
    count: fn(&Source) -> usize,
    known: &[(&str, usize)],
) -> Vec<String> {
    let counted = sources.iter().map(|source| (source.path.as_str(), (count(source), 0)));
    let mut all: BTreeMap<&str, (usize, usize)> = counted.collect();
    for &(path, most) in known {
        all.entry(path).or_default().1 = most;
    }
    let moved = all.into_iter().filter_map(|(path, (found, most))| match found.cmp(&most) {
        std::cmp::Ordering::Equal => None,
        std::cmp::Ordering::Greater => Some(format!("{path}: {found} {what}, and {most} are the most")),
        std::cmp::Ordering::Less => {
            Some(format!("{path}: {found} {what}: write that down in place of {most}"))
        }
    });
    moved.collect()
}

#[test]
fn files_are_short() {
    let found = too_long(&program());
    assert!(found.is_empty(), "{}", found.join("\n"));
    assert!(super::read(&super::root().join("src/main.rs")).lines().count() <= 40);
}

#[test]
fn no_file_but_the_table_of_codes_knows_letters_of_entries() {
    let found = moved("raw letters", &program(), letters, &[]);
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn aggregate_has_no_bare_indices_and_times() {
    let found = moved("bare numbers", &program(), bare_numbers, &[]);
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn long_files_are_seen() {
    let long = Source::new("src/a.rs", &"const A: u8 = 1;\n".repeat(401));
    let short = Source::new("src/b.rs", &"// A comment.\nconst A: u8 = 1;\n".repeat(400));
    assert_eq!(too_long(&[long, short]), ["src/a.rs has 401 lines of code, and 400 are the most"]);
}

#[test]
fn counts_that_move_are_seen() {
    let text = "fn f(x: u8) -> bool { matches!(x, b'Q' | b'E') } // b'Z'";
    let sources = ["src/record/code.rs", "src/record/a.rs", "src/explain/b.rs", "src/source/c.rs"]
        .map(|path| Source::new(path, text));
    assert_eq!(
        moved(
            "raw letters",
            &sources,
            letters,
            &[("src/record/a.rs", 3), ("src/gone.rs", 1), ("src/explain/b.rs", 1)]
        ),
        [
            "src/explain/b.rs: 2 raw letters, and 1 are the most",
            "src/gone.rs: 0 raw letters: write that down in place of 1",
            "src/record/a.rs: 2 raw letters: write that down in place of 3",
        ]
    );
    let text = "impl X { pub fn f(&self, index: usize, count: usize, width: u8) {} pub(super) fn g(from_index: Option<usize>, index: u8) {} \
                fn h(at: usize) {} pub const fn place_of(&self) -> (usize, u8) {} pub fn count(&self) -> usize {} } \
                struct Y { pub source: usize, channel: usize, pub(super) bytes: usize, pub by_channel: HashMap<usize, u64> } \
                pub struct Gone(pub(super) usize); pub fn d(now: i64, millis: i64) {} pub fn last_entry() -> Option<i64> {}";
    let sources = ["src/aggregate/a.rs", "src/report/b.rs"].map(|path| Source::new(path, text));
    assert_eq!(
        moved("bare numbers", &sources, bare_numbers, &[]),
        ["src/aggregate/a.rs: 7 bare numbers, and 0 are the most"]
    );
}
