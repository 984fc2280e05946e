//! Added fields of `LOG_FORMAT` 1 and 2 by their position, where the options are known.
//!
//! Each enabled field has one blank in front of it. Fields up to the filter are single words or have
//! marks of their own; the texts behind it have none, so the fields behind the texts are found from the
//! end of the line. Two rules settle what the format itself leaves open: a number at the end of an
//! entry is the queue time where that is on, and on R and K entries the reason ends where a host
//! (`dns;`), a reply (`smtp;`) or a transport tuple begins.

use super::Known;
use super::blanks::Blanks;
use super::field::{filter, is_address, is_application, is_queue_file, message_id};
use super::tail::ends_with_field;
use super::user::{begins_status, is_certain, is_login, is_run_user};
use crate::record::code::Action;
use crate::record::number::seconds;
use crate::record::option::{Fields, LogOption, OptionSet};
use crate::record::values::transport;
use crate::record::{Dialect, Message, bytes};

/// Where the options are known from.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Trust {
    /// The configuration.
    Pinned,
    /// Earlier entries: an option may have been switched on since.
    Inferred,
}

/// Reads the fields behind the recipients, from the blank in front of the first one. `None` when the
/// entry does not fit the options; what was read until then is in the message.
pub(super) fn read<'a>(
    rest: &'a [u8],
    fields: &Fields,
    trust: Trust,
    message: &mut Message<'a>,
    known: &Known<'_>,
) -> Option<()> {
    let (mut rest, options) = (rest, fields.options());
    for &option in fields.words() {
        let (value, behind) = word(option, rest, trust, message, known)?;
        message.put(option, value)?;
        rest = behind;
    }
    for &option in fields.tail().iter().rev() {
        let (text, value) = last_word(option, rest, known.blanks);
        message.put(option, value)?;
        rest = text;
    }
    let text = rest.strip_prefix(b" ").unwrap_or(rest);
    if trust == Trust::Inferred && has_field(text, options, message, known) {
        return None;
    }
    texts(text, options, message);
    if message.transport.is_empty() {
        message.transport = transport::find(message.diagnostic).map_or(&[], |found| found.tuple);
    }
    Some(())
}

/// The next word when it can be the field, and what follows it. At the end of the line all are empty.
fn word<'a>(
    option: LogOption,
    rest: &'a [u8],
    trust: Trust,
    message: &Message<'_>,
    known: &Known<'_>,
) -> Option<(&'a [u8], &'a [u8])> {
    let &Known { dialect, blanks, .. } = known;
    let text = rest.strip_prefix(b" ").unwrap_or(rest);
    if matches!(text.first(), None | Some(b' ')) {
        return Some((&[], text));
    }
    let token = || blanks.first_token(text);
    match option {
        LogOption::Filename => Some(token()).filter(|(path, _)| bytes::find::<b'/'>(path).is_some()),
        LogOption::MessageId => Some(message_id(text)).filter(|(id, _)| !id.is_empty()),
        // A status such as 4.4.3 is no host.
        LogOption::Connection if trust == Trust::Inferred && begins_status(text) => None,
        LogOption::Connection => source_system(text, message.code.action == Action::Enqueue, blanks),
        LogOption::Intermediate | LogOption::Initial => {
            let (word, behind) = text.split_at(blanks.address_end(text));
            let fits = if trust == Trust::Inferred { is_address(word) } else { starts_plain(text) };
            fits.then_some((word, behind))
        }
        LogOption::Filter => filter(text),
        LogOption::Username => Some(token()).filter(|(name, behind)| {
            is_run_user(name, dialect)
                || is_plain(name)
                    && (trust == Trust::Pinned || is_user(name, behind, message.code.action, dialect))
        }),
        LogOption::EnvelopeId => Some(token()).filter(|(id, _)| !is_queue_file(id)),
        // A number that is none does not fit, which the message finds out.
        _ => Some(token()),
    }
}

fn starts_plain(text: &[u8]) -> bool {
    !matches!(text.first(), Some(b'<' | b'(' | b'\''))
}

/// A word that does not look like a field of another kind.
fn is_plain(token: &[u8]) -> bool {
    let marked = || bytes::find_either::<b';', b'/'>(token).is_some();
    starts_plain(token) && !(marked() && (bytes::find::<b';'>(token).is_some() || is_queue_file(token)))
}

/// `name (name [ip])`, `name ([ip])`, or a bare host name: of another channel on an enqueue, or the
/// remote host's in front of `dns;`.
fn source_system<'a>(text: &'a [u8], enqueue: bool, blanks: &Blanks) -> Option<(&'a [u8], &'a [u8])> {
    let (name, behind) = blanks.first_token(text);
    if !is_plain(name) {
        return None;
    }
    if let Some(group) = behind.strip_prefix(b" (") {
        let close = memchr::memchr_iter(b')', group)
            .find(|&close| matches!(group.get(close + 1), None | Some(b' ')))?;
        return Some(text.split_at(name.len() + 2 + close + 1));
    }
    let host =
        |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'[' | b']' | b':');
    let named = enqueue || bytes::find::<b'.'>(name).is_some() || behind.starts_with(b" dns;");
    (named && name.iter().all(host)).then_some((name, behind))
}

/// The last word when it can be the field, with the text in front of it. A blank at the end stands for
/// an empty field.
fn last_word<'a>(option: LogOption, text: &'a [u8], blanks: &Blanks) -> (&'a [u8], &'a [u8]) {
    if let [head @ .., b' '] = text {
        return (head, &[]);
    }
    let (head, token) = blanks.last_token(text);
    if token.len() == text.len() {
        return (text, &[]);
    }
    let fits = match option {
        LogOption::QueueTime => seconds(token).is_some(),
        LogOption::Application => is_application(token),
        LogOption::Transport => transport::parse(token).is_some(),
        _ => bytes::find::<b';'>(token).is_some_and(|semicolon| {
            semicolon > 0
                && token[..semicolon].iter().all(u8::is_ascii_alphanumeric)
                && &token[..semicolon] != b"smtp"
        }),
    };
    if fits { (head, token) } else { (text, &[]) }
}

/// Whether a word is a user where the option may have been switched off since. An enqueue has no text
/// that a word could belong to.
fn is_user(token: &[u8], behind: &[u8], action: Action, dialect: &Dialect) -> bool {
    is_certain(token, dialect)
        || is_login(token, behind, true)
        || action == Action::Enqueue
            && token[0].is_ascii_alphabetic()
            && bytes::find_either::<b'@', b'/'>(token).is_none()
            && !behind.starts_with(b" (")
}

/// Whether a text has at its start or end what only a field of an option is that was not on before.
fn has_field(text: &[u8], options: OptionSet, message: &Message<'_>, known: &Known<'_>) -> bool {
    let start = text.trim_ascii_start();
    // An enqueue has no delivery status.
    if start.is_empty() || message.code.action == Action::Enqueue {
        return !start.is_empty();
    }
    // A user may stand behind the empty place of an option that is on since.
    let user = options.has(LogOption::Username) && message.username.is_empty();
    starts_with_field(start, user, known) || ends_with_field(text, known.blanks)
}

fn starts_with_field(text: &[u8], user: bool, known: &Known<'_>) -> bool {
    let &Known { dialect, blanks, .. } = known;
    if begins_status(text) {
        return false;
    }
    let (token, behind) = blanks.first_token(text);
    match text[0] {
        b'<' => !message_id(text).0.is_empty(),
        b'\'' => filter(text).is_some(),
        b'*' => true,
        b'"' => is_address(&text[..blanks.address_end(text)]),
        b'0'..=b'9' if token.iter().all(u8::is_ascii_digit) => true,
        _ => {
            is_certain(token, dialect)
                || is_address(token)
                || is_queue_file(token)
                || is_login(token, behind, user)
                || source_system(text, false, blanks).is_some()
                // A user in front of it.
                || behind.strip_prefix(b" ").is_some_and(|text| source_system(text, false, blanks).is_some())
        }
    }
}

/// Reason and delivery status.
fn texts<'a>(text: &'a [u8], options: OptionSet, message: &mut Message<'a>) {
    let given_up = message.code.action.gives_up();
    if !(given_up && options.has(LogOption::Reason)) {
        message.diagnostic = text.trim_ascii();
    } else if !options.has(LogOption::Diagnostics) {
        message.reason = text.trim_ascii();
    } else {
        let (reason, diagnostic) = text.split_at(reason_end(text));
        message.reason = reason.trim_ascii();
        message.diagnostic = diagnostic.trim_ascii();
    }
    message.shown.note(LogOption::Reason, !message.reason.is_empty());
    message.shown.note(LogOption::Diagnostics, !message.diagnostic.is_empty());
}

/// Where a reason ends and a delivery status begins.
fn reason_end(text: &[u8]) -> usize {
    let begins = |start: usize| {
        let rest = &text[start..];
        [&b"dns;"[..], b"smtp;", b"TCP|", b"(TCP|"].iter().any(|mark| rest.starts_with(mark))
    };
    if text.first() == Some(&b' ') || begins(0) {
        return 0;
    }
    memchr::memchr_iter(b' ', text).map(|blank| blank + 1).find(|&start| begins(start)).unwrap_or(text.len())
}
