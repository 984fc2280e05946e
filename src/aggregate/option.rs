//! Which `LOG_*` options the log shows, so that silence can be told from health.

use serde::{Deserialize, Serialize};

use crate::record::{Connection, Message};

/// An option of the MTA and the field of a message entry that shows it.
struct Row {
    name: &'static str,
    shows: for<'a> fn(&Message<'a>) -> bool,
}

const CONNECTION: usize = 0;
const PROCESS: usize = 4;
const NODE: usize = 5;

/// THE table of options, by the manual's names.
const OPTIONS: [Row; 15] = [
    Row { name: "log_connection", shows: |message| !message.source_system.is_empty() },
    Row { name: "log_filename", shows: |message| !message.filename.is_empty() },
    Row { name: "log_message_id", shows: |message| !message.message_id.is_empty() },
    Row { name: "log_username", shows: |message| !message.username.is_empty() },
    Row { name: "log_process", shows: |message| !message.process.is_empty() },
    Row { name: "log_node", shows: |message| !message.node.is_empty() },
    Row { name: "log_notary", shows: |message| message.notary.is_some() },
    Row { name: "log_envelope_id", shows: |message| !message.envelope_id.is_empty() },
    Row { name: "log_sensitivity", shows: |message| !message.sensitivity.is_empty() },
    Row { name: "log_priority", shows: |message| !message.priority.is_empty() },
    Row { name: "log_intermediate", shows: |message| !message.intermediate.is_empty() },
    Row { name: "log_filter", shows: |message| !message.filter.is_empty() },
    Row { name: "log_reason", shows: |message| !message.reason.is_empty() },
    Row { name: "log_diagnostics", shows: |message| !message.diagnostic.is_empty() },
    Row { name: "log_queue_time", shows: |message| message.queue_seconds.is_some() },
];

/// The set of options that were seen since the counters began.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct OptionsSeen {
    bits: u32,
    connection_entries: bool,
}

impl OptionsSeen {
    pub(super) fn message(&mut self, message: &Message<'_>) {
        for (bit, option) in OPTIONS.iter().enumerate() {
            if self.bits & 1 << bit == 0 && (option.shows)(message) {
                self.bits |= 1 << bit;
            }
        }
    }

    pub(super) fn connection(&mut self, entry: &Connection<'_>) {
        self.connection_entries = true;
        self.bits |= 1 << CONNECTION;
        self.bits |= u32::from(!entry.process.is_empty()) << PROCESS;
        self.bits |= u32::from(!entry.node.is_empty()) << NODE;
    }

    /// Whether the log has shown connection entries: without them nothing is known of connections.
    pub fn connection_entries(self) -> bool {
        self.connection_entries
    }

    /// `(option, whether it was seen)`.
    pub fn all(self) -> impl Iterator<Item = (&'static str, bool)> {
        OPTIONS.iter().enumerate().map(move |(bit, option)| (option.name, self.bits & 1 << bit != 0))
    }
}
