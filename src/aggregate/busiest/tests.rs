//! The sketch against exact counts, whatever comes.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::{BUCKET, BUCKETS, Busiest, Time};

const CAPACITY: usize = 8;
type Small = Busiest<u16, CAPACITY>;

const SPAN: i64 = BUCKET.millis();

/// What an exact count says: by number of the half minute and key.
type Exact = BTreeMap<(i64, u16), u64>;

/// What came in the window by the exact count.
fn truth(exact: &Exact, now: i64) -> BTreeMap<u16, u64> {
    let last = now.div_euclid(SPAN);
    let mut sums = BTreeMap::new();
    for (&(number, key), count) in exact {
        if (last - i64::from(BUCKETS) + 1..=last).contains(&number) {
            *sums.entry(key).or_insert(0) += count;
        }
    }
    sums
}

/// Events as `(milliseconds, key)`, counted by the sketch and exactly. Events from before the window of the newest are none.
fn count(events: &[(i64, u16)]) -> (Small, Exact, i64) {
    let (mut busiest, mut exact, mut newest) = (Small::default(), Exact::new(), i64::MIN);
    for (index, &(at, key)) in events.iter().enumerate() {
        newest = newest.max(at);
        busiest.add(Time::of(at), u64::from(key) << 7, || key);
        if at.div_euclid(SPAN) > newest.div_euclid(SPAN) - i64::from(BUCKETS) {
            *exact.entry((at.div_euclid(SPAN), key)).or_insert(0) += 1;
        }
        // A restart changes nothing.
        if index % 97 == 96 {
            let saved = rmp_serde::to_vec_named(&busiest).expect("encoded");
            let loaded: Small = rmp_serde::from_slice(&saved).expect("decoded");
            assert_eq!(loaded, busiest);
            busiest = loaded;
        }
    }
    (busiest, exact, newest)
}

/// That everything that the documentation of the module says holds.
fn check(busiest: &Small, exact: &Exact, now: i64) {
    let truth = truth(exact, now);
    let all = busiest.ranking(Time::of(now), usize::MAX);
    let events: u64 = truth.values().sum();
    assert_eq!(all.events, events);
    assert!(all.rows.is_sorted_by(|a, b| (b.1, a.0) < (a.1, b.0)), "{all:?}");
    for &(key, count) in &all.rows {
        let truth = truth[&key];
        assert!(count <= truth && truth <= count + all.error_bound, "{key}: {truth} in {all:?}");
    }
    let kept: BTreeSet<u16> = all.rows.iter().map(|row| row.0).collect();
    for (key, &truth) in truth.iter().filter(|(key, _)| !kept.contains(key)) {
        assert!(truth <= all.error_bound, "{key}: {truth} in {all:?}");
    }
    assert!(all.error_bound * 3 * CAPACITY as u64 <= events * 4, "{all:?}");
    for most in [0, 1, 3] {
        let top = busiest.ranking(Time::of(now), most);
        assert_eq!(top.rows, all.rows[..most.min(all.rows.len())]);
        // Who stands out by more than the bound is shown.
        let least = top.rows.last().map_or(0, |row| row.1);
        for (&key, &truth) in &truth {
            let shown = top.rows.iter().any(|row| row.0 == key);
            assert!(shown || most == 0 || truth <= least + top.error_bound, "{key}: {truth} in {top:?}");
        }
    }
    assert!(busiest.bytes() <= Small::MOST_BYTES, "{} bytes", busiest.bytes());
}

proptest! {
    #[test]
    fn counts_are_within_the_bound(
        events in prop::collection::vec(
            (0_i64..1000, prop_oneof![0_u16..4, 0_u16..30, any::<u16>()], any::<bool>()),
            1..600,
        ),
        pace in 1_i64..2500,
        later in 0_i64..12 * SPAN,
    ) {
        // Time goes by, and some entries are late.
        let timed: Vec<_> = events.iter().zip(0_i64..).map(|(&(late, key, is_late), step)| {
            (step * pace - if is_late { late * pace / 10 } else { 0 }, key)
        }).collect();
        let (busiest, exact, newest) = count(&timed);
        check(&busiest, &exact, newest);
        check(&busiest, &exact, newest + later);
    }

    /// The order in which a hash table hands out its keys decides nothing.
    #[test]
    fn whoever_made_the_table_it_is_the_same(keys in prop::collection::vec(0_u16..40, 1..300)) {
        let events: Vec<_> = keys.iter().map(|&key| (0, key)).collect();
        let (busiest, ..) = count(&events);
        let mut other = Small::default();
        for key in keys {
            other.add(Time::of(0), u64::from(key) << 7, || key);
        }
        prop_assert_eq!(busiest, other);
    }
}

/// One that comes all the time among crowds that come once: the crowds are never shown with more than they did.
#[test]
fn a_crowd_hides_nobody() {
    let events: Vec<_> = (0..6000_u16).flat_map(|n| [(0, 10_000 + n), (0, n % 20 * 1000)]).collect();
    let busy: Vec<_> = (0..3000).map(|_| (0, 1)).collect();
    let mixed: Vec<_> =
        events.chunks(4).zip(&busy).flat_map(|(crowd, &one)| [crowd, &[one]].concat()).collect();
    let (busiest, exact, now) = count(&mixed);
    check(&busiest, &exact, now);
    let top = busiest.ranking(Time::of(now), 1);
    assert_eq!((top.rows[0].0, top.events), (1, 15_000));
    assert!(busiest.left_out() > 0);
}

#[test]
fn nothing_is_missed_while_all_fit() {
    let events: Vec<_> = (0..800_u16).map(|n| (i64::from(n) * 300, n % 8)).collect();
    let (busiest, exact, now) = count(&events);
    check(&busiest, &exact, now);
    let all = busiest.ranking(Time::of(now), 100);
    assert_eq!((all.error_bound, all.rows.len(), busiest.left_out()), (0, 8, 0));
    assert!(busiest.ranking(Time::of(now + 600_000), 100).rows.is_empty());
}

/// A release kept the first keys that came, and counted the others together: what it saved is within the bound, too.
#[test]
fn what_an_older_release_saved_is_within_the_bound() {
    #[derive(serde::Serialize)]
    struct Old {
        bucket_millis: i64,
        buckets: usize,
        keys_per_bucket: usize,
        ring: Vec<OldBucket>,
        left_out: u64,
    }
    #[derive(serde::Serialize)]
    struct OldBucket {
        number: i64,
        counts: BTreeMap<u64, (u16, u32)>,
        without_key: u32,
    }
    let counts = (0..20_u16).map(|key| (u64::from(key) << 7, (key, u32::from(key) + 1))).collect();
    let ring = vec![OldBucket { number: 0, counts, without_key: 30 }];
    let old = Old { bucket_millis: SPAN, buckets: 10, keys_per_bucket: 20, ring, left_out: 30 };
    let saved = rmp_serde::to_vec_named(&old).expect("encoded");
    let mut busiest: Small = rmp_serde::from_slice(&saved).expect("decoded");
    let read = busiest.ranking(Time::of(0), 2);
    assert_eq!((read.rows, read.events, read.error_bound), (vec![(19, 20), (18, 19)], 240, 30));
    (0..50).for_each(|_| busiest.add(Time::of(1), 99 << 7, || 99));
    let read = busiest.ranking(Time::of(1), 100);
    assert_eq!((read.rows[0], read.events, read.error_bound), ((99, 50), 290, 30));
    assert!(read.rows.len() <= CAPACITY);
    assert_eq!(busiest.left_out(), 30 + (1..=14).sum::<u64>());
}
