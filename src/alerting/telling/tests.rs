//! Single cases, and random lives of alerts, receivers and this program, judged by what the receiver hears.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::{Group, Limit, Manner, Next, Notice, Now, SETTLES, SavedTelling, Telling, Texts};
use crate::aggregate::time::{Millis, Monotonic, UnixTime};
use crate::findings::Severity;

const WAIT: i64 = 10;
const REPEAT: i64 = 200;

fn manner() -> Manner {
    Manner {
        severities: vec![Severity::Critical, Severity::Warning],
        group_wait: Millis::of(WAIT * 1000),
        repeat_interval: Millis::of(REPEAT * 1000),
        per_minute: 60,
        send_resolved: true,
    }
}

/// The clock that waits begins with each run; that of the host does not.
fn at(second: i64, started: i64) -> Now {
    Now { monotonic: Monotonic::of((second - started) * 1000), unix: UnixTime::of(second * 1000) }
}

fn notice(name: &str, severity: &str, channel: &str) -> Notice {
    let labels = [("alertname", name), ("severity", severity), ("channel", channel)];
    let labels = labels.map(|(label, value)| (label.to_owned(), value.to_owned())).into();
    Notice { labels, ..Notice::default() }
}

fn words(notices: &[Notice]) -> Vec<&str> {
    notices.iter().map(|notice| notice.label("channel")).collect()
}

/// A receiver that takes everything, second by second.
struct Case {
    telling: Telling,
    second: i64,
    heard: Vec<(i64, String)>,
}

impl Case {
    fn new(manner: Manner) -> Self {
        let telling = Telling::new(manner, &SavedTelling::default(), true, at(0, 0));
        Self { telling, second: 0, heard: Vec::new() }
    }

    fn fires(&mut self, channels: &[&str]) {
        let firing = channels.iter().map(|channel| match channel.split_once(' ') {
            Some((severity, channel)) => notice("A", severity, channel),
            None => notice("A", "critical", channel),
        });
        self.telling.take(firing.collect::<Vec<_>>(), at(self.second, 0));
    }

    fn until(&mut self, second: i64) {
        while self.second < second {
            self.second += 1;
            let now = at(self.second, 0);
            while let Next::Tell(group) = self.telling.next(now) {
                let notification = self.telling.notification(&group);
                let gone: Vec<Notice> = notification.resolved.into_iter().map(|(notice, _)| notice).collect();
                let text = format!("{} -{}", words(&notification.firing).join("+"), words(&gone).join("-"));
                self.heard.push((self.second, text));
                self.telling.told(&group, now);
            }
        }
    }

    #[track_caller]
    fn heard(&self, expected: &[(i64, &str)]) {
        let expected: Vec<_> = expected.iter().map(|(at, text)| (*at, (*text).to_owned())).collect();
        assert_eq!(self.heard, expected);
    }
}

#[test]
fn a_group_is_one_notification_when_it_has_waited() {
    let mut case = Case::new(manner());
    case.fires(&["a"]);
    case.until(5);
    case.fires(&["a", "b"]);
    case.until(50);
    case.fires(&["b", "c"]);
    case.until(70);
    case.fires(&[]);
    case.until(400);
    case.heard(&[(10, "a+b -"), (60, "b+c -a"), (80, " -b-c")]);
}

#[test]
fn what_came_and_went_meanwhile_is_not_told() {
    let mut case = Case::new(manner());
    case.fires(&["a"]);
    case.until(9);
    case.fires(&[]);
    case.until(100);
    case.heard(&[]);
    case.fires(&["a"]);
    case.until(120);
    case.fires(&[]);
    case.until(125);
    case.fires(&["a"]);
    case.until(309);
    case.heard(&[(110, "a -")]);
}

#[test]
fn it_is_said_again_after_the_interval() {
    let mut case = Case::new(manner());
    case.fires(&["a"]);
    case.until(500);
    case.heard(&[(10, "a -"), (210, "a -"), (410, "a -")]);
}

#[test]
fn ends_are_told_to_who_wants_them() {
    let mut case = Case::new(Manner { send_resolved: false, ..manner() });
    case.fires(&["a", "b"]);
    case.until(20);
    case.fires(&["b"]);
    case.until(40);
    case.fires(&["a", "b"]);
    case.until(60);
    case.fires(&[]);
    case.until(400);
    case.heard(&[(10, "a+b -"), (50, "a+b -")]);
}

#[test]
fn severities_are_chosen_and_a_ticket_is_no_news_beside_its_page() {
    let mut case = Case::new(manner());
    case.fires(&["warning a"]);
    case.until(20);
    case.fires(&["a", "warning a"]);
    case.until(40);
    case.heard(&[(10, "a -"), (30, "a -")]);
    case.fires(&["a", "warning a", "b", "warning b"]);
    case.until(60);
    case.heard(&[(10, "a -"), (30, "a -"), (50, "a+b -")]);
    let mut case = Case::new(Manner { severities: vec![Severity::Warning], ..manner() });
    case.fires(&["a", "warning b"]);
    case.until(40);
    case.heard(&[(10, "b -")]);
}

/// Two at once, and the third when there is time for it: with all that is so then.
#[test]
fn what_the_limit_puts_off_is_not_lost() {
    let mut telling =
        Telling::new(Manner { per_minute: 2, ..manner() }, &SavedTelling::default(), true, at(0, 0));
    let names = ["A", "B", "C"];
    telling.take(names.map(|name| notice(name, "critical", "a")), at(0, 0));
    let mut told = Vec::new();
    for second in 1..200 {
        if second == 20 {
            telling.take(names.map(|name| notice(name, "critical", "b")), at(second, 0));
        }
        let now = at(second, 0);
        while let Next::Tell(group) = telling.next(now) {
            let Group { name, .. } = &group;
            let notification = telling.notification(&group);
            told.push((
                second,
                format!("{name} {} {}", notification.firing.len(), notification.resolved.len()),
            ));
            telling.told(&group, now);
        }
    }
    let told: Vec<_> = told.iter().map(|(second, text)| (*second, text.as_str())).collect();
    assert_eq!(told, [(10, "A 1 0"), (10, "B 1 0"), (40, "C 1 0"), (70, "A 1 1"), (100, "B 1 1")]);
    assert_eq!((telling.put_off(), telling.put_off()), (3, 0));
}

#[test]
fn a_group_that_fails_keeps_no_other_from_being_told() {
    let mut telling = Telling::new(manner(), &SavedTelling::default(), true, at(0, 0));
    telling.take([notice("A", "critical", "a"), notice("B", "warning", "b")], at(0, 0));
    let mut tried = Vec::new();
    for second in [10, 11, 12] {
        let Next::Tell(group) = telling.next(at(second, 0)) else { panic!("nothing at {second}") };
        if group.name == "A" {
            telling.failed(&group, at(second, 0));
        } else {
            telling.told(&group, at(second, 0));
        }
        tried.push(group.name);
    }
    assert_eq!(tried, ["A", "B", "A"]);
}

/// A restart: at once, and after a time of which nothing is known.
#[test]
fn what_was_told_survives_a_restart() {
    let mut case = Case::new(manner());
    case.fires(&["a", "b"]);
    case.until(20);
    let bytes = rmp_serde::to_vec_named(&case.telling.saved("webhook")).expect("saved");
    let saved: SavedTelling = rmp_serde::from_slice(&bytes).expect("read");
    assert_eq!(saved.receiver, "webhook");
    for (known, expected) in [
        (true, vec![(10, "a -"), (32, "a -b"), (232, "a -")]),
        (false, vec![(10, "a -"), (210, "a -"), (410, "a -"), (610, "a -"), (810, "a -"), (932, "a -b")]),
    ] {
        let telling = Telling::new(manner(), &saved, known, at(22, 0));
        let mut case = Case { telling, second: 22, heard: vec![(10, "a -".to_owned())] };
        case.fires(&["a"]);
        case.until(if known { 400 } else { 22 + SETTLES.millis() / 1000 + 20 });
        case.heard(&expected);
    }
    let other = Manner { severities: vec![Severity::Warning], ..manner() };
    let mut case =
        Case { telling: Telling::new(other, &saved, true, at(22, 0)), second: 22, heard: Vec::new() };
    case.fires(&["a"]);
    case.until(400);
    case.heard(&[]);
}

#[test]
fn the_limit_is_what_it_says() {
    for per_minute in [1, 2, 7, 60_u32] {
        let mut limit = Limit::full(per_minute, Monotonic::of(0));
        let took = (0..180_000).filter(|millis| limit.takes(Monotonic::of(*millis))).count();
        assert!(took.abs_diff(per_minute as usize * 4) <= 1, "{per_minute}: {took}");
        let free_at = limit.free_at();
        assert!(!limit.takes(free_at.less(Millis::of(1))) && limit.takes(free_at));
    }
}

/// One alert of the world, by its place.
fn alert(place: usize) -> Notice {
    let names = ["A", "B", "C"];
    notice(names[place / 4], ["critical", "warning"][place / 2 % 2], ["a", "b"][place % 2])
}

/// What happens at a second.
#[derive(Clone, Debug)]
enum Event {
    Toggle(usize),
    Breaks,
    Works,
    Restart,
    LongAway,
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        12 => (0..12_usize).prop_map(Event::Toggle),
        1 => Just(Event::Breaks),
        2 => Just(Event::Works),
        1 => Just(Event::Restart),
        1 => Just(Event::LongAway),
    ]
}

/// What the receiver believes.
#[derive(Default)]
struct View {
    firing: BTreeSet<Texts>,
    group_heard: BTreeMap<(String, String), i64>,
    at: Vec<i64>,
}

/// All of it, second by second.
struct World {
    manner: Manner,
    telling: Telling,
    firing: BTreeSet<usize>,
    works: bool,
    second: i64,
    started: i64,
    restarts: usize,
    view: View,
}

impl World {
    fn happens(&mut self, event: &Event) {
        match event {
            Event::Toggle(place) if self.firing.remove(place) => {}
            Event::Toggle(place) => _ = self.firing.insert(*place),
            Event::Breaks => self.works = false,
            Event::Works => self.works = true,
            Event::Restart | Event::LongAway => {
                let long = matches!(event, Event::LongAway);
                self.second += if long { 3600 } else { 5 };
                self.started = self.second;
                self.restarts += 1;
                let saved = self.telling.saved("x");
                self.telling = Telling::new(self.manner.clone(), &saved, !long, self.now());
            }
        }
        let firing: Vec<_> = self.firing.iter().map(|place| alert(*place)).collect();
        self.telling.take(firing, self.now());
    }

    fn now(&self) -> Now {
        at(self.second, self.started)
    }

    /// As long as there is nothing to do it is not looked at.
    fn goes_on(&mut self, seconds: i64) {
        let end = self.second + seconds;
        while self.second < end {
            self.second += 1;
            match self.telling.next(self.now()) {
                Next::Tell(group) if self.works => {
                    self.hears(&group);
                    self.telling.told(&group, self.now());
                }
                Next::Tell(group) => self.telling.failed(&group, self.now()),
                Next::Until(at) => {
                    let at = self.started + (at.millis() + 999).div_euclid(1000);
                    self.second = (at - 1).clamp(self.second, end);
                }
                Next::Nothing => self.second = end,
            }
        }
    }

    /// What is heard has to be so, and to be news or due.
    fn hears(&mut self, group: &Group) {
        let notification = self.telling.notification(group);
        let present: BTreeSet<Texts> = self.firing.iter().map(|place| alert(*place).labels).collect();
        let mut news = false;
        for notice in &notification.firing {
            assert_eq!(Group::of(notice), *group);
            assert!(present.contains(&notice.labels), "{notice:?} does not fire");
            news |= self.view.firing.insert(notice.labels.clone());
        }
        for (notice, gone) in &notification.resolved {
            assert!(!present.contains(&notice.labels), "{notice:?} fires");
            assert!(*gone <= self.now().unix);
            assert!(self.view.firing.remove(&notice.labels), "{notice:?} was not told, or has ended before");
            news = true;
        }
        assert!(self.manner.send_resolved || notification.resolved.is_empty());
        let key = (group.name.clone(), group.severity.clone());
        let last = self.view.group_heard.insert(key, self.second);
        // Without ends the receiver cannot know that an alert is another one.
        let is_due = last.is_some_and(|last| self.second - last >= REPEAT);
        assert!(
            news || is_due || !self.manner.send_resolved,
            "{group:?} again at {}, after {last:?}",
            self.second
        );
        self.view.at.push(self.second);
    }

    /// The limit as its documentation has it: as many at once, and then as many in a minute; anew after a restart.
    fn keeps_to_the_limit(&self) {
        let (most, times) = (i64::from(self.manner.per_minute), &self.view.at);
        for (first, from) in times.iter().enumerate() {
            for (last, to) in times.iter().enumerate().skip(first) {
                let count = i64::try_from(last - first + 1).expect("few");
                let restarts = i64::try_from(self.restarts).expect("few");
                assert!(
                    count <= most * (1 + restarts) + (to - from) * most / 60 + 1,
                    "{count} in {}",
                    to - from
                );
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever happens, the receiver hears of each alert once that it fires and once that it has ended, never what is
    /// not so, not more than the limit; and in the end believes what is so.
    #[test]
    fn a_receiver_believes_what_is_so(
        events in proptest::collection::vec((event(), 1..60_i64), 1..40),
        per_minute in 1..20_u32,
        send_resolved: bool,
    ) {
        let manner = Manner { per_minute, send_resolved, ..manner() };
        let telling = Telling::new(manner.clone(), &SavedTelling::default(), true, at(0, 0));
        let view = View::default();
        let firing = BTreeSet::new();
        let mut world = World { manner, telling, firing, works: true, second: 0, started: 0, restarts: 0, view };
        for (event, seconds) in &events {
            world.happens(event);
            world.goes_on(*seconds);
        }
        world.keeps_to_the_limit();
        world.happens(&Event::Works);
        world.goes_on(SETTLES.millis() / 1000 + 6 * 60 + REPEAT);
        if send_resolved {
            // A ticket that was not told beside its page stays untold.
            let present: BTreeSet<Texts> = world.firing.iter().map(|place| alert(*place).labels).collect();
            prop_assert!(world.view.firing.is_subset(&present), "{:?} ended", world.view.firing);
            for labels in present.difference(&world.view.firing) {
                let mut page = labels.clone();
                page.insert("severity".to_owned(), "critical".to_owned());
                prop_assert!(page != *labels && present.contains(&page), "{labels:?} was not told");
            }
        }
    }
}
