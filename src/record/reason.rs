//! Why an attempt failed: the classifier of reply texts and reasons.
//!
//! `RULES` is the table; the first row that matches wins, so its order is part of it. All phrases
//! are looked for in one pass. They see only the reply text and the reason, never the host,
//! banner or transport in front of them, and a phrase inside an address or a host name does not
//! count. Texts: 2005Q4 guide, examples 21-4 to 21-7; "Troubleshooting the MTA"; delivery status
//! notifications of releases 6 and 7.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind};

use super::diagnostic::{self, Reply, Status};

labelled! {
    /// The closed set of values of the label `reason`.
    Reason {
        HostSkipped = "host_skipped": "no connection was tried: too many failures to this host in this run";
        RelayDenied = "relay_denied": "relaying is not permitted";
        AuthFailed = "auth_failed": "authentication failed or is required";
        Tls = "tls": "TLS could not be started or verified";
        OverQuota = "over_quota": "the mailbox is over its quota";
        MailboxBusy = "mailbox_busy": "the mailbox is locked or the message store unavailable";
        DnsNoSuchDomain = "dns_no_such_domain": "the domain does not exist or takes no mail";
        DnsTemporary = "dns_temporary": "the DNS gave no answer";
        NoRoute = "no_route": "the network or host is unreachable";
        ConnRefused = "conn_refused": "the host refused the connection";
        ConnTimeout = "conn_timeout": "the connection or a command timed out";
        ConnLost = "conn_lost": "the connection was lost";
        ConnOther = "conn_other": "the connection could not be opened";
        Greylisted = "greylisted": "the host asks to try again later";
        UserUnknown = "user_unknown": "the recipient does not exist";
        SenderRejected = "sender_rejected": "the envelope From address is refused";
        Policy = "policy": "refused as spam, blocked or against a policy";
        Expired = "expired": "the message stayed in the queue for too long";
        Size = "size": "the message is too large";
        Loop = "loop": "the message went through too many hosts";
        Remote4xx = "remote_4xx": "another temporary reply of the remote host";
        Remote5xx = "remote_5xx": "another permanent reply of the remote host";
        Local4xx = "local_4xx": "another temporary reply of our own";
        Local5xx = "local_5xx": "another permanent reply of our own";
        None = "none": "the entry gives no reason";
        Other = "other": "a text that no rule knows";
    }
}

/// One row of the classifier.
struct Rule {
    reason: Reason,
    /// Lower-case phrases, any of which matches.
    phrases: &'static [&'static str],
    /// Reply codes, any of which matches.
    codes: &'static [u16],
    /// `(class, subject, detail)` of enhanced statuses, `ANY` for any value.
    statuses: &'static [(u16, u16, u16)],
    /// The row counts only for replies that are temporary by code or status.
    temporary: bool,
}

const ANY: u16 = u16::MAX;
const ROW: Rule = Rule { reason: Reason::Other, phrases: &[], codes: &[], statuses: &[], temporary: false };

const RULES: &[Rule] = &[
    Rule {
        reason: Reason::HostSkipped,
        phrases: &["too many failures to this host", "skipping this host"],
        ..ROW
    },
    Rule {
        reason: Reason::RelayDenied,
        phrases: &[
            "relaying not permitted",
            "relaying not allowed",
            "relay access denied",
            "relaying denied",
            "relay not permitted",
            "unable to relay",
        ],
        ..ROW
    },
    // "530 Must issue a STARTTLS command first" is about TLS although 530 is an authentication code.
    Rule { reason: Reason::Tls, phrases: &["starttls"], ..ROW },
    Rule {
        reason: Reason::AuthFailed,
        phrases: &[
            "bad password",
            "bad username or password",
            "authentication failed",
            "authentication required",
            "authentication credentials invalid",
        ],
        codes: &[530, 534, 535, 538],
        ..ROW
    },
    Rule { reason: Reason::Tls, phrases: &["tls", "ssl", "certificate"], ..ROW },
    Rule {
        reason: Reason::OverQuota,
        phrases: &[
            "over quota",
            "overquota",
            "mailbox full",
            "mailbox is full",
            "quota exceeded",
            "exceeded quota",
        ],
        codes: &[422, 522],
        statuses: &[(ANY, 2, 2)],
        ..ROW
    },
    Rule {
        reason: Reason::MailboxBusy,
        phrases: &[
            "mailbox is busy",
            "mailbox busy",
            "mailbox locked",
            "mailbox is locked",
            "store unavailable",
            "store is unavailable",
            "store disabled",
            "store is disabled",
            "message store is not enabled",
        ],
        codes: &[420],
        ..ROW
    },
    Rule {
        reason: Reason::DnsNoSuchDomain,
        phrases: &[
            "illegal host/domain name found",
            "no such host",
            "no such domain",
            "host unknown",
            "domain not found",
            "does not accept mail",
        ],
        statuses: &[(ANY, 4, 4), (ANY, 1, 10)],
        ..ROW
    },
    Rule {
        reason: Reason::DnsTemporary,
        phrases: &["name server", "nameserver", "dns", "gethostby", "resolve", "host not found"],
        ..ROW
    },
    Rule {
        reason: Reason::NoRoute,
        phrases: &["no route to host", "network is unreachable", "host is unreachable", "host is down"],
        ..ROW
    },
    Rule { reason: Reason::ConnRefused, phrases: &["connection refused"], ..ROW },
    Rule { reason: Reason::ConnTimeout, phrases: &["timed out", "timeout", "time-out"], ..ROW },
    Rule {
        reason: Reason::ConnLost,
        phrases: &[
            "os_smtp_read",
            "os_smtp_write",
            "error reading smtp packet",
            "connection reset",
            "connection closed",
            "connection lost",
            "broken pipe",
            "lost connection",
        ],
        ..ROW
    },
    Rule {
        reason: Reason::ConnOther,
        phrases: &["os_smtp_open", "smtp_open", "failed connect", "active open", "dead (unresponsive)"],
        ..ROW
    },
    Rule { reason: Reason::Greylisted, phrases: &["greylist", "graylist", "grey-list", "grey list"], ..ROW },
    // A site's mapping may answer "4.4.3 Please try again later": the text is more to the point than
    // the status, so status 4.4.3 alone comes after it.
    Rule { reason: Reason::Greylisted, phrases: &["try again later"], temporary: true, ..ROW },
    Rule { reason: Reason::DnsTemporary, statuses: &[(ANY, 4, 3)], ..ROW },
    Rule {
        reason: Reason::UserUnknown,
        phrases: &[
            "user unknown",
            "unknown user",
            "no such user",
            "unknown or illegal alias",
            "unknown or illegal user",
            "recipient address rejected: undeliverable",
        ],
        statuses: &[(ANY, 1, 1)],
        ..ROW
    },
    Rule {
        reason: Reason::SenderRejected,
        phrases: &["mail from", "sender address rejected"],
        statuses: &[(ANY, 1, 8)],
        ..ROW
    },
    Rule {
        reason: Reason::Policy,
        phrases: &["spam", "blocked", "blacklist", "blocklist", "block list", "policy", "virus"],
        statuses: &[(ANY, 7, ANY)],
        ..ROW
    },
    Rule {
        reason: Reason::Expired,
        phrases: &["unable to deliver this message after"],
        statuses: &[(ANY, 4, 7)],
        ..ROW
    },
    Rule {
        reason: Reason::Size,
        phrases: &["message too large", "message too big", "message size exceeds"],
        codes: &[523, 552],
        statuses: &[(ANY, 3, 4)],
        ..ROW
    },
    Rule {
        reason: Reason::Loop,
        phrases: &["received count exceeded", "too many hops", "mail loop", "loop detected", "routing loop"],
        statuses: &[(ANY, 4, 6)],
        ..ROW
    },
];

/// All phrases of [`RULES`] in one automaton, and the row of each.
static PHRASES: LazyLock<(AhoCorasick, Vec<usize>)> = LazyLock::new(|| {
    let phrases =
        RULES.iter().enumerate().flat_map(|(row, rule)| rule.phrases.iter().map(move |phrase| (phrase, row)));
    let (phrases, rows): (Vec<&str>, Vec<usize>) = phrases.unzip();
    let automaton = AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .kind(Some(AhoCorasickKind::DFA))
        .build(phrases)
        .expect("invariant: the phrases are few and short");
    (automaton, rows)
});

/// Classifies an entry by its diagnostic and, where the log carries it apart, its reason text.
pub fn classify(diagnostic: &[u8], reason: &[u8]) -> Reason {
    let reply = diagnostic::parse(diagnostic);
    classify_reply(&reply, diagnostic.is_empty(), reason)
}

/// Classifies a diagnostic that has been read already; `silent` says that it is empty.
pub fn classify_reply(reply: &Reply<'_>, silent: bool, reason: &[u8]) -> Reason {
    if silent && reason.is_empty() {
        return Reason::None;
    }
    let temporary = reply.class() == Some(4);
    let by_text = [reply.text, reason].into_iter().filter_map(|text| phrase_row(text, temporary)).min();
    let by_code = RULES.iter().position(|rule| matches_code(rule, reply));
    match by_text.into_iter().chain(by_code).min() {
        Some(row) => RULES[row].reason,
        None => by_class(reply),
    }
}

fn phrase_row(text: &[u8], temporary: bool) -> Option<usize> {
    let (automaton, rows) = &*PHRASES;
    let matches =
        automaton.find_overlapping_iter(text).filter(|found| !in_name(text, found.start(), found.end()));
    matches
        .map(|found| rows[found.pattern().as_usize()])
        .filter(|&row| temporary || !RULES[row].temporary)
        .min()
}

/// Whether the bytes lie in a word that is an address or a host name: `user@spam.example`.
fn in_name(text: &[u8], start: usize, end: usize) -> bool {
    let from = text[..start].iter().rposition(u8::is_ascii_whitespace).map_or(0, |blank| blank + 1);
    let to = text[end..].iter().position(u8::is_ascii_whitespace).map_or(text.len(), |blank| end + blank);
    let word = &text[from..to];
    let dotted = word.windows(3).any(|three| {
        three[1] == b'.' && three[0].is_ascii_alphanumeric() && three[2].is_ascii_alphanumeric()
    });
    dotted || memchr::memchr(b'@', word).is_some()
}

fn matches_code(rule: &Rule, reply: &Reply<'_>) -> bool {
    let fits = |part: u16, wanted: u16| wanted == ANY || part == wanted;
    let by_status = |status: Status| {
        let mut rows = rule.statuses.iter();
        rows.any(|&(class, subject, detail)| {
            fits(status.class, class) && fits(status.subject, subject) && fits(status.detail, detail)
        })
    };
    // A success status beside a failure is not a reason.
    let failed = reply.status.filter(|status| status.class != 2);
    reply.code.is_some_and(|code| rule.codes.contains(&code)) || failed.is_some_and(by_status)
}

fn by_class(reply: &Reply<'_>) -> Reason {
    match (reply.remote, reply.class()) {
        (true, Some(4)) => Reason::Remote4xx,
        (true, Some(5)) => Reason::Remote5xx,
        (false, Some(4)) => Reason::Local4xx,
        (false, Some(5)) => Reason::Local5xx,
        _ => Reason::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::{RULES, Reason, classify};

    #[track_caller]
    fn check(diagnostic: &str, expected: &str) {
        assert_eq!(classify(diagnostic.as_bytes(), b"").label(), expected, "{diagnostic}");
    }

    #[test]
    fn texts_of_manuals_and_real_logs() {
        check("TCP active open: Failed connect()    Error: no route to host", "no_route");
        check("TCP active open: Failed connect() Error: connection refused", "conn_refused");
        check("Mailbox is busy", "mailbox_busy");
        check(
            "Too many failures to this host during this run; skipping this host: Dead (unresponsive) host",
            "host_skipped",
        );
        check("data/big_smtp_read Error reading SMTP packet", "conn_lost");
        check("unknown or illegal alias: x@example.com", "user_unknown");
        check("550 5.7.1 Relaying not permitted: alan@very.bogus.com", "relay_denied");
        check("Illegal host/domain name found", "dns_no_such_domain");
        check("454 4.7.1 TLS library initialization failure", "tls");
        check("535 5.7.8 Bad username or password (Authentication failed).", "auth_failed");
        check("smtp; 553 unknown or illegal user: nonesuch@siroe.com", "user_unknown");
        check("smtp;522 5.2.0 Delivery failed: Over quota", "over_quota");
        check("smtp;550 5.2.2 <x@example.com>... Mailbox Full", "over_quota");
        check("smtp;501 5.1.8 sender", "sender_rejected");
        check("unable to deliver this message after 1 day", "expired");
        check("4.4.3 Please try again later", "greylisted");
        check("500 can't connect now", "local_5xx");
        check("", "none");
    }

    #[test]
    fn fallbacks_by_class() {
        check("smtp;450 busy now", "remote_4xx");
        check("smtp;554 no", "remote_5xx");
        check("452 4.3.1 no space", "local_4xx");
        check("550 no", "local_5xx");
        check("something new", "other");
        check("smtp;250 2.1.5 ok", "other");
    }

    #[test]
    fn confusing_pairs() {
        check("smtp;530 5.7.0 Must issue a STARTTLS command first", "tls");
        check("smtp;550 5.7.1 User unknown", "user_unknown");
        check("smtp;552 5.2.2 too much", "over_quota");
        check("smtp;552 too much", "size");
        check("smtp;451 4.4.3 temporary", "dns_temporary");
        check("smtp;451 connection timed out, try again later", "conn_timeout");
        check("smtp;554 try again later", "remote_5xx");
    }

    #[test]
    fn names_and_addresses_are_not_keywords() {
        check("smtp;554 no: user@spam.example.com", "remote_5xx");
        check("smtp;554 see tls.example.com", "remote_5xx");
        check(
            "dns;mx.spam.example (TCP|192.0.2.1|1|192.0.2.2|25) (timeout ESMTP) smtp;450 busy now",
            "remote_4xx",
        );
    }

    #[test]
    fn the_reason_field_counts() {
        assert_eq!(classify(b"", b"Illegal host/domain name found"), Reason::DnsNoSuchDomain);
        assert_eq!(classify(b"smtp;550 no", b"Over quota"), Reason::OverQuota);
    }

    #[test]
    fn the_table_is_sound() {
        let mut phrases: Vec<_> = RULES.iter().flat_map(|rule| rule.phrases).collect();
        let all = phrases.len();
        phrases.sort_unstable();
        phrases.dedup();
        assert_eq!(phrases.len(), all, "a phrase stands in one row only");
        assert!(phrases.iter().all(|phrase| **phrase == phrase.to_ascii_lowercase()));
        let mut labels: Vec<_> = Reason::ALL.iter().map(|reason| reason.label()).collect();
        labels.sort_unstable();
        labels.dedup();
        assert_eq!(labels.len(), Reason::ALL.len());
    }
}
