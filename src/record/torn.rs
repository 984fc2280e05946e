//! Where a whole entry stands behind one that was cut, in the same line.
//!
//! It has all that makes an entry: a time stamp with channels, code, size and addresses behind it, a whole
//! element or a whole object. A text may quote a date, or even an entry: in the texts of an entry that is whole
//! so far, another one begins only where nothing, not even a blank, separates it from what is in front.

use super::code::Action;
use super::named::{end_of_element, end_of_object};
use super::positional::{Texts, is_certain, is_queue_file};
use super::values::timestamp;
use super::{Dialect, Line, Reader, Skip, bytes, prefix};

/// How many places in a line are looked at closely. Lines with more of them are not ours.
const MAX_PLACES: usize = 64;
/// How much of an entry shows that it is one, where fields are known by their position.
const HEAD_BYTES: usize = 4096;

/// Where the first whole entry begins that is not at the start of the line.
pub(super) fn next(line: &[u8], dialect: &Dialect) -> Option<usize> {
    // An entry that names its fields may be whole, and holds what looks like one.
    let start = bytes::blanks(line);
    let end = end_of_named(&line[start..]).map_or(1, |end| start + end);
    places(line, end).take(MAX_PLACES).find(|&at| is_entry(&line[at..], dialect, false))
}

/// Where the element or object that a text starts with ends, if it is a whole entry.
fn end_of_named(text: &[u8]) -> Option<usize> {
    match text.first()? {
        b'<' => end_of_element(text),
        b'{' => end_of_object(text),
        _ => None,
    }
}

/// Whether another entry begins in the fields and texts of one: glued to what is in front of it, or right at the
/// start of fields or text.
#[cold]
pub(super) fn begins_within(fields: &[u8], texts: Texts, dialect: &Dialect) -> bool {
    let glued = |at: &usize| match at.checked_sub(1).map(|before| fields[before]) {
        _ if texts.none => true,
        Some(before) if b" \t\"'([{<=,".contains(&before) => {
            texts.start == Some(*at) || are_fields(&fields[..*at], dialect)
        }
        None | Some(_) => true,
    };
    places(fields, 0).filter(glued).take(MAX_PLACES).any(|at| is_entry(&fields[at..], dialect, !texts.none))
}

/// Whether words are fields of an entry, so that no text has begun.
fn are_fields(words: &[u8], dialect: &Dialect) -> bool {
    words.split(|byte| *byte == b' ').all(|word| {
        word.iter().all(u8::is_ascii_digit)
            || matches!(word, [b'<'] | [b'<', .., b'>'])
            || is_queue_file(word)
            || is_certain(word, dialect)
    })
}

/// Where entries may begin: at time stamps, elements and objects.
fn places(text: &[u8], from: usize) -> impl Iterator<Item = usize> {
    let marks = memchr::memchr3_iter(b'-', b'<', b'{', text);
    marks.filter_map(move |mark| place(text, mark)).filter(move |&at| at >= from)
}

fn place(text: &[u8], mark: usize) -> Option<usize> {
    match text[mark] {
        b'<' => prefix::begins_element(&text[mark..]).then_some(mark),
        b'{' => prefix::is_object(&text[mark..]).then_some(mark),
        _ => {
            let two = mark.checked_sub(2).filter(|&at| timestamp::text(&text[at..]).is_some());
            let one = || {
                let at = mark.checked_sub(1)?;
                let alone = at == 0 || !text[at - 1].is_ascii_digit();
                timestamp::text(&text[at..]).filter(|_| alone).map(|_| at)
            };
            two.filter(|&at| text[at] != b' ').or_else(one)
        }
    }
}

/// Whether a text starts with a whole entry; `padded` asks for columns of the width that the MTA gives them.
fn is_entry(text: &[u8], dialect: &Dialect, padded: bool) -> bool {
    match text.first() {
        Some(b'<' | b'{') => end_of_named(text).is_some(),
        _ => is_positional_entry(text, dialect, padded),
    }
}

/// Columns of channels are so wide, with their blank.
const COLUMN_BYTES: usize = 13;

/// Whether a channel is followed by the blanks of its column.
fn is_padded(channel: &[u8], head: &[u8]) -> bool {
    let start = channel.as_ptr().addr().wrapping_sub(head.as_ptr().addr());
    let behind = head.get(start..).and_then(|text| text.get(channel.len()..)).unwrap_or_default();
    let blanks = bytes::blanks(behind);
    blanks == 1 && channel.len() >= COLUMN_BYTES || channel.len() + blanks >= COLUMN_BYTES
}

fn is_positional_entry(line: &[u8], dialect: &Dialect, padded: bool) -> bool {
    let head = &line[..line.len().min(HEAD_BYTES)];
    match Reader::within(dialect.clone()).read(head) {
        Line::Message(message) => {
            message.code.action != Action::BadCommand
                && !message.original_to.is_empty()
                && !message.to.is_empty()
                && (bytes::find::<b' '>(message.from).is_none() || message.from.first() == Some(&b'"'))
                && (!padded || is_padded(message.source_channel, head))
        }
        Line::Connection(connection) => {
            (connection.transport.is_some() || !connection.application.is_empty())
                && (!padded || is_padded(connection.channel, head))
        }
        entry => entry == Line::Skipped(Skip::Header),
    }
}
