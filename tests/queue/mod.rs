//! The scanner against `find` on random trees, while a writer does what an MTA does: it creates
//! messages, renames them at each attempt, holds and removes them.
//!
//! `QUEUE_TREES=500 cargo test --release --test integration queue::` tries more trees than the usual
//! test run; a failure names its seed, and `QUEUE_SEED` tries that one alone.

mod tree;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use imsimta_exporter::source::spool::{AGE_BANDS, ChannelQueue, MAX_REMEMBERED, Scanner, Settings};

use super::service::harness::{now, pause};
use tree::{Found, Tree, find, wall};

const STUCK_AFTER: Duration = Duration::from_hours(2);

/// What the writer does a second.
const CHANGES_A_SECOND: u32 = 5000;

/// Scans while the writer writes.
const SCANS: usize = 8;

#[test]
fn counts_equal_those_of_find_also_while_the_tree_changes() {
    let number = |name: &str| std::env::var(name).ok().map(|value| value.parse::<u64>().expect("a number"));
    let seeds = match number("QUEUE_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("QUEUE_TREES").unwrap_or(50),
    };
    for seed in seeds {
        check(seed);
    }
}

/// Messages in a channel, and how often that has changed.
type Truth = BTreeMap<String, (u64, u64)>;

fn check(seed: u64) {
    let mut random = fastrand::Rng::with_seed(seed);
    let tree = Tree::new(&mut random);
    let mut scanner = Scanner::new(Settings {
        root: tree.root().to_owned(),
        stuck_after: STUCK_AFTER,
        stuck_after_by_channel: BTreeMap::new(),
        budget: Duration::MAX,
        first_pass: Duration::MAX,
        most_remembered: MAX_REMEMBERED,
        seed,
    });
    let start = now();
    let mut scan = |later: Duration| {
        let time = wall() + later;
        scanner.scan(time, &|| start.elapsed(), &BTreeSet::new()).expect("the root can be read");
        let snapshot = scanner.snapshot(time);
        assert!(snapshot.failures.is_empty(), "seed {seed}: {:?}", snapshot.failures);
        (snapshot.channels, time)
    };
    assert_exact(seed, "at the start", &tree, &scan(Duration::ZERO));

    let (truth, stop) = (Mutex::new(tree.truth()), AtomicBool::new(false));
    let tree = std::thread::scope(|scope| {
        let writer = scope.spawn(|| write(tree, &truth, &stop, random));
        for _ in 0..SCANS {
            let before = truth.lock().expect("no panic").clone();
            let (channels, _) = scan(Duration::ZERO);
            let after = truth.lock().expect("no panic").clone();
            for (channel, &(messages, changes)) in &before {
                let changed = after[channel].1 - changes;
                let found = channels.get(channel).map_or(0, |queue| queue.messages);
                let wrong = found.abs_diff(messages);
                assert!(
                    wrong <= changed,
                    "seed {seed}: {channel} has {found} messages, had {messages}, and {changed} changes"
                );
            }
            pause();
        }
        stop.store(true, Ordering::Relaxed);
        writer.join().expect("no panic")
    });
    // Names are exact at once; sizes when what was seen half written has settled.
    let settled = Duration::from_secs(61);
    assert_names(seed, &tree, &scan(Duration::ZERO).0);
    assert_exact(seed, "when all has settled", &tree, &scan(settled));
    assert_exact(seed, "when nothing has changed", &tree, &scan(settled + Duration::from_secs(1)));
}

/// Changes the tree at the given rate until it is stopped.
fn write(mut tree: Tree, truth: &Mutex<Truth>, stop: &AtomicBool, mut random: fastrand::Rng) -> Tree {
    let start = now();
    let mut done = 0;
    while !stop.load(Ordering::Relaxed) {
        let due = start.elapsed().as_secs_f64() * f64::from(CHANGES_A_SECOND);
        if f64::from(done) >= due {
            pause();
            continue;
        }
        let mut truth = truth.lock().expect("no panic");
        if let Some((channel, messages)) = tree.change(&mut random) {
            let counts = truth.get_mut(&channel).expect("a channel");
            *counts = (counts.0.checked_add_signed(messages).expect("a number"), counts.1 + 1);
        }
        done += 1;
    }
    tree
}

fn assert_names(seed: u64, tree: &Tree, channels: &BTreeMap<String, ChannelQueue>) {
    let found = find(tree.root());
    for (channel, expected) in &found {
        let queue = &channels[channel];
        let names = (queue.messages, queue.held.iter().sum::<u64>(), queue.other_files);
        assert_eq!(
            names,
            (expected.messages(), expected.held, expected.other_files),
            "seed {seed}: {channel}"
        );
    }
    assert_eq!(channels.len(), found.len(), "seed {seed}");
}

fn assert_exact(
    seed: u64,
    when: &str,
    tree: &Tree,
    (channels, time): &(BTreeMap<String, ChannelQueue>, std::time::SystemTime),
) {
    let found = find(tree.root());
    let now = time.duration_since(std::time::SystemTime::UNIX_EPOCH).expect("after the epoch").as_secs();
    let expected: BTreeMap<&String, ChannelQueue> =
        found.iter().map(|(channel, found)| (channel, expected_of(channel, found, now))).collect();
    let channels: BTreeMap<&String, ChannelQueue> = channels
        .iter()
        .map(|(channel, queue)| (channel, ChannelQueue { scanned_at: 0.0, ..queue.clone() }))
        .collect();
    assert_eq!(channels, expected, "seed {seed} {when}");
}

/// What the scanner should say of what `find` printed.
fn expected_of(channel: &str, found: &Found, now: u64) -> ChannelQueue {
    let mut queue = ChannelQueue {
        messages: found.messages(),
        other_files: found.other_files,
        ..ChannelQueue::default()
    };
    queue.held[if channel == "hold" { 0 } else { 3 }] = found.held;
    for &(attempts, bytes, modified) in &found.waiting {
        let age = now.saturating_sub(modified);
        let band = AGE_BANDS.iter().rposition(|&(_, from)| age >= u64::from(from)).expect("a band");
        let attempt_band = [0, 1, 2, 3, 10].iter().rposition(|&from| attempts >= from).expect("a band");
        queue.bytes += bytes;
        queue.ages[band] += 1;
        queue.attempts[attempt_band] += 1;
        queue.stuck += u64::from(attempts == 0 && age > STUCK_AFTER.as_secs());
    }
    let oldest = found.waiting.iter().map(|&(_, _, modified)| modified).min();
    queue.oldest = oldest.map(|oldest| f64::from(u32::try_from(oldest).expect("before 2106")));
    queue
}
