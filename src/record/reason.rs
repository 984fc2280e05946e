//! Why an attempt failed: the classifier of reply texts and reasons.
//!
//! `rules.rs` has the table; the first row that matches wins, so its order is part of it. All phrases
//! are looked for in one pass. They see only the reply text and what the MTA says of it, never the
//! host, banner or transport in front of them, and a phrase inside an address or a host name does
//! not count. What no row knows is classified by the class of the reply.

pub mod evidence;
mod rules;

use std::ops::Range;
use std::sync::LazyLock;

use aho_corasick::automaton::{Automaton, StateID};
use aho_corasick::dfa::DFA;
use aho_corasick::{Anchored, StartKind};

use super::diagnostic::{self, Reply, Status};
use super::{Connection, Message};
use rules::{ANY, RULES, Rule, When};

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

/// What decided the reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
    /// Nothing is said.
    Silence,
    /// The row of the table with this index.
    Rule(usize),
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

/// Why a delivery or an enqueue failed; `None` for an entry that says nothing of a failure.
pub fn of_message<'a>(message: &Message<'a>) -> Option<Classified<'a>> {
    let letter = message.action.letter;
    matches!(letter, b'Q' | b'Z' | b'R' | b'K' | b'J')
        .then(|| classify(letter, message.diagnostic, message.reason))
}

/// Why a connection was rejected or failed; `None` for any other entry.
pub fn of_connection<'a>(entry: &Connection<'a>) -> Option<Classified<'a>> {
    let letter = entry.action.letter;
    matches!(letter, b'X' | b'Y').then(|| classify(letter, entry.diagnostic, entry.text))
}

/// Classifies by action letter, diagnostic and, where the log carries it apart, reason text.
pub fn classify<'a>(letter: u8, diagnostic: &'a [u8], reason_text: &[u8]) -> Classified<'a> {
    let reply = diagnostic::parse(diagnostic);
    let (reason, basis) = decide(letter, &reply, reason_text);
    Classified { reason, basis, reply }
}

fn decide(letter: u8, reply: &Reply<'_>, reason_text: &[u8]) -> (Reason, Basis) {
    if reply.is_silent() && reason_text.is_empty() {
        return (Reason::None, Basis::Silence);
    }
    let outlook = Outlook::of(letter, reply);
    let fits = |row: usize| outlook.allows(RULES[row].when) && matches_code(&RULES[row], reply);
    let by_code = INDEX.rows_with_codes.iter().copied().find(|&row| fits(row));
    let mut best = by_code.unwrap_or(RULES.len());
    for text in [reply.text, reply.preface, reason_text] {
        best = phrase_row(text, outlook, best);
    }
    match RULES.get(best) {
        Some(rule) if rule.reason != Reason::Other => (rule.reason, Basis::Rule(best)),
        Some(_) => (by_class(reply), Basis::Rule(best)),
        None => (by_class(reply), Basis::Class),
    }
}

/// Whether the attempt is made again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Outlook {
    temporary: bool,
    permanent: bool,
    answered: bool,
}

impl Outlook {
    /// The action letter says first what becomes of the recipient: the class of a status may be 4
    /// although an entry is final. A reply of class 4 stays a temporary one all the same.
    fn of(letter: u8, reply: &Reply<'_>) -> Self {
        let class = reply.class();
        let temporary = matches!(letter, b'Q' | b'Z' | b'Y') || class == Some(4);
        let permanent = !temporary && (matches!(letter, b'R' | b'K') || class == Some(5));
        Self { temporary, permanent, answered: class.is_some() }
    }

    fn allows(self, when: When) -> bool {
        match when {
            When::Always => true,
            When::Temporary => self.temporary,
            When::Permanent => self.permanent,
            When::Unanswered => !self.answered,
        }
    }
}

/// A phrase of the table.
#[derive(Clone, Copy, Debug)]
struct Phrase {
    row: usize,
    /// Whether it counts as a whole word only.
    word: bool,
}

/// The table as it is looked up.
struct Index {
    /// All phrases in one automaton.
    automaton: DFA,
    /// Where a text begins in it.
    start: StateID,
    /// What each pattern of the automaton is.
    phrases: Vec<Phrase>,
    /// The rows that have codes or statuses.
    rows_with_codes: Vec<usize>,
}

static INDEX: LazyLock<Index> = LazyLock::new(|| {
    let phrases = RULES.iter().enumerate().flat_map(|(row, rule)| {
        let phrases = rule.phrases.iter().map(move |&text| (text, Phrase { row, word: false }));
        phrases.chain(rule.words.iter().map(move |&text| (text, Phrase { row, word: true })))
    });
    let (texts, phrases): (Vec<&str>, Vec<Phrase>) = phrases.unzip();
    let automaton = DFA::builder()
        .ascii_case_insensitive(true)
        .start_kind(StartKind::Unanchored)
        .build(texts)
        .expect("invariant: the phrases are few and short");
    let start = automaton.start_state(Anchored::No).expect("invariant: it is built for that");
    let has_codes = |row: &usize| !RULES[*row].codes.is_empty() || !RULES[*row].statuses.is_empty();
    Index { automaton, start, phrases, rows_with_codes: (0..RULES.len()).filter(has_codes).collect() }
});

impl Index {
    /// Gives each phrase in a text to `seen`, by the number of its pattern and with its place, in the order
    /// of their ends.
    #[inline]
    fn phrases_in(&self, text: &[u8], mut seen: impl FnMut(usize, Range<usize>)) {
        let mut state = self.start;
        for (end, &byte) in (1..).zip(text) {
            state = self.automaton.next_state(Anchored::No, state, byte);
            if self.automaton.is_special(state) && self.automaton.is_match(state) {
                for nth in 0..self.automaton.match_len(state) {
                    let pattern = self.automaton.match_pattern(state, nth);
                    seen(pattern.as_usize(), end - self.automaton.pattern_len(pattern)..end);
                }
            }
        }
    }
}

/// More of a text is not looked at. A reply line has at most 512 bytes (RFC 5321, 4.5.3.1.5), and other
/// hosts choose what stands in it.
const MOST_TEXT: usize = 4096;

/// The part of a text that phrases are looked for in.
fn looked_at(text: &[u8]) -> &[u8] {
    &text[..text.len().min(MOST_TEXT)]
}

/// The first row before `best` that a phrase in the text matches, else `best`.
fn phrase_row(text: &[u8], outlook: Outlook, mut best: usize) -> usize {
    let text = looked_at(text);
    INDEX.phrases_in(text, |pattern, place| {
        let phrase = INDEX.phrases[pattern];
        if phrase.row < best
            && outlook.allows(RULES[phrase.row].when)
            && counts(text, place.start, place.end, phrase.word)
        {
            best = phrase.row;
        }
    });
    best
}

/// Whether a phrase that was found is one: a word ends where it ends, and names are no phrases.
fn counts(text: &[u8], start: usize, end: usize, word: bool) -> bool {
    let letter = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let inside = letter(start.checked_sub(1).and_then(|before| text.get(before))) || letter(text.get(end));
    (!word || !inside) && !in_name(text, start, end)
}

/// The longest name that is looked at: a host name has at most 255 bytes.
const NAME_BYTES: usize = 320;

/// Whether the bytes lie in an address or a host name: `user@spam.example`, `<policy>`.
fn in_name(text: &[u8], start: usize, end: usize) -> bool {
    let breaks = |byte: &u8| byte.is_ascii_whitespace() || b"<>()[]{}\"',;".contains(byte);
    let low = start.saturating_sub(NAME_BYTES);
    let high = text.len().min(end + NAME_BYTES);
    let from = text[low..start].iter().rposition(breaks).map_or(low, |at| low + at + 1);
    let to = text[end..high].iter().position(breaks).map_or(high, |at| end + at);
    let word = &text[from..to];
    let dotted = word.windows(3).any(|three| {
        three[1] == b'.' && three[0].is_ascii_alphanumeric() && three[2].is_ascii_alphanumeric()
    });
    let bracketed = from > 0 && text[from - 1] == b'<' && text.get(to) == Some(&b'>');
    let one_word = memchr::memchr(b' ', word).is_none();
    dotted || memchr::memchr(b'@', word).is_some() || bracketed && one_word || text[to..].starts_with(b"\"@")
}

fn matches_code(rule: &Rule, reply: &Reply<'_>) -> bool {
    reply.code.is_some_and(|code| rule.codes.contains(&code))
        || reply.status.is_some_and(|status| matches_status(rule, status))
}

/// A success status beside a failure is not a reason.
fn matches_status(rule: &Rule, status: Status) -> bool {
    let fits = |part: u16, wanted: u16| wanted == ANY || part == wanted;
    let mut rows = rule.statuses.iter();
    status.class != 2
        && rows.any(|&(class, subject, detail)| {
            fits(status.class, class) && fits(status.subject, subject) && fits(status.detail, detail)
        })
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
