//! How long a recipient waited: in one channel's queue, and since the message came to this host.
//!
//! Each recipient of a message has an E entry in a channel's queue and one that ends it there: D, R or
//! K, or Z, after which it waits in a new file that no entry names. Between the tcp channel that a
//! message came in through and the channel that delivers it, every hop (conversion, process,
//! reprocess) is such a pair with the same message id.

use serde::{Deserialize, Serialize};

use super::digest::{Entry, Key, Waited};
use super::join::JoinTable;
use super::table::{LeftOut, Table};
use super::time::{Millis, Time};
use crate::record::code::Outcome;

/// The delays that an entry shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Delayed {
    /// In the channel's queue.
    pub(super) queue: Option<Millis>,
    /// Since the message came to this host, at the recipient's end on it.
    pub(super) end_to_end: Option<Millis>,
}

/// When files were enqueued and messages arrived.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub struct Delays {
    files: JoinTable,
    messages: JoinTable,
}

impl Table for Delays {
    fn empty(_: u64) -> Self {
        Self::default()
    }

    fn left_out(&self) -> LeftOut {
        LeftOut::Counted(vec![
            ("queue_delay", self.files.evicted()),
            ("end_to_end_delay", self.messages.evicted()),
        ])
    }
}

impl Delays {
    /// Looks at what the next entries will look for; see [`JoinTable::fetch`].
    pub(super) fn fetch(&self, entries: &[Entry]) {
        let keys = || entries.iter().filter_map(|entry| entry.event.joined());
        self.files.fetch(keys().filter_map(|(file, _)| file));
        self.messages.fetch(keys().filter_map(|(_, message)| message));
    }

    /// A recipient was enqueued at `at`; `arrives` says that it comes from outside.
    pub(super) fn enqueued(&mut self, file: Key, message: Key, arrives: bool, at: Time) {
        if let Some(file) = file {
            self.files.begin(file, at);
        }
        match message {
            Some(message) if arrives => self.messages.begin(message, at),
            Some(message) => self.messages.go_on(message),
            None => {}
        }
    }

    /// A recipient was delivered or, as `failure` says, not. A retry ends nothing.
    pub(super) fn tried(&mut self, waited: &Waited, failure: Option<Outcome>, at: Time) -> Delayed {
        match failure {
            Some(Outcome::Deferred) => Delayed::default(),
            Some(Outcome::Partial) => {
                waited.file.and_then(|file| self.files.end(file, at));
                Delayed::default()
            }
            None | Some(Outcome::Rejected | Outcome::Unnotified) => {
                let in_queue = waited.file.and_then(|file| self.files.end(file, at));
                let on_host = waited.message.and_then(|message| self.messages.end(message, at));
                Delayed { queue: waited.queue.or(in_queue), end_to_end: on_host.filter(|_| waited.ends) }
            }
        }
    }
}
