//! Who is a member, and that every event counts once.

use std::collections::HashMap;

use proptest::prelude::{Strategy as _, any};

use super::{HeavyHitters, Slot, Time};
use crate::aggregate::digest::label_key;
use crate::aggregate::index::{ByIndex, Domain, DomainIndex};

const SEED: u64 = 11;
const OTHER: DomainIndex = DomainIndex::OTHER;

/// Counters as a table keeps them beside the set.
struct Counters {
    set: HeavyHitters<Domain>,
    counts: ByIndex<Domain, u64>,
}

impl Counters {
    fn new(capacity: usize) -> Self {
        Self { set: HeavyHitters::new(capacity, SEED), counts: [0].into_iter().collect() }
    }

    fn event(&mut self, label: &str, at: i64) -> DomainIndex {
        let slot = self.set.slot(label_key(label.as_bytes(), SEED), Time::of(at), || label);
        let (Slot::At(index) | Slot::NewAt(index)) = slot;
        let count = self.counts.at(index);
        if matches!(slot, Slot::NewAt(_)) {
            *count = 0;
        }
        *count += 1;
        index
    }

    fn shown(&self) -> HashMap<String, u64> {
        self.set.labels().map(str::to_owned).zip(self.counts.values().iter().copied()).collect()
    }

    fn saved_and_loaded(self) -> Self {
        let saved = rmp_serde::to_vec_named(&self.set).expect("encoded");
        Self { set: rmp_serde::from_slice(&saved).expect("decoded"), ..self }
    }
}

#[test]
fn the_first_comers_are_members_and_the_rest_is_other() {
    let mut counters = Counters::new(2);
    for label in ["a", "b", "a", "c", "other"] {
        counters.event(label, 0);
    }
    let expected = [("other", 2), ("a", 2), ("b", 1)].map(|(label, count)| (label.to_owned(), count));
    assert_eq!(counters.shown(), HashMap::from(expected));
    assert_eq!((counters.set.capped(), counters.set.replaced()), (2, 0));
}

#[test]
fn a_busy_newcomer_takes_the_place_of_the_quietest() {
    let mut counters = Counters::new(2);
    for label in ["quiet", "busy", "busy", "busy"] {
        counters.event(label, 0);
    }
    let places: Vec<DomainIndex> = (0..7).map(|_| counters.event("new", 0)).collect();
    let entered = places.iter().position(|&index| index != OTHER).expect("a member in the end");
    // Six are more than twice one and the margin.
    assert_eq!(entered, 5);
    let shown = counters.shown();
    assert_eq!((shown.get("quiet"), shown["busy"], shown["new"], shown["other"]), (None, 3, 2, 5));
    assert_eq!(counters.set.replaced(), 1);
    // The one that left is back in `other`.
    assert_eq!(counters.event("quiet", 0), OTHER);
}

#[test]
fn members_of_yesterday_make_room() {
    let mut counters = Counters::new(1);
    for _ in 0..1000 {
        counters.event("old", 0);
    }
    let tomorrow = 24 * super::HOUR.millis();
    assert!((0..3).all(|_| counters.event("new", tomorrow) == OTHER));
    assert_ne!(counters.event("new", tomorrow), OTHER);
    // An entry from before does not fade what came since.
    assert_eq!(counters.event("old", 0), OTHER);
    assert_eq!(counters.shown()["new"], 1);
}

#[test]
fn a_flood_of_names_changes_no_member_and_hides_nobody() {
    let mut counters = Counters::new(20);
    for member in 0..20 {
        for _ in 0..5 {
            counters.event(&format!("member{member}"), 0);
        }
    }
    for number in 0..20_000 {
        counters.event(&format!("flood{number}"), 0);
        // One in a hundred names is the same.
        if number % 100 == 0 {
            counters.event("heavy", 0);
        }
    }
    let shown = counters.shown();
    assert!(!shown.keys().any(|label| label.starts_with("flood")), "{shown:?}");
    assert!(shown["heavy"] > 180, "{shown:?}");
    assert_eq!(counters.set.replaced(), 1);
}

#[test]
fn hours_without_number_do_not_overflow() {
    let mut counters = Counters::new(1);
    for at in [i64::MIN, i64::MAX, 0, i64::MIN] {
        counters.event("a", at);
    }
    assert_eq!(counters.shown()["a"], 4);
}

proptest::proptest! {
    /// Every event is in exactly one series, values shown only grow, and a restart changes nothing.
    #[test]
    fn every_event_counts_once(
        events in proptest::collection::vec((0_u8..40, any::<bool>(), 0_u8..4).prop_map(|(name, busy, pause)| {
            (if busy { name % 3 } else { name }, i64::from(pause) * 600_000)
        }), 1..400),
        restart in 0_usize..400,
    ) {
        let (mut plain, mut restarted) = (Counters::new(5), Counters::new(5));
        let (mut at, mut gone, mut before) = (0, 0, HashMap::new());
        for (number, (name, pause)) in events.iter().enumerate() {
            at += pause;
            let label = format!("d{name}");
            plain.event(&label, at);
            if number == restart {
                restarted = restarted.saved_and_loaded();
            }
            restarted.event(&label, at);
            let shown = plain.shown();
            for (label, value) in &before {
                match shown.get(label) {
                    Some(now) => proptest::prop_assert!(now >= value),
                    None => gone += value,
                }
            }
            proptest::prop_assert_eq!(shown.values().sum::<u64>() + gone, number as u64 + 1);
            before = shown;
        }
        proptest::prop_assert_eq!(plain.shown(), restarted.shown());
        proptest::prop_assert_eq!(plain.set.replaced(), restarted.set.replaced());
    }
}
