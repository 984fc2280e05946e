//! What is easily taken for something else, and what it was taken for.

use crate::record::reason::Reason;

/// Class, action letter, diagnostic.
pub(super) const PAIRS: &[(Reason, char, &str)] = &[
    // The mailbox: full or locked, full or too large.
    (Reason::OverQuota, 'Q', "smtp;452 4.2.2 Mailbox is busy: over quota"),
    (Reason::MailboxBusy, 'Q', "smtp;450 4.2.1 mailbox busy"),
    (Reason::OverQuota, 'R', "smtp;552 5.2.2 too much"),
    (Reason::Size, 'R', "smtp;552 5.2.3 too much"),
    (Reason::Size, 'R', "smtp;552 5.7.1 message is too large"),
    // The DNS: for now or for good, the recipient's, the sender's or ours.
    (
        Reason::DnsNoSuchDomain,
        'Q',
        "smtp;450 4.1.2 <a@b.example>: Recipient address rejected: Domain not found",
    ),
    (Reason::DnsTemporary, 'Q', "smtp;450 4.1.2 <a@b.example>: domain not found, DNS timeout"),
    (
        Reason::DnsNoSuchDomain,
        'R',
        "smtp;550 5.1.3 <a@b.example>: Recipient address rejected: Domain not found",
    ),
    (Reason::SenderRejected, 'Q', "smtp;450 4.1.8 <a@b.example>: Sender address rejected: Domain not found"),
    (Reason::DnsTemporary, 'Q', "host not found"),
    (Reason::DnsNoSuchDomain, 'R', "host not found"),
    (Reason::DnsTemporary, 'R', "smtp;451 4.4.3 host not found"),
    (Reason::DnsTemporary, 'Q', "4.4.4 unable to route"),
    (Reason::Policy, 'R', "smtp;550 5.7.25 no reverse DNS"),
    (Reason::Policy, 'R', "smtp;554 5.7.1 Service unavailable; Client host listed by a DNSBL"),
    (Reason::Policy, 'Q', "smtp;450 refused, see the DNSBL"),
    // Greylisting, whatever status a site gives it; only where the message is tried again.
    (Reason::Greylisted, 'J', "4.4.3 Please try again later"),
    (Reason::DnsTemporary, 'Q', "smtp;450 4.4.3 DNS failure, please try again later"),
    (Reason::Greylisted, 'Q', "smtp;451 4.7.1 Greylisted (the DNS was asked)"),
    (Reason::ConnTimeout, 'Q', "smtp;451 connection timed out, try again later"),
    (Reason::Remote5xx, 'R', "smtp;554 try again later"),
    (Reason::Greylisted, 'R', "smtp;451 4.7.1 try again later"),
    (Reason::OverQuota, 'Q', "smtp;452 4.2.2 Over quota, try again later"),
    // A status of policy with the words of something else, and the other way round.
    (Reason::UserUnknown, 'R', "smtp;550 5.7.1 User unknown"),
    (Reason::RelayDenied, 'R', "smtp;550 5.1.1 Relaying not permitted"),
    (Reason::Policy, 'R', "smtp;550 5.7.26 SPF and DKIM authentication failed"),
    (Reason::AuthFailed, 'R', "smtp;550 5.7.1 Authentication required"),
    (Reason::AuthFailed, 'Q', "smtp;454 4.7.0 Temporary authentication failure"),
    (Reason::RelayDenied, 'Q', "smtp;454 4.7.1 <a@b.example>: Relay access denied"),
    (Reason::OverQuota, 'Q', "smtp;454 4.2.2 later"),
    (Reason::Policy, 'Q', "smtp;421 4.7.0 deferred until the complaints are resolved"),
    (Reason::Greylisted, 'Q', "smtp;451 4.7.1 you are on my grey sheet"),
    (Reason::Tls, 'R', "smtp;530 5.7.0 Must issue a STARTTLS command first"),
    (Reason::Tls, 'R', "smtp;530 5.7.0 TLS or nothing"),
    (Reason::Policy, 'R', "smtp;554 5.7.1 We accept no mail from you"),
    (Reason::SenderRejected, 'R', "smtp;554 no MAIL FROM:<a@b.example> here"),
    // Expired is why, whatever the last attempt said.
    (
        Reason::Expired,
        'R',
        "unable to deliver this message after 4 days dns;mx.example.net smtp;451 4.7.1 Greylisted",
    ),
    // Short words inside longer ones.
    (Reason::Remote5xx, 'R', "smtp;554 what a hassle"),
    (Reason::Remote5xx, 'R', "smtp;554 no loopback"),
    // A host that answered is there: what its status says of connections and domains is about recipients.
    (Reason::UserUnknown, 'R', "smtp;550 5.4.1 Recipient address rejected: Access denied"),
    (Reason::Policy, 'R', "smtp;554 5.7.1 Client host rejected: Access denied"),
    (Reason::Remote5xx, 'R', "smtp;541 5.4.1 Mail rejected by destination domain"),
    (Reason::ConnOther, 'Q', "4.4.1 no answer from host"),
    (Reason::UserUnknown, 'R', "smtp;550 5.1.10 Recipient not found"),
    (Reason::DnsNoSuchDomain, 'R', "smtp;556 5.1.10 Domain does not accept mail (nullMX)"),
    (Reason::DnsNoSuchDomain, 'R', "5.1.10 host/domain does not accept mail"),
    (Reason::Policy, 'R', "smtp;554 Connection refused. Your IP address has a poor reputation"),
    (Reason::RateLimited, 'Q', "smtp;421 Connection refused, too many sessions from your IP"),
    (Reason::ConnRefused, 'Q', "TCP active open: Failed connect() 192.0.2.9:25  Error: connection refused"),
    // Our names in the DNS, and those of the recipient.
    (
        Reason::Policy,
        'Q',
        "smtp;450 4.7.1 Client host rejected: cannot find your reverse hostname, [192.0.2.1]",
    ),
    (Reason::Policy, 'Q', "smtp;450 4.7.1 <mx.intern>: Helo command rejected: Host not found"),
    (Reason::Policy, 'Q', "smtp;451 DNS lookup of your IP address failed"),
    (Reason::DnsTemporary, 'Q', "smtp;451 4.4.3 DNS lookup of the recipient's domain failed"),
    // The recipient's account, and a caller that is blocked.
    (Reason::AccountDisabled, 'R', "smtp;550 5.7.1 this account has been blocked"),
    (Reason::AccountDisabled, 'R', "smtp;550 5.2.1 user is suspended"),
    (Reason::Policy, 'R', "smtp;550 5.7.1 your host has been blocked"),
    (Reason::SenderRejected, 'R', "smtp;550 5.7.1 sender blocked by the recipient"),
    // Authentication, whatever else is said.
    (Reason::AuthFailed, 'R', "smtp;530 5.7.57 Client was not authenticated"),
    (Reason::AuthFailed, 'Q', "smtp;454 4.7.0 Authentication failed, try again later"),
    (Reason::AuthFailed, 'Q', "smtp;451 4.7.0 unauthenticated client"),
    (Reason::Tls, 'Q', "smtp;454 4.7.0 TLS not available, try again later"),
    // A quota of ours, and one of the recipient.
    (Reason::RateLimited, 'R', "smtp;550 5.2.2 Submission quota exceeded"),
    (Reason::OverQuota, 'R', "smtp;550 5.2.2 Quota exceeded"),
    (Reason::RateLimited, 'R', "smtp;552 Too many recipients"),
    (Reason::RateLimited, 'R', "smtp;550 5.1.1 Too many recipients"),
    (Reason::OverQuota, 'R', "smtp;552 5.2.2 Too many messages in the mailbox"),
    // Relaying under another status.
    (Reason::RelayDenied, 'R', "smtp;550 5.7.0 no relaying"),
    (Reason::RelayDenied, 'R', "smtp;550-5.7.1 Invalid credentials for relay [192.0.2.1]"),
    (Reason::UserUnknown, 'R', "smtp;550 5.1.1 User unknown in relay recipient table"),
    // TLS by its many names.
    (Reason::Tls, 'Q', "smtp;451 4.7.321 no TLSA record"),
    (Reason::Tls, 'Q', "smtp;451 4.7.323 no"),
    (Reason::Tls, 'R', "smtp;550 5.7.10 Encryption needed"),
    (Reason::Tls, 'Q', "MTA-STS policy forbids this host"),
    (Reason::Remote5xx, 'R', "smtp;554 ask the certificateless office"),
    // The sender's domain, and the recipient's.
    (Reason::SenderRejected, 'R', "smtp;553 5.1.8 Domain does not exist: sender"),
    (Reason::SenderRejected, 'R', "smtp;550 5.1.7 no such domain of a return path"),
    (Reason::DnsNoSuchDomain, 'R', "smtp;550 5.1.2 no such domain"),
    // "Later" behind a cause.
    (Reason::Remote4xx, 'Q', "smtp;452 4.3.1 disk full, try again later"),
    (Reason::Remote4xx, 'Q', "smtp;421 4.3.2 server busy, try again later"),
    (Reason::Remote4xx, 'Q', "smtp;451 4.3.0 try again later"),
    (Reason::OverQuota, 'Q', "smtp;452 the mailbox is full, try again later"),
    (Reason::Greylisted, 'Q', "smtp;450 4.7.1 come back in 300 seconds"),
    // A reply within a reply.
    (
        Reason::SenderRejected,
        'R',
        "smtp;550 5.1.0 <a@b.example>: Sender address rejected: undeliverable address: host mx.example.net said: \
         550 5.1.1 User unknown",
    ),
    (
        Reason::UserUnknown,
        'R',
        "smtp;550 5.1.0 <a@b.example>: Recipient address rejected: undeliverable address: host mx.example.net \
         said: 552 5.2.2 mailbox full",
    ),
    // A mere failure gives way to what is quoted, a cause does not.
    (Reason::UserUnknown, 'R', "smtp;550 5.1.1 Backend 192.0.2.9 failed: 550 5.1.1 unknown recipient"),
    (Reason::MailboxBusy, 'Q', "smtp;451 4.3.0 the store backend failed: 451 4.3.0 odd"),
    (
        Reason::OverQuota,
        'Q',
        "smtp;450 4.1.1 unverified address: host 192.0.2.9 said: 452 4.2.2 mailbox full",
    ),
    // A scanner that failed, and a message that failed it.
    (Reason::Remote4xx, 'Q', "smtp;451 4.5.0 virus scanner failed"),
    (Reason::Policy, 'Q', "smtp;451 4.7.1 the message failed the virus scan"),
    // A sender on a site's own list, and a host on a list that all share.
    (Reason::SenderRejected, 'R', "smtp;550 the sender is on our deny list"),
    (Reason::Policy, 'R', "smtp;550 the sender's host is on our deny list"),
    (Reason::Policy, 'R', "smtp;550 the sender domain is in the SURBL"),
    // A greylisting program by its banner, and by its name alone.
    (
        Reason::Greylisted,
        'Q',
        "dns;mx.example.net (TCP|192.0.2.1|1|192.0.2.2|25) (mx.example.net ESMTP spamd IP-based SPAM blocker) \
         smtp;451 Temporary failure, please try again later.",
    ),
    (
        Reason::Remote4xx,
        'Q',
        "dns;spamd.example.net (TCP|192.0.2.1|1|192.0.2.2|25) (spamd.example.net ESMTP) \
         smtp;451 Temporary failure, please try again later.",
    ),
    // Our own limits, and a host that is skipped.
    (Reason::RateLimited, 'J', "421 4.4.5 Too many connections from your host."),
    (Reason::HostSkipped, 'Q', "Too many failures to this host during this run"),
    // The store.
    (Reason::OverQuota, 'R', "recipient reached disk quota"),
    (Reason::MailboxBusy, 'Q', "Mailbox has an invalid format"),
    (Reason::MailboxBusy, 'Q', "System I/O error"),
    (Reason::UserUnknown, 'R', "Mailbox does not exist"),
    (Reason::MailboxBusy, 'Q', "smtp;451 4.2.0 Mailbox has an invalid format"),
    (Reason::MailboxBusy, 'Q', "smtp;451 4.3.0 System I/O error"),
    // Block lists count by their hosts, other hosts do not count.
    (Reason::Policy, 'R', "smtp;554 see https://www.spamhaus.org/query/ip/192.0.2.1"),
    (Reason::Policy, 'R', "smtp;554 192.0.2.1 is at zen.spamhaus.org"),
    (Reason::Remote5xx, 'R', "smtp;554 see https://spamhaus.example.com/blocked"),
    // Hosts, banners, transports and addresses say nothing.
    (Reason::Remote5xx, 'R', "smtp;554 no: user@spam.example.com"),
    (Reason::Remote5xx, 'R', "smtp;554 see tls.example.com"),
    (Reason::Remote5xx, 'R', "smtp;554 no: <virus>"),
    (Reason::Remote5xx, 'R', "smtp;554 no: \"mail loop\"@example.com"),
    (Reason::Remote5xx, 'R', "smtp;554 no: <\"over quota\"@example.com>"),
    (Reason::UserUnknown, 'J', "unknown or illegal alias: tls"),
    (
        Reason::Remote4xx,
        'Q',
        "dns;mx.spam.example (TCP|192.0.2.1|1|192.0.2.2|25) (timeout ESMTP) smtp;450 busy now",
    ),
    (Reason::Other, 'Q', "dns;timeout (TCP|192.0.2.1|1|192.0.2.2|25) (smtp;550 5.1.1 fake) odd"),
    (
        Reason::Remote4xx,
        'Q',
        "Remote SMTP server has rejected address dns;virus.example (TCP|192.0.2.1|1|192.0.2.2|25) (spam) smtp;450 no",
    ),
];
