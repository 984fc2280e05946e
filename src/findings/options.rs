//! What each `LOG_*` option adds to what can be known: silence in a report may be an option that is
//! off.

use serde::Serialize;

use crate::aggregate::Totals;
use crate::aggregate::channel::ChannelCounts;
use crate::record::option::LogOption;

/// An option and what the log shows of it.
#[derive(Debug, Serialize)]
pub struct OptionShown {
    /// The option's name, with the bit where it is a set of bits.
    pub option: &'static str,
    /// Whether the log shows it.
    pub seen: bool,
    /// What it adds.
    pub adds: &'static str,
}

/// What is told first: most questions are about these.
const FIRST: [LogOption; 8] = [
    LogOption::Connection,
    LogOption::ConnectionEntries,
    LogOption::AuthenticationEntries,
    LogOption::Filename,
    LogOption::MessageId,
    LogOption::Username,
    LogOption::Process,
    LogOption::Node,
];

/// Every option that adds something, but for the bit for ETRN entries, of which the report says nothing.
pub fn shown(totals: &Totals) -> Vec<OptionShown> {
    let options = told(&FIRST).into_iter().filter(|&option| option != LogOption::EtrnEntries);
    let row = |option: LogOption| OptionShown {
        option: option.label(),
        seen: seen(option, totals),
        adds: option.row().adds,
    };
    options.map(row).collect()
}

/// The options that add something, some of them first.
pub fn told(first: &[LogOption]) -> Vec<LogOption> {
    let mut told: Vec<LogOption> =
        LogOption::ALL.iter().copied().filter(|option| !option.row().adds.is_empty()).collect();
    told.sort_by_key(|option| first.iter().position(|early| early == option).unwrap_or(first.len()));
    told
}

/// Whether the logs show an option.
pub fn seen(option: LogOption, totals: &Totals) -> bool {
    let any = |count: fn(&ChannelCounts) -> u64| totals.channels.all().any(|(_, counts)| count(counts) > 0);
    match option {
        LogOption::Connection => totals.options.has(option),
        LogOption::ConnectionEntries => totals.options.connection_entries(),
        LogOption::EtrnEntries => any(|counts| counts.etrn),
        LogOption::AuthenticationEntries => any(|counts| counts.authentications.sum()),
        option => totals.options.all().any(|(label, seen)| label == option.label() && seen),
    }
}
