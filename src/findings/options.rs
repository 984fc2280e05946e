//! What each `LOG_*` option adds to what can be known: silence in a report may be an option that is
//! off.

use serde::Serialize;

use crate::aggregate::Totals;
use crate::record::option;

/// An option and what the log shows of it.
#[derive(Debug, Serialize)]
pub struct LogOption {
    /// The option's name, with the bit where it is a set of bits.
    pub option: &'static str,
    /// Whether the log shows it.
    pub seen: bool,
    /// What it adds.
    pub adds: &'static str,
}

/// Bits of `log_connection`, which are options of their own in all but name.
const SENDING_HOST: &str = "log_connection";
const CONNECTION_ENTRIES: &str = "log_connection (+2)";
const AUTHENTICATION_ENTRIES: &str = "log_connection (+128)";

/// THE table of what the options add, by the manual's names.
const ADDS: [(&str, &str); 18] = [
    (SENDING_HOST, "(+1) the sending host: which clients are rejected"),
    (CONNECTION_ENTRIES, "connections: opened, rejected, failed; busiest clients"),
    (AUTHENTICATION_ENTRIES, "authentications and who fails them"),
    ("log_filename", "numbers of attempts, time in the queue, held messages"),
    ("log_message_id", "time from arrival to delivery across channels"),
    ("log_username", "which entries authenticated users caused"),
    ("log_process", "which server process wrote an entry"),
    ("log_node", "which host wrote an entry, where logs are collected"),
    ("log_notary", "which senders asked for delivery notifications"),
    ("log_envelope_id", "the sender's own id of a message"),
    ("log_sensitivity", "the sensitivity of messages"),
    ("log_priority", "the priority of messages"),
    ("log_intermediate", "addresses before and after aliases and lists"),
    ("log_filter", "what Sieve filters did"),
    ("log_reason", "why a recipient was given up (only R and K entries have it)"),
    ("log_diagnostics", "reasons of failures and rejections: without it all are `none`"),
    ("log_remote_mta", "the remote host apart from its reply"),
    ("log_queue_time", "exact time in the queue, also for mail older than the log"),
];

/// Every option in the order of the table.
pub fn shown(totals: &Totals) -> Vec<LogOption> {
    let seen = |name: &str| match name {
        SENDING_HOST => totals.options.has(option::LogOption::Connection),
        CONNECTION_ENTRIES => totals.options.connection_entries(),
        AUTHENTICATION_ENTRIES => totals.channels.all().any(|(_, counts)| counts.authentications.sum() > 0),
        name => totals.options.all().any(|(option, seen)| option == name && seen),
    };
    ADDS.iter().map(|&(option, adds)| LogOption { option, seen: seen(option), adds }).collect()
}

#[cfg(test)]
mod tests {
    use super::ADDS;
    use crate::aggregate::option::OptionsSeen;

    #[test]
    fn every_option_has_a_line() {
        for (option, _) in OptionsSeen::default().all() {
            assert!(ADDS.iter().any(|row| row.0 == option), "{option}");
        }
    }
}
