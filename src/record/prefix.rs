//! An entry behind the prefix of syslog or `grep`: `Jun 11 09:07:57 host mta: `, `mail.log:`, `12:`.

use super::syslog;
use super::values::timestamp::{self, Timestamp};

/// How far into a line an entry may begin, beside a header of RFC 5424: host names may have 255 letters.
const MAX_PREFIX_BYTES: usize = 320;

/// Where an entry begins in a line, by how it is written.
pub(super) enum Entry<'a> {
    /// A time stamp, and what is behind it.
    Text(Timestamp, &'a [u8]),
    /// An XML element.
    Xml(&'a [u8]),
    /// A JSON object.
    Json(&'a [u8]),
}

/// The first entry that begins in the line. What it holds may look like one too, so only the first
/// counts.
pub(super) fn entry(line: &[u8]) -> Option<Entry<'_>> {
    let line = syslog::message(line).unwrap_or(line);
    let head = &line[..line.len().min(MAX_PREFIX_BYTES)];
    let object = memchr::memchr_iter(b'{', head).find(|&start| begins_object(line, start));
    let element = memchr::memchr_iter(b'<', head).find(|&start| begins_element(&line[start..]));
    let stamp = memchr::memchr_iter(b'-', head).find_map(|dash| stamp_around(line, dash));
    let starts = [object, element, stamp.as_ref().map(|(start, ..)| *start)];
    let first = starts.into_iter().flatten().min()?;
    if object == Some(first) {
        Some(Entry::Json(&line[first..]))
    } else if element == Some(first) {
        Some(Entry::Xml(&line[first..]))
    } else {
        stamp.map(|(_, time, rest)| Entry::Text(time, rest))
    }
}

pub(super) fn begins_element(text: &[u8]) -> bool {
    [&b"<en "[..], b"<co ", b"<he "].iter().any(|tag| text.starts_with(tag))
}

/// Behind a blank, a colon, a priority, a process id in brackets or a byte order mark.
fn begins_object(line: &[u8], start: usize) -> bool {
    let before = start.checked_sub(1).map(|before| line[before]);
    matches!(before, None | Some(b' ' | b'\t' | b':' | b'>' | b']' | 0xbf)) && is_object(&line[start..])
}

/// Whether a brace has the name of a member behind it.
pub(super) fn is_object(text: &[u8]) -> bool {
    text[1..].trim_ascii_start().first() == Some(&b'"')
}

/// The time stamp that has this dash behind its day.
fn stamp_around(line: &[u8], dash: usize) -> Option<(usize, Timestamp, &[u8])> {
    // A blank-padded day has one digit; neither `12-Jun` nor `32-Jun` must be read as `2-Jun`.
    [2, 1].into_iter().find_map(|digits| {
        let start = dash.checked_sub(digits)?;
        let cut = start > 0 && line[start - 1].is_ascii_digit() && line[start].is_ascii_digit();
        let (time, rest) = timestamp::text(&line[start..]).filter(|_| !cut)?;
        Some((start, time, rest))
    })
}
