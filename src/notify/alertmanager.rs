//! One Alertmanager: asked what it shows, and told by [`speaker`](crate::alerting::speaker) what it has to hear.
//!
//! There is no queue. What fires now, and what has ended and was not told yet, is all that there is to say whenever it
//! can be said: after an outage of ten minutes as after one of a second.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use hyper::Uri;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::api::{self, Posted, Times};
use super::client::Client;
use super::failed::Failed;
use super::notice::{Notice, Site, Texts};
use crate::aggregate::time::{Millis, Monotonic, UnixTime};
use crate::alerting::Alert;
use crate::alerting::speaker::{By, Look, Memory, Mode, Pace, Seen, Word};
use crate::observed::notified::{Receiver, Said};
use crate::observed::{Observed, ProblemLog};

/// Alerts that one is told of at most.
const MOST: usize = 1000;
/// After a failure it is tried again after so long; doubled each time up to a look.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// Whether what was said is shown.
const SOON: Duration = Duration::from_secs(1);

/// How it is spoken to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Manner {
    pub(super) mode: Mode,
    /// How often what is still so is said again.
    pub(super) resend: Duration,
}

impl Manner {
    fn pace(self) -> Pace {
        Pace::of(Millis::from(self.resend))
    }

    /// Between two looks while there is something to look for.
    fn look(self) -> Duration {
        self.resend / 4
    }
}

/// One Alertmanager.
#[derive(Debug)]
pub(super) struct Alertmanager {
    uri: Uri,
    client: Client,
    site: Arc<Site>,
    manner: Manner,
    observed: Arc<Observed>,
    /// Its place among the receivers.
    place: usize,
    problems: ProblemLog,
    /// By their labels: what fires, and what there was.
    book: BTreeMap<Texts, Entry>,
    watchdog: Watchdog,
}

#[derive(Debug)]
struct Entry {
    notice: Notice,
    holds: bool,
    memory: Memory,
    /// What the Alertmanager last said about when it heard of it.
    updated: Option<UnixTime>,
}

#[derive(Debug)]
struct Watchdog {
    notice: Notice,
    said: Option<Monotonic>,
}

/// What a round came to.
struct Round {
    spoke: bool,
    quiet: bool,
}

impl Alertmanager {
    pub(super) fn new(
        uri: Uri,
        client: Client,
        site: Arc<Site>,
        manner: Manner,
        observed: Arc<Observed>,
        place: usize,
    ) -> Self {
        let watchdog = Watchdog { notice: site.watchdog(observed.clock.unix()), said: None };
        let problems = ProblemLog::with("alertmanager", "is not told of alerts; will be tried again");
        Self { uri, client, site, manner, observed, place, problems, book: BTreeMap::new(), watchdog }
    }

    /// Tells it, for ever. What is known at the start of the program is not known until alerts are published.
    pub(super) async fn run(mut self, mut alerts: watch::Receiver<Arc<[Alert]>>) {
        let (mut next, mut pause) = (None, FIRST_PAUSE);
        loop {
            tokio::select! {
                changed = alerts.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    let firing = alerts.borrow_and_update().clone();
                    if !self.take(&firing) && next.is_some() {
                        continue;
                    }
                }
                () = sleep_until(next.unwrap_or_else(Instant::now)), if next.is_some() => {}
            }
            let (look, resend) = (self.manner.look(), self.manner.resend);
            let wait = match self.round().await {
                Ok(Round { spoke, quiet }) => {
                    pause = FIRST_PAUSE;
                    self.note(None);
                    if spoke {
                        SOON.min(look)
                    } else if quiet {
                        resend
                    } else {
                        look
                    }
                }
                Err(failed) => {
                    self.note(Some(&failed));
                    let waited = pause;
                    pause = (pause * 2).min(look.max(FIRST_PAUSE));
                    waited
                }
            };
            next = Some(Instant::now() + wait);
        }
    }

    /// Takes what fires now; whether it is news.
    fn take(&mut self, firing: &[Alert]) -> bool {
        let room = firing.len().min(MOST);
        if firing.len() > room {
            self.receiver().dropped((firing.len() - room) as u64);
        }
        let mut news = false;
        let notices: BTreeMap<Texts, Notice> = firing[..room]
            .iter()
            .map(|alert| self.site.notice(alert))
            .map(|notice| (notice.labels.clone(), notice))
            .collect();
        for (labels, entry) in &mut self.book {
            let holds = notices.contains_key(labels);
            news |= entry.holds != holds;
            entry.holds = holds;
        }
        for (labels, notice) in notices {
            if let Some(entry) = self.book.get_mut(&labels) {
                entry.notice = notice;
            } else {
                news = true;
                self.book.insert(labels, Entry::new(notice, true));
            }
        }
        news
    }

    async fn round(&mut self) -> Result<Round, Failed> {
        let list = api::list(&mut self.client, &self.uri, self.site.labels()).await?;
        let now = list.now.unwrap_or_else(|| self.observed.clock.unix());
        let mut shown = BTreeMap::new();
        for alert in list.alerts {
            let Some(times) = alert.times() else { continue };
            let by = if alert.generator == self.site.generator { By::Us } else { By::Another };
            self.remember(&alert.labels, &alert.annotations, by, times);
            shown.insert(alert.labels, (by, times));
        }
        let missing =
            |(labels, entry): (&Texts, &Entry)| entry.updated.is_some() && !shown.contains_key(labels);
        let started = if self.book.iter().any(missing) {
            Some(api::started(&mut self.client, &self.uri).await?)
        } else {
            None
        };
        let words = self.decide(&shown, started, now);
        let spoke = words.iter().any(|(_, word)| *word != Word::KeepStill);
        self.say(&words, now).await?;
        self.forget();
        let of_another = self.book.values().filter(|entry| entry.memory.is_anothers()).count();
        self.receiver().of_another(of_another as u64);
        self.receiver().reached(self.observed.clock.steady_seconds());
        Ok(Round { spoke, quiet: self.book.values().all(|entry| entry.memory.is_done()) })
    }

    /// What was said by an earlier run of this program has to end as well.
    fn remember(&mut self, labels: &Texts, annotations: &Texts, by: By, times: Times) {
        if by == By::Us && *labels != self.watchdog.notice.labels && !self.book.contains_key(labels) {
            let notice =
                Notice { labels: labels.clone(), annotations: annotations.clone(), since: times.starts };
            self.book.insert(labels.clone(), Entry::new(notice, false));
        }
    }

    fn decide(
        &mut self,
        shown: &BTreeMap<Texts, (By, Times)>,
        started: Option<UnixTime>,
        now: UnixTime,
    ) -> Vec<(Texts, Word)> {
        let monotonic = Monotonic::from(self.observed.clock.monotonic());
        let Manner { mode, .. } = self.manner;
        let pace = self.manner.pace();
        let words = self.book.iter_mut().map(|(labels, entry)| {
            let shown = shown.get(labels);
            let began_anew = started.zip(entry.updated).is_some_and(|(started, updated)| started > updated);
            let look = Look {
                seen: shown.map(|(by, times)| Seen { by: *by, ends_at: times.ends }),
                began_anew,
                now,
                monotonic,
            };
            if let Some((_, times)) = shown {
                entry.updated = Some(times.updated);
            }
            (labels.clone(), entry.memory.decide(mode, pace, entry.holds, &look))
        });
        words.collect()
    }

    /// Says all of it at once, with the dead man's beat when it is due.
    async fn say(&mut self, words: &[(Texts, Word)], now: UnixTime) -> Result<(), Failed> {
        let monotonic = Monotonic::from(self.observed.clock.monotonic());
        let ahead = now.since(self.observed.clock.unix());
        let resend = Millis::from(self.manner.resend);
        let mut posted = Vec::new();
        let beats = self.watchdog.said.is_none_or(|at| monotonic.since(at) >= resend);
        let generator = self.site.generator.as_str();
        if beats {
            let notice = &self.watchdog.notice;
            posted.push(Posted::new(notice, generator, notice.since.and(ahead), now.and(resend.times(4))));
        }
        for (labels, word) in words {
            let Some(entry) = self.book.get(labels) else { continue };
            let ends = match word {
                Word::Speak { ends_at } => *ends_at,
                Word::Resolve => now,
                Word::KeepStill => continue,
            };
            let starts = entry.notice.since.and(ahead).min(now);
            posted.push(Posted::new(&entry.notice, generator, starts, ends));
        }
        if posted.is_empty() {
            return Ok(());
        }
        api::post(&mut self.client, &self.uri, &posted).await?;
        drop(posted);
        if beats {
            self.watchdog.said = Some(monotonic);
        }
        self.was_told(words, monotonic);
        Ok(())
    }

    fn was_told(&mut self, words: &[(Texts, Word)], monotonic: Monotonic) {
        for (labels, word) in words {
            let Some(entry) = self.book.get_mut(labels) else { continue };
            entry.memory.told(*word, monotonic);
            let said = match word {
                Word::Speak { .. } => Said::Firing,
                Word::Resolve => Said::Resolved,
                Word::KeepStill => continue,
            };
            if *word == Word::Resolve {
                entry.updated = None;
            }
            self.observed.notified.receivers()[self.place].said(said, 1);
        }
    }

    fn forget(&mut self) {
        let monotonic = Monotonic::from(self.observed.clock.monotonic());
        let pace = self.manner.pace();
        self.book.retain(|_, entry| entry.holds || !entry.memory.is_empty(pace, monotonic));
        for entry in self.book.values_mut().filter(|entry| !entry.holds && entry.memory.is_done()) {
            entry.updated = None;
        }
    }

    fn receiver(&self) -> &Receiver {
        &self.observed.notified.receivers()[self.place]
    }

    fn note(&mut self, failed: Option<&Failed>) {
        let problem = failed.map(|failed| format!("{}: {failed}", self.receiver().name));
        if let (Some(failed), Some(problem)) = (failed, &problem) {
            self.receiver().failed(failed.how, problem.clone(), self.observed.clock.monotonic());
        }
        self.problems.note(problem.as_deref(), self.observed.clock.monotonic());
    }
}

impl Entry {
    fn new(notice: Notice, holds: bool) -> Self {
        Self { notice, holds, memory: Memory::default(), updated: None }
    }
}
