//! Added fields of `LOG_FORMAT` 1 and 2 by their shape, where the options are not known.
//!
//! A log does not say which of its fields are switched on, but a queue file, a message id or a source
//! system look like nothing else.

use super::field::{filter, is_address, is_application, is_queue_file, message_id};
use super::tail::Behind;
use super::user::{begins_status, is_certain, is_login, is_run_user};
use crate::record::bytes::{self, behind_blanks, first_token};
use crate::record::code::{Action, Failed, Stage};
use crate::record::number::integer;
use crate::record::option::{LogOption, OptionSet};
use crate::record::values::address::token_end;
use crate::record::values::transport;
use crate::record::{Dialect, Message};

/// The added fields behind the recipients, in the order in which the MTA writes them. `rest` is
/// empty or starts with the blank in front of the next field.
pub(super) struct ByShape<'a> {
    pub(super) rest: &'a [u8],
    /// What the log had on at first, where that is known: this entry does not fit it, but what looks
    /// like nothing in particular is rather one of these.
    pub(super) usual: OptionSet,
}

impl<'a> ByShape<'a> {
    /// Reads them into the message.
    pub(super) fn read(mut self, message: &mut Message<'a>, dialect: &Dialect) {
        message.notary = self.notary(message.code.action, dialect);
        message.filename = self.take_if(is_queue_file);
        self.ids(message, dialect);
        message.username = self.username(message.code.action, dialect);
        message.source_system = self.source_system();
        self.levels(message);
        message.intermediate = self.address();
        message.initial = self.address();
        let before_filter = self.rest.len();
        message.filter = self.filter();
        // A list of no actions is `''`, and shows the option too.
        message.shown.note(LogOption::Filter, self.rest.len() < before_filter);
        self.remainder(message);
        message.note_added_fields();
    }

    /// What is behind the filter.
    fn remainder(&self, message: &mut Message<'a>) {
        let remainder = self.rest.trim_ascii();
        // An enqueue has no diagnostic: one last word is the user or the sending channel's host.
        if message.code.action == Action::Enqueue
            && !remainder.is_empty()
            && memchr::memchr(b' ', remainder).is_none()
        {
            if is_application(remainder) {
                message.application = remainder;
                return;
            }
            let unset = message.username.is_empty() && memchr::memchr(b'.', remainder).is_none();
            let field = if unset { &mut message.username } else { &mut message.source_system };
            *field = remainder;
            return;
        }
        let behind = Behind::of(self.rest, message.code.action, self.usual);
        message.shown.note(LogOption::Transport, !behind.transport.is_empty());
        message.diagnostic = behind.diagnostic;
        message.remote_mta = behind.remote_mta;
        message.transport = match behind.transport {
            [] => transport::find(behind.diagnostic).map_or(&[], |found| found.tuple),
            tuple => tuple,
        };
        message.application = behind.application;
        message.queue_seconds = behind.queue_seconds;
    }

    /// The next token without taking it; `None` at the end.
    fn peek(&self) -> Option<(&'a [u8], &'a [u8])> {
        self.rest.strip_prefix(b" ").map(first_token)
    }

    fn take_if(&mut self, wanted: fn(&[u8]) -> bool) -> &'a [u8] {
        match self.peek() {
            Some((token, rest)) if wanted(token) => {
                self.rest = rest;
                token
            }
            _ => &[],
        }
    }

    /// Flags such as 276; not the reply code of our own rejection (`550 5.7.1 …`) or failed attempt.
    fn notary(&mut self, action: Action, dialect: &Dialect) -> Option<u32> {
        let (token, rest) = self.peek()?;
        let flags = u32::try_from(integer(token)?).ok()?;
        let next = first_token(behind_blanks(rest)).0;
        let of_a_message = is_queue_file(next) || next.first() == Some(&b'<');
        let row = action.row();
        let own_reply = match (row.stage, row.failed) {
            (Stage::Offered, _) => (400..600).contains(&flags) && !is_certain(next, dialect),
            (_, Some(Failed::Attempt(_))) => (400..600).contains(&flags) && begins_reply(rest, dialect),
            _ => false,
        };
        if own_reply && !of_a_message {
            return None;
        }
        self.rest = rest;
        Some(flags)
    }

    /// Envelope id and message id. A message id may be followed by text without a blank in between,
    /// and a field that is off in between may leave a second blank in front of it.
    fn ids(&mut self, message: &mut Message<'a>, dialect: &Dialect) {
        if let Some((first, rest)) = self.peek()
            && first.first() != Some(&b'<')
            && bytes::find::<b'@'>(first).is_some()
            && (!message.filename.is_empty() && !rest.starts_with(b" <") || self.is_user(rest, dialect))
        {
            // Without a message id, the file in front of it or the user behind it tells an envelope id.
            message.envelope_id = first;
            self.rest = rest;
            return;
        }
        if let Some((first, rest)) = self.peek()
            && first.first() != Some(&b'<')
            && rest.starts_with(b" <")
            && (first.is_empty() || bytes::find::<b'@'>(first).is_some())
        {
            message.envelope_id = first;
            self.rest = rest;
        }
        message.message_id = self.id();
        if message.envelope_id.is_empty() && !message.message_id.is_empty() {
            let second = self.id();
            if !second.is_empty() {
                message.envelope_id = std::mem::replace(&mut message.message_id, second);
            }
        }
    }

    /// Whether a user comes next in front of what else the entry has.
    fn is_user(&self, rest: &[u8], dialect: &Dialect) -> bool {
        let (word, behind) = first_token(rest.strip_prefix(b" ").unwrap_or(rest));
        is_certain(word, dialect) || self.usual.has(LogOption::Username) && is_login(word, behind, true)
    }

    fn id(&mut self) -> &'a [u8] {
        let Some(text) = self.rest.strip_prefix(b" ") else { return &[] };
        let (id, rest) = message_id(text);
        if !id.is_empty() {
            self.rest = rest;
        }
        id
    }

    /// A known run user, or an authenticated one behind `*`. The fields in front of it may all be
    /// empty, which leaves a blank each.
    fn username(&mut self, action: Action, dialect: &Dialect) -> &'a [u8] {
        let (token, rest) = first_token(behind_blanks(self.rest));
        let usual = self.usual.has(LogOption::Username);
        let login = (usual || action != Action::Enqueue) && is_login(token, rest, usual);
        if is_certain(token, dialect) || login || self.is_local_user(action) {
            self.rest = rest;
            return token;
        }
        &[]
    }

    /// A local submission carries any user's name, in front of a source system.
    fn is_local_user(&self, action: Action) -> bool {
        let Some((token, rest)) = self.peek() else { return false };
        action.is_submission()
            && !token.is_empty()
            && Self { rest: self.rest, ..*self }.source_system().is_empty()
            && !Self { rest, ..*self }.source_system().is_empty()
    }

    /// `name (name [ip])`, `name ([ip])`, or the bare host name in front of a delivery status. Empty
    /// fields in front of it leave a blank each.
    fn source_system(&mut self) -> &'a [u8] {
        let text = behind_blanks(self.rest);
        let (name, rest) = first_token(text);
        if name.is_empty() || name.starts_with(b"(") || bytes::find_either::<b';', b'@'>(name).is_some() {
            return &[];
        }
        let end = if let Some(host) = rest.strip_prefix(b" dns;") {
            // A word without a dot may be the user, unless it is that host again.
            let remote = bytes::find::<b'.'>(name).is_some() || first_token(host).0 == name;
            remote.then_some(name.len())
        } else {
            let behind = behind_blanks(rest);
            let usual = self.usual.has(LogOption::Connection);
            // Where nothing or an empty field follows, it is no part of a text either.
            let status = || usual || rest.starts_with(b"  ") || behind.is_empty() || begins_status(behind);
            let bare = || (is_host(name) && status()).then_some(name.len());
            group_end(rest).map(|end| name.len() + end).or_else(bare)
        };
        let Some(end) = end else { return &[] };
        let (field, rest) = text.split_at(end);
        self.rest = rest;
        field
    }

    /// Sensitivity and priority: single digits; one alone counts as the priority.
    fn levels(&mut self, message: &mut Message<'a>) {
        // What is empty in front of them leaves its blank: Q, R and K have no source system.
        let fields = [
            (message.source_system, LogOption::Connection),
            (message.username, LogOption::Username),
            (message.message_id, LogOption::MessageId),
            (message.envelope_id, LogOption::EnvelopeId),
            (message.filename, LogOption::Filename),
        ];
        let empty = fields.iter().take_while(|(field, _)| field.is_empty());
        let left = empty.filter(|(_, option)| self.usual.has(*option)).count();
        for _ in 0..left {
            self.rest =
                self.rest.strip_prefix(b" ").filter(|rest| rest.starts_with(b" ")).unwrap_or(self.rest);
        }
        // Behind more blanks than that, a digit at the end of the line is the queue time.
        let text = behind_blanks(self.rest);
        if matches!(text, [b'0'..=b'9', b' ', ..]) {
            self.rest = &self.rest[(self.rest.len() - text.len()).saturating_sub(1)..];
        } else if self.usual.has(LogOption::QueueTime) {
            return;
        }
        message.priority = self.take_if(is_small_integer);
        let second = self.take_if(is_small_integer);
        if !second.is_empty() {
            message.sensitivity = std::mem::replace(&mut message.priority, second);
        }
    }

    /// An intermediate or initial address: a word with an at sign in it that nothing marks as an id.
    fn address(&mut self) -> &'a [u8] {
        let text = behind_blanks(self.rest);
        let (word, rest) = text.split_at(token_end(text, 0));
        if !is_address(word) {
            return &[];
        }
        self.rest = rest;
        word
    }

    /// A list in single quotes, `''` when empty.
    fn filter(&mut self) -> &'a [u8] {
        let Some((list, rest)) = filter(behind_blanks(self.rest)) else { return &[] };
        self.rest = rest;
        &list[1..list.len() - 1]
    }
}

/// Whether a reply goes on behind its code: with an enhanced status, or with a word that is no field.
fn begins_reply(rest: &[u8], dialect: &Dialect) -> bool {
    let Some((word, _)) = rest.strip_prefix(b" ").map(first_token) else { return false };
    match word {
        [b'4' | b'5', b'.', b'0'..=b'9', ..] => true,
        [first, ..] => {
            first.is_ascii_alphabetic() && bytes::find::<b';'>(word).is_none() && !is_run_user(word, dialect)
        }
        [] => false,
    }
}

/// Where ` (name [ip])` or ` ([ip])` ends.
fn group_end(text: &[u8]) -> Option<usize> {
    let group = text.strip_prefix(b" (")?;
    let close = memchr::memmem::find(group, b"])")?;
    let inner = &group[..close];
    let nested = memchr::memchr2(b'(', b')', inner).is_some();
    (!nested && memchr::memchr(b'[', inner).is_some()).then_some(2 + close + 2)
}

/// A host's full name, which a status such as 4.4.3 is not.
fn is_host(word: &[u8]) -> bool {
    let fits = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    bytes::find::<b'.'>(word).is_some()
        && word.last().is_some_and(u8::is_ascii_alphanumeric)
        && word.iter().all(fits)
        && word.iter().any(u8::is_ascii_alphabetic)
}

fn is_small_integer(token: &[u8]) -> bool {
    token.len() == 1 && token[0].is_ascii_digit()
}
