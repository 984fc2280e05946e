//! What a report says, as plain data: the text and the JSON are two spellings of it, so that they
//! cannot differ. `docs/report.md` describes the keys.

mod channels;
mod clients;
mod lines;
mod outages;

use serde::Serialize;

pub use channels::Reply;
pub use clients::{Connections, ReasonCount};
pub use lines::{FileLines, LineReason, NotRead, NotUnderstood, Period};

use super::breakdown::Breakdown;
use crate::aggregate::Totals;
use crate::findings::logs::{
    Authentications, ChannelTraffic, ClientCount, Delay, Destination, FailureReason, Logs, Outage, Rejection,
};
use crate::findings::options::{self, OptionShown};
use crate::findings::{Finding, Input, Thresholds, findings};
use crate::metrics::ClientDisplay;

/// Rows of each list, the greatest first.
const LISTED: usize = 50;
/// The version of the JSON's keys.
const FORMAT: u32 = 1;

/// Everything that a report says.
#[derive(Debug, Serialize)]
pub struct Summary {
    /// The version of these keys; a change that breaks readers raises it.
    pub format: u32,
    /// Wall-clock times of the first and the last entry; absent without entries.
    pub period: Option<Period>,
    /// What the rules found, the gravest first.
    pub findings: Vec<Finding>,
    /// All logs together.
    pub lines: FileLines,
    /// By base name of the log.
    pub files: Vec<FileLines>,
    /// Files that could not be read to their end.
    pub not_read: Vec<NotRead>,
    /// By channel.
    pub channels: Vec<ChannelTraffic>,
    /// Failed attempts by reason.
    pub failures: Vec<FailureReason>,
    /// The destinations that failed most.
    pub destinations: Vec<Destination>,
    /// Rejected enqueues by reason.
    pub rejections: Vec<Rejection>,
    /// By channel.
    pub authentications: Vec<Authentications>,
    /// Clients by failed authentications.
    pub authentication_clients: Vec<ClientCount>,
    /// By channel and direction.
    pub connections: Vec<Connections>,
    /// Clients by connections.
    pub connection_clients: Vec<ClientCount>,
    /// Clients by rejected connections.
    pub rejected_connection_clients: Vec<ClientCount>,
    /// Replies of other hosts to failed attempts.
    pub replies: Vec<Reply>,
    /// Waiting times by channel.
    pub delays: Vec<Delay>,
    /// When most attempts of a channel failed.
    pub outages: Vec<Outage>,
    /// Messages that were put into the queue as held.
    pub held_enqueues: u64,
    /// The `LOG_*` options and what each adds.
    pub options: Vec<OptionShown>,
    /// The last lines that were not understood.
    pub not_understood: Vec<NotUnderstood>,
    /// Events that count only in sums, since the tables of keys were full.
    pub beyond_tables: u64,
}

impl Summary {
    /// Brings together what was counted; what the rules find in it is not in it yet.
    pub fn new(
        totals: &Totals,
        breakdown: &Breakdown,
        display: &ClientDisplay,
        limits: &Thresholds,
        not_read: Vec<NotRead>,
    ) -> Self {
        let (lines, files) = lines::accounts(totals);
        let channels = channels::traffic(totals, breakdown);
        let mut summary = Self {
            format: FORMAT,
            period: breakdown.period.and_then(Period::new),
            findings: Vec::new(),
            lines,
            files,
            not_read,
            failures: channels::failures(totals),
            destinations: channels::destinations(breakdown),
            rejections: clients::rejections(totals, breakdown, display),
            authentications: clients::authentications(totals),
            authentication_clients: clients::top(breakdown, display, |counts| counts.authentication_failures),
            connections: clients::connections(totals),
            connection_clients: clients::top(breakdown, display, |counts| counts.connections),
            rejected_connection_clients: clients::top(breakdown, display, |counts| {
                counts.rejected_connections
            }),
            replies: channels::replies(totals),
            delays: channels::delays(totals),
            outages: outages::outages(&breakdown.periods, &channels, limits),
            channels,
            held_enqueues: breakdown.held,
            options: options::shown(totals),
            not_understood: lines::samples(totals, breakdown, display),
            beyond_tables: breakdown.destinations.left_out()
                + breakdown.clients.left_out()
                + breakdown.periods.left_out(),
        };
        summary.findings = findings(&Input { now: None, logs: Some(&summary.logs()), limits });
        summary
    }

    /// What the rules look at.
    fn logs(&self) -> Logs<'_> {
        Logs {
            minutes: self.period.as_ref().map(|period| period.minutes),
            lines: self.lines.lines,
            records: self.lines.records,
            not_understood: self.lines.not_understood,
            not_read: !self.not_read.is_empty(),
            channels: &self.channels,
            failures: &self.failures,
            destinations: &self.destinations,
            rejections: &self.rejections,
            authentications: &self.authentications,
            authentication_clients: &self.authentication_clients,
            inbound_connections: self.inbound_connections(),
            delays: &self.delays,
            outages: &self.outages,
            held_enqueues: self.held_enqueues,
        }
    }

    fn inbound_connections(&self) -> u64 {
        self.connections.iter().filter(|row| row.direction == "in").map(|row| row.opened).sum()
    }
}

/// The greatest first, equals by name; at most [`LISTED`].
fn listed<T>(mut rows: Vec<T>, count: impl Fn(&T) -> u64, name: impl Fn(&T) -> (&str, &str)) -> Vec<T> {
    rows.sort_by(|a, b| count(b).cmp(&count(a)).then_with(|| name(a).cmp(&name(b))));
    rows.truncate(LISTED);
    rows
}
