//! THE table of reply codes and enhanced statuses, for texts whose words tell nothing.
//!
//! The first row that matches wins: first what means one thing, last what says little by itself. A status of
//! the connection (x.4.1, x.4.2) tells something only where our own MTA gives it, since a host that answered is
//! there. So does x.1.10: our MTA gives it to a null MX (RFC 7505), Exchange to a recipient that it does not find.
//! Sources: RFC 3463, 4954, 5248, 7372, 7504, 7505, 7817; the LMTP replies of the back end store; Exchange's own
//! three-digit details.

#[allow(clippy::enum_glob_use, reason = "a table of reasons")]
use super::Reason::{self, *};
use super::families::When;
use crate::record::diagnostic::Status;

/// Whose codes a row is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whose {
    /// Anybody's.
    Anybody,
    /// Our own MTA's.
    Ours,
    /// Another host's.
    Hosts,
    /// Those of our own MTA and of hosts that speak LMTP: SMTP does not have them.
    Lmtp,
    /// Those of a host whose banner says that it does nothing but greylist.
    Greylister,
}

/// One row.
#[derive(Debug)]
pub(super) struct Codes {
    /// The class.
    pub reason: Reason,
    /// Reply codes, any of which matches.
    pub replies: &'static [u16],
    /// `(class, subject, detail)` of enhanced statuses, [`ANY`] for any value.
    pub statuses: &'static [(u16, u16, u16)],
    /// To which entries it applies.
    pub when: When,
    /// Who gives them.
    pub whose: Whose,
    /// A diagnostic that it decides.
    #[cfg_attr(not(test), expect(dead_code, reason = "for readers and tests"))]
    pub text: &'static str,
}

/// Any value in a part of a status.
pub(super) const ANY: u16 = u16::MAX;

const fn statuses(reason: Reason, statuses: &'static [(u16, u16, u16)], text: &'static str) -> Codes {
    Codes { reason, replies: &[], statuses, when: When::Always, whose: Whose::Anybody, text }
}

const fn codes(reason: Reason, replies: &'static [u16], text: &'static str) -> Codes {
    Codes { reason, replies, statuses: &[], when: When::Always, whose: Whose::Anybody, text }
}

impl Codes {
    const fn when(self, when: When) -> Self {
        Self { when, ..self }
    }

    const fn of(self, whose: Whose) -> Self {
        Self { whose, ..self }
    }

    /// Whether a status is one of the row. A success status beside a failure is not a reason.
    pub(super) fn has_status(&self, status: Status) -> bool {
        let fits = |part: u16, wanted: u16| wanted == ANY || part == wanted;
        let mut rows = self.statuses.iter();
        status.class != 2
            && rows.any(|&(class, subject, detail)| {
                fits(status.class, class) && fits(status.subject, subject) && fits(status.detail, detail)
            })
    }
}

/// The table.
#[rustfmt::skip]
pub(super) static CODES: &[Codes] = &[
    statuses(OverQuota, &[(ANY, 2, 2)], "smtp;454 4.2.2 <x@example.com>"),
    statuses(Size, &[(ANY, 2, 3), (ANY, 3, 4)], "smtp;552 5.2.3 too much"),
    statuses(AccountDisabled, &[(5, 2, 1), (ANY, 7, 13)], "smtp;550 5.2.1 not now").when(When::Permanent),
    statuses(DnsNoSuchDomain, &[(ANY, 1, 10)], "5.1.10 no").of(Whose::Ours),
    statuses(UserUnknown, &[(5, 1, 0), (5, 1, 3), (5, 1, 10)], "smtp;550 5.1.10 no").of(Whose::Hosts),
    statuses(UserUnknown, &[(5, 1, 1), (5, 1, 6)], "smtp;550 5.1.1 no"),
    statuses(DnsNoSuchDomain, &[(5, 1, 2), (5, 4, 4), (5, 4, 310)], "5.4.4 (unable to route)"),
    statuses(DnsTemporary, &[(ANY, 4, 3), (4, 4, 4), (4, 1, 2), (4, 4, 312)], "smtp;451 4.4.3 temporary"),
    statuses(SenderRejected, &[(ANY, 1, 7), (ANY, 1, 8), (5, 7, 60), (5, 7, 124), (5, 7, 129), (5, 7, 133), (5, 7, 134)], "smtp;501 5.1.8 no"),
    statuses(ConnOther, &[(ANY, 4, 1)], "4.4.1 no answer").of(Whose::Ours),
    statuses(ConnLost, &[(ANY, 4, 2)], "4.4.2 see you").of(Whose::Ours),
    statuses(Loop, &[(ANY, 4, 6), (5, 4, 14)], "554 5.4.6 you again"),
    statuses(Expired, &[(ANY, 4, 7), (5, 4, 300)], "smtp;550 5.4.7 sorry"),
    statuses(RateLimited, &[(ANY, 5, 3), (ANY, 7, 28), (5, 7, 232), (5, 7, 233), (5, 7, 705)], "smtp;452 4.5.3 no"),
    statuses(RelayDenied, &[(5, 7, 54), (5, 7, 64)], "smtp;550 5.7.54 no"),
    statuses(AuthFailed, &[(ANY, 7, 3), (ANY, 7, 4), (ANY, 7, 8), (ANY, 7, 9), (ANY, 7, 11), (5, 7, 57)], "smtp;454 4.7.3 no"),
    statuses(Tls, &[(ANY, 7, 5), (ANY, 7, 10), (4, 7, 321), (4, 7, 322), (4, 7, 323), (4, 7, 324), (4, 7, 325)], "smtp;451 4.7.323 no"),
    codes(Greylisted, &[450, 451], "dns;mx.example.net (TCP|a|1|b|25) (mx.example.net ESMTP spamd IP-based SPAM blocker) smtp;451 odd").of(Whose::Greylister),
    codes(AuthFailed, &[530, 534, 535, 538], "smtp;530 5.7.0 no"),
    codes(AccountDisabled, &[525], "525 no").of(Whose::Ours),
    // RFC 3207 and 4954 have this code for TLS and authentication alone; what is about the latter has been
    // found by its words.
    codes(Tls, &[454], "smtp;454 4.7.0 not now"),
    codes(OverQuota, &[422, 522], "522 no").of(Whose::Lmtp),
    codes(MailboxBusy, &[420], "420 no").of(Whose::Lmtp),
    codes(DnsNoSuchDomain, &[556], "smtp;556 no"),
    codes(UserUnknown, &[551], "smtp;551 no"),
    codes(SenderRejected, &[517], "smtp;517 no"),
    statuses(Policy, &[(ANY, 7, ANY)], "smtp;554 5.7.1 no"),
    codes(Size, &[523, 552], "552 too much"),
];
