//! What to look at when deliveries fail for a reason, and whose trouble it is: THE table of advice.
//!
//! A host that answered is never a fault of our network, and a store is never one of the DNS or of port 25.

use super::channels::is_store;
use crate::record::reason::Reason;

/// Who has to do something about failures of a reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Party {
    /// Nobody answered: one host's outage, or our network and resolvers.
    Way,
    /// A host answered, and what it says is about our host, our mail or how we send it.
    Sender,
    /// A host answered, and what it says is about the recipient.
    Recipient,
    /// A host answered, and what it says is about itself, or names no cause.
    Host,
}

/// A row: reasons, who, and what to look at.
type Row = (&'static [Reason], Party, &'static str);

const ADVICE: &[Row] = &[
    (
        &[Reason::DnsTemporary],
        Party::Way,
        "Look at the resolvers of this host (/etc/resolv.conf) and at what they answer.",
    ),
    (
        &[Reason::DnsNoSuchDomain],
        Party::Recipient,
        "Look at the domains: misspelled, given up, or without mail; look at the resolvers of this host \
         (/etc/resolv.conf) if they do exist.",
    ),
    (
        &[
            Reason::NoRoute,
            Reason::ConnTimeout,
            Reason::ConnRefused,
            Reason::ConnLost,
            Reason::ConnOther,
            Reason::HostSkipped,
        ],
        Party::Way,
        "Look at the network, the firewall and the smart host that this channel uses.",
    ),
    (&[Reason::MailboxBusy], Party::Host, "Look at the message store: stored, disk space, locked mailboxes."),
    (&[Reason::OverQuota], Party::Recipient, "Look at the fullest mailboxes (imquotacheck)."),
    (
        &[Reason::UserUnknown],
        Party::Recipient,
        "Look at the addresses and at who sends to them: an old list, or a directory that lost entries.",
    ),
    (
        &[Reason::AccountDisabled],
        Party::Recipient,
        "Look at who sends to these accounts, and take them off their lists.",
    ),
    (
        &[Reason::Tls],
        Party::Sender,
        "Look at the certificates and TLS settings of this host and of that one.",
    ),
    (&[Reason::AuthFailed], Party::Sender, "Look at the credentials that this channel uses."),
    (
        &[Reason::RelayDenied],
        Party::Sender,
        "Look at where this channel sends: that host takes no mail of ours for these domains.",
    ),
    (
        &[Reason::RateLimited],
        Party::Sender,
        "Look for an account or a list that sends much, and send more slowly: fewer jobs for this channel, or \
         a channel of its own for these hosts.",
    ),
    (
        &[Reason::Policy, Reason::Greylisted],
        Party::Sender,
        "Look at this host's reputation: block lists, its name in the DNS, SPF and DKIM, and accounts that send \
         spam.",
    ),
    (
        &[Reason::SenderRejected],
        Party::Sender,
        "Look at the envelope From addresses: whether their domains exist and may send from here.",
    ),
    (
        &[Reason::Size],
        Party::Sender,
        "Look at who sends such large messages, and at the limits of this channel (sourceblocklimit).",
    ),
    (&[Reason::Loop], Party::Sender, "Look at the Received: lines of these messages for a forwarding loop."),
    (&[Reason::Expired], Party::Way, "Look at why they waited: the reasons of their earlier attempts."),
];

const NO_CAUSE: &str = "Look at the reasons and destinations below, and at the replies in the log.";

/// What to look at where the messages of a channel go into a store that does not answer.
const STORE: &str = "Look at the message store: whether it and its LMTP server run, its disks and its log.";

/// The same where the mailboxes are not in the store that this channel delivers into.
const ELSEWHERE: &[(Reason, &str)] = &[
    (
        Reason::MailboxBusy,
        "Look at the message stores behind these hosts, where they are ours: stored, disk space, locked mailboxes.",
    ),
    (
        Reason::OverQuota,
        "Look at who sends to full mailboxes; where these are ours, at the fullest (imquotacheck).",
    ),
];

/// Who has to do something.
pub fn party(reason: Reason) -> Party {
    row(reason).map_or(Party::Host, |row| row.1)
}

/// What to look at when many deliveries of a channel fail for a reason; nothing where it names no cause.
pub fn of_cause(channel: &str, reason: Reason) -> Option<&'static str> {
    let known = row(reason);
    if !is_store(channel)
        && let Some(row) = ELSEWHERE.iter().find(|row| row.0 == reason)
    {
        return Some(row.1);
    }
    let away = known.is_none_or(|row| row.1 == Party::Way);
    if is_store(channel) && away {
        return Some(STORE);
    }
    known.map(|row| row.2)
}

/// The same in a report, where reasons and destinations follow.
pub fn next_step(channel: &str, reason: Reason) -> &'static str {
    of_cause(channel, reason).unwrap_or(NO_CAUSE)
}

/// What to look at when one domain of many fails; one of a store's channel is one of its hosts.
pub fn at_one_domain(channel: &str, reason: Reason) -> &'static str {
    match party(reason) {
        Party::Way | Party::Host if is_store(channel) => STORE,
        Party::Way | Party::Host => "Look at that host, and tell its postmaster.",
        Party::Sender | Party::Recipient => next_step(channel, reason),
    }
}

/// The same, and whose trouble it is.
pub fn one_domain(channel: &str, reason: Reason) -> String {
    let next = at_one_domain(channel, reason);
    match party(reason) {
        Party::Way | Party::Host if is_store(channel) => next.to_owned(),
        Party::Way | Party::Host => format!("theirs. {next}"),
        Party::Sender => format!("that host answers, and refuses what we send. {next}"),
        Party::Recipient => format!("that host answers, and does not take these recipients. {next}"),
    }
}

fn row(reason: Reason) -> Option<&'static Row> {
    ADVICE.iter().find(|row| row.0.contains(&reason))
}

#[cfg(test)]
mod tests {
    use super::{ADVICE, NO_CAUSE, Party, next_step, one_domain, party};
    use crate::record::reason::Reason;

    #[test]
    fn every_reason_with_a_cause_has_advice() {
        let unsaid = [
            Reason::Remote4xx,
            Reason::Remote5xx,
            Reason::Local4xx,
            Reason::Local5xx,
            Reason::None,
            Reason::Other,
        ];
        for reason in Reason::ALL {
            let rows = ADVICE.iter().filter(|row| row.0.contains(reason)).count();
            assert_eq!(rows, usize::from(!unsaid.contains(reason)), "{reason:?}");
        }
        assert_eq!(next_step("tcp_local", Reason::Remote5xx), NO_CAUSE);
    }

    #[test]
    fn a_host_that_answered_is_not_our_network() {
        for &reason in Reason::ALL {
            if party(reason) != Party::Way {
                let said = format!("{} {}", next_step("tcp_local", reason), one_domain("tcp_local", reason));
                assert!(
                    !["network", "firewall", "port 25"].iter().any(|word| said.contains(word)),
                    "{reason:?}: {said}"
                );
            }
        }
    }

    #[test]
    fn a_store_is_not_sent_to_the_network_or_the_resolvers() {
        for channel in ["ims-ms", "l", "tcp_lmtpcs"] {
            for reason in [
                Reason::ConnRefused,
                Reason::ConnTimeout,
                Reason::HostSkipped,
                Reason::DnsTemporary,
                Reason::Other,
                Reason::Remote4xx,
            ] {
                for said in [next_step(channel, reason), &one_domain(channel, reason)] {
                    assert!(said.contains("message store"), "{channel} {reason:?}: {said}");
                }
            }
            assert!(next_step(channel, Reason::OverQuota).contains("imquotacheck"));
        }
    }

    /// Who is paged reads them first.
    #[test]
    fn alert_and_runbook_know_every_reason() {
        let rules = include_str!("../../alerts/rules/delivery.rules.yml");
        let runbook = include_str!("../../alerts/runbooks/ImsMtaDeliveryFailureSpike.md");
        for &reason in Reason::ALL {
            let label = reason.label();
            let name = if label.starts_with("conn_") { "conn_*" } else { label };
            assert!(runbook.contains(&format!("`{name}`")), "the runbook does not say what {label} is");
            let sorted = matches!(party(reason), Party::Sender | Party::Recipient);
            let between = |open: char, close: char| rules.contains(&format!("{open}{label}{close}"));
            let named =
                ['(', '|', '^'].iter().any(|&open| ['|', ')', '$'].iter().any(|&close| between(open, close)));
            assert!(!sorted || named, "the text of ImsMtaDeliveryFailureSpike does not sort {label}");
        }
    }
}
