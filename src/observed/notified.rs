//! What became of telling others of alerts: a row for each receiver.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

use crate::alerting::telling::SavedTelling;
use crate::findings::situation::Untold;
use crate::record::labelled;

labelled! {
    /// What is said of an alert.
    Said {
        Firing = "firing": "it fires";
        Resolved = "resolved": "it has ended";
    }
}

labelled! {
    /// Why a receiver was not told.
    Failure {
        Connect = "connect": "nobody answers at its address, or its name is not known; a command cannot be run";
        Tls = "tls": "no TLS, such as for a certificate that nobody here vouches for";
        Timeout = "timeout": "it did not take or answer in time";
        Denied = "denied": "it does not know this program, or not its password (401, 403)";
        Refused = "refused": "it refuses what it was told (other 4xx)";
        Server = "server": "it fails by itself (5xx)";
        Redirect = "redirect": "it is somewhere else, where nobody is told";
        Answer = "answer": "its answer, or what a command prints, is too long or not understood";
        ExitStatus = "exit_status": "a command ended with another exit status than 0, or by a signal";
        Secret = "secret": "a file with a secret, a certificate or a key cannot be used";
    }
}

/// All receivers, in the order of the configuration.
#[derive(Debug, Default)]
pub struct Notified {
    receivers: Vec<Receiver>,
    /// How often what is to be saved of them has changed.
    changes: AtomicU64,
}

impl Notified {
    /// Receivers that were told of nothing so far.
    pub fn new(names: impl IntoIterator<Item = String>) -> Self {
        let receiver =
            |name| Receiver { name, told: Mutex::default(), saved: Mutex::default(), goes_on: true };
        Self { receivers: names.into_iter().map(receiver).collect(), changes: AtomicU64::default() }
    }

    /// The same after an earlier run, which told them this. `goes_on` says whether it is known what fired then.
    #[must_use]
    pub fn after(mut self, saved: &[SavedTelling], goes_on: bool) -> Self {
        for receiver in &mut self.receivers {
            let earlier = saved.iter().find(|saved| saved.receiver == receiver.name);
            (receiver.saved, receiver.goes_on) = (Mutex::new(earlier.cloned()), goes_on);
        }
        self
    }

    /// All of them.
    pub fn receivers(&self) -> &[Receiver] {
        &self.receivers
    }

    /// Whom nobody could tell when it was last tried, within this time.
    pub fn untold(&self, within: Duration, now: Duration) -> Vec<Untold> {
        let untold = |receiver: &Receiver| {
            let told = receiver.told();
            let (since, _) = told.failing.filter(|(_, last)| now.saturating_sub(*last) <= within)?;
            let lasts = now.saturating_sub(since);
            Some(Untold { receiver: receiver.name.clone(), lasts, problem: told.problem? })
        };
        self.receivers.iter().filter_map(untold).collect()
    }

    /// What they were told, to be saved.
    pub fn saved(&self) -> Vec<SavedTelling> {
        self.receivers.iter().filter_map(|receiver| receiver.saved.lock().clone()).collect()
    }

    /// Takes what a receiver was told, to be saved.
    pub fn save(&self, receiver: &Receiver, saved: SavedTelling) {
        *receiver.saved.lock() = Some(saved);
        self.changes.fetch_add(1, Ordering::Release);
    }

    /// How often that has changed in this run.
    pub fn changes(&self) -> u64 {
        self.changes.load(Ordering::Acquire)
    }
}

/// One receiver.
#[derive(Debug)]
pub struct Receiver {
    /// The value of the label: no secret.
    pub name: String,
    /// Whether it is known what fired when an earlier run told it something last.
    pub goes_on: bool,
    told: Mutex<Told>,
    saved: Mutex<Option<SavedTelling>>,
}

/// What became of telling one.
#[derive(Clone, Debug, Default)]
pub struct Told {
    said: [u64; Said::ALL.len()],
    failed: [u64; Failure::ALL.len()],
    /// Alerts for which there was no room.
    pub dropped: u64,
    /// Notifications that its limit has put off.
    pub put_off: u64,
    /// When it was last reached, by the clock that nobody sets.
    pub last_success: Option<f64>,
    /// Alerts of which another speaks there now; nothing where it was not asked, or could not be.
    pub of_another: Option<u64>,
    /// Why it was not told, where that is so now.
    pub problem: Option<String>,
    /// When telling it failed first and last since it was reached, by the clock that nobody sets.
    pub failing: Option<(Duration, Duration)>,
}

impl Told {
    /// How often this was said and taken.
    pub fn said(&self, what: Said) -> u64 {
        self.said[what as usize]
    }

    /// How often telling it failed so.
    pub fn failed(&self, how: Failure) -> u64 {
        self.failed[how as usize]
    }
}

impl Receiver {
    /// How it fares.
    pub fn told(&self) -> Told {
        self.told.lock().clone()
    }

    /// What an earlier run told it.
    pub fn earlier(&self) -> SavedTelling {
        self.saved.lock().clone().unwrap_or_else(|| SavedTelling::none(&self.name))
    }

    /// So many alerts were told as this, and taken.
    pub fn said(&self, what: Said, alerts: u64) {
        self.told.lock().said[what as usize] += alerts;
    }

    /// It was reached.
    pub fn reached(&self, at: f64) {
        let mut told = self.told.lock();
        (told.last_success, told.problem, told.failing) = (Some(at), None, None);
    }

    /// It was not told.
    pub fn failed(&self, how: Failure, problem: String, at: Duration) {
        let mut told = self.told.lock();
        told.failing = Some((told.failing.map_or(at, |(since, _)| since), at));
        told.failed[how as usize] += 1;
        (told.problem, told.of_another) = (Some(problem), None);
    }

    /// For so many more alerts there was no room.
    pub fn dropped(&self, alerts: u64) {
        self.told.lock().dropped += alerts;
    }

    /// Its limit has put off so many more notifications.
    pub fn put_off(&self, notifications: u64) {
        self.told.lock().put_off += notifications;
    }

    /// Another speaks of so many alerts there.
    pub fn of_another(&self, alerts: u64) {
        self.told.lock().of_another = Some(alerts);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Failure, Notified};

    /// From its first failure on, as long as it is tried.
    #[test]
    fn who_cannot_be_told_is_known_until_it_is_reached() {
        let notified = Notified::new(["webhook".to_owned(), "syslog".to_owned()]);
        let [webhook, _] = notified.receivers() else { panic!("two") };
        let at = Duration::from_secs;
        let untold = |now| {
            let untold = notified.untold(at(600), at(now)).into_iter();
            untold.map(|untold| (untold.receiver, untold.lasts.as_secs(), untold.problem)).collect::<Vec<_>>()
        };
        assert_eq!(untold(0), []);
        webhook.failed(Failure::Connect, "nobody answers".to_owned(), at(100));
        webhook.failed(Failure::Timeout, "it is slow".to_owned(), at(400));
        assert_eq!(untold(700), [("webhook".to_owned(), 600, "it is slow".to_owned())]);
        assert_eq!(untold(1000).len(), 1);
        assert_eq!(untold(1001), [], "nothing was to be told since");
        webhook.reached(1100.0);
        assert_eq!(untold(1100), []);
        webhook.failed(Failure::Connect, "nobody answers".to_owned(), at(1200));
        assert_eq!(untold(1300)[0].1, 100);
    }
}
