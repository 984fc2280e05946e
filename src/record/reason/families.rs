//! THE table of families: which words, near each other, tell which reason.
//!
//! The first row that matches wins, so the order is part of it. A row asks for a word of each of its classes, in any
//! order, in a stretch of so many words; its text is one that it decides. What a row is not for is in its words:
//! "User unknown in relay recipient table" is not about relaying, since a relay must stand near a verdict.
//!
//! 1. What our own MTA says in fixed words. They mean one thing, whatever stands beside them.
//! 2. What is about the session: relaying, signatures, loops, rates, TLS, authentication. A greylisting host says so,
//!    and "Recipient address rejected" beside it.
//! 3. The mailbox: full, message too large, account disabled, busy.
//! 4. The sender, then our host's names, then the recipient, then the recipient's domain: "Sender address
//!    rejected: Domain not found" is about the sender.
//! 5. Policy, from the certain to the vague; then what is only likely.
//! 6. What a host says of itself, which leaves it to the class of the reply; the way there, which only our own
//!    MTA can tell; "later".

#[allow(clippy::enum_glob_use, reason = "a table of reasons")]
use super::Reason::{self, *};
#[allow(clippy::wildcard_imports, reason = "a table of words")]
use super::vocabulary::*;

/// One row.
#[derive(Debug)]
pub(super) struct Family {
    /// The class; [`Reason::Other`] leaves it to the class of the reply.
    pub reason: Reason,
    /// The words stand in a stretch that is so long.
    pub within: u16,
    /// A word of each.
    pub words: &'static [Classes],
    /// Whether they stand in this order.
    pub ordered: bool,
    /// None of these stands in the text.
    pub without: Classes,
    /// To which entries it applies.
    pub when: When,
    /// Who says it.
    pub who: Who,
    /// A diagnostic that it decides.
    #[cfg_attr(not(test), expect(dead_code, reason = "for readers and tests"))]
    pub text: &'static str,
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
    /// Those that are tried again and have codes that leave it open whether the host only asks to wait.
    Waiting,
}

/// Whose words a row is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Who {
    /// Anybody's.
    Anybody,
    /// Those of our MTA and of the operating system.
    Ourselves,
    /// Those in which nobody answered: neither a reply nor a code.
    Unanswered,
    /// Those of another host.
    Host,
}

const fn near(reason: Reason, within: u16, words: &'static [Classes], text: &'static str) -> Family {
    let (when, who) = (When::Always, Who::Anybody);
    Family { reason, within, words, ordered: false, without: 0, when, who, text }
}

impl Family {
    const fn ordered(self) -> Self {
        Self { ordered: true, ..self }
    }

    const fn without(self, without: Classes) -> Self {
        Self { without, ..self }
    }

    const fn temporary(self) -> Self {
        Self { when: When::Temporary, ..self }
    }

    const fn waiting(self) -> Self {
        Self { when: When::Waiting, ..self }
    }

    const fn permanent(self) -> Self {
        Self { when: When::Permanent, ..self }
    }

    const fn ours(self) -> Self {
        Self { who: Who::Ourselves, ..self }
    }

    const fn unanswered(self) -> Self {
        Self { who: Who::Unanswered, ..self }
    }

    const fn hosts(self) -> Self {
        Self { who: Who::Host, ..self }
    }
}

/// Who has a mailbox.
const PERSON: Classes = RECIPIENT | USER | MAILBOX | ACCOUNT | ALIAS;
/// A person or an address, which may be the sender's.
const ANYBODY: Classes = PERSON | ADDRESS | MAILADDRESS;
/// Who connects.
const CALLER: Classes = CLIENT | CONNECTION;
const NOT_THERE: Classes = UNKNOWN | INVALID;
const NOT_WANTED: Classes = REJECTED | BLOCKED;
/// What our host is called.
const OUR_NAMES: Classes = CLIENT | YOUR | HELO | PTR;
/// What a reputation is made of.
const BAD_NAME: Classes = LISTED | LISTHOST | SPAM;

/// The table.
#[rustfmt::skip]
pub(super) static FAMILIES: &[Family] = &[
    // 1. Our own MTA.
    near(Remote5xx, 4, &[REMOTE, HOST, REJECTED, ADDRESS], "Remote SMTP server has rejected address").ordered().permanent().unanswered(),
    near(Remote5xx, 4, &[SMTPIO, TRANSFER, TROUBLE], "SMTP transmission failure has occurred").ordered().permanent().unanswered(),
    near(Other, 4, &[REMOTE, HOST, REJECTED, ADDRESS], "Remote SMTP server has rejected address smtp;450 odd").ordered(),
    near(HostSkipped, 4, &[SKIP, HOST], "Skipping this host, too many failures").ours(),
    near(HostSkipped, 5, &[EXCESS, TROUBLE, HOST], "Too many failures to this host during this run").ours().ordered().without(YOUR),
    near(Expired, 6, &[NEG, DELIVERED, AFTER], "unable to deliver this message after 4 days").ours(),
    near(UserUnknown, 2, &[UNKNOWN, INVALID, ALIAS | USER], "unknown or illegal alias: tls").ordered(),
    near(DnsNoSuchDomain, 4, &[INVALID, HOST, NAME], "Illegal host/domain name found").ours().ordered().without(HELO | CLIENT | YOUR | SENDER),
    near(Other, 2, &[FILTER, SYNTAX, TROUBLE], "452 4.7.1 Filter syntax error: a@example.com"),
    near(NoRoute, 3, &[CLIENT | HOST, UNREACHABLE], "TCP active open: Failed connect() Error: Network is unreachable").unanswered(),
    near(NoRoute, 3, &[NEG, ROUTE, HOST], "TCP active open: Failed connect()    Error: no route to host").unanswered(),
    near(ConnRefused, 2, &[CONNECTION, REFUSED], "TCP active open: Failed connect() Error: connection refused").unanswered(),
    near(DnsTemporary, 4, &[NAME, HOST, TIMEOUT], "Name server timeout while looking up MX records").ordered().unanswered(),
    near(DnsTemporary, 4, &[TIMEOUT, NAME, HOST], "Timeout of the name server").ordered().unanswered(),
    near(ConnTimeout, 0, &[TIMEOUT], "TCP active open: Failed connect() Error: connection timed out").unanswered().without(NAMESERVER | TLS | MAILBOX | QUEUE),
    near(ConnLost, 4, &[CONNECTION | SMTPIO, LOST], "os_smtp_read: Connection reset by peer").unanswered(),
    near(ConnLost, 4, &[SMTPIO, PACKET], "data/big_smtp_read Error reading SMTP packet").unanswered(),
    near(ConnOther, 4, &[NEG, CONNECTION], "Unable to open connection to any MX of example.com").unanswered().without(TLS),
    near(ConnOther, 5, &[CONNECTION | SMTPIO, TROUBLE], "TCP active open: Failed connect() Error: Permission denied").unanswered().without(NAMESERVER | TLS),
    near(ConnOther, 2, &[ACTIVE | SMTPIO, OPEN], "os_smtp_open: odd").unanswered().without(NAMESERVER | TLS),
    near(ConnOther, 0, &[DEAD], "Dead (unresponsive) host").unanswered().without(NAMESERVER | TLS),
    // 2. The session.
    near(Greylisted, 0, &[GREY], "smtp;450 4.2.0 <a@example.com>: Recipient address rejected: Greylisted, see the help").temporary(),
    near(Greylisted, 5, &[SEEN, BEFORE], "smtp;451 192.0.2.1 has not been seen before").temporary(),
    near(Greylisted, 8, &[SENDER | CLIENT | MAILADDRESS, NEG, SEEN, LATER], "smtp;451 4.7.1 sender not seen yet, retry").ordered().temporary(),
    near(Loop, 4, &[EXCESS | OVER | LIMIT, HOPS], "smtp;554 5.4.6 Too many hops"),
    near(Loop, 1, &[EXCESS, RECEIVED], "smtp;550 too many Received: fields").ordered(),
    near(Loop, 3, &[RECEIVED, LINE, OVER | EXCESS | LIMIT], "550 Received count exceeded"),
    near(Loop, 0, &[LOOP], "smtp;554 5.0.0 mail loops back to me"),
    near(RelayDenied, 5, &[RELAYING, REJECTED | NEG | OPEN | AUTH | REQUIRED | PASSWORD], "550 5.7.1 Relaying not permitted: alan@example.com").ordered(),
    near(RelayDenied, 3, &[REJECTED | NEG | OPEN | AUTH, RELAYING], "smtp;550 5.7.1 we do no relaying").ordered(),
    near(RelayDenied, 4, &[NEG, RELAY], "smtp;550 5.7.1 unable to relay for a@example.com").ordered().without(USER),
    near(RelayDenied, 3, &[RELAY, REJECTED], "smtp;554 5.7.1 <a@example.com>: Relay access denied").ordered(),
    near(RelayDenied, 5, &[RELAY, FROM, REJECTED], "smtp;550 relay from 192.0.2.1 is not allowed").ordered(),
    near(RelayDenied, 3, &[REJECTED, RELAY], "smtp;550 you are forbidden to relay here").ordered().without(UNKNOWN | HOST),
    near(RelayDenied, 4, &[RELAY, AUTH | PASSWORD | OPEN], "smtp;550 5.7.8 invalid credentials for relay"),
    near(RelayDenied, 5, &[DELIVERY, NEG, ALLOWED, ADDRESS | DOMAIN], "smtp;550 Delivery is not allowed to this address").ordered().without(FROM | SENDER | YOUR),
    near(RelayDenied, 5, &[REJECTED, REMOTE, ADDRESS | RECIPIENT | DOMAIN], "smtp;550 you may not send: no access to external recipients").ordered().without(SENDER | FROM | HOST | UNKNOWN),
    near(RelayDenied, 2, &[NEG, GATEWAY], "smtp;550 not local host far.example.org, not a gateway").ordered(),
    near(RelayDenied, 3, &[NEG, LOCAL, DOMAIN | HOST], "smtp;550 that is not a local domain").ordered(),
    near(RelayDenied, 5, &[DOMAIN, NEG, LOCAL | ALLOWED], "smtp;550 this domain is not hosted here").ordered().without(FROM | SENDER | MESSAGE),
    near(RelayDenied, 0, &[RELAYING], "smtp;554 see rcpthosts (#5.7.1)").without(SYSTEM | TROUBLE | UNKNOWN | HOST),
    near(Policy, 0, &[SIGNATURE], "smtp;550 5.7.26 SPF and DKIM authentication failed"),
    near(RateLimited, 4, &[EXCESS, TLS, COUNTED], "smtp;450 4.7.1 Error: too many new TLS sessions from 192.0.2.1").ordered(),
    near(Tls, 0, &[TLS], "smtp;530 5.7.0 Must issue a STARTTLS command first"),
    near(RateLimited, 1, &[SEND | PERIOD, LIMIT | QUOTA], "smtp;550 mailbox unavailable: the sending limit is reached").ordered(),
    near(OverQuota, 4, &[MAILBOX, FULL], "smtp;550 the inbox is full, too many messages").without(CONNECTION | SEND | PERIOD | QUEUE),
    near(OverQuota, 7, &[EXCESS, COUNTED, MAILBOX | ACCOUNT], "smtp;552 too many messages in the mailbox").without(CONNECTION | SEND | PERIOD | TIME),
    near(RateLimited, 6, &[EXCESS, COUNTED | MESSAGE | CONNECTION | RECIPIENT | CLIENT | USER | SYNTAX], "smtp;421 4.7.0 Error: too many connections from 192.0.2.1").ordered(),
    near(RateLimited, 4, &[SEND | MESSAGE | CONNECTION, EXCESS], "smtp;451 4.7.1 You are sending mails too fast").ordered().without(LOOP | SIZE | SPAM),
    near(RateLimited, 0, &[THROTTLE], "smtp;451 4.7.1 throttled"),
    near(RateLimited, 6, &[RATE, LIMIT | OVER | EXCESS | TEMPORARY | NOT_WANTED | UNUSUAL | CONNECTION | LATER], "smtp;450 4.2.1 this user gets mail at a rate above the limit"),
    near(RateLimited, 3, &[LATER, FROM, CLIENT], "smtp;451 4.7.500 Server busy. Please try again later from [192.0.2.1]").ordered().temporary().without(BAD_NAME),
    near(RateLimited, 6, &[UNUSUAL, RATE | COUNTED], "smtp;421 4.7.28 an unusually large number of messages"),
    near(RateLimited, 7, &[LIMIT | OVER | QUOTA, COUNTED, PERIOD | SEND | CONNECTION], "smtp;450 4.7.1 limit of messages per hour is exceeded").without(SIZE),
    near(RateLimited, 5, &[QUOTA | LIMIT | OVER, SEND | PERIOD], "smtp;550 5.4.5 you exceeded what you may send").without(SIZE | MAILBOX),
    near(RateLimited, 5, &[LIMIT, COUNTED | CONNECTION], "smtp;452 4.5.3 maximum number of recipients").without(SIZE | SPACE | QUOTA | MAILBOX | LISTNOUN),
    near(RateLimited, 5, &[LIMIT, RECIPIENT, OVER], "smtp;452 4.5.3 recipient limit exceeded").without(SIZE | SPACE | QUOTA | MAILBOX),
    near(Tls, 5, &[ENCRYPTION, REQUIRED | TROUBLE | CONNECTION | NEG | OPEN | SHORT], "smtp;550 5.7.10 Encryption required").without(CONTENT | FILTER | SPAM),
    near(SenderRejected, 7, &[SENDER | FROM, REQUIRED | NEG, KNOWN, AUTH | LOGIN | ALLOWED], "smtp;553 MAIL FROM must equal the authorized user").ordered(),
    near(SenderRejected, 6, &[SENDER, NEG, AUTH, LISTNOUN], "smtp;550 the sender was not authenticated when sending to this group").ordered(),
    near(AuthFailed, 6, &[AUTH, REQUIRED | TROUBLE | NEG | NOT_THERE | NOT_WANTED | SYNTAX], "smtp;530 5.7.0 Authentication required"),
    near(AuthFailed, 4, &[LOGIN, REQUIRED | TROUBLE | NEG | NOT_THERE | NOT_WANTED], "smtp;550 please log in first").without(RECIPIENT | ACCOUNT),
    near(AuthFailed, 0, &[PASSWORD], "535 5.7.8 Bad username or password").without(BATV | SPAM),
    // 3. The mailbox.
    near(OverQuota, 0, &[QUOTA], "smtp;550 4.2.2 <x@example.com> is over quota").without(SEND | PERIOD),
    near(OverQuota, 6, &[PERSON | MAILADDRESS, FULL], "smtp;550 5.2.2 <x@example.com> is full"),
    near(OverQuota, 4, &[OVER, SPACE, LIMIT], "smtp;552 Requested mail action aborted: exceeded storage allocation"),
    near(OverQuota, 6, &[SHORT | OVER, SPACE, MAILADDRESS], "smtp;452 4.2.0 not enough space for x@example.com").ordered(),
    near(OverQuota, 8, &[SPACE, SHORT | OVER | LIMIT | FULL, PERSON], "smtp;452 4.2.0 not enough space for user x"),
    near(OverQuota, 5, &[MAILBOX | ACCOUNT, SIZE | LIMIT, OVER | LIMIT | LARGE], "smtp;550 the mailbox size limit is reached").ordered().without(CONNECTION),
    near(OverQuota, 4, &[OVER, MAILBOX | ACCOUNT, SIZE | LIMIT], "smtp;550 exceeds mailbox limit").ordered(),
    near(OverQuota, 3, &[MAILBOX, OVER], "smtp;550 the mailbox has reached its end"),
    near(Expired, 5, &[MESSAGE | DELIVERED | QUEUE, EXPIRED], "smtp;550 message expired"),
    near(Expired, 6, &[QUEUE, LARGE | TIMEOUT | EXPIRED], "smtp;554 message has been in the queue too long").without(ENGINE),
    near(Expired, 6, &[QUEUE, TIMEUNIT], "was in the queue for 4 days").permanent(),
    near(Size, 5, &[MESSAGE | CONTENT, LARGE], "smtp;552 5.7.1 message is too large").without(LINE),
    near(Size, 5, &[SIZE, OVER | LIMIT | NOT_WANTED | TOO | LARGE], "smtp;552 5.3.4 Message size exceeds fixed maximum message size"),
    near(Size, 4, &[MESSAGE, OVER, LIMIT], "smtp;554 message exceeds the limit").ordered(),
    near(Size, 4, &[MESSAGE | CONTENT, LONGER, LIMIT], "smtp;554 a message longer than that").without(LINE),
    near(MailboxBusy, 4, &[MAILBOX, INVALID, FORMAT], "smtp;451 4.2.0 Mailbox has an invalid format"),
    near(MailboxBusy, 3, &[SYSTEM, IO, TROUBLE], "System I/O error"),
    near(MailboxBusy, 4, &[STORE, BUSY | DISABLED | OFFLINE | UNAVAILABLE | LOCKED | TROUBLE], "message store is not enabled!"),
    near(MailboxBusy, 4, &[MAILBOX, BUSY | OFFLINE | FORMAT | MOVED], "smtp;450 4.2.1 mailbox busy").temporary(),
    near(MailboxBusy, 4, &[MAILBOX, LOCKED], "smtp;420 4.2.0 mailbox locked").temporary(),
    near(MailboxBusy, 4, &[USER | ACCOUNT | RECIPIENT, BUSY | OFFLINE], "smtp;450 4.2.1 account is busy").temporary(),
    near(SenderRejected, 3, &[SENDER, DISABLED], "smtp;550 the sender is suspended").without(RECIPIENT),
    near(AccountDisabled, 5, &[ANYBODY, DISABLED], "smtp;550 5.2.1 The account is disabled"),
    near(AccountDisabled, 3, &[ACCOUNT, OFFLINE], "smtp;550 5.1.1 the account is in maintenance mode").permanent(),
    near(AccountDisabled, 3, &[ANYBODY, EXPIRED], "smtp;550 5.7.1 <x@example.com> account expired").ordered(),
    near(AccountDisabled, 3, &[USER | MAILBOX | ACCOUNT, BLOCKED | LOCKED], "smtp;550 5.7.1 the user is blocked").ordered().without(SENDER | CLIENT | BAD_NAME | YOUR),
    near(AccountDisabled, 3, &[RECIPIENT, BLOCKED], "smtp;550 5.7.1 Recipient (a@example.com) is blocked").ordered().without(COUNTED | POLICY | SENDER | CLIENT | BAD_NAME | YOUR),
    near(AccountDisabled, 6, &[ANYBODY, NEG, ALLOWED, MESSAGE], "smtp;550 5.2.1 <x@example.com> does not accept mail").ordered().without(FROM | SENDER | DOMAIN | YOUR | BAD_NAME),
    // 4. The sender, our names, the recipient, its domain.
    near(Policy, 1, &[SENDER, CLIENT], "smtp;550 sender CLIENT refused"),
    near(SenderRejected, 0, &[BATV], "smtp;550 BATV signature is missing"),
    near(SenderRejected, 5, &[SENDER, NOT_WANTED | NOT_THERE | UNVERIFIED | UNROUTABLE | TROUBLE | NEG], "smtp;450 4.1.8 <a@example.com>: Sender address rejected: Domain not found").without(BAD_NAME | REVERSE),
    near(SenderRejected, 3, &[SENDER, VERIFIED], "smtp;451 sender verify pending").without(BAD_NAME),
    near(SenderRejected, 5, &[DOMAIN | MX, REQUIRED, SENDER], "smtp;553 5.5.4 <root>... Domain name required for sender address root"),
    near(SenderRejected, 6, &[SENDER, OWNLIST], "smtp;554 the sender is on the deny list").ordered().without(CLIENT | HOST | LISTHOST),
    near(SenderRejected, 4, &[SENDER, SPOOF], "smtp;550 the sender address is spoofed").without(HELO | REVERSE | CLIENT),
    near(SenderRejected, 8, &[SENDER, RECIPIENT | USER, LISTED], "smtp;550 the sender is on the recipient's RBL").without(CLIENT | LISTHOST),
    near(SenderRejected, 4, &[ADDRESS | DOMAIN, UNVERIFIED], "smtp;554 Message rejected: Email address is not verified").permanent().without(RECIPIENT),
    near(SenderRejected, 3, &[NULL, SENDER], "smtp;550 null senders stay outside"),
    near(SenderRejected, 5, &[NOT_WANTED, MESSAGE, FROM], "smtp;550 we reject all mail from them").ordered().without(CALLER | HOST | YOUR | BAD_NAME | POLICY),
    near(SenderRejected, 2, &[MESSAGE, FROM, NOT_WANTED], "smtp;554 MAIL FROM rejected").ordered().without(CALLER | HOST | YOUR | BAD_NAME | POLICY),
    near(SenderRejected, 5, &[REJECTED, TRANSFER], "smtp;550 5.7.1 You are not allowed to post to this list").ordered().without(CALLER | HOST | BAD_NAME),
    near(SenderRejected, 4, &[REQUIRED, USER, TRANSFER], "smtp;554 Sorry, only subscribers may post").ordered().without(CALLER | HOST | BAD_NAME),
    near(SenderRejected, 5, &[LISTNOUN, REJECTED | LIMIT | TRANSFER], "smtp;550 posting to this list is for members").without(BAD_NAME | CLIENT | HOST),
    near(SenderRejected, 2, &[RETURN, REJECTED], "smtp;550 5.7.1 RESOLVER.RST.NotAuthorized"),
    near(DnsNoSuchDomain, 1, &[NULL, MX], "smtp;556 5.1.10 the domain has a null MX"),
    near(DnsNoSuchDomain, 6, &[DOMAIN, NEG, ALLOWED, MESSAGE], "5.1.10 host/domain does not accept mail").ordered().without(FROM | SENDER | YOUR),
    near(Other, 4, &[INNER, UNREACHABLE | UNROUTABLE | UNAVAILABLE], "451 4.3.0 the directory server is unreachable").temporary(),
    near(DnsNoSuchDomain, 6, &[RECIPIENT, DOMAIN, UNKNOWN], "smtp;450 4.1.2 <a@example.com>: Recipient address rejected: Domain not found").ordered().temporary().hosts().without(USER | MAILBOX | ACCOUNT | OUR_NAMES | SAID | NAMESERVER | TEMPORARY | TIMEOUT | TROUBLE | LATER | SENDER),
    near(DnsNoSuchDomain, 2, &[UNKNOWN, RECIPIENT, DOMAIN], "smtp;553 5.1.2 we cannot find the recipient domain").ordered().permanent(),
    near(DnsNoSuchDomain, 3, &[DOMAIN | HOST, UNKNOWN | UNROUTABLE], "smtp;550 5.1.2 <a@example.com>... Host unknown").ordered().permanent().without(USER | MAILBOX | ACCOUNT | OUR_NAMES | SAID),
    near(DnsNoSuchDomain, 1, &[UNKNOWN | INVALID | UNROUTABLE, DOMAIN | HOST], "smtp;550 5.1.2 unknown domain").ordered().permanent().without(USER | MAILBOX | ACCOUNT | OUR_NAMES | LONGER),
    near(DnsTemporary, 3, &[DOMAIN | HOST, UNKNOWN | UNROUTABLE], "smtp;450 4.1.2 the domain was not found").ordered().temporary().without(USER | MAILBOX | ACCOUNT | OUR_NAMES | SAID),
    near(DnsTemporary, 1, &[UNKNOWN | UNROUTABLE, DOMAIN | HOST], "smtp;450 4.1.2 unknown domain").ordered().temporary().without(USER | MAILBOX | ACCOUNT | OUR_NAMES | LONGER),
    near(UserUnknown, 3, &[PERSON, NOT_THERE], "smtp;550 5.1.1 <a@example.com>... User Unknown"),
    near(Policy, 0, &[REVERSE], "smtp;550 5.7.25 no reverse DNS").without(PATH),
    near(Policy, 6, &[HELO, NOT_WANTED | NOT_THERE | NEG | TROUBLE | HOST | NAME | POLICY | NAMESERVER | MX], "smtp;504 5.5.2 <x>: Helo command rejected: need fully-qualified hostname"),
    near(Policy, 5, &[UNKNOWN | UNROUTABLE | NEG | TROUBLE, YOUR, HOST | NAME | NAMESERVER | MX | CLIENT], "smtp;450 4.7.25 cannot find your hostname"),
    near(Policy, 5, &[CLIENT, NAMESERVER | MX | NAME, UNKNOWN | UNROUTABLE | NEG | TROUBLE | REQUIRED], "smtp;450 4.7.1 CLIENT name lookup failed"),
    near(Policy, 4, &[CLIENT | YOUR, HOST, NOT_WANTED | NOT_THERE | UNROUTABLE], "smtp;554 5.7.1 Client host rejected: Access denied"),
    near(Other, 4, &[RECIPIENT | ADDRESS, UNVERIFIED | VERIFIED], "smtp;450 4.1.1 unverified address: Address verification in progress").temporary(),
    near(UserUnknown, 3, &[ADDRESS | MAILADDRESS, NOT_THERE], "smtp;550 5.1.1 no such address").without(BAD_NAME | CLIENT | HELO),
    // 5. Policy, and what is likely.
    near(Other, 5, &[ENGINE, TROUBLE | BUSY | OFFLINE | DEAD | TIMEOUT], "smtp;451 4.5.0 virus scanner failed").ordered().temporary(),
    near(Other, 3, &[ENGINE, NEG], "smtp;451 4.7.1 the antivirus engine does not answer").ordered().temporary().without(REJECTED),
    near(Other, 4, &[NEG, ENGINE], "smtp;451 4.7.1 unable to scan for viruses").ordered().temporary().without(REJECTED),
    near(Policy, 0, &[BAD_NAME | SPOOF], "smtp;550 This message looks like spam"),
    near(Policy, 0, &[PTR], "smtp;550 dynamic addresses stay outside").without(PATH),
    near(UserUnknown, 8, &[PERSON, UNKNOWN], "smtp;550 the account that you tried to reach by mail does not exist"),
    near(UserUnknown, 8, &[ADDRESS | MAILADDRESS, UNKNOWN], "smtp;550 x@example.com of our old house in town is unknown").without(CLIENT),
    near(UserUnknown, 5, &[NEG, HAVE, PERSON], "smtp;554 delivery error: they don't have a example.com account"),
    near(UserUnknown, 5, &[ANYBODY, MOVED], "smtp;551 5.1.6 <a@example.com>... User has moved"),
    near(Policy, 4, &[CLIENT, NEG, ALLOWED], "smtp;421 IP is not in the whitelist for this domain").ordered(),
    near(DnsNoSuchDomain, 5, &[DOMAIN | HOST, UNKNOWN | UNROUTABLE | INVALID], "smtp;550 the domain of that friend is invalid").permanent().without(YOUR),
    near(DnsNoSuchDomain, 3, &[DOMAIN, REQUIRED, KNOWN], "smtp;550 domain nowhere.example must exist").permanent(),
    near(DnsTemporary, 5, &[DOMAIN | HOST, UNKNOWN | UNROUTABLE], "smtp;450 the host of that old friend was not found").temporary(),
    near(DnsTemporary, 0, &[NAMESERVER], "smtp;451 4.3.0 odd answer of the DNS").temporary(),
    near(DnsTemporary, 4, &[NEG | TROUBLE, RESOLVE], "could not resolve mx.example.net").temporary().unanswered(),
    near(DnsTemporary, 1, &[NAME, HOST], "smtp;451 4.4.3 Name server timeout").temporary().ordered(),
    near(DnsTemporary, 5, &[DOMAIN | MX, UNKNOWN | UNROUTABLE | TROUBLE | TIMEOUT | TEMPORARY | NEG], "smtp;450 4.1.8 trouble with the MX").temporary(),
    near(DnsNoSuchDomain, 5, &[NAMESERVER | MX, UNKNOWN | UNROUTABLE | TROUBLE | NEG], "smtp;550 DNS query failed").permanent(),
    near(UserUnknown, 5, &[RECIPIENT, REJECTED, ACCESS], "smtp;550 5.4.1 Recipient address rejected: Access denied").permanent(),
    near(UserUnknown, 2, &[MAILBOX, UNAVAILABLE], "smtp;550 Mailbox unavailable or access denied").ordered().permanent().without(YOUR | BLOCKED | CONNECTION | HOST | POLICY),
    near(Other, 3, &[POLICY, SYSTEM, TROUBLE | BUSY], "smtp;451 4.3.5 policy service problem").ordered().temporary(),
    near(Policy, 0, &[POLICY], "smtp;550 Administrative prohibition"),
    near(Other, 3, &[SYSTEM, ALLOWED], "smtp;451 4.3.2 System not accepting network messages").ordered().temporary(),
    near(Other, 2, &[CONNECTION, REFUSED], "smtp;451 4.4.1 the next host: connection refused").temporary().hosts().without(YOUR | POOR),
    near(Policy, 5, &[CALLER | YOUR | ACCESS, NOT_WANTED | POOR], "smtp;554 5.7.1 connection refused for a poor name"),
    near(Policy, 4, &[HOST, BLOCKED | POOR], "smtp;554 this host is banned"),
    near(Policy, 5, &[HOST, FORMAT, REJECTED], "smtp;554 use of this server is prohibited"),
    near(Policy, 4, &[CONTENT, NOT_WANTED | FILTER], "smtp;554 this attachment is forbidden"),
    near(Policy, 0, &[FILTER], "smtp;554 your mail was quarantined"),
    near(UserUnknown, 5, &[MAILBOX | USER | RECIPIENT | ACCOUNT | ADDRESS, UNAVAILABLE], "smtp;550 Requested action not taken: the account is unavailable").permanent(),
    near(Policy, 2, &[MESSAGE, REJECTED, RECIPIENT], "smtp;550 Mail is rejected by recipients").ordered().permanent(),
    near(UserUnknown, 4, &[RECIPIENT | ADDRESS | USER | MAILBOX, REJECTED], "smtp;550 5.1.0 Address rejected").permanent().without(BLOCKED),
    near(UserUnknown, 4, &[RECIPIENT, UNVERIFIED], "smtp;550 the recipient could not be verified").permanent(),
    near(UserUnknown, 4, &[RECIPIENT | ADDRESS, VERIFIED, TROUBLE], "smtp;550 Recipient verify failed").permanent(),
    near(UserUnknown, 3, &[UNROUTABLE, MAILADDRESS], "smtp;550 cannot route to <a@example.com>").ordered().permanent(),
    near(UserUnknown, 4, &[NEG, DELIVERED, MAILADDRESS], "smtp;550 I cannot deliver mail for {<a@example.com>}").permanent(),
    near(Policy, 0, &[BLOCKED], "smtp;554 blocked"),
    // 6. What a host says of itself, the way there, later.
    near(Other, 4, &[SPACE | SYSTEM, SHORT | FULL], "smtp;452 4.3.1 Insufficient system storage"),
    near(Other, 4, &[SYNTAX, TROUBLE | NOT_THERE | NEG], "smtp;500 5.5.2 Error: command not recognized"),
    near(Other, 5, &[SYSTEM, TROUBLE | BUSY | TEMPORARY | OFFLINE], "smtp;451 4.7.0 Temporary server error. Please try again later").temporary(),
    near(ConnTimeout, 0, &[TIMEOUT], "smtp;421 4.4.2 mx.example.net Error: timeout exceeded").hosts().temporary(),
    near(ConnLost, 2, &[CONNECTION, LOST], "smtp;421 4.4.2 connection dropped").hosts().temporary(),
    near(Greylisted, 5, &[LATER | TEMPORARY, TIMEUNIT], "smtp;451 4.7.1 come back in 300 seconds").temporary().without(TROUBLE | BUSY | SYSTEM),
    near(Policy, 2, &[LATER, NEG], "smtp;421 4.7.1 retrying will not succeed").ordered().temporary(),
    near(Greylisted, 0, &[LATER], "smtp;451 4.7.1 Try again later").waiting().without(TROUBLE | BUSY | SYSTEM | SHORT),
];
