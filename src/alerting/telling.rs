//! When a receiver is told of what: alerts of one name and one severity are a group, and a group is one notification.
//!
//! There is no queue. What fires and was not told, and what was told and is gone, is news; it is told when it has been so
//! for the group wait, together with all of its group. Without news a group that fires is told again after the repeat
//! interval. A limit puts notifications off, and a receiver may fail: what is said once it can be said is what is so then.
//! Which words are sent and how is not known here.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::notice::{Notice, Texts};
use crate::aggregate::time::{Millis, Monotonic, UnixTime};
use crate::findings::Severity;

/// After a time of which nothing is known an alert that was told is taken to be over only when it has not fired for so
/// long: conditions need some time to be found again, and an end with a beginning behind it would be two pages.
const SETTLES: Millis = Millis::of_minutes(15);
/// What the limit of notifications is by.
const MINUTE: Millis = Millis::of_minutes(1);

/// What others have ahead of tickets, of what is said again, and of what has failed.
const AHEAD_OF_TICKETS: Millis = Millis::of_minutes(1);
const AHEAD_OF_REPEATS: Millis = Millis::of_minutes(5);
const AHEAD_OF_FAILED: Millis = Millis::of_minutes(5);

/// How a receiver is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manner {
    /// Alerts of which severities go to it.
    pub severities: Vec<Severity>,
    /// How long news waits for more of its group.
    pub group_wait: Millis,
    /// After how long it is said again that a group fires.
    pub repeat_interval: Millis,
    /// How many notifications there are in a minute, at most.
    pub per_minute: u32,
    /// Whether it is told that alerts have ended.
    pub send_resolved: bool,
}

/// One moment by both clocks.
#[derive(Clone, Copy, Debug)]
pub struct Now {
    /// By which is waited.
    pub monotonic: Monotonic,
    /// What is said and saved.
    pub unix: UnixTime,
}

/// What one notification is about: the gravest are the first in their order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Group {
    /// The word for the severity.
    pub severity: String,
    /// The name of the alerts.
    pub name: String,
}

/// What there is to tell of a group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notification {
    /// All that fires.
    pub firing: Vec<Notice>,
    /// What was told and is gone, and since when.
    pub resolved: Vec<(Notice, UnixTime)>,
}

/// What is to be done next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// This group is to be told of, now.
    Tell(Group),
    /// Nothing until then, unless something changes.
    Until(Monotonic),
    /// Nothing until something changes.
    Nothing,
}

/// What one receiver was told, and has to hear.
#[derive(Debug)]
pub struct Telling {
    manner: Manner,
    groups: BTreeMap<Group, About>,
    limit: Limit,
    /// Until when alerts of a time of which nothing is known may be found again.
    settles: Option<Monotonic>,
    put_off: u64,
}

/// How a group stands.
#[derive(Debug, Default)]
struct About {
    firing: BTreeMap<Texts, Notice>,
    told: BTreeMap<Texts, Told>,
    /// When it was last told, by both clocks.
    told_at: Option<(Monotonic, UnixTime)>,
    /// Since when there is news.
    news: Option<Monotonic>,
    /// When telling it last failed.
    tried: Option<Monotonic>,
    /// Whether the limit has put it off since it was last told.
    is_put_off: bool,
}

/// An alert of which the receiver was told that it fires.
#[derive(Debug)]
struct Told {
    notice: Notice,
    gone: Option<UnixTime>,
    /// Whether nobody knows how it went on.
    unsure: bool,
}

/// What a receiver was told, as it survives a restart.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SavedTelling {
    /// The name of the receiver.
    pub receiver: String,
    groups: Vec<SavedGroup>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct SavedGroup {
    /// When it was last told, by the host's clock.
    at: UnixTime,
    /// Of what it was told that it fires, and not that it has ended.
    alerts: Vec<Notice>,
}

impl SavedTelling {
    /// Of a receiver that was told of nothing.
    pub fn none(receiver: &str) -> Self {
        Self { receiver: receiver.to_owned(), groups: Vec::new() }
    }
}

impl Group {
    fn of(notice: &Notice) -> Self {
        Self { severity: notice.label("severity").to_owned(), name: notice.label("alertname").to_owned() }
    }
}

impl Telling {
    /// A receiver that an earlier run told this; `known` says whether what fired at that time is known, too.
    pub fn new(manner: Manner, saved: &SavedTelling, known: bool, now: Now) -> Self {
        let mut groups: BTreeMap<Group, About> = BTreeMap::new();
        for SavedGroup { at, alerts } in &saved.groups {
            let age = now.unix.since(*at).max(Millis::default()).min(manner.repeat_interval);
            for notice in alerts.iter().filter(|notice| manner.takes(notice)) {
                let about = groups.entry(Group::of(notice)).or_default();
                about.told_at = Some((now.monotonic.less(age), *at));
                let told = Told { notice: notice.clone(), gone: None, unsure: !known };
                about.told.insert(notice.labels.clone(), told);
            }
        }
        let settles = (!known).then(|| now.monotonic.and(SETTLES));
        Self { limit: Limit::full(manner.per_minute, now.monotonic), manner, groups, settles, put_off: 0 }
    }

    /// Takes all that fires now.
    pub fn take(&mut self, firing: impl IntoIterator<Item = Notice>, now: Now) {
        let mut groups: BTreeMap<Group, BTreeMap<Texts, Notice>> = BTreeMap::new();
        for notice in self.wanted(firing.into_iter().collect()) {
            groups.entry(Group::of(&notice)).or_default().insert(notice.labels.clone(), notice);
        }
        for (group, about) in &mut self.groups {
            about.firing = groups.remove(group).unwrap_or_default();
        }
        let new = groups.into_iter().map(|(group, firing)| (group, About { firing, ..About::default() }));
        self.groups.extend(new);
        self.look(now);
    }

    /// What is to be told next, which counts as a notification.
    pub fn next(&mut self, now: Now) -> Next {
        if self.settles.is_some_and(|until| now.monotonic >= until) {
            self.settles = None;
            self.look(now);
        }
        let mut due: Vec<_> = self
            .groups
            .iter_mut()
            .filter_map(|(group, about)| Some((about.due(&self.manner)?, group, about)))
            .collect();
        due.sort_by_key(|(at, group, about)| about.turn(*at, group));
        let later = due.iter().map(|(at, ..)| *at).filter(|at| *at > now.monotonic);
        let later = later.chain(self.settles).min();
        due.retain(|(at, ..)| *at <= now.monotonic);
        match due.first() {
            None => later.map_or(Next::Nothing, Next::Until),
            Some((_, group, _)) if self.limit.takes(now.monotonic) => Next::Tell((*group).clone()),
            Some(_) => {
                for (_, _, about) in due.iter_mut().filter(|(_, _, about)| !about.is_put_off) {
                    about.is_put_off = true;
                    self.put_off += 1;
                }
                Next::Until(self.limit.free_at())
            }
        }
    }

    /// What there is to tell of a group now.
    pub fn notification(&self, group: &Group) -> Notification {
        let Some(about) = self.groups.get(group) else { return Notification::default() };
        let gone = |told: &Told| Some((told.notice.clone(), told.gone?));
        Notification {
            firing: about.firing.values().cloned().collect(),
            resolved: about.told.values().filter_map(gone).collect(),
        }
    }

    /// Just this was told, and taken.
    pub fn told(&mut self, group: &Group, now: Now) {
        let Some(about) = self.groups.get_mut(group) else { return };
        about.told.retain(|_, told| told.gone.is_none());
        for (labels, notice) in &about.firing {
            let told = Told { notice: notice.clone(), gone: None, unsure: false };
            about.told.insert(labels.clone(), told);
        }
        about.told_at = Some((now.monotonic, now.unix));
        (about.news, about.tried, about.is_put_off) = (None, None, false);
        self.forget();
    }

    /// It was not taken.
    pub fn failed(&mut self, group: &Group, now: Now) {
        if let Some(about) = self.groups.get_mut(group) {
            about.tried = Some(now.monotonic);
        }
    }

    /// How many notifications the limit has put off since this was asked last.
    pub fn put_off(&mut self) -> u64 {
        std::mem::take(&mut self.put_off)
    }

    /// What is to survive a restart.
    pub fn saved(&self, receiver: &str) -> SavedTelling {
        let group = |about: &About| {
            let (_, at) = about.told_at?;
            let alerts: Vec<_> = about.told.values().map(|told| told.notice.clone()).collect();
            (!alerts.is_empty()).then_some(SavedGroup { at, alerts })
        };
        SavedTelling {
            receiver: receiver.to_owned(),
            groups: self.groups.values().filter_map(group).collect(),
        }
    }

    /// What goes to this receiver. The same fault as a ticket is no news while it is a page; if it was told before, it
    /// goes on.
    fn wanted(&self, firing: Vec<Notice>) -> impl Iterator<Item = Notice> {
        let fault = |notice: &Notice| {
            let mut labels = notice.labels.clone();
            labels.remove("severity");
            labels
        };
        let is_page = |notice: &&Notice| notice.label("severity") == Severity::Critical.label();
        let pages: BTreeSet<Texts> = firing.iter().filter(is_page).map(fault).collect();
        firing.into_iter().filter(move |notice| {
            let was_told = || {
                self.groups
                    .get(&Group::of(notice))
                    .is_some_and(|about| about.told.contains_key(&notice.labels))
            };
            self.manner.takes(notice) && (is_page(&notice) || !pages.contains(&fault(notice)) || was_told())
        })
    }

    /// Finds what is news.
    fn look(&mut self, now: Now) {
        let (settled, tells_ends) = (self.settles.is_none(), self.manner.send_resolved);
        for about in self.groups.values_mut() {
            let About { firing, told, .. } = about;
            for (labels, told) in told.iter_mut() {
                if firing.contains_key(labels) {
                    (told.gone, told.unsure) = (None, false);
                } else if settled || !told.unsure {
                    told.gone.get_or_insert(now.unix);
                }
            }
            told.retain(|_, told| tells_ends || told.gone.is_none());
            let begun = firing.keys().any(|labels| !told.contains_key(labels));
            if begun || told.values().any(|told| told.gone.is_some()) {
                about.news.get_or_insert(now.monotonic);
            } else {
                about.news = None;
            }
        }
        self.forget();
    }

    fn forget(&mut self) {
        self.groups.retain(|_, about| !about.firing.is_empty() || !about.told.is_empty());
    }
}

impl Manner {
    fn takes(&self, notice: &Notice) -> bool {
        self.severities.iter().any(|severity| severity.label() == notice.label("severity"))
    }
}

impl About {
    /// When it is to be told.
    fn due(&self, manner: &Manner) -> Option<Monotonic> {
        match (self.news, self.told_at) {
            (Some(since), _) => Some(since.and(manner.group_wait)),
            (None, Some((at, _))) if !self.firing.is_empty() => Some(at.and(manner.repeat_interval)),
            (None, _) => None,
        }
    }

    /// Where it stands among those that are due at this or an earlier time: first come, first told, with some time that
    /// others have ahead. So no group keeps another from being told for ever, whatever fails or is said again.
    fn turn(&self, due: Monotonic, group: &Group) -> Monotonic {
        let is_page = group.severity == Severity::Critical.label();
        let ahead = [
            (!is_page, AHEAD_OF_TICKETS),
            (self.news.is_none(), AHEAD_OF_REPEATS),
            (self.tried.is_some(), AHEAD_OF_FAILED),
        ];
        let ahead = ahead.into_iter().filter(|(behind, _)| *behind);
        ahead.fold(self.tried.unwrap_or(due), |turn, (_, ahead)| turn.and(ahead))
    }
}

/// So many notifications at once, and then as many in a minute.
#[derive(Debug)]
struct Limit {
    /// What one costs.
    price: Millis,
    /// Time that was saved up to be spent.
    saved: Millis,
    at: Monotonic,
}

impl Limit {
    fn full(per_minute: u32, now: Monotonic) -> Self {
        let price = Millis::of(MINUTE.millis() / i64::from(per_minute.max(1)));
        Self { price, saved: MINUTE, at: now }
    }

    fn takes(&mut self, now: Monotonic) -> bool {
        self.saved = self.saved.and(now.since(self.at)).min(MINUTE);
        self.at = now;
        let enough = self.saved >= self.price;
        if enough {
            self.saved = self.saved.less(self.price);
        }
        enough
    }

    /// When there is enough for one.
    fn free_at(&self) -> Monotonic {
        self.at.and(self.price.less(self.saved))
    }
}
