//! One receiver that hears of alerts from this program alone: told by [`telling`](crate::alerting::telling) when it is to
//! hear of what, and by its way.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::failed::Failed;
use super::notice::Site;
use super::way::Way;
use crate::aggregate::time::{Millis, Monotonic};
use crate::alerting::Alert;
use crate::alerting::telling::{Group, Manner, Next, Now, Telling};
use crate::observed::notified::{Receiver, Said};
use crate::observed::{Observed, ProblemLog};

/// Alerts that one is told of at most.
const MOST: usize = 1000;
/// After a failure it is tried again after so long; doubled each time.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// Up to this.
const LONGEST_PAUSE: Duration = Duration::from_mins(5);

/// One receiver.
#[derive(Debug)]
pub(super) struct Teller {
    way: Way,
    telling: Telling,
    site: Arc<Site>,
    observed: Arc<Observed>,
    /// Its place among the receivers.
    place: usize,
    problems: ProblemLog,
    pause: Duration,
}

impl Teller {
    pub(super) fn new(
        way: Way,
        manner: Manner,
        site: Arc<Site>,
        observed: Arc<Observed>,
        place: usize,
    ) -> Self {
        let problems = ProblemLog::with(way.name(), "is not told of alerts; will be tried again");
        let receiver = &observed.notified.receivers()[place];
        let telling = Telling::new(manner, &receiver.earlier(), receiver.goes_on, now(&observed));
        Self { way, telling, site, observed, place, problems, pause: FIRST_PAUSE }
    }

    /// Tells it, for ever. What is known at the start of the program is not known until alerts are published.
    pub(super) async fn run(mut self, mut alerts: watch::Receiver<Arc<[Alert]>>) {
        let mut next = None;
        let mut paused = None;
        loop {
            tokio::select! {
                changed = alerts.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    let firing = alerts.borrow_and_update().clone();
                    self.take(&firing);
                }
                () = sleep_until(next.unwrap_or_else(Instant::now)), if next.is_some() => {}
            }
            next = paused.filter(|until| Instant::now() < *until);
            if next.is_some() {
                continue;
            }
            paused = None;
            match self.telling.next(now(&self.observed)) {
                Next::Tell(group) => {
                    let failed = self.tell(&group).await.err();
                    self.note(failed.as_ref());
                    paused = failed.map(|_| Instant::now() + self.longer_pause());
                    next = paused.or_else(|| Some(Instant::now()));
                }
                Next::Until(at) => next = Some(Instant::now() + self.until(at)),
                Next::Nothing => {}
            }
            let put_off = self.telling.put_off();
            self.receiver().put_off(put_off);
        }
    }

    /// Takes what fires now.
    fn take(&mut self, firing: &[Alert]) {
        let room = firing.len().min(MOST);
        if firing.len() > room {
            self.receiver().dropped((firing.len() - room) as u64);
        }
        let notices: Vec<_> = firing[..room].iter().map(|alert| self.site.notice(alert)).collect();
        self.telling.take(notices, now(&self.observed));
        self.save();
    }

    /// What it has heard has to be known after a restart.
    fn save(&self) {
        let receiver = self.receiver();
        let saved = self.telling.saved(&receiver.name);
        if saved != receiver.earlier() {
            self.observed.notified.save(receiver, saved);
        }
    }

    async fn tell(&mut self, group: &Group) -> Result<(), Failed> {
        let notification = self.telling.notification(group);
        let result = self.way.tell(&notification, &self.site, now(&self.observed)).await;
        let left_out = match result {
            Ok(left_out) => left_out,
            Err(failed) => {
                self.telling.failed(group, now(&self.observed));
                return Err(failed);
            }
        };
        self.telling.told(group, now(&self.observed));
        self.save();
        let receiver = self.receiver();
        receiver.said(Said::Firing, notification.firing.len() as u64);
        receiver.said(Said::Resolved, notification.resolved.len() as u64);
        receiver.dropped(left_out as u64);
        receiver.reached(self.observed.clock.steady_seconds());
        Ok(())
    }

    fn note(&mut self, failed: Option<&Failed>) {
        let problem = failed.map(ToString::to_string);
        match (failed, &problem) {
            (Some(failed), Some(problem)) => {
                self.receiver().failed(failed.how, problem.clone(), self.observed.clock.monotonic());
            }
            _ => self.pause = FIRST_PAUSE,
        }
        self.problems.note(problem.as_deref(), self.observed.clock.monotonic());
    }

    fn longer_pause(&mut self) -> Duration {
        let pause = self.pause;
        self.pause = (pause * 2).min(LONGEST_PAUSE);
        pause
    }

    fn until(&self, at: Monotonic) -> Duration {
        let wait = at.since(now(&self.observed).monotonic).max(Millis::default());
        Duration::from_millis(wait.millis().unsigned_abs())
    }

    fn receiver(&self) -> &Receiver {
        &self.observed.notified.receivers()[self.place]
    }
}

fn now(observed: &Observed) -> Now {
    Now { monotonic: Monotonic::from(observed.clock.monotonic()), unix: observed.clock.unix() }
}
