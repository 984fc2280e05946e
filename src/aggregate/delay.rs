//! How long a recipient waited: in one channel's queue, and since the message came to this host.

use serde::{Deserialize, Serialize};

use super::join::JoinTable;

/// Channels that hand a message on to another channel of the same host: neither does mail come in
/// through them nor is it delivered by them (2005Q4 guide, examples 21-4 and 21-8).
const PASSED_THROUGH: [&[u8]; 6] =
    [b"conversion", b"defragment", b"hold", b"process", b"reprocess", b"return"];

/// Whether mail enters or leaves this host through the channel.
pub(super) fn is_outside(channel: &[u8]) -> bool {
    !PASSED_THROUGH.iter().any(|inside| channel.eq_ignore_ascii_case(inside))
}

/// Whole milliseconds of a queue time; what is out of range is not known.
pub(super) fn millis(seconds: f64) -> i64 {
    let duration = std::time::Duration::try_from_secs_f64(seconds).ok();
    duration.and_then(|duration| i64::try_from(duration.as_millis()).ok()).unwrap_or(-1)
}

/// When files were enqueued and messages arrived.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Delays {
    files: JoinTable,
    messages: JoinTable,
}

impl Delays {
    pub(super) fn file_enqueued(&mut self, key: u64, at: i64) {
        self.files.replace(key, at);
    }

    pub(super) fn enqueued_at(&self, key: u64) -> Option<i64> {
        self.files.get(key)
    }

    pub(super) fn message_arrived(&mut self, key: u64, at: i64) {
        self.messages.insert(key, at);
    }

    pub(super) fn arrived_at(&self, key: u64) -> Option<i64> {
        self.messages.get(key)
    }

    /// `(table, how many entries made room for others)`.
    pub fn evicted(&self) -> [(&'static str, u64); 2] {
        [("queue_delay", self.files.evicted()), ("end_to_end_delay", self.messages.evicted())]
    }
}
