//! Optional fields of `LOG_FORMAT` 1 and 2 by their shape, where the options are not known.
//!
//! A log does not say which of its fields are switched on, but a queue file, a message id or a source
//! system look like nothing else.

use super::attribute::seconds;
use super::code::Action;
use super::columns::{first_token, integer};
use super::option::LogOption;
use super::{Dialect, Message, behind_blanks, near, queue_file, transport};

/// The users that the product's installers make for the MTA (Administration Guide, all releases).
const RUN_USERS: [&[u8]; 4] = [b"mailsrv", b"inetmail", b"inetuser", b"mailsrv2"];

/// The optional fields behind the recipients, in the order in which the MTA writes them. `rest` is
/// empty or starts with the blank in front of the next field.
pub(super) struct Optional<'a> {
    pub(super) rest: &'a [u8],
}

impl<'a> Optional<'a> {
    /// Reads them into the message.
    pub(super) fn read(mut self, message: &mut Message<'a>, dialect: &Dialect) {
        message.notary = self.notary(message.action, dialect);
        message.filename = self.take_if(is_queue_file);
        self.ids(message);
        message.username = self.username(message.action, dialect);
        message.source_system = self.source_system();
        self.skip_empty_source_system();
        if !message.source_system.is_empty() || self.starts_with_two_levels() {
            message.sensitivity = self.take_if(is_small_integer);
            message.priority = self.take_if(is_small_integer);
        }
        let before_filter = self.rest.len();
        message.filter = self.filter();
        // A list of no actions is `''`, and shows the option too.
        message.shown.note(LogOption::Filter, self.rest.len() < before_filter);
        self.remainder(message);
        message.note_optional_fields();
    }

    /// What is behind the filter.
    fn remainder(&self, message: &mut Message<'a>) {
        let remainder = self.rest.trim_ascii();
        // An enqueue has no diagnostic: one last word is the user or the sending channel's host.
        if message.action.letter == b'E' && !remainder.is_empty() && memchr::memchr(b' ', remainder).is_none()
        {
            let unset = message.username.is_empty() && memchr::memchr(b'.', remainder).is_none();
            let field = if unset { &mut message.username } else { &mut message.source_system };
            *field = remainder;
            return;
        }
        let (diagnostic, transport, behind) = behind_diagnostic(remainder);
        message.diagnostic = diagnostic;
        message.transport = match transport {
            Some(transport) => {
                message.shown.note(LogOption::Transport, true);
                transport
            }
            None => transport::find(diagnostic).map_or(&[], |found| found.tuple),
        };
        let (application, behind) = first_token(behind);
        message.application = application;
        message.queue_seconds = seconds(behind.trim_ascii());
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
        let own_reply = match action.letter {
            b'B' | b'J' | b'V' => (200..600).contains(&flags),
            b'Q' | b'Z' | b'R' | b'K' => (400..600).contains(&flags) && begins_reply(rest, dialect),
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
    fn ids(&mut self, message: &mut Message<'a>) {
        if let Some((first, rest)) = self.peek()
            && first.first() != Some(&b'<')
            && rest.starts_with(b" <")
            && (first.is_empty() || !message.filename.is_empty() && memchr::memchr(b'@', first).is_some())
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
        let authenticated = token.len() > 1 && token[0] == b'*';
        if is_run_user(token, dialect) || authenticated || self.is_local_user(action) {
            self.rest = rest;
            return token;
        }
        &[]
    }

    /// A local submission carries any user's name, in front of a source system.
    fn is_local_user(&self, action: Action) -> bool {
        let Some((token, rest)) = self.peek() else { return false };
        matches!(action.letter, b'E' | b'J' | b'V' | b'B')
            && !token.is_empty()
            && Self { rest: self.rest }.source_system().is_empty()
            && !Self { rest }.source_system().is_empty()
    }

    /// `name (name [ip])`, `name ([ip])`, or the bare host name in front of `dns;` on a dequeue.
    fn source_system(&mut self) -> &'a [u8] {
        let Some((name, rest)) = self.peek() else { return &[] };
        if name.is_empty() || name.starts_with(b"(") || near::find::<b';'>(name).is_some() {
            return &[];
        }
        if let Some(host) = rest.strip_prefix(b" dns;") {
            // A word without a dot may be the user, unless it is that host again.
            let remote = near::find::<b'.'>(name).is_some() || first_token(host).0 == name;
            if !remote {
                return &[];
            }
            self.rest = rest;
            return name;
        }
        let Some(group) = rest.strip_prefix(b" (") else { return &[] };
        let Some(close) = memchr::memmem::find(group, b"])") else { return &[] };
        let inner = &group[..close];
        let nested = memchr::memchr2(b'(', b')', inner).is_some();
        if nested || memchr::memchr(b'[', inner).is_none() {
            return &[];
        }
        let text = &self.rest[1..];
        let (field, rest) = text.split_at(name.len() + 2 + close + 2);
        self.rest = rest;
        field
    }

    /// Q, R and K have no source system: its blank stands alone in front of sensitivity and priority.
    fn skip_empty_source_system(&mut self) {
        if let Some(rest) = self.rest.strip_prefix(b" ")
            && (Self { rest }).starts_with_two_levels()
        {
            self.rest = rest;
        }
    }

    /// Whether sensitivity and priority come next: two single digits.
    fn starts_with_two_levels(&self) -> bool {
        matches!(self.rest, [b' ', b'0'..=b'9', b' ', b'0'..=b'9', rest @ ..] if matches!(rest, [] | [b' ', ..]))
    }

    /// A list in single quotes, `''` when empty.
    fn filter(&mut self) -> &'a [u8] {
        let Some((list, rest)) = self.rest.strip_prefix(b" ").and_then(filter) else { return &[] };
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
            first.is_ascii_alphabetic() && near::find::<b';'>(word).is_none() && !is_run_user(word, dialect)
        }
        [] => false,
    }
}

/// Cuts off what `LOG_CONNECTION` bits 5 and 6 and `LOG_QUEUE_TIME` put behind the diagnostic: a
/// bare transport tuple (one in parentheses is part of the diagnostic), application information,
/// and seconds. Their words, such as `SMTP/TLS-…`, say nothing about why an attempt failed.
fn behind_diagnostic(remainder: &[u8]) -> (&[u8], Option<&[u8]>, &[u8]) {
    // Its last bar is in the tuple unless a text has some.
    let bars = memchr::memrchr_iter(b'|', remainder);
    let mut starts = bars.filter_map(|bar| bar.checked_sub(3)).filter(|&start| {
        remainder[start..].starts_with(b"TCP|") && (start == 0 || remainder[start - 1] == b' ')
    });
    let Some(start) = starts.next() else { return (remainder, None, &[]) };
    let (tuple, behind) = first_token(&remainder[start..]);
    match transport::parse(tuple) {
        Some(_) => (remainder[..start].trim_ascii(), Some(tuple), behind_blanks(behind)),
        None => (remainder, None, &[]),
    }
}

/// `<id>` or `<new>,<original>` at the start, and what follows, which may do so without a blank.
pub(super) fn message_id(text: &[u8]) -> (&[u8], &[u8]) {
    let none = (&[][..], text);
    let closing = |text: &[u8]| near::find_either::<b'>', b' '>(text).filter(|&end| text[end] == b'>');
    if text.first() != Some(&b'<') {
        return none;
    }
    let Some(mut end) = closing(text) else { return none };
    if text[end + 1..].starts_with(b",<")
        && let Some(second) = closing(&text[end + 1..])
    {
        end += 1 + second;
    }
    // `<user@host>: reason` and `<user@host>... reason` start a diagnostic.
    if matches!(text.get(end + 1), Some(b':' | b'.')) { none } else { text.split_at(end + 1) }
}

/// A list in single quotes at the start, with its quotes, and what follows.
pub(super) fn filter(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let list = text.strip_prefix(b"'")?;
    let mut ends = memchr::memchr_iter(b'\'', list);
    let end = ends.find(|&end| matches!(list.get(end + 1), None | Some(b' ')))?;
    Some(text.split_at(end + 2))
}

/// A user that the MTA's own processes run as.
pub(super) fn is_run_user(token: &[u8], dialect: &Dialect) -> bool {
    RUN_USERS.contains(&token) || dialect.run_users.iter().any(|user| user == token)
}

/// A path whose base name is one of a queue file, or that lies in a queue directory.
pub(super) fn is_queue_file(token: &[u8]) -> bool {
    let base = queue_file::base_name(token);
    base.len() < token.len()
        && (queue_file::parse(base).is_some() || memchr::memmem::find(token, b"/queue/").is_some())
}

fn is_small_integer(token: &[u8]) -> bool {
    token.len() == 1 && token[0].is_ascii_digit()
}
