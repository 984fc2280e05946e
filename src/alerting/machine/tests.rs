//! What lasts, what is gone, what nobody saw: by examples, and whatever happens.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop_oneof, proptest};

use super::{FIRING_UNSEEN, GAP, Identity, MAX_CONDITIONS, Machine, Moment, Noticed, PENDING_UNSEEN, Phase};
use crate::aggregate::time::UnixTime;
use crate::alerting::Saved;
use crate::findings::alert_of::Patience;
use crate::findings::source::{Source, Sources};
use crate::findings::thresholds::table;

const SECOND: Duration = Duration::from_secs(1);

/// `ImsMtaDiskFilling`: it waits for an hour and stays for one; `ImsMtaDeliveryFailureSpike`: at once, for ten minutes.
const SLOW: (&str, &str) = ("ImsMtaDiskFilling", "warning");
const SPIKE: (&str, &str) = ("ImsMtaDeliveryFailureSpike", "critical");

fn noticed((name, severity): (&str, &str), channel: &str) -> Noticed {
    let row = table().alert(name, severity).expect("a row");
    let waits = row.waits.unwrap_or_default();
    Noticed {
        identity: Identity {
            name: &row.alert,
            severity: &row.severity,
            labels: [("channel", channel.to_owned())].into(),
        },
        waits: Patience { so: waits, anyway: waits },
        stays: row.stays.unwrap_or_default(),
        sources: Sources::of(&[Source::Logs]),
        summary: "It fails.".to_owned(),
        description: String::new(),
        explained: false,
    }
}

/// A machine and its clock.
struct Run {
    machine: Machine,
    at: Duration,
}

impl Run {
    fn new() -> Self {
        Self { machine: Machine::default(), at: Duration::ZERO }
    }

    fn step(&mut self, after: Duration, noticed: Vec<Noticed>, sees: bool) {
        self.at += after;
        let unix = UnixTime::of(1_795_000_000_000 + i64::try_from(self.at.as_millis()).expect("small"));
        self.machine.step(Moment { at: self.at, hurry: 1, unix, noticed, sees: &|_, _| sees });
    }

    fn steps(&mut self, count: u32, noticed: &[Noticed], sees: bool) {
        (0..count).for_each(|_| self.step(SECOND, noticed.to_vec(), sees));
    }

    fn firing(&self) -> usize {
        self.machine.firing().len()
    }
}

#[test]
fn what_lasts_fires_and_what_is_gone_stays_for_a_while() {
    let mut run = Run::new();
    let found = [noticed(SLOW, "l")];
    run.steps(3600, &found, true);
    assert_eq!(run.firing(), 0);
    run.steps(1, &found, true);
    assert_eq!(run.firing(), 1);
    run.steps(3599, &[], true);
    assert_eq!(run.firing(), 1);
    run.steps(1, &found, true);
    run.steps(3599, &[], true);
    assert_eq!(run.firing(), 1, "it came back meanwhile");
    run.steps(1, &[], true);
    assert_eq!((run.firing(), run.machine.conditions().len()), (0, 0));
}

#[test]
fn without_patience_it_fires_at_once() {
    let mut run = Run::new();
    run.steps(1, &[noticed(SPIKE, "l")], true);
    assert_eq!(run.firing(), 1);
    // Twice the same is one.
    run.steps(1, &[noticed(SPIKE, "l"), noticed(SPIKE, "l")], true);
    assert_eq!(run.firing(), 1);
}

/// A source that cannot be read, and a program that was stopped, move nothing.
#[test]
fn time_in_which_nobody_looked_does_not_count() {
    let mut run = Run::new();
    let found = [noticed(SLOW, "l")];
    run.steps(3000, &found, true);
    run.steps(500, &found, false);
    run.step(GAP * 1000, found.to_vec(), true);
    run.steps(600, &found, true);
    assert_eq!(run.firing(), 0);
    run.steps(1, &found, true);
    assert_eq!(run.firing(), 1);
    run.steps(20_000, &[], false);
    let alert = run.machine.firing().remove(0);
    assert!(alert.description.starts_with("Whether it goes on is not known: look at the mail"), "{alert:?}");
    run.steps(3600, &[], true);
    assert_eq!(run.firing(), 1);
    run.steps(1, &[], true);
    assert_eq!(run.firing(), 0);
}

#[test]
fn what_nobody_can_look_at_ends_at_last() {
    let mut run = Run::new();
    run.steps(1, &[noticed(SPIKE, "l"), noticed(SLOW, "l")], true);
    let ends = |run: &mut Run, after: Duration, left: usize| {
        let steps = u32::try_from(after.as_secs()).expect("small");
        run.steps(steps, &[], false);
        assert_eq!(run.machine.conditions().len(), left + 1);
        run.steps(1, &[], false);
        assert_eq!(run.machine.conditions().len(), left);
    };
    ends(&mut run, PENDING_UNSEEN, 1);
    ends(&mut run, FIRING_UNSEEN.saturating_sub(PENDING_UNSEEN + SECOND), 0);
}

/// A planned stop takes longer than one of the two may be gone while the other runs.
#[test]
fn patience_is_for_how_it_is_now_or_for_all_of_the_time() {
    let gone = |so| Noticed {
        waits: Patience { so: Duration::from_secs(so), anyway: Duration::from_secs(320) },
        ..noticed(SPIKE, "l")
    };
    let mut run = Run::new();
    run.steps(200, &[gone(320)], true);
    run.steps(90, &[gone(90)], true);
    assert_eq!(run.firing(), 0, "it has to be so for 90 s");
    run.steps(1, &[gone(90)], true);
    assert_eq!(run.firing(), 1);
    let mut run = Run::new();
    for turn in 0..4 {
        run.steps(80, &[gone(if turn % 2 == 0 { 90 } else { 320 })], true);
        assert_eq!(run.firing(), 0);
    }
    run.steps(1, &[gone(320)], true);
    assert_eq!(run.firing(), 1, "whatever the other did");
}

#[test]
fn what_is_explained_begins_nothing_and_ends_nothing() {
    let mut run = Run::new();
    let explained = [Noticed { explained: true, ..noticed(SPIKE, "l") }];
    run.steps(10, &explained, true);
    assert_eq!(run.machine.conditions().len(), 0);
    run.steps(1, &[noticed(SPIKE, "l")], true);
    run.steps(1000, &explained, true);
    assert_eq!(run.firing(), 1);
    let mut run = Run::new();
    run.steps(3000, &[noticed(SLOW, "l")], true);
    run.steps(1, &[Noticed { explained: true, ..noticed(SLOW, "l") }], true);
    run.steps(3600, &[noticed(SLOW, "l")], true);
    assert_eq!(run.firing(), 0, "it waits anew");
}

#[test]
fn there_are_no_more_than_so_many_and_the_gravest_come_first() {
    let mut run = Run::new();
    let all: Vec<_> = (0..MAX_CONDITIONS + 7).map(|channel| noticed(SPIKE, &format!("c{channel}"))).collect();
    run.steps(1, &all[7..8], true);
    run.steps(1, &all, true);
    assert_eq!((run.firing(), run.machine.left_out()), (MAX_CONDITIONS, 7));
    let kept = |channel: usize| run.machine.conditions().contains_key(&all[channel].identity);
    assert!(kept(7) && kept(0) && !kept(MAX_CONDITIONS + 6));
}

#[test]
fn words_of_what_fires_change_now_and_then() {
    let mut run = Run::new();
    let says = |words: u32| Noticed { summary: words.to_string(), ..noticed(SPIKE, "l") };
    run.steps(1, &[says(0)], true);
    let mut heard = Vec::new();
    for words in 1..=61 {
        run.steps(1, &[says(words)], true);
        heard.push(run.machine.firing().remove(0).summary);
    }
    heard.dedup();
    assert_eq!(heard, ["0", "30", "60"]);
}

#[test]
fn a_restart_goes_on_and_a_state_of_another_time_does_not() {
    let mut run = Run::new();
    run.steps(1800, &[noticed(SLOW, "l"), noticed(SPIKE, "x")], true);
    let now = UnixTime::of(1_795_000_000_000);
    let bytes = rmp_serde::to_vec_named(&Saved::of(run.machine.conditions(), now)).expect("saved");
    let saved: Saved = rmp_serde::from_slice(&bytes).expect("read");
    for (minutes, kept) in [(0, 2), (10, 2), (11, 0), (24 * 60, 0), (-1, 0)] {
        let then = UnixTime::of(now.millis() + minutes * 60_000);
        assert_eq!(saved.restored(then).conditions().len(), kept, "{minutes}");
    }
    let mut again = Run { machine: saved.restored(now), at: Duration::ZERO };
    assert_eq!(again.firing(), 1, "at once");
    again.steps(5, &[], false);
    assert_eq!((again.firing(), again.machine.conditions().len()), (1, 2));
    // Half of its hour was seen before.
    again.steps(1802, &[noticed(SLOW, "l")], true);
    let firing: Vec<_> = again.machine.firing().iter().map(|alert| alert.name).collect();
    assert_eq!(firing, [SLOW.0], "the other one was gone for its ten minutes");
}

/// What happens for some seconds.
#[derive(Clone, Debug)]
enum Happens {
    Found,
    Gone,
    Unseen,
    Restarts,
    Stops,
}

fn happens() -> impl Strategy<Value = Vec<(Happens, u32)>> {
    let one = prop_oneof![
        4 => Just(Happens::Found),
        4 => Just(Happens::Gone),
        1 => Just(Happens::Unseen),
        1 => Just(Happens::Restarts),
        1 => Just(Happens::Stops),
    ];
    vec((one, prop_oneof![1_u32..20, 1_u32..900]), 1..40)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    /// An alert fires only while it is found, after it was found for its patience without a moment in which it was seen to be gone; it
    /// ends only when it was seen to be gone for as long as it stays. So it never flaps within its hold, whatever happens.
    #[test]
    fn nothing_flaps_and_nothing_fires_or_ends_unseen(happens in happens(), slow in any::<bool>()) {
        let (name, waits, stays) = if slow {
            (("ImsMtaEnqueueSurge", "warning"), 300, 900)
        } else {
            (SPIKE, 0, 600)
        };
        let found = [noticed(name, "l")];
        let mut run = Run::new();
        // Seconds for which it was seen to last, and to be gone.
        let (mut lasted, mut gone, mut fired) = (0, 0, false);
        // For which nobody could look, and how long it has lasted since it may have been forgotten for that.
        let (mut unseen, mut kept) = (0, 0);
        for (what, seconds) in happens {
            for _ in 0..seconds {
                match what {
                    Happens::Found => run.step(SECOND, found.to_vec(), true),
                    Happens::Gone => run.step(SECOND, Vec::new(), true),
                    Happens::Unseen => run.step(SECOND, found.to_vec(), false),
                    Happens::Stops => run.at += Duration::from_mins(1),
                    Happens::Restarts => {
                        let now = UnixTime::of(0);
                        run = Run { machine: Saved::of(run.machine.conditions(), now).restored(now), at: Duration::ZERO };
                    }
                }
                match what {
                    Happens::Found => (lasted, kept, gone, unseen) = (lasted + 1, kept + 1, 0, 0),
                    Happens::Gone => (lasted, kept, gone, unseen) = (0, 0, gone + 1, 0),
                    Happens::Unseen => unseen += 1,
                    Happens::Restarts | Happens::Stops => {}
                }
                if unseen >= PENDING_UNSEEN.as_secs() {
                    kept = 0;
                }
                let fires = run.firing() == 1;
                if fires && !fired {
                    assert!(matches!(what, Happens::Found) && lasted > waits, "fires after {lasted} s");
                }
                if fired && !fires {
                    assert!(matches!(what, Happens::Gone) && gone >= stays, "ends after {gone} s");
                }
                if !fires {
                    assert!(kept <= waits + 60 || !matches!(what, Happens::Found), "it never fires");
                }
                fired = fires;
            }
        }
    }

    /// Whatever the moments and the identities are, it is bounded, and pending ones are no alerts.
    #[test]
    fn it_is_bounded(steps in vec((0_u64..100, vec(0_usize..2000, 0..1500), any::<bool>()), 1..8)) {
        let mut run = Run::new();
        for (seconds, channels, sees) in steps {
            let all = channels.iter().map(|channel| noticed(SLOW, &channel.to_string())).collect();
            run.step(Duration::from_secs(seconds), all, sees);
            assert!(run.machine.conditions().len() <= MAX_CONDITIONS);
            let pending = run.machine.conditions().values().filter(|of| matches!(of.phase, Phase::Pending { .. }));
            assert_eq!(pending.count() + run.firing(), run.machine.conditions().len());
        }
    }
}

#[test]
fn identities_are_told_apart_by_their_labels() {
    let mut run = Run::new();
    run.steps(1, &[noticed(SPIKE, "a"), noticed(SPIKE, "b")], true);
    let by_channel: BTreeMap<_, _> = run
        .machine
        .firing()
        .into_iter()
        .map(|alert| (alert.labels["channel"].clone(), alert.since))
        .collect();
    assert_eq!(by_channel.len(), 2);
}
