//! What authenticated senders enqueued in the last five minutes: an account whose password was stolen shows here.

use serde::{Deserialize, Serialize};

use super::busiest::{Busiest, Ranking};
use super::digest::{Batch, Name};
use super::table::{LeftOut, Table};
use super::time::Time;

/// Senders that are told apart in each half minute.
pub const TOLD_APART: usize = 896;

/// Recipients by sender.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub struct Senders {
    enqueues: Busiest<Box<str>, TOLD_APART>,
}

impl Table for Senders {
    fn empty(_: u64) -> Self {
        Self::default()
    }

    fn left_out(&self) -> LeftOut {
        LeftOut::Counted(vec![("senders", self.enqueues.left_out())])
    }
}

impl Senders {
    /// A sender's message was enqueued for a recipient.
    pub(super) fn enqueued(&mut self, sender: Name, at: Time, batch: &Batch) {
        self.enqueues.add(at, sender.key, || batch.text(sender).into());
    }

    /// Who enqueued most in the window that ends at `now`.
    pub fn ranking(&self, now: Time, most: usize) -> Ranking<Box<str>> {
        self.enqueues.ranking(now, most)
    }
}
