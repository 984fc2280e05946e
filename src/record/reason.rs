//! Why an attempt failed: the classifier of reply texts and reasons.
//!
//! What counts, the weightiest first:
//!
//! 1. what our own MTA says in fixed words, beside the reply or without one
//! 2. the words of the reply that name a cause (`families.rs`); where it quotes the reply of another host, those
//!    in front of the quotation first, unless they say no more than that something failed
//! 3. the enhanced status and the reply code (`codes.rs`)
//! 4. any other words of our MTA beside the reply
//! 5. the class of the reply
//!
//! Words see only the reply text and what the MTA says of it, never the host, banner or transport in front of
//! them, and names in a text do not count (`words.rs`). A host that answered has not refused the connection
//! and is not unreachable, whatever words it uses.

mod codes;
mod derived;
pub mod evidence;
mod families;
mod index;
mod kind;
mod lexicon;
mod name;
mod recent;
mod stretch;
mod vocabulary;
mod words;

use super::code::{Action, Failed};
use super::values::diagnostic::{self, Reply};
use super::{Connection, Message};
use codes::{CODES, Codes, Whose};
use families::{FAMILIES, Family, When, Who};
use index::candidates;
use words::{Stand, Words};

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
        AccountDisabled = "account_disabled": "the recipient's account is disabled, locked or suspended";
        SenderRejected = "sender_rejected": "the envelope From address is refused";
        RateLimited = "rate_limited": "too many connections, messages, recipients or errors; a sending quota";
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

/// What decided the reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
    /// Nothing is said.
    Silence,
    /// Words of the reply: the row of the table of families with this index.
    Words(usize),
    /// Words of our own MTA beside the reply.
    OurWords(usize),
    /// A status or code: the row of the table of codes with this index.
    Codes(usize),
    /// The class of the reply, since no row matches.
    Class,
}

/// Why an entry's attempt failed, read once for all who count it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Classified<'a> {
    /// The class.
    pub reason: Reason,
    /// What decided it.
    pub basis: Basis,
    /// The diagnostic as it was read.
    pub reply: Reply<'a>,
}

/// What is classified.
#[derive(Clone, Copy, Debug)]
pub struct Failure<'a> {
    /// What the entry says to have happened.
    pub action: Action,
    /// The diagnostic.
    pub diagnostic: &'a [u8],
    /// The reason text, where the log carries it apart.
    pub reason_text: &'a [u8],
    /// The channel: its name tells whether it speaks LMTP.
    pub channel: &'a [u8],
}

impl<'a> Failure<'a> {
    /// What a message entry says of a failure; `None` where it says nothing of one.
    pub fn of_message(message: &Message<'a>) -> Option<Self> {
        let action = message.code.action;
        matches!(action.row().failed, Some(Failed::Attempt(_) | Failed::Offer)).then_some(Self {
            action,
            diagnostic: message.diagnostic,
            reason_text: message.reason,
            channel: message.source_channel,
        })
    }

    /// What a connection entry says of a failure; `None` where it says nothing of one.
    pub fn of_connection(entry: &Connection<'a>) -> Option<Self> {
        let action = entry.code.action;
        matches!(action.row().failed, Some(Failed::Connection | Failed::Connecting)).then_some(Self {
            action,
            diagnostic: entry.diagnostic,
            reason_text: entry.text,
            channel: entry.channel,
        })
    }

    /// Its class.
    pub fn classify(&self) -> Classified<'a> {
        let reply = diagnostic::parse(self.diagnostic);
        let (reason, basis) = self.decide(&reply);
        let reason = if reason == Reason::Other { by_class(&reply) } else { reason };
        Classified { reason, basis, reply }
    }

    fn decide(&self, reply: &Reply<'_>) -> (Reason, Basis) {
        if reply.is_silent() && self.reason_text.is_empty() {
            return (Reason::None, Basis::Silence);
        }
        let outlook = Outlook::of(self.action, reply);
        let family = |row: usize| FAMILIES[row].reason;
        let beside = [reply.preface, self.reason_text].map(words_of);
        let find_beside = |fixed| {
            let mut said = beside.iter().flatten();
            said.find_map(|words| first_family(words, outlook.beside(), fixed))
        };
        if let Some(row) = find_beside(true) {
            return (family(row), Basis::OurWords(row));
        }
        let in_text = || words_of(reply.text).and_then(|words| first_family(&words, outlook, false));
        if let Some(row) = recent::family(reply.text, outlook, in_text) {
            return (family(row), Basis::Words(row));
        }
        if let Some(row) = CODES.iter().position(|row| self.has_code(row, reply, outlook)) {
            return (CODES[row].reason, Basis::Codes(row));
        }
        if let Some(row) = find_beside(false) {
            return (family(row), Basis::OurWords(row));
        }
        (Reason::Other, Basis::Class)
    }

    fn has_code(&self, row: &Codes, reply: &Reply<'_>, outlook: Outlook) -> bool {
        let code = reply.code.is_some_and(|code| row.replies.contains(&code));
        let status = reply.status.is_some_and(|status| row.has_status(status));
        let whose = || match row.whose {
            Whose::Anybody => true,
            Whose::Ours => !reply.remote,
            Whose::Hosts => reply.remote,
            Whose::Lmtp => !reply.remote || self.speaks_lmtp(reply),
            Whose::Greylister => reply.remote && self.greylists(reply),
        };
        (code || status) && outlook.allows(row.when) && whose()
    }

    /// Whether the banner or the name of the channel says that the other host speaks LMTP.
    fn speaks_lmtp(&self, reply: &Reply<'_>) -> bool {
        let channel = self.channel.windows(4).any(|part| part.eq_ignore_ascii_case(b"lmtp"));
        channel || memchr::memmem::find(self.head(reply), b"LMTP").is_some()
    }

    /// Whether the banner is that of a program that answers all strangers with "later".
    fn greylists(&self, reply: &Reply<'_>) -> bool {
        GREYLISTERS.iter().any(|banner| memchr::memmem::find(self.head(reply), banner).is_some())
    }

    /// The host and banner in front of a reply.
    fn head(&self, reply: &Reply<'_>) -> &'a [u8] {
        &self.diagnostic[..self.diagnostic.len().saturating_sub(reply.text.len()).min(MOST_HEAD)]
    }
}

/// What stands in the banners of programs that do nothing but greylist: spamd of OpenBSD, and those that say it.
const GREYLISTERS: &[&[u8]] = &[b" spamd ", b" Postgrey", b" greylist", b" Greylist"];

/// More of a host and banner is not looked at.
const MOST_HEAD: usize = 4096;

/// Why a delivery or an enqueue failed; `None` for an entry that says nothing of a failure.
pub fn of_message<'a>(message: &Message<'a>) -> Option<Classified<'a>> {
    Failure::of_message(message).map(|failure| failure.classify())
}

/// Why a connection was rejected or failed; `None` for any other entry.
pub fn of_connection<'a>(entry: &Connection<'a>) -> Option<Classified<'a>> {
    Failure::of_connection(entry).map(|failure| failure.classify())
}

/// Classifies by action, diagnostic and, where the log carries it apart, reason text.
pub fn classify<'a>(action: Action, diagnostic: &'a [u8], reason_text: &'a [u8]) -> Classified<'a> {
    Failure { action, diagnostic, reason_text, channel: b"" }.classify()
}

/// What becomes of the recipient.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// It is given up.
    Permanent,
    /// The attempt is made again.
    Temporary,
    /// The same, and the codes leave it open whether the host only asks to wait.
    Waiting,
    /// The entry does not say.
    Unsaid,
}

/// What becomes of the recipient, and who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Outlook {
    fate: Fate,
    /// There is a reply, or a status.
    answered: bool,
    /// Another host speaks.
    host: bool,
}

impl Outlook {
    /// How many there are.
    const COUNT: usize = 16;

    /// All of them.
    fn all() -> impl Iterator<Item = Self> {
        let fates = [Fate::Permanent, Fate::Temporary, Fate::Waiting, Fate::Unsaid];
        let sides = [(false, false), (false, true), (true, false), (true, true)];
        fates.into_iter().flat_map(move |fate| sides.map(|(answered, host)| Self { fate, answered, host }))
    }

    /// A number below [`Self::COUNT`], another for each.
    fn number(self) -> usize {
        self.fate as usize * 4 + usize::from(self.answered) * 2 + usize::from(self.host)
    }

    /// The action says first what becomes of the recipient: the class of a status may be 4
    /// although an entry is final. A reply of class 4 stays a temporary one all the same.
    fn of(action: Action, reply: &Reply<'_>) -> Self {
        let class = reply.class();
        let given_up = action.gives_up() || class == Some(5);
        let again = action.tries_again() || class == Some(4);
        let fate = match (again, given_up) {
            (true, _) if may_ask_to_wait(reply) => Fate::Waiting,
            (true, _) => Fate::Temporary,
            (false, true) => Fate::Permanent,
            (false, false) => Fate::Unsaid,
        };
        Self { fate, answered: class.is_some(), host: reply.remote }
    }

    /// The same for what our MTA says beside the reply.
    fn beside(self) -> Self {
        Self { host: false, ..self }
    }

    fn allows(self, when: When) -> bool {
        match when {
            When::Always => true,
            When::Temporary => matches!(self.fate, Fate::Temporary | Fate::Waiting),
            When::Permanent => self.fate == Fate::Permanent,
            When::Waiting => self.fate == Fate::Waiting,
        }
    }

    fn speaks(self, who: Who) -> bool {
        match who {
            Who::Anybody => true,
            Who::Ourselves => !self.host,
            Who::Unanswered => !self.answered,
            Who::Host => self.host,
        }
    }

    fn fits(self, family: &Family) -> bool {
        self.allows(family.when) && self.speaks(family.who)
    }
}

/// Whether a reply's codes leave it open that "later" is all that it says: not where they tell of a full mailbox or
/// of the host's own state. A site's mapping may answer "4.4.3 Please try again later".
fn may_ask_to_wait(reply: &Reply<'_>) -> bool {
    match reply.status.map(|status| (status.subject, status.detail)) {
        Some((0 | 1 | 7, _) | (2, 0 | 1)) => true,
        Some((4, 3)) => !reply.remote,
        Some(_) => false,
        None => matches!(reply.code, Some(400..=420 | 422..=499)),
    }
}

/// The words of a text, if there is one.
fn words_of(text: &[u8]) -> Option<Words> {
    (!text.is_empty()).then(|| words::read(text))
}

/// The first family in a text, of the fixed words of our own MTA alone if so wanted. Where a reply of another host is
/// quoted, what stands in front of it counts first, if it names a cause of its own.
fn first_family(words: &Words, outlook: Outlook, fixed: bool) -> Option<usize> {
    let find = |Stand { words, seen }: Stand<'_>| {
        candidates(seen, outlook, fixed).rows().find(|&row| FAMILIES[row].find(words).is_some())
    };
    match words.own().and_then(find) {
        Some(row) if gives_way(FAMILIES[row].reason) => words.quoted().and_then(find).or(Some(row)),
        Some(row) => Some(row),
        None => find(words.all()),
    }
}

/// Whether it says no more than that something has failed: a callout, or a back end.
fn gives_way(reason: Reason) -> bool {
    matches!(reason, Reason::Other | Reason::MailboxBusy)
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
mod tests;
