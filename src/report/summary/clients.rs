//! Who connected, who was rejected, and who failed to authenticate.

use std::collections::HashMap;

use serde::Serialize;

use super::listed;
use crate::aggregate::Totals;
use crate::aggregate::reasons::PerLabel;
use crate::findings::logs::{Authentications, ClientCount, Rejection};
use crate::metrics::ClientDisplay;
use crate::record::authentication::AuthenticationResult;
use crate::record::reason::Reason;
use crate::report::breakdown::{Breakdown, ClientCounts};

/// A reason and a count.
#[derive(Debug, Serialize)]
pub struct ReasonCount {
    /// The reason, as the metrics spell it.
    pub reason: &'static str,
    /// How many.
    pub count: u64,
}

/// Connections of one channel in one direction.
#[derive(Debug, Serialize)]
pub struct Connections {
    /// The channel.
    pub channel: String,
    /// `in` or `out`.
    pub direction: &'static str,
    /// O entries.
    pub opened: u64,
    /// C entries.
    pub closed: u64,
    /// X entries.
    pub rejected: u64,
    /// Y entries.
    pub failed: u64,
    /// Reasons of the X entries.
    pub rejected_by_reason: Vec<ReasonCount>,
    /// Reasons of the Y entries.
    pub failed_by_reason: Vec<ReasonCount>,
}

pub(super) fn rejections(totals: &Totals, breakdown: &Breakdown, display: &ClientDisplay) -> Vec<Rejection> {
    let row = |&reason: &Reason| {
        let of = |counts: &ClientCounts| counts.rejections.get(reason);
        let clients = breakdown.clients.all().filter(|counts| of(counts) > 0).count();
        Rejection {
            reason,
            count: totals.channels.all().map(|(_, counts)| counts.rejections.get(reason)).sum(),
            meaning: reason.meaning(),
            clients: clients as u64,
            busiest: top(breakdown, display, of),
        }
    };
    let rows = Reason::ALL.iter().map(row).filter(|row| row.count > 0).collect();
    listed(rows, |row: &Rejection| row.count, |row| (row.reason.label(), ""))
}

/// The busiest clients by what `count` gives. Addresses of one label are added up.
pub(super) fn top(
    breakdown: &Breakdown,
    display: &ClientDisplay,
    count: impl Fn(&ClientCounts) -> u64,
) -> Vec<ClientCount> {
    let mut by_label: HashMap<String, u64> = HashMap::new();
    for counts in breakdown.clients.all() {
        let count = count(counts);
        if count > 0
            && let Some(label) = display.value(counts.address)
        {
            *by_label.entry(label).or_insert(0) += count;
        }
    }
    let rows = by_label.into_iter().map(|(client, count)| ClientCount { client, count }).collect();
    listed(rows, |row: &ClientCount| row.count, |row| (&row.client, ""))
}

pub(super) fn authentications(totals: &Totals) -> Vec<Authentications> {
    let rows = totals.channels.all().map(|(channel, counts)| {
        let of = |result: AuthenticationResult| counts.authentications[result];
        Authentications {
            channel: channel.to_owned(),
            success: of(AuthenticationResult::Success),
            failure: of(AuthenticationResult::Failure),
            unknown: of(AuthenticationResult::Unknown),
        }
    });
    let all = |row: &Authentications| row.success + row.failure + row.unknown;
    listed(rows.filter(|row| all(row) > 0).collect(), all, |row| (&row.channel, ""))
}

pub(super) fn connections(totals: &Totals) -> Vec<Connections> {
    let mut rows = Vec::new();
    for (channel, counts) in totals.channels.all() {
        for (direction, counts) in counts.connections.all() {
            if counts.any() {
                rows.push(Connections {
                    channel: channel.to_owned(),
                    direction: direction.label(),
                    opened: counts.opened,
                    closed: counts.closed,
                    rejected: counts.rejected.sum(),
                    failed: counts.failed.sum(),
                    rejected_by_reason: reasons(&counts.rejected),
                    failed_by_reason: reasons(&counts.failed),
                });
            }
        }
    }
    listed(
        rows,
        |row: &Connections| row.opened + row.rejected + row.failed,
        |row| (&row.channel, row.direction),
    )
}

fn reasons(counts: &PerLabel<Reason>) -> Vec<ReasonCount> {
    let rows = counts.counted().map(|(reason, count)| ReasonCount { reason: reason.label(), count });
    listed(rows.collect(), |row: &ReasonCount| row.count, |row| (row.reason, ""))
}
