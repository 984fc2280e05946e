//! The last events in the logs of daemons: for people, kept apart from everything that is saved.

use std::collections::VecDeque;

use crate::aggregate::time::UnixTime;
use crate::record::daemon_log::{DaemonLog, EventClass};

/// How many are kept.
pub const KEPT: usize = 50;

/// An event.
#[derive(Clone, Debug, PartialEq)]
pub struct DaemonEvent {
    /// In whose log.
    pub log: DaemonLog,
    /// What it is about.
    pub class: EventClass,
    /// When it was written, as far as that is told; none where nobody knows the day.
    pub time: Option<UnixTime>,
    /// The beginning of the record, as it stands in the log.
    pub text: Vec<u8>,
}

/// What the log thread says of them.
#[derive(Clone, Debug, Default)]
pub struct DaemonEvents {
    /// Of which logs the sums may be shown.
    pub shown: Vec<DaemonLog>,
    /// The last [`KEPT`] since this start, the oldest first.
    last: VecDeque<DaemonEvent>,
}

impl DaemonEvents {
    /// Takes an event; the oldest one makes room for it.
    pub fn note(&mut self, event: DaemonEvent) {
        if self.last.len() >= KEPT {
            self.last.pop_front();
        }
        self.last.push_back(event);
    }

    /// The events, the oldest first.
    pub fn all(&self) -> impl DoubleEndedIterator<Item = &DaemonEvent> + ExactSizeIterator {
        self.last.iter()
    }
}
