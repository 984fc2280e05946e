//! `LOG_FORMAT` 1, 2 and 3: fields by position.
//!
//! `date time [node] [pid] source destination code size from original-to to [added …]`; behind the
//! padded channels every enabled field contributes exactly one blank, and an empty one leaves nothing
//! between two blanks (2005Q4 guide, "Understanding the MTA Log Entry Format"). Which added fields
//! are there is not written anywhere. Where the set of options is known, and the entry fits it, they are
//! read by [`by_option`]; else by [`by_shape`]. `LOG_FORMAT` 3 writes a length in front of each text, which
//! [`counted`] reads.

mod blanks;
mod by_option;
mod by_shape;
mod columns;
mod counted;
mod field;
mod tail;
mod user;

pub(super) use blanks::Blanks;
use by_option::Trust;
use columns::{Columns, ColumnsKind};
use field::is_application;
pub(super) use field::is_queue_file;
pub(super) use user::is_certain;

use super::code::Action;
use super::format::Format;
use super::option::{Fields, LogOption};
use super::values::address::token_end;
use super::values::timestamp::{Timestamp, ends_with_year, holds_stamp, is_clock};
use super::values::transport;
use super::{Connection, Dialect, Direction, Line, Message, Skip, Unparsed, bytes};

/// What a positional entry is read by.
pub(super) struct Known<'k> {
    pub(super) dialect: &'k Dialect,
    /// By the options that are pinned or learned.
    pub(super) fields: Option<&'k Fields>,
    /// Of the line.
    pub(super) blanks: &'k Blanks,
    /// Whether the entry stands within the line of another one.
    pub(super) within: bool,
    /// Whether another entry begins in the fields of one.
    pub(super) begins_within: fn(&[u8], Texts, &Dialect) -> bool,
}

/// What is asked of the fields of an entry where another one may begin in them.
#[derive(Clone, Copy)]
pub(super) struct Texts {
    /// Where the text begins, if there is one.
    pub(super) start: Option<usize>,
    /// Whether entries with this code have no text, so that nothing in them quotes another one.
    pub(super) none: bool,
}

/// Reads the part behind the time stamp.
pub(super) fn read<'a>(time: Timestamp, rest: &'a [u8], known: &Known<'_>) -> Line<'a> {
    let Some(columns) = Columns::read(rest, known) else {
        let control = rest.iter().any(|byte| byte.is_ascii_control() && *byte != b'\t');
        return Line::Unparsed(if control { Unparsed::Binary } else { Unparsed::NoAction });
    };
    match columns.kind {
        ColumnsKind::Header => Line::Skipped(Skip::Header),
        ColumnsKind::Connection(direction) => read_connection(time, &columns, direction, known),
        ColumnsKind::Message { blocks } => {
            let mut message = Message {
                time,
                node: columns.node,
                process: columns.process,
                source_channel: columns.source,
                destination_channel: columns.destination,
                code: columns.code,
                blocks,
                ..Message::default()
            };
            match read_message(columns.rest, &mut message, known) {
                Ok(()) => Line::Message(message),
                Err(reason) => Line::Unparsed(reason),
            }
        }
    }
}

fn read_connection<'a>(
    time: Timestamp,
    columns: &Columns<'a>,
    direction: Direction,
    known: &Known<'_>,
) -> Line<'a> {
    let blanks = known.blanks;
    let mut connection = Connection {
        time,
        node: columns.node,
        process: columns.process,
        channel: columns.source,
        direction,
        code: columns.code,
        transport: None,
        application: &[],
        text: &[],
        username: &[],
        diagnostic: &[],
    };
    let rest = blanks.behind(columns.rest);
    if may_be_counted(known.dialect, rest) && counted::connection(rest, &mut connection).is_some() {
        return Line::Connection(connection);
    }
    let all = columns.rest;
    let (token, behind) = blanks.first_token(rest);
    connection.transport = transport::parse(token);
    let rest = if connection.transport.is_some() { blanks.behind(behind) } else { rest };
    let (token, behind) = blanks.first_token(rest);
    (connection.application, connection.diagnostic) =
        if is_application(token) { (token, blanks.behind(behind)) } else { (&[][..], rest) };
    let text = !connection.diagnostic.is_empty();
    if (text && blanks.have_run(all) || ends_named(all)) && is_torn(all, connection.diagnostic, false, known)
    {
        return Line::Unparsed(Unparsed::Torn);
    }
    Line::Connection(connection)
}

/// Whether the first text has a length in front of it, and the configuration does not say otherwise.
fn may_be_counted(dialect: &Dialect, rest: &[u8]) -> bool {
    rest.first().is_some_and(u8::is_ascii_digit)
        && !matches!(dialect.format, Some(Format::Text | Format::NonNull))
        && counted::starts(rest)
}

/// Reads what is behind the size.
#[expect(
    clippy::inline_always,
    reason = "else each message is moved once more, which a line in a hundred pays for"
)]
#[inline(always)]
fn read_message<'a>(rest: &'a [u8], message: &mut Message<'a>, known: &Known<'_>) -> Result<(), Unparsed> {
    let &Known { dialect, fields, blanks, .. } = known;
    if rest.first().is_some_and(|byte| *byte != b' ') {
        return Err(Unparsed::NoRecipient);
    }
    message.shown.note(LogOption::Node, !message.node.is_empty());
    message.shown.note(LogOption::Process, !message.process.is_empty());
    if is_of_mailserv(message) {
        return read_command(rest, message);
    }
    let counted = may_be_counted(dialect, blanks.behind(rest));
    let options = fields.map(Fields::options);
    if counted && counted::message(rest, message, dialect, options).is_some() {
        let may_be = blanks.have_run(rest) || ends_named(rest);
        let torn = may_be && is_torn(rest, &[], message.code.action == Action::Enqueue, known);
        return if torn { Err(Unparsed::Torn) } else { Ok(()) };
    }
    let Some((anchor, first)) = original_to(rest, blanks) else {
        // A bad command stands where the recipient would, with our reply behind it.
        if message.code.action == Action::BadCommand {
            message.diagnostic = rest.trim_ascii();
            return Ok(());
        }
        if message.code.action.row().may_lack_recipient {
            return read_command(rest, message);
        }
        return Err(if counted { Unparsed::MalformedCount } else { Unparsed::NoRecipient });
    };
    let from = rest[..anchor].trim_ascii();
    if !first && message.code.action != Action::BadCommand && holds_stamp(from) {
        return Err(Unparsed::Torn);
    }
    if from == b"<>" {
        message.format = Format::NonNull;
    }
    message.from = without_brackets(from);
    let behind = &rest[anchor..];
    let (original_to, behind) = behind.split_at(blanks.address_end(behind));
    message.original_to = original_to;
    let Some((_, behind)) = behind.split_first() else {
        let torn = ends_named(original_to) && is_cut_by_name(original_to, &[], known);
        return if torn { Err(Unparsed::Torn) } else { Ok(()) };
    };
    let (to, behind) = behind.split_at(blanks.address_end(behind));
    message.to = without_brackets(to);
    if is_cut(original_to, to, behind) {
        return Err(Unparsed::Torn);
    }
    let may_be = read_added(behind, message, known) || ends_named(rest);
    if may_be
        && (is_cut_by_name(original_to, to, known)
            || is_torn(behind, first_text(message), message.code.action == Action::Enqueue, known))
    {
        return Err(Unparsed::Torn);
    }
    Ok(())
}

fn first_text<'a>(message: &Message<'a>) -> &'a [u8] {
    if message.reason.is_empty() { message.diagnostic } else { message.reason }
}

/// Whether another entry begins in the fields of one, whose text is this; `none` where its code has none.
#[cold]
fn is_torn(fields: &[u8], text: &[u8], none: bool, known: &Known<'_>) -> bool {
    let start = text.as_ptr().addr().wrapping_sub(fields.as_ptr().addr());
    let start = (!text.is_empty() && start <= fields.len()).then_some(start);
    !known.within
        && (ends_named(fields) || holds_stamp(fields))
        && (known.begins_within)(fields, Texts { start, none }, known.dialect)
}

/// Whether an element or an object ends the line.
#[inline]
fn ends_named(text: &[u8]) -> bool {
    matches!(text, [.., b'/', b'>'] | [.., b'}'])
}

/// Reads the fields behind the recipients. Whether another entry may begin among them: its columns have blanks side by
/// side, and where all fields fit the options that are on, these are in the texts or in a long field.
#[inline]
fn read_added<'a>(behind: &'a [u8], message: &mut Message<'a>, known: &Known<'_>) -> bool {
    let &Known { dialect, fields, blanks, .. } = known;
    if let Some(fields) = fields {
        let trust = if dialect.options.is_some() { Trust::Pinned } else { Trust::Inferred };
        if by_option::read(behind, fields, trust, message, known).is_some() {
            let text = first_text(message);
            return !text.is_empty() && blanks.have_run(text) || message.source_system.len() > MANY_BYTES;
        }
        message.forget_added_fields();
    }
    let usual = fields.map(Fields::options).unwrap_or_default();
    by_shape::ByShape { rest: behind, usual }.read(message, dialect);
    blanks.have_run(behind)
}

/// A source system with its names and address is seldom longer.
const MANY_BYTES: usize = 80;

/// Whether an element or an object begins in the recipients, where the entry was cut within them.
#[cold]
fn is_cut_by_name(original_to: &[u8], to: &[u8], known: &Known<'_>) -> bool {
    !known.within
        && [original_to, to].iter().any(|address| {
            let mut starts = memchr::memchr2_iter(b'<', b'{', address);
            starts.any(|at| {
                matches!(
                    &address[at..],
                    [b'<', b'e' | b'c' | b'h', b'n' | b'o' | b'e', ..] | [b'{', b'"', ..]
                )
            })
        })
}

/// Whether the clock of another entry's time stamp stands behind its date, where the entry was cut within its
/// recipients.
fn is_cut(original_to: &[u8], to: &[u8], behind: &[u8]) -> bool {
    let clock = |text: &[u8], date: &[u8]| is_clock(text) && ends_with_year(date);
    to.get(2) == Some(&b':') && clock(to, original_to)
        || behind.get(3) == Some(&b':') && clock(&behind[1..], to)
}

/// Whether PMDF's list server wrote the entry: where a destination would be, it has the times when the command
/// began and ended, `HHMMSSHHMMSS` (PMDF System Manager's Guide, "MAILSERV Channel Usage Logging").
fn is_of_mailserv(message: &Message<'_>) -> bool {
    matches!(message.code.action, Action::RequestFailed | Action::RequestSucceeded)
        && message.destination_channel.len() == 12
        && message.destination_channel.iter().all(u8::is_ascii_digit)
}

/// An entry of PMDF about what somebody asked for: From and the command, with its seconds, and no recipient.
#[cold]
fn read_command<'a>(rest: &'a [u8], message: &mut Message<'a>) -> Result<(), Unparsed> {
    if is_of_mailserv(message) {
        message.destination_channel = &[];
    }
    let text = rest.get(1..).unwrap_or_default();
    let (from, behind) = text.split_at(token_end(text, 0));
    let (from, text) = if bytes::find::<b'@'>(from).is_some() { (from, behind) } else { (&[][..], text) };
    message.from = from;
    message.diagnostic = text.trim_ascii();
    if from.is_empty() && message.diagnostic.is_empty() { Err(Unparsed::NoRecipient) } else { Ok(()) }
}

/// `LOG_FORMAT` 2 writes an empty address as `<>`.
fn without_brackets(address: &[u8]) -> &[u8] {
    if address == b"<>" { &[] } else { address }
}

/// Where the original recipient starts: behind the envelope From, which is one word or nothing. Where
/// an address type does not stand there, the first word behind a blank that has one is the best anchor
/// of a message entry: all in front of it is the From. Whether it is the first one comes with it.
fn original_to(rest: &[u8], blanks: &Blanks) -> Option<(usize, bool)> {
    let behind_from = rest.get(1..).map_or(1, |from| 1 + blanks.address_end(from) + 1);
    if rest.get(behind_from..).is_some_and(|text| has_type(&text[..text.len().min(MAX_TYPE_BYTES + 1)])) {
        return Some((behind_from, true));
    }
    let mut position = 0;
    while let Some(found) = memchr::memchr(b';', &rest[position..]) {
        let semicolon = position + found;
        let start = memchr::memrchr(b' ', &rest[..semicolon])? + 1;
        if has_type(&rest[start..=semicolon]) {
            return Some((start, false));
        }
        position = semicolon + 1;
    }
    None
}

/// The longest type of an address, such as `rfc822`.
const MAX_TYPE_BYTES: usize = 12;

/// Whether a text starts with an address type and its semicolon.
fn has_type(text: &[u8]) -> bool {
    if text.starts_with(b"rfc822;") {
        return true;
    }
    let Some(semicolon) = bytes::find::<b';'>(text) else { return false };
    let kind = &text[..semicolon];
    (2..=MAX_TYPE_BYTES).contains(&kind.len()) && kind.iter().all(u8::is_ascii_alphanumeric)
}
