//! One speaker at a time, on a model of Alertmanager with a Prometheus beside this program.

use proptest::prelude::*;

use super::model::{Event, Second, Truth, World};
use super::{By, Look, Memory, Mode, Pace, Seen, Word};
use crate::aggregate::time::{Millis, Monotonic, UnixTime};

/// Whoever lives and finds it has spoken by then.
const IN_TIME: Second = 80;
/// For so long Prometheus says that an alert has ended, from when a look found it.
const ECHO: Second = 16 * 60 + 20;
/// How long a word holds.
const GOOD_FOR: Second = 240;

/// A day of one alert.
#[derive(Clone, Debug)]
struct Day {
    truth: Truth,
    events: Vec<(Second, Event)>,
    mode: Mode,
    with_prometheus: bool,
}

/// What has happened lately, as far as it excuses something.
struct Lately {
    cut_off: Second,
    gone: Second,
    restarted: Second,
    ended_by_another: Second,
}

impl Day {
    fn world(&self) -> World {
        World::new(self.truth.clone(), self.mode, self.with_prometheus)
    }

    fn end(&self) -> Second {
        let of_events = self.events.iter().map(|(at, _)| *at).max().unwrap_or(0);
        let of_truth = self.truth.incidents.iter().map(|incident| incident.end).max().unwrap_or(0);
        of_events.max(of_truth) + 3000
    }

    /// Lives it, and says what was wrong.
    fn wrong(&self) -> Vec<String> {
        let mut world = self.world();
        let mut wrong = Vec::new();
        let mut lately = Lately { cut_off: -9999, gone: -9999, restarted: -9999, ended_by_another: -9999 };
        let (mut noticed, mut closed_in_hold, mut open_in_hold, mut ours_opened) = (0, false, false, -9999);
        for now in 0..self.end() {
            for (_, event) in self.events.iter().filter(|(at, _)| *at == now) {
                match *event {
                    Event::CutOff(seconds) => lately.cut_off = lately.cut_off.max(now + seconds),
                    Event::AlertmanagerGone(seconds) => lately.gone = lately.gone.max(now + seconds),
                    Event::ExporterRestarts => lately.restarted = now,
                    _ => {}
                }
                world.happens(*event);
            }
            world.second();
            let held_since = self.truth.held_since(now + 1);
            if held_since.is_none_or(|since| since == now + 1) {
                (closed_in_hold, open_in_hold) = (false, world.page_is_open());
            }
            for notice in &world.notices()[noticed..] {
                match (notice.firing, notice.by, held_since) {
                    (true, Some(By::Us), Some(_)) if closed_in_hold && lately.restarted < now - 600 => {
                        wrong.push(format!("{now}: paged again while it held"));
                    }
                    (false, None, Some(_)) if lately.cut_off < now - GOOD_FOR => {
                        wrong.push(format!("{now}: left to end while it held"));
                    }
                    (false, Some(By::Another), Some(since))
                        if ours_opened >= since
                            && world.prometheus_ended().is_some_and(|ended| ended < since)
                            // What nobody could see nobody can wait for.
                            && lately.restarted.max(lately.cut_off).max(lately.gone) < now - ECHO =>
                    {
                        wrong.push(format!("{now}: ended by what Prometheus says of an earlier one"));
                    }
                    (false, Some(By::Us), Some(_)) => wrong.push(format!("{now}: resolved while it held")),
                    _ => {}
                }
                closed_in_hold |= !notice.firing && notice.by != Some(By::Us) && held_since.is_some();
                // What ends unseen, since nobody could look, or before whoever speaks of it had said so again to an
                // Alertmanager that has forgotten it, may have been left to end.
                let unseen = notice.by.is_none() && lately.cut_off >= now - GOOD_FOR;
                if unseen || lately.gone >= now - IN_TIME {
                    closed_in_hold = false;
                }
                open_in_hold |= notice.firing;
                if (notice.firing, notice.by) == (true, Some(By::Us)) {
                    ours_opened = notice.at;
                }
                if (notice.firing, notice.by) == (false, Some(By::Another)) {
                    lately.ended_by_another = now;
                }
            }
            noticed = world.notices().len();
            if let Some(since) = held_since {
                let undisturbed =
                    [lately.cut_off, lately.gone, lately.restarted + 6].iter().all(|&at| at < since - 2);
                // After that nobody knows who will say that an alert has ended.
                let unknown = lately.ended_by_another.max(lately.gone + IN_TIME).max(lately.cut_off);
                let unknown = unknown > since - ECHO;
                let patience = if unknown { IN_TIME } else { 2 };
                if undisturbed && now > since + patience && !open_in_hold {
                    wrong.push(format!("{now}: holds since {since} and nobody was told"));
                    open_in_hold = true;
                }
            }
        }
        let memory_was_lost = self.events.iter().any(|(_, event)| *event == Event::ExporterRestarts)
            && self.events.iter().any(|(_, event)| matches!(event, Event::AlertmanagerGone(_)));
        if world.page_is_open() && !memory_was_lost {
            wrong.push("a page is open in the end".to_owned());
        }
        wrong.extend(world.wrong);
        wrong
    }
}

fn truths() -> impl Strategy<Value = Truth> {
    let incidents = prop::collection::vec((10_i64..2500, 80_i64..1500), 1..4);
    (incidents, 0_i64..4, 0_i64..60, 0_i64..900, -40_i64..40).prop_map(
        |(incidents, ours, theirs, stays, differs)| {
            let mut at = 0;
            let incidents = incidents.into_iter().map(|(pause, lasts)| {
                let start = at + pause;
                at = start + lasts;
                start..at
            });
            Truth {
                incidents: incidents.collect(),
                ours: (ours, stays),
                theirs: (theirs, (stays + differs).max(0)),
            }
        },
    )
}

fn events() -> impl Strategy<Value = Vec<(Second, Event)>> {
    let event = prop_oneof![
        3 => Just(Event::PrometheusDies),
        3 => Just(Event::PrometheusStarts),
        2 => Just(Event::ExporterRestarts),
        2 => (1_i64..1000).prop_map(Event::AlertmanagerGone),
        2 => (1_i64..150).prop_map(Event::CutOff),
    ];
    prop::collection::vec((0_i64..6000, event), 0..5)
}

fn days() -> impl Strategy<Value = Day> {
    (truths(), events(), any::<bool>()).prop_map(|(truth, events, with_prometheus)| Day {
        truth,
        events,
        mode: Mode::Backup,
        with_prometheus,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn one_speaks_at_a_time_and_none_is_missed(day in days()) {
        let wrong = day.wrong();
        prop_assert!(wrong.is_empty(), "{wrong:#?}");
    }
}

/// Each day: its incidents, when both find them, what happens, whether there is a Prometheus. On each as many pages
/// begin as end.
#[test]
fn days_to_remember() {
    use Event::{AlertmanagerGone, ExporterRestarts, PrometheusDies, PrometheusStarts};
    let usual = ((1, 600), (20, 600));
    let one = &[(100, 400)][..];
    let long = &[(100, 3000)][..];
    for (what, incidents, finds, events, with_prometheus, pages) in [
        ("alone", one, usual, &[][..], false, 1),
        ("with Prometheus", one, usual, &[], true, 1),
        ("Prometheus dies in the middle", long, usual, &[(500, PrometheusDies)], true, 1),
        ("it is away for a while", long, usual, &[(500, PrometheusDies), (1500, PrometheusStarts)], true, 1),
        ("it comes late", long, usual, &[(500, PrometheusStarts)], false, 1),
        ("Alertmanager is away for ten minutes", long, usual, &[(500, AlertmanagerGone(600))], false, 1),
        ("it is away when it ends", one, usual, &[(900, AlertmanagerGone(600))], false, 1),
        ("it is away when it begins", one, usual, &[(90, AlertmanagerGone(600))], false, 1),
        ("this program is started again", long, usual, &[(500, ExporterRestarts)], false, 1),
        ("it ends while this program is away", one, usual, &[(998, ExporterRestarts)], false, 1),
        // Prometheus says for a quarter of an hour that the first has ended.
        ("a second one soon after", &[(100, 400), (1130, 1400)], usual, &[], true, 2),
        // Just when this program says it again Prometheus speaks first, and it ends before that says it again.
        ("both in one second", &[(101, 190)], ((1, 20), (60, 60)), &[], true, 1),
    ] {
        let incidents = incidents.iter().map(|&(start, end)| start..end).collect();
        let truth = Truth { incidents, ours: finds.0, theirs: finds.1 };
        let day = Day { truth, events: events.to_vec(), mode: Mode::Backup, with_prometheus };
        assert_eq!(day.wrong(), [""; 0], "{what}");
        let mut world = day.world();
        for now in 0..day.end() {
            for (_, event) in day.events.iter().filter(|(at, _)| *at == now) {
                world.happens(*event);
            }
            world.second();
        }
        let firing = world.notices().iter().filter(|notice| notice.firing).count();
        assert_eq!((firing, world.notices().len()), (pages, 2 * pages), "{what}: {:?}", world.notices());
    }
}

/// By the mode, who spoke last and how many seconds are left, whether the condition holds.
#[test]
fn a_first_look_decides() {
    let speak = Some(true);
    let keep_still = None;
    for (mode, seen, holds, expected) in [
        (Mode::Backup, None, true, speak),
        (Mode::Backup, None, false, keep_still),
        (Mode::Backup, Some((By::Another, 200)), true, keep_still),
        (Mode::Backup, Some((By::Another, 60)), true, speak),
        (Mode::Backup, Some((By::Another, 1)), false, keep_still),
        (Mode::Backup, Some((By::Us, 200)), true, keep_still),
        (Mode::Backup, Some((By::Us, 180)), true, speak),
        // Another may be about to speak of it.
        (Mode::Backup, Some((By::Us, 200)), false, keep_still),
        (Mode::Always, Some((By::Another, 200)), true, speak),
        (Mode::Always, Some((By::Another, 200)), false, keep_still),
        (Mode::Always, Some((By::Us, 200)), false, Some(false)),
        (Mode::Off, None, true, keep_still),
        (Mode::Off, Some((By::Us, 200)), false, keep_still),
    ] {
        let now = UnixTime::of(1_700_000_000_000);
        let left = |seconds: i64| now.and(Millis::of(seconds * 1000));
        let seen = seen.map(|(by, seconds)| Seen { by, ends_at: left(seconds) });
        let look = Look { seen, began_anew: false, now, monotonic: Monotonic::of(5) };
        let word = Memory::default().decide(mode, Pace::default(), holds, &look);
        let expected = match expected {
            Some(true) => Word::Speak { ends_at: left(GOOD_FOR) },
            Some(false) => Word::Resolve,
            None => Word::KeepStill,
        };
        assert_eq!(word, expected, "{mode:?} {seen:?} {holds}");
    }
}
