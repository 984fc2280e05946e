//! `LOG_FORMAT` 4: one self-closing element a line, attributes only; no document around them.
//!
//! `en` is a message entry, `co` a connection entry, `he` a header line. The sample of the guide has raw
//! `<` and `>` inside values (Administration Guide 6.3, "XML log format"), so this is a scanner for
//! attributes and not an XML parser.

use super::{Attribute, Element, MAX_LINE_BYTES, Spans, Values};
use crate::record::format::Format;
use crate::record::prefix::begins_element;
use crate::record::{Line, Skip, Unparsed, bytes};

/// Reads an element that starts the line; values with entities are decoded into `buffer`.
/// `holds_another` is asked whether another entry is in the line, where that may be.
pub(in crate::record) fn read<'a>(
    line: &'a [u8],
    buffer: &'a mut Vec<u8>,
    holds_another: impl FnOnce() -> bool,
) -> Line<'a> {
    let name_end = name_end(line);
    let element = match (Element::named(&line[1..name_end]), &line[1..name_end]) {
        (Some(Element::Header), _) => return Line::Skipped(Skip::Header),
        (Some(element), _) => element,
        (None, [first, ..]) if first.is_ascii_alphabetic() && line.ends_with(b">") => {
            return Line::Skipped(Skip::OtherElement);
        }
        (None, _) => return Line::Unparsed(Unparsed::MalformedXml),
    };
    buffer.clear();
    let mut spans = Spans::new();
    let Some(end) = scan(line, name_end, &mut spans, buffer) else {
        return Line::Unparsed(Unparsed::MalformedXml);
    };
    // An element that was cut may go on with the attributes of another one.
    let usual = spans.begin_as_usual() && line.len() - end <= ELEMENT_END.len();
    if !usual && holds_another() {
        return Line::Unparsed(Unparsed::Torn);
    }
    let values = Values { line, decoded: buffer, spans, format: Format::Xml };
    values.entry(element, Unparsed::MalformedXml)
}

/// What an element ends with.
const ELEMENT_END: &[u8] = b"/>";

fn name_end(line: &[u8]) -> usize {
    line[1..].iter().position(|byte| !byte.is_ascii_alphanumeric()).map_or(line.len(), |end| end + 1)
}

/// Where the entry that a text starts with ends, if it is whole.
pub(in crate::record) fn end_of_entry(text: &[u8]) -> Option<usize> {
    let name_end = name_end(text);
    let element = Element::named(&text[1..name_end])?;
    let mut decoded = Vec::new();
    let mut spans = Spans::new();
    let end = scan(text, name_end, &mut spans, &mut decoded)?;
    let alone = spans.begin_as_usual()
        || !memchr::memchr_iter(b'<', &text[1..end]).any(|at| begins_element(&text[1 + at..]));
    let values = Values { line: text, decoded: &decoded, spans, format: Format::Xml };
    let entry = values.entry(element, Unparsed::MalformedXml);
    let behind = memchr::memchr(b'>', &text[end..]).map_or(end, |close| end + close + 1);
    (alone && !matches!(entry, Line::Unparsed(_))).then_some(behind)
}

/// Scans `name="value"` pairs up to the end of the element, and says where that is.
#[expect(clippy::inline_always, reason = "all of an entry is read here, and this is a tenth of its cost")]
#[inline(always)]
fn scan(line: &[u8], start: usize, spans: &mut Spans, buffer: &mut Vec<u8>) -> Option<usize> {
    if line.len() > MAX_LINE_BYTES {
        return None;
    }
    let mut position = start;
    loop {
        position += line[position..].iter().position(|byte| !byte.is_ascii_whitespace())?;
        if line[position..].starts_with(b"/>") || line[position] == b'>' {
            return Some(position);
        }
        let equals = position + bytes::find::<b'='>(&line[position..])?;
        let quote = *line.get(equals + 1).filter(|byte| matches!(byte, b'"' | b'\''))?;
        let value = equals + 2;
        let end = value + closing_quote(line.get(value..)?, quote)?;
        if let Some(attribute) = Attribute::named(&line[position..equals]) {
            if bytes::find::<b'&'>(&line[value..end]).is_none() {
                spans.in_line(attribute, value, end);
            } else {
                let first = buffer.len();
                decode(&line[value..end], buffer);
                spans.in_buffer(attribute, first, buffer.len());
            }
        }
        position = end + 1;
    }
}

/// A quote ends a value when an attribute or the end of the element may follow it.
fn closing_quote(value: &[u8], quote: u8) -> Option<usize> {
    let find = if quote == b'"' { bytes::find::<b'"'> } else { bytes::find::<b'\''> };
    let mut start = 0;
    loop {
        let end = start + find(value.get(start..)?)?;
        if value.get(end + 1).is_some_and(|byte| byte.is_ascii_whitespace() || matches!(byte, b'/' | b'>')) {
            return Some(end);
        }
        start = end + 1;
    }
}

fn decode(value: &[u8], buffer: &mut Vec<u8>) {
    let mut rest = value;
    while let Some(ampersand) = memchr::memchr(b'&', rest) {
        buffer.extend_from_slice(&rest[..ampersand]);
        rest = &rest[ampersand..];
        let semicolon = memchr::memchr(b';', &rest[..rest.len().min(12)]);
        let consumed = semicolon.filter(|&semicolon| entity(&rest[1..semicolon], buffer));
        // What is no entity stays as it stands.
        let consumed = consumed.map_or_else(
            || {
                buffer.push(b'&');
                1
            },
            |semicolon| semicolon + 1,
        );
        rest = &rest[consumed..];
    }
    buffer.extend_from_slice(rest);
}

/// The five entities of XML 1.0 and numeric references.
fn entity(name: &[u8], buffer: &mut Vec<u8>) -> bool {
    let byte = match name {
        b"amp" => b'&',
        b"lt" => b'<',
        b"gt" => b'>',
        b"quot" => b'"',
        b"apos" => b'\'',
        [b'#', digits @ ..] => return reference(digits, buffer),
        _ => return false,
    };
    buffer.push(byte);
    true
}

fn reference(digits: &[u8], buffer: &mut Vec<u8>) -> bool {
    let (digits, radix) = match digits {
        [mark, rest @ ..] if mark.eq_ignore_ascii_case(&b'x') => (rest, 16),
        _ => (digits, 10),
    };
    let text = std::str::from_utf8(digits).unwrap_or_default();
    let Some(character) = u32::from_str_radix(text, radix).ok().and_then(char::from_u32) else {
        return false;
    };
    buffer.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
    true
}
