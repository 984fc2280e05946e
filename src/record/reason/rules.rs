//! THE table of the classifier, and why its rows stand in this order.
//!
//! 1. What the MTA itself says in its own words. These texts mean one thing, whatever host, code or
//!    status stands beside them.
//! 2. What is about the session: relaying, authentication, TLS. "Authentication failed" of a
//!    signature (DMARC, SPF, DKIM) is a policy and stands first; "530 Must issue a STARTTLS command
//!    first" is about TLS although 530 is a code of authentication.
//! 3. The mailbox, then the sender, then the domain: "Sender address rejected: Domain not found" is
//!    about the sender. A word that says greylisting is stronger than what looks like the DNS.
//! 4. The connection, from the certain (no route) to the vague.
//! 5. "Try again later" on a temporary reply: a site's mapping may answer "4.4.3 Please try again
//!    later", so it stands behind words about the DNS and in front of status 4.4.3 alone.
//! 6. The recipient in front of policy: "550 5.7.1 User unknown" is an unknown user. Loops and
//!    sizes in front of it too, since their words are more to the point than x.7.x.
//! 7. Statuses and codes that say little by themselves.
//!
//! Texts: 2005Q4 guide, examples 21-4 to 21-7; "Troubleshooting the MTA"; LMTP replies of the back end
//! store; delivery status notifications of releases 6 and 7; RFC 5321 and RFC 3463.

use super::Reason;

/// One row of the classifier.
pub(super) struct Rule {
    /// The class; [`Reason::Other`] leaves it to the class of the reply.
    pub reason: Reason,
    /// Lower-case phrases, any of which matches, also inside a longer word.
    pub phrases: &'static [&'static str],
    /// Lower-case words, any of which matches as a whole word: `ssl` is no part of `hassle`.
    pub words: &'static [&'static str],
    /// Reply codes, any of which matches.
    pub codes: &'static [u16],
    /// `(class, subject, detail)` of enhanced statuses, [`ANY`] for any value.
    pub statuses: &'static [(u16, u16, u16)],
    /// To which entries the row applies.
    pub when: When,
}

/// To which entries a row applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum When {
    /// All.
    Always,
    /// Those that are tried again (Q, Z, Y), and replies of class 4.
    Temporary,
    /// Those that are final (R, K), and replies of class 5.
    Permanent,
    /// Those without reply code and status.
    Unanswered,
}

/// Any value in a part of a status.
pub(super) const ANY: u16 = u16::MAX;

const ROW: Rule =
    Rule { reason: Reason::Other, phrases: &[], words: &[], codes: &[], statuses: &[], when: When::Always };

/// The table.
pub(super) static RULES: &[Rule] = &[
    // 1. The MTA's own words.
    Rule {
        reason: Reason::HostSkipped,
        phrases: &["too many failures to this host", "skipping this host"],
        ..ROW
    },
    Rule { reason: Reason::Expired, phrases: &["unable to deliver this message after"], ..ROW },
    Rule {
        reason: Reason::UserUnknown,
        phrases: &["unknown or illegal alias", "unknown or illegal user"],
        ..ROW
    },
    Rule {
        reason: Reason::DnsNoSuchDomain,
        phrases: &["illegal host/domain name found", "host/domain does not accept mail"],
        ..ROW
    },
    // "4.7.1 Filter syntax error: address": a recipient's own filter is broken, nobody's policy.
    Rule { reason: Reason::Other, phrases: &["filter syntax error"], ..ROW },
    // 2. The session.
    Rule {
        reason: Reason::RelayDenied,
        phrases: &[
            "relaying not permitted",
            "relaying not allowed",
            "relaying is not allowed",
            "relaying denied",
            "relaying prohibited",
            "relay access denied",
            "relay denied",
            "relay not permitted",
            "not permitted to relay",
            "not allowed to relay",
            "unable to relay",
            "do not relay",
        ],
        ..ROW
    },
    Rule { reason: Reason::Policy, words: &["dmarc", "spf", "dkim"], ..ROW },
    Rule { reason: Reason::Tls, phrases: &["starttls"], ..ROW },
    Rule {
        reason: Reason::AuthFailed,
        phrases: &[
            "bad password",
            "bad username or password",
            "authentication failed",
            "authentication failure",
            "authentication unsuccessful",
            "authentication required",
            "authentication is required",
            "authentication credentials invalid",
            "authentication type",
            "authentication mechanism",
        ],
        ..ROW
    },
    Rule {
        reason: Reason::Tls,
        phrases: &["certificate", "encryption required"],
        words: &["tls", "ssl"],
        ..ROW
    },
    Rule { reason: Reason::AuthFailed, codes: &[530, 534, 535, 538], ..ROW },
    // 3. Mailbox, sender, domain.
    Rule {
        reason: Reason::Greylisted,
        phrases: &["greylist", "graylist", "grey-list", "gray-list", "grey list", "gray list"],
        words: &["grey", "gray"],
        when: When::Temporary,
        ..ROW
    },
    Rule {
        reason: Reason::OverQuota,
        phrases: &[
            "over quota",
            "overquota",
            "over its quota",
            "mailbox full",
            "mailbox is full",
            "quota exceeded",
            "exceeded quota",
            "exceeds quota",
            "exceeded storage allocation",
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
            "mailbox has a bad format",
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
        reason: Reason::SenderRejected,
        phrases: &[
            "rejected mail from",
            "sender address rejected",
            "domain of sender",
            "return address not allowed",
        ],
        ..ROW
    },
    Rule {
        reason: Reason::DnsNoSuchDomain,
        phrases: &[
            "no such host",
            "no such domain",
            "host unknown",
            "domain does not exist",
            "does not accept mail",
        ],
        statuses: &[(5, 4, 4), (5, 1, 2), (ANY, 1, 10)],
        ..ROW
    },
    // Our resolver; a final reply about the DNS is a policy of the other side: "no reverse DNS".
    Rule {
        reason: Reason::DnsTemporary,
        phrases: &[
            "name server",
            "nameserver",
            "gethostby",
            "not resolved",
            "not be resolved",
            "resolver",
            "host not found",
            "domain not found",
        ],
        words: &["dns", "resolve"],
        when: When::Temporary,
        ..ROW
    },
    Rule {
        reason: Reason::DnsNoSuchDomain,
        phrases: &["host not found", "domain not found"],
        when: When::Permanent,
        ..ROW
    },
    // 4. The connection.
    Rule {
        reason: Reason::NoRoute,
        phrases: &[
            "no route to host",
            "network is unreachable",
            "network unreachable",
            "network is down",
            "host is unreachable",
            "host unreachable",
            "host is down",
        ],
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
            "error writing smtp packet",
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
    // 5. Later.
    Rule { reason: Reason::Greylisted, phrases: &["try again later"], when: When::Temporary, ..ROW },
    Rule { reason: Reason::DnsTemporary, statuses: &[(ANY, 4, 3), (4, 4, 4)], ..ROW },
    // RFC 3463, 3.5: "no answer from host" and "bad connection".
    Rule { reason: Reason::ConnOther, statuses: &[(ANY, 4, 1)], ..ROW },
    Rule { reason: Reason::ConnLost, statuses: &[(ANY, 4, 2)], ..ROW },
    // 6. Recipient, sender, message, policy.
    Rule {
        reason: Reason::UserUnknown,
        phrases: &[
            "user unknown",
            "unknown user",
            "no such user",
            "user not found",
            "recipient unknown",
            "unknown recipient",
            "no such recipient",
            "mailbox not found",
            "no mailbox here",
            "recipient address rejected: undeliverable",
        ],
        statuses: &[(5, 1, 1)],
        ..ROW
    },
    Rule { reason: Reason::SenderRejected, statuses: &[(ANY, 1, 7), (ANY, 1, 8)], ..ROW },
    Rule {
        reason: Reason::Loop,
        phrases: &["received count exceeded", "too many hops", "hop count", "looping"],
        words: &["loop", "loops"],
        ..ROW
    },
    Rule {
        reason: Reason::Size,
        phrases: &["message too large", "message too big", "message size exceeds", "message is too large"],
        ..ROW
    },
    // RFC 3207 and 4954 have this code for TLS and authentication alone; what is about the latter has been
    // found by its words.
    Rule { reason: Reason::Tls, codes: &[454], ..ROW },
    Rule {
        reason: Reason::Policy,
        phrases: &["spam", "blocked", "blacklist", "blocklist", "block list", "policy", "virus"],
        words: &["dnsbl", "rbl"],
        statuses: &[(ANY, 7, ANY)],
        ..ROW
    },
    // 7. What says little by itself: "554 5.7.1 We accept no mail from you" is a policy.
    Rule { reason: Reason::SenderRejected, phrases: &["mail from"], ..ROW },
    Rule { reason: Reason::Expired, statuses: &[(ANY, 4, 7)], ..ROW },
    Rule { reason: Reason::Size, codes: &[523, 552], statuses: &[(ANY, 2, 3), (ANY, 3, 4)], ..ROW },
    Rule { reason: Reason::Loop, statuses: &[(ANY, 4, 6)], ..ROW },
    // The MTA's words for a final reply of another host that the entry does not carry.
    Rule {
        reason: Reason::Remote5xx,
        phrases: &[
            "smtp server has rejected address",
            "smtp transmission failure has occurred",
            "lmtp transmission failure has occurred",
        ],
        when: When::Unanswered,
        ..ROW
    },
];
