//! What became of telling others of alerts: a row for each receiver.

use parking_lot::Mutex;

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
        Connect = "connect": "nobody answers at its address, or its name is not known";
        Tls = "tls": "no TLS, such as for a certificate that nobody here vouches for";
        Timeout = "timeout": "it did not take or answer in time";
        Denied = "denied": "it does not know this program, or not its password (401, 403)";
        Refused = "refused": "it refuses what it was told (other 4xx)";
        Server = "server": "it fails by itself (5xx)";
        Redirect = "redirect": "it is somewhere else, where nobody is told";
        Answer = "answer": "its answer is too long or not understood";
        Secret = "secret": "a file with a secret, a certificate or a key cannot be used";
    }
}

/// All receivers, in the order of the configuration.
#[derive(Debug, Default)]
pub struct Notified(Vec<Receiver>);

impl Notified {
    /// Receivers that were told of nothing so far.
    pub fn new(names: impl IntoIterator<Item = String>) -> Self {
        Self(names.into_iter().map(|name| Receiver { name, told: Mutex::default() }).collect())
    }

    /// All of them.
    pub fn receivers(&self) -> &[Receiver] {
        &self.0
    }
}

/// One receiver.
#[derive(Debug)]
pub struct Receiver {
    /// The value of the label: no secret.
    pub name: String,
    told: Mutex<Told>,
}

/// What became of telling one.
#[derive(Clone, Debug, Default)]
pub struct Told {
    said: [u64; Said::ALL.len()],
    failed: [u64; Failure::ALL.len()],
    /// Alerts for which there was no room.
    pub dropped: u64,
    /// When it was last reached, by the clock that nobody sets.
    pub last_success: Option<f64>,
    /// Alerts of which another speaks there now; nothing where it was not asked, or could not be.
    pub of_another: Option<u64>,
    /// Why it was not told, where that is so now.
    pub problem: Option<String>,
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

    /// So many alerts were told as this, and taken.
    pub fn said(&self, what: Said, alerts: u64) {
        self.told.lock().said[what as usize] += alerts;
    }

    /// It was reached.
    pub fn reached(&self, at: f64) {
        let mut told = self.told.lock();
        (told.last_success, told.problem) = (Some(at), None);
    }

    /// It was not told.
    pub fn failed(&self, how: Failure, problem: String) {
        let mut told = self.told.lock();
        told.failed[how as usize] += 1;
        (told.problem, told.of_another) = (Some(problem), None);
    }

    /// For so many more alerts there was no room.
    pub fn dropped(&self, alerts: u64) {
        self.told.lock().dropped += alerts;
    }

    /// Another speaks of so many alerts there.
    pub fn of_another(&self, alerts: u64) {
        self.told.lock().of_another = Some(alerts);
    }
}
