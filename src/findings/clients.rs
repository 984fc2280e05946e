//! What clients do that they should not, in whole logs. `now` is about the last minutes.

pub(super) mod now;

use super::Finding;
use super::logs::{ClientCount, Logs};
use super::rule::Look;
use super::share;
use super::words::percent;
use crate::record::reason::Reason;
use crate::text::number;

pub(super) fn relay_denials(look: &Look<'_>, logs: &Logs<'_>, found: &mut Vec<Finding>) {
    let Some(row) = logs.rejections.iter().find(|row| row.reason == Reason::RelayDenied) else { return };
    let received: u64 = logs.channels.iter().map(|row| row.received).sum();
    let few = few_clients(look, &row.busiest, row.count);
    let Some(severity) = look.weighs(row.count, row.count + received, few.is_some()) else { return };
    let next = match few {
        Some(few) => {
            format!("{few}. That is probing: look whether the firewall or PORT_ACCESS should stop it.")
        }
        None if row.clients == 0 => "from clients that the log does not show.".to_owned(),
        None => format!(
            "from {} clients, none with a large share. Look whether one of your own networks is missing in \
             INTERNAL_IP.",
            number(row.clients)
        ),
    };
    let finding = look.finds(format!("{} recipients were refused as relaying, {next}", number(row.count)));
    found.push(Finding { severity, ..finding });
}

pub(super) fn authentication_failures(look: &Look<'_>, logs: &Logs<'_>, found: &mut Vec<Finding>) {
    let failures: u64 = logs.authentications.iter().map(|row| row.failure).sum();
    let successes: u64 = logs.authentications.iter().map(|row| row.success).sum();
    let few = few_clients(look, logs.authentication_clients, failures);
    let Some(severity) = look.weighs(failures, failures + successes, few.is_some()) else { return };
    let next = match few {
        Some(few) => format!("{few}. Look whether these guess passwords, and block them"),
        None => format!(
            "from {} clients and more. Look at the directory server if they began at one moment, else at a \
             guessing of passwords from many hosts",
            logs.authentication_clients.len()
        ),
    };
    let (failures, successes) = (number(failures), number(successes));
    let finding =
        look.finds(format!("{failures} authentications failed (and {successes} succeeded), {next}."));
    found.push(Finding { severity, ..finding });
}

pub(super) fn bad_commands(look: &Look<'_>, logs: &Logs<'_>, found: &mut Vec<Finding>) {
    let count: u64 = logs.channels.iter().map(|row| row.bad_commands).sum();
    if look.weighs(count, logs.inbound_connections, false).is_some() {
        found.push(look.finds(format!(
            "{} bad commands were sent to the SMTP server. Look at the connections: scanners do that, and \
             broken clients.",
            number(count)
        )));
    }
}

/// The few clients that have most of `all`, in words.
fn few_clients(look: &Look<'_>, busiest: &[ClientCount], all: u64) -> Option<String> {
    let most = usize::try_from(look.limits.few_clients).unwrap_or(usize::MAX);
    let few = &busiest[..busiest.len().min(most)];
    let sum: u64 = few.iter().map(|row| row.count).sum();
    if few.is_empty() || share(sum, all) < look.limits.few_clients_share {
        return None;
    }
    let names: Vec<String> =
        few.iter().map(|row| format!("{} ({})", row.client, number(row.count))).collect();
    Some(format!("{} of them from {}", percent(share(sum, all)), names.join(", ")))
}
